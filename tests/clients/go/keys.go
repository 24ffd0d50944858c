package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	fly "github.com/superfly/fly-go"
)

func (s *suite) secrets() {
	c := s.client
	s.call(c.SetAppSecret, "201 with the new version", func(ctx context.Context) error {
		answer, err := c.SetAppSecret(ctx, app, "TOKEN", "s3cret")
		if err != nil {
			return err
		}

		return all(equal("name", answer.Name, "TOKEN"), equal("version", answer.Version, 1),
			isTrue("it has a digest", len(answer.Digest) >= 16), isTrue("it has a date", answer.UpdatedAt != nil))
	})
	s.call(c.UpdateAppSecrets, "null deletes, unknown names are fine, the version counts up", func(ctx context.Context) error {
		answer, err := c.UpdateAppSecrets(ctx, app, map[string]*string{
			"COLOUR": pointer("blue"), "SHAPE": pointer("round"), "TOKEN": nil, "NEVER_THERE": nil,
		})
		if err != nil {
			return err
		}

		return all(equal("version", answer.Version, 2), equal("secrets", len(answer.Secrets), 2))
	})
	s.call(c.ListAppSecrets, "names and digests, no values", func(ctx context.Context) error {
		found, err := c.ListAppSecrets(ctx, app, nil, false)
		if err != nil {
			return err
		}
		if len(found) != 2 {
			return fmt.Errorf("%d secrets", len(found))
		}

		return all(equal("name", found[0].Name, "COLOUR"), isTrue("no value", found[0].Value == nil),
			isTrue("digests differ", found[0].Digest != found[1].Digest))
	})
	s.call(c.ListAppSecrets, "with a version, and with values for a login", func(ctx context.Context) error {
		found, err := c.ListAppSecrets(ctx, app, pointer(uint64(2)), true)
		if err != nil {
			return err
		}

		return isTrue("values", len(found) == 2 && found[0].Value != nil && *found[0].Value == "blue")
	})
	s.call(c.ListAppSecrets, "412 for a version that is not there yet", func(ctx context.Context) error {
		_, err := c.ListAppSecrets(ctx, app, pointer(uint64(99)), false)

		return refused(err, 412, "")
	})
	s.call(c.GetAppSecrets, "one", func(ctx context.Context) error {
		found, err := c.GetAppSecrets(ctx, app, "COLOUR", nil, true)
		if err != nil {
			return err
		}

		return isTrue("its value", found.Value != nil && *found.Value == "blue")
	})
	s.call(c.GetAppSecrets, "404 for one that is deleted", func(ctx context.Context) error {
		_, err := c.GetAppSecrets(ctx, app, "TOKEN", pointer(uint64(1)), false)

		return refused(err, 404, "secret")
	})
	s.call(c.DeleteAppSecret, "a new version again", func(ctx context.Context) error {
		answer, err := c.DeleteAppSecret(ctx, app, "SHAPE")
		if err != nil {
			return err
		}

		return equal("version", answer.Version, 3)
	})
	s.call(c.Update, "applies the secrets that are there", func(ctx context.Context) error {
		input := launchInput("first")
		input.ID, input.MinSecretsVersion = first.ID, pointer(uint64(3))
		if _, err := c.Update(ctx, app, input, ""); err != nil {
			return err
		}
		if err := c.Wait(ctx, app, first.ID); err != nil {
			return err
		}
		// The config's environment comes before the secrets: COLOUR is set in both.
		found, err := c.Exec(ctx, app, first.ID, &fly.MachineExecRequest{Cmd: "env"})
		if err != nil {
			return err
		}

		return isTrue("COLOUR is in the environment", bytes.Contains([]byte(found.StdOut), []byte("COLOUR=")))
	})
}

// Keys of 32 bytes serve all types that take symmetric keys.
var ofKeys = bytes.Repeat([]byte("k"), 32)

