package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	fly "github.com/superfly/fly-go"
	"github.com/superfly/fly-go/flaps"
)

func (s *suite) apps() {
	c := s.client
	s.call(c.CreateApp, "answers with the app, not only with its id", func(ctx context.Context) error {
		made, err := c.CreateApp(ctx, flaps.CreateAppRequest{Name: app, Org: org})
		if err != nil {
			return err
		}

		return all(
			equal("name", made.Name, app),
			equal("status", made.Status, "pending"),
			equal("organization", made.Organization.Slug, org),
			isTrue("it has an id and a number", made.ID != "" && made.InternalNumericID > 0),
		)
	})
	s.call(c.CreateApp, "422 with a status for a name that is taken", func(ctx context.Context) error {
		_, err := c.CreateApp(ctx, flaps.CreateAppRequest{Name: app, Org: org})
		if problem := refused(err, 422, "Validation failed: Name has already been taken"); problem != nil {
			return problem
		}
		code := flaps.GetErrorStatusCode(err)
		if code == nil {
			return errors.New("no status")
		}

		return equal("status", *code, "name_taken")
	})
	s.call(c.CreateApp, "422 for a bad name", func(ctx context.Context) error {
		_, err := c.CreateApp(ctx, flaps.CreateAppRequest{Name: "Not_A_Name", Org: org})

		return refused(err, 422, "Name under 63 chars using numbers, lowercase letters and dashes")
	})
	s.call(c.CreateApp, "404 for an organisation that is nowhere", func(ctx context.Context) error {
		_, err := c.CreateApp(ctx, flaps.CreateAppRequest{Name: "fly-go-other", Org: "nobody"})

		return refused(err, 404, "")
	})
	s.call(c.WaitForApp, "returns for an app that is there", func(ctx context.Context) error {
		return c.WaitForApp(ctx, app)
	})
	s.call(c.GetApp, "gives all that the get has", func(ctx context.Context) error {
		got, err := c.GetApp(ctx, app)
		if err != nil {
			return err
		}

		return all(
			equal("name", got.Name, app),
			equal("network", got.Network, "default"),
			equal("machine_count", got.MachineCount, 0),
			equal("deployed", got.Deployed(), false),
			isTrue("cname_target is there", strings.HasSuffix(got.CnameTarget, app+".fly.dev")),
		)
	})
	s.call(c.GetApp, "404 that names the app", func(ctx context.Context) error {
		_, err := c.GetApp(ctx, "fly-go-missing")

		return all(
			refused(err, 404, `Could not find App "fly-go-missing"`),
			isTrue("it is ErrFlapsNotFound", errors.Is(err, flaps.ErrFlapsNotFound)),
		)
	})
	s.call(c.ListApps, "lists the organisation's apps", func(ctx context.Context) error {
		listed, err := c.ListApps(ctx, flaps.ListAppsRequest{OrgSlug: org})
		if err != nil {
			return err
		}
		for _, one := range listed {
			if one.Name == app {
				return equal("organization", one.Organization.Slug, org)
			}
		}

		return fmt.Errorf("%s is not among %d apps", app, len(listed))
	})
	s.call(c.ListApps, "filters by role", func(ctx context.Context) error {
		listed, err := c.ListApps(ctx, flaps.ListAppsRequest{OrgSlug: org, AppRole: "postgres_cluster"})
		if err != nil {
			return err
		}

		return equal("apps", len(listed), 0)
	})
	s.call(c.ListApps, "404 for an organisation that is nowhere", func(ctx context.Context) error {
		_, err := c.ListApps(ctx, flaps.ListAppsRequest{OrgSlug: "nobody"})

		return refused(err, 404, "")
	})
	s.call(c.AppNameAvailable, "sees the 404 of a free name", func(ctx context.Context) error {
		// This version of fly-go goes by a text that the API does not send, and dereferences nil for a name
		// that is taken: only the free name can be asked for. Later versions go by the status.
		available, err := c.AppNameAvailable(ctx, "fly-go-missing")
		if err == nil && available {
			return nil
		}

		return refused(err, 404, "Could not find App")
	})
	s.call(c.NewRequest, "makes a request that the API answers", func(ctx context.Context) error {
		request, err := c.NewRequest(ctx, "GET", "/apps/"+app, nil, nil)
		if err != nil {
			return err
		}

		return all(
			equal("path", request.URL.Path, "/v1/apps/"+app),
			equal("token", request.Header.Get("Authorization"), "FlyV1 fm2_emulator_anything"),
		)
	})
}

