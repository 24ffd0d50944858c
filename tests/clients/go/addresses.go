package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"time"

	fly "github.com/superfly/fly-go"
	"github.com/superfly/fly-go/flaps"
)

const host = "www.example.com"

func (s *suite) certificates() {
	c := s.client
	s.call(c.CreateACMECertificate, "answers with what DNS has to say", func(ctx context.Context) error {
		made, err := c.CreateACMECertificate(ctx, app, fly.CreateCertificateRequest{Hostname: host})
		if err != nil {
			return err
		}

		return all(
			equal("hostname", made.Hostname, host), equal("acme_requested", made.AcmeRequested, true),
			isTrue("there is a status", made.Status != ""),
			equal("challenge", made.DNSRequirements.ACMEChallenge.Name, "_acme-challenge."+host),
			isTrue("the challenge has a target", made.DNSRequirements.ACMEChallenge.Target != ""),
			isTrue("ownership: "+made.DNSRequirements.Ownership.Name, strings.HasSuffix(made.DNSRequirements.Ownership.Name, "."+host)),
			isTrue("a CNAME: "+made.DNSRequirements.CNAME, strings.HasSuffix(made.DNSRequirements.CNAME, ".fly.dev")),
		)
	})
	s.call(c.CreateACMECertificate, "422 for no host name, and for one that is there", func(ctx context.Context) error {
		_, badErr := c.CreateACMECertificate(ctx, app, fly.CreateCertificateRequest{Hostname: "no host"})
		_, emptyErr := c.CreateACMECertificate(ctx, app, fly.CreateCertificateRequest{})
		_, sameErr := c.CreateACMECertificate(ctx, app, fly.CreateCertificateRequest{Hostname: host})

		return all(refused(badErr, 422, "ostname"), refused(emptyErr, 422, "ostname"), refused(sameErr, 422, "ostname"))
	})
	s.call(c.CheckCertificate, "until it is issued", func(ctx context.Context) error {
		for range 100 {
			checked, err := c.CheckCertificate(ctx, app, host)
			if err != nil {
				return err
			}
			if checked.Configured {
				return all(equal("hostname", checked.Hostname, host),
					isTrue("it says what DNS has", checked.DNSRecords != nil && len(checked.DNSRecords.ResolvedAddresses) > 0),
					isTrue("it is issued", len(checked.Certificates) == 1 && checked.Certificates[0].Source == "fly" &&
						checked.Certificates[0].Status == "active" && len(checked.Certificates[0].Issued) > 0))
			}
			time.Sleep(100 * time.Millisecond)
		}

		return errors.New("it never was")
	})
	s.call(c.CheckCertificate, "a name that DNS does not have stays without", func(ctx context.Context) error {
		if _, err := c.CreateACMECertificate(ctx, app, fly.CreateCertificateRequest{Hostname: "shop.invalid"}); err != nil {
			return err
		}
		checked, err := c.CheckCertificate(ctx, app, "shop.invalid")
		if err != nil {
			return err
		}

		return all(equal("configured", checked.Configured, false), equal("status", checked.Status, "pending_validation"))
	})
	s.call(c.CreateCustomCertificate, "beside Fly's own", func(ctx context.Context) error {
		fullchain, key, err := selfSigned(host)
		if err != nil {
			return err
		}
		made, err := c.CreateCustomCertificate(ctx, app, fly.ImportCertificateRequest{
			Hostname: host, Fullchain: fullchain, PrivateKey: key})
		if err != nil {
			return err
		}
		sources := []string{}
		for _, one := range made.Certificates {
			sources = append(sources, one.Source)
		}
		slices.Sort(sources)

		return equal("sources", strings.Join(sources, " "), "custom fly")
	})
	s.call(c.CreateCustomCertificate, "422 for what is no certificate", func(ctx context.Context) error {
		_, err := c.CreateCustomCertificate(ctx, app, fly.ImportCertificateRequest{
			Hostname: "other.example.com", Fullchain: "no", PrivateKey: "no"})

		return refused(err, 422, "")
	})
	s.call(c.GetCertificate, "the whole", func(ctx context.Context) error {
		got, err := c.GetCertificate(ctx, app, host)
		if err != nil {
			return err
		}

		return all(equal("hostname", got.Hostname, host), equal("certificates", len(got.Certificates), 2))
	})
	s.call(c.GetCertificate, "404 for a name that is not there", func(ctx context.Context) error {
		_, err := c.GetCertificate(ctx, app, "nowhere.example.com")

		return refused(err, 404, "")
	})
	s.call(c.ListCertificates, "in pages, and filtered", func(ctx context.Context) error {
		page, err := c.ListCertificates(ctx, app, nil)
		if err != nil {
			return err
		}
		filtered, err := c.ListCertificates(ctx, app, &flaps.ListCertificatesOpts{Filter: "shop"})
		if err != nil {
			return err
		}
		if len(page.Certificates) != 2 || len(filtered.Certificates) != 1 {
			return errors.New("not 2 and 1")
		}
		rest, err := c.ListCertificates(ctx, app, &flaps.ListCertificatesOpts{Limit: 500, Cursor: page.NextCursor})
		if err != nil {
			return err
		}

		return all(equal("total", page.TotalCount, 2), equal("cursor", page.NextCursor, ""),
			equal("hostname", filtered.Certificates[0].Hostname, "shop.invalid"), equal("all", len(rest.Certificates), 2))
	})
	s.call(c.DeleteACMECertificate, "leaves the custom one", func(ctx context.Context) error {
		if err := c.DeleteACMECertificate(ctx, app, host); err != nil {
			return err
		}
		got, err := c.GetCertificate(ctx, app, host)
		if err != nil {
			return err
		}

		return all(equal("acme_requested", got.AcmeRequested, false),
			isTrue("the custom one is there", len(got.Certificates) == 1 && got.Certificates[0].Source == "custom"))
	})
	s.call(c.DeleteCustomCertificate, "and 404 the second time", func(ctx context.Context) error {
		return all(c.DeleteCustomCertificate(ctx, app, host), refused(c.DeleteCustomCertificate(ctx, app, host), 404, ""))
	})
	s.call(c.DeleteCertificate, "the whole name", func(ctx context.Context) error {
		if err := c.DeleteCertificate(ctx, app, "shop.invalid"); err != nil {
			return err
		}
		_, err := c.GetCertificate(ctx, app, "shop.invalid")

		return all(refused(err, 404, ""), refused(c.DeleteCertificate(ctx, app, "shop.invalid"), 404, ""))
	})
}