func (s *suite) secretKeys() {
	c := s.client
	signing := []string{
		fly.SECRETKEY_TYPE_HS256, fly.SECRETKEY_TYPE_HS384, fly.SECRETKEY_TYPE_HS512, fly.SECRETKEY_TYPE_ES256,
		fly.SECRETKEY_TYPE_NACL_AUTH, fly.SECRETKEY_TYPE_NACL_SIGN,
	}
	sealing := []string{
		fly.SECRETKEY_TYPE_XAES256GCM, fly.SECRETKEY_TYPE_NACL_BOX, fly.SECRETKEY_TYPE_NACL_SECRETBOX,
	}
	var version uint64
	s.call(c.GenerateSecretKey, "of each type; only key pairs have a public half", func(ctx context.Context) error {
		for _, kind := range append(append([]string{}, signing...), sealing...) {
			made, err := c.GenerateSecretKey(ctx, app, "made_"+kind, kind)
			if err != nil {
				return fmt.Errorf("%s: %w", kind, err)
			}
			pair := kind == fly.SECRETKEY_TYPE_ES256 || kind == fly.SECRETKEY_TYPE_NACL_BOX || kind == fly.SECRETKEY_TYPE_NACL_SIGN
			if problem := all(equal("name", made.Name, "made_"+kind), equal("type", made.Type, kind),
				equal("public key", len(made.Publickey) > 0, pair),
				isTrue("the version counts up", made.Version > version)); problem != nil {
				return fmt.Errorf("%s: %w", kind, problem)
			}
			version = made.Version
		}

		return nil
	})
	s.call(c.GenerateSecretKey, "400 for an unknown type", func(ctx context.Context) error {
		_, err := c.GenerateSecretKey(ctx, app, "made_none", "rot13")

		return refused(err, 400, "type")
	})
	s.call(c.SetSecretKey, "with the given bytes", func(ctx context.Context) error {
		made, err := c.SetSecretKey(ctx, app, "given", fly.SECRETKEY_TYPE_XAES256GCM, ofKeys)
		if err != nil {
			return err
		}

		return all(equal("type", made.Type, fly.SECRETKEY_TYPE_XAES256GCM), isTrue("a new version", made.Version > version))
	})
	s.call(c.SetSecretKey, "400 for a key that is too short", func(ctx context.Context) error {
		_, err := c.SetSecretKey(ctx, app, "given", fly.SECRETKEY_TYPE_NACL_SECRETBOX, []byte("short"))

		return refused(err, 400, "")
	})
	s.call(c.ListSecretKeys, "all, without the keys themselves", func(ctx context.Context) error {
		found, err := c.ListSecretKeys(ctx, app, nil)
		if err != nil {
			return err
		}

		return equal("keys", len(found), 10)
	})
	s.call(c.GetSecretKey, "one", func(ctx context.Context) error {
		found, err := c.GetSecretKey(ctx, app, "made_nacl_box", nil)
		if err != nil {
			return err
		}

		return all(equal("name", found.Name, "made_nacl_box"), equal("public key", len(found.Publickey), 32))
	})
	s.call(c.SignSecretKey, "with each type that signs", func(ctx context.Context) error {
		for _, kind := range signing {
			signed, err := c.SignSecretKey(ctx, app, "made_"+kind, []byte("text"), nil)
			if err != nil {
				return fmt.Errorf("%s: %w", kind, err)
			}
			if len(signed.Signature) < 32 {
				return fmt.Errorf("%s: a signature of %d bytes", kind, len(signed.Signature))
			}
		}

		return nil
	})
	s.call(c.VerifySecretKey, "good signatures, and no others", func(ctx context.Context) error {
		for _, kind := range signing {
			signed, err := c.SignSecretKey(ctx, app, "made_"+kind, []byte("text"), nil)
			if err != nil {
				return err
			}
			if err := c.VerifySecretKey(ctx, app, "made_"+kind, []byte("text"), signed.Signature, nil); err != nil {
				return fmt.Errorf("%s: %w", kind, err)
			}
			err = c.VerifySecretKey(ctx, app, "made_"+kind, []byte("other"), signed.Signature, nil)
			if problem := refused(err, 400, ""); problem != nil {
				return fmt.Errorf("%s: %w", kind, problem)
			}
		}

		return nil
	})
	s.call(c.SignSecretKey, "400 with a key that does not sign", func(ctx context.Context) error {
		_, err := c.SignSecretKey(ctx, app, "given", []byte("text"), nil)

		return refused(err, 400, "")
	})
	seal := func(ctx context.Context, name string, assoc []byte) ([]byte, error) {
		sealed, err := c.EncryptSecretKey(ctx, app, name, []byte("text"), assoc, nil)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if bytes.Contains(sealed.Ciphertext, []byte("text")) {
			return nil, fmt.Errorf("%s: the text can be read", name)
		}

		return sealed.Ciphertext, nil
	}
	s.call(c.EncryptSecretKey, "with each type that encrypts, never twice the same", func(ctx context.Context) error {
		for _, kind := range sealing {
			one, err := seal(ctx, "made_"+kind, nil)
			if err != nil {
				return err
			}
			other, err := seal(ctx, "made_"+kind, nil)
			if err != nil {
				return err
			}
			if bytes.Equal(one, other) {
				return errors.New(kind + ": twice the same")
			}
		}

		return nil
	})
	s.call(c.DecryptSecretKey, "gives the text back", func(ctx context.Context) error {
		for _, kind := range sealing {
			sealed, err := seal(ctx, "made_"+kind, nil)
			if err != nil {
				return err
			}
			opened, err := c.DecryptSecretKey(ctx, app, "made_"+kind, sealed, nil, nil)
			if err != nil {
				return fmt.Errorf("%s: %w", kind, err)
			}
			if string(opened.Plaintext) != "text" {
				return fmt.Errorf("%s: %q", kind, opened.Plaintext)
			}
		}

		return nil
	})
	s.call(c.DecryptSecretKey, "400 for another context, and for what was changed", func(ctx context.Context) error {
		sealed, err := seal(ctx, "given", []byte("context"))
		if err != nil {
			return err
		}
		opened, err := c.DecryptSecretKey(ctx, app, "given", sealed, []byte("context"), nil)
		if err != nil {
			return err
		}
		_, contextErr := c.DecryptSecretKey(ctx, app, "given", sealed, []byte("other"), nil)
		sealed[len(sealed)-1] ^= 1
		_, changedErr := c.DecryptSecretKey(ctx, app, "given", sealed, []byte("context"), nil)

		return all(equal("text", string(opened.Plaintext), "text"), refused(contextErr, 400, ""), refused(changedErr, 400, ""))
	})
	s.call(c.DeleteSecretKey, "and then it is a 404", func(ctx context.Context) error {
		if err := c.DeleteSecretKey(ctx, app, "given"); err != nil {
			return err
		}
		_, getErr := c.GetSecretKey(ctx, app, "given", nil)
		_, useErr := c.EncryptSecretKey(ctx, app, "given", []byte("text"), nil, nil)

		return all(refused(getErr, 404, ""), refused(useErr, 404, ""), refused(c.DeleteSecretKey(ctx, app, "given"), 404, ""))
	})
}