func (s *suite) tokens() {
	as := func(token string, use func(*flaps.Client) error) error {
		client, err := connect(token)
		if err != nil {
			return err
		}

		return use(client)
	}
	s.call(s.client.List, "401 without a token, in the machines' words", func(ctx context.Context) error {
		return as("", func(c *flaps.Client) error {
			_, err := c.List(ctx, app, "")

			return refused(err, 401, "Authenticate: token validation error")
		})
	})
	s.call(s.client.ListCertificates, "401 without a token, in the certificates' words", func(ctx context.Context) error {
		return as("", func(c *flaps.Client) error {
			_, err := c.ListCertificates(ctx, app, nil)

			return refused(err, 401, "Unauthorized")
		})
	})
	s.call(s.client.GetIPAssignments, "401 without a token", func(ctx context.Context) error {
		return as("", func(c *flaps.Client) error {
			_, err := c.GetIPAssignments(ctx, app)

			return refused(err, 401, "Unauthorized")
		})
	})
	s.call(s.client.GetRegions, "needs no token", func(ctx context.Context) error {
		return as("", func(c *flaps.Client) error {
			_, err := c.GetRegions(ctx)

			return err
		})
	})
	s.call(s.client.Launch, "403 for a token that may only read", func(ctx context.Context) error {
		return as("FlyV1 fm2_emulator_readonly", func(c *flaps.Client) error {
			_, err := c.Launch(ctx, app, launchInput("never"))

			return refused(err, 403, "permission_denied")
		})
	})
	s.call(s.client.GetApp, "403 for an app in another organisation", func(ctx context.Context) error {
		return as("FlyV1 fm2_emulator_other_org", func(c *flaps.Client) error {
			_, err := c.GetApp(ctx, app)

			return refused(err, 403, "")
		})
	})
}

func (s *suite) platform() {
	c := s.client
	s.call(c.GetRegions, "regions under the keys of the wire", func(ctx context.Context) error {
		data, err := c.GetRegions(ctx)
		if err != nil {
			return err
		}
		open := 0
		for _, one := range data.Regions {
			if !one.Deprecated {
				open++
			}
			if one.Code == region && (one.Name == "" || one.Latitude == 0 || !one.GatewayAvailable || one.GeoRegion == "") {
				return fmt.Errorf("%s is incomplete: %+v", region, one)
			}
		}

		return all(equal("nearest", data.Nearest, region), equal("regions that are open", open, 18))
	})
	s.call(c.GetPlacements, "where machines would find room", func(ctx context.Context) error {
		found, err := c.GetPlacements(ctx, &flaps.GetPlacementsRequest{
			Org: org, Region: region + ",ams", Count: 2, Weights: &flaps.Weights{"region": 50},
			ComputeRequirements: &fly.MachineGuest{CPUKind: "shared", CPUs: 1, MemoryMB: 256},
			VolumeName:          "data", VolumeSizeBytes: 1 << 30,
		})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return errors.New("nowhere")
		}

		return all(equal("region", found[0].Region, region), equal("count", found[0].Count, 2))
	})
	s.call(c.GetPlacements, "count 0 asks for the room of each region", func(ctx context.Context) error {
		found, err := c.GetPlacements(ctx, &flaps.GetPlacementsRequest{Org: org})
		if err != nil {
			return err
		}

		return isTrue("more than one region has room", len(found) > 1 && found[0].Count > 0 && found[0].Concurrency > 0)
	})
	s.call(c.GetPlacements, "400 for an unknown region", func(ctx context.Context) error {
		_, err := c.GetPlacements(ctx, &flaps.GetPlacementsRequest{Org: org, Region: "xxx"})

		return refused(err, 400, "target region xxx not found")
	})
}

func (s *suite) endOfApps() {
	c := s.client
	s.call(c.DeleteApp, "takes machines and volumes along", func(ctx context.Context) error {
		if err := c.DeleteApp(ctx, app); err != nil {
			return err
		}
		_, err := c.GetApp(ctx, app)

		return refused(err, 404, "Could not find App")
	})
	s.call(c.DeleteApp, "404 the second time", func(ctx context.Context) error {
		return refused(c.DeleteApp(ctx, app), 404, "Could not find App")
	})
	s.call(c.ListFlyAppsMachines, "404 after five seconds of trying", func(ctx context.Context) error {
		_, _, err := c.ListFlyAppsMachines(ctx, app)

		return refused(err, 404, "Could not find App")
	})
}