func (s *suite) addresses() {
	c := s.client
	given := map[string]string{}
	s.call(c.AssignIP, "of each type", func(ctx context.Context) error {
		for _, kind := range []string{"v4", "v6", "shared_v4", "private_v6"} {
			made, err := c.AssignIP(ctx, app, flaps.AssignIPRequest{Type: kind})
			if err != nil {
				return err
			}
			address, err := netip.ParseAddr(made.IP)
			if err != nil {
				return err
			}
			if problem := all(equal(kind+": v4", address.Is4(), strings.HasSuffix(kind, "v4")),
				equal(kind+": shared", made.Shared, kind == "shared_v4"),
				equal(kind+": private", made.IsFlycast(), kind == "private_v6"),
				isTrue("it has a date", !made.CreatedAt.IsZero())); problem != nil {
				return problem
			}
			given[kind] = made.IP
		}

		return nil
	})
	s.call(c.AssignIP, "for a service in a region", func(ctx context.Context) error {
		made, err := c.AssignIP(ctx, app, flaps.AssignIPRequest{Type: "v6", Region: "ams", ServiceName: "web"})
		if err != nil {
			return err
		}
		given["web"] = made.IP

		return all(equal("region", made.Region, "ams"), equal("service", made.ServiceName, "web"))
	})
	s.call(c.AssignIP, "400 for an unknown type and an unknown region", func(ctx context.Context) error {
		_, typeErr := c.AssignIP(ctx, app, flaps.AssignIPRequest{Type: "v5"})
		_, regionErr := c.AssignIP(ctx, app, flaps.AssignIPRequest{Type: "v4", Region: "xxx"})

		return all(refused(typeErr, 400, "type"), refused(regionErr, 400, "region"))
	})
	s.call(c.GetIPAssignments, "all of them", func(ctx context.Context) error {
		found, err := c.GetIPAssignments(ctx, app)
		if err != nil {
			return err
		}

		return equal("addresses", len(found.IPs), 5)
	})
	s.call(c.DeleteIPAssignment, "by address, v6 too", func(ctx context.Context) error {
		for _, address := range given {
			if err := c.DeleteIPAssignment(ctx, app, address); err != nil {
				return err
			}
		}
		found, err := c.GetIPAssignments(ctx, app)
		if err != nil {
			return err
		}

		return equal("addresses", len(found.IPs), 0)
	})
	s.call(c.DeleteIPAssignment, "404 for one that is not there", func(ctx context.Context) error {
		return refused(c.DeleteIPAssignment(ctx, app, "198.51.100.1"), 404, "")
	})
}

func selfSigned(name string) (fullchain, privateKey string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", err
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now(), NotAfter: time.Now().AddDate(0, 0, 30),
	}
	certificate, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return "", "", err
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", "", err
	}

	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})), nil
}
