package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	fly "github.com/superfly/fly-go"
	"github.com/superfly/fly-go/flaps"
)

var machineID = regexp.MustCompile(`^[0-9a-f]{14}$`)

// Machines that later calls go on with: first runs, second has a lease from its creation, third does not restart.
var first, second, third *fly.Machine

func launchInput(name string) fly.LaunchMachineInput {
	return fly.LaunchMachineInput{
		Name:   name,
		Region: region,
		Config: &fly.MachineConfig{
			Image: "nginx:1.27",
			Env:   map[string]string{"COLOUR": "green"},
			Guest: &fly.MachineGuest{CPUKind: "shared", CPUs: 1, MemoryMB: 256},
			Metadata: map[string]string{
				fly.MachineConfigMetadataKeyFlyPlatformVersion: fly.MachineFlyPlatformVersion2,
				fly.MachineConfigMetadataKeyFlyProcessGroup:    "app",
			},
			Restart: &fly.MachineRestart{Policy: fly.MachineRestartPolicyOnFailure, MaxRetries: 3},
			StopConfig: &fly.StopConfig{
				Signal: pointer("SIGTERM"), Timeout: &fly.Duration{Duration: 3 * time.Second},
			},
			Services: []fly.MachineService{{
				Protocol: "tcp", InternalPort: 8080,
				Autostop: pointer(fly.MachineAutostopSuspend), Autostart: pointer(true), MinMachinesRunning: pointer(0),
				Ports: []fly.MachinePort{{Port: pointer(443), Handlers: []string{"tls", "http"}}},
				Checks: []fly.MachineServiceCheck{{
					Type: pointer("http"), Port: pointer(8080), HTTPPath: pointer("/"),
					Interval: &fly.Duration{Duration: 15 * time.Second}, Timeout: &fly.Duration{Duration: 90 * time.Second},
				}},
			}},
		},
	}
}

func (s *suite) machines() {
	c := s.client
	s.call(c.Launch, "answers at once, with the whole machine", func(ctx context.Context) error {
		made, err := c.Launch(ctx, app, launchInput("first"))
		if err != nil {
			return err
		}
		first = made
		service := made.Config.Services[0]

		return all(
			isTrue("the id is 14 hex digits: "+made.ID, machineID.MatchString(made.ID)),
			equal("name", made.Name, "first"),
			equal("state", made.State, fly.MachineStateCreated),
			equal("region", made.Region, region),
			equal("length of instance_id", len(made.InstanceID), 26),
			equal("version", made.Version, made.InstanceID),
			equal("host_status", made.HostStatus, fly.HostStatusOk),
			isTrue("private_ip is 6PN: "+made.PrivateIP, strings.HasPrefix(made.PrivateIP, "fdaa:")),
			equal("image", made.ImageRepository(), "library/nginx"),
			isTrue("the image is resolved: "+made.FullImageRef(), strings.Contains(made.FullImageRef(), ":1.27@sha256:")),
			equal("env", made.Config.Env["COLOUR"], "green"),
			equal("guest", made.Config.Guest.ToSize(), "shared-cpu-1x"),
			equal("autostop", service.Autostop.String(), "suspend"),
			equal("interval", service.Checks[0].Interval.String(), "15s"),
			equal("timeout", service.Checks[0].Timeout.String(), "1m30s"),
			equal("stop_config.timeout", made.Config.StopConfig.Timeout.String(), "3s"),
			equal("process group", made.ProcessGroup(), "app"),
			equal("nonce", made.LeaseNonce, ""),
			equal("events", len(made.Events), 1),
			equal("event", made.Events[0].Type+" "+made.Events[0].Status+" "+made.Events[0].Source, "launch created user"),
		)
	})
	s.call(c.Launch, "with lease_ttl the answer has a nonce", func(ctx context.Context) error {
		input := launchInput("second")
		input.LeaseTTL, input.SkipServiceRegistration = 6000, true
		made, err := c.Launch(ctx, app, input)
		if err != nil {
			return err
		}
		second = made

		return all(equal("length of the nonce", len(made.LeaseNonce), 12), equal("cordoned", made.Cordoned, true))
	})
	s.call(c.Launch, "skip_launch does not start it", func(ctx context.Context) error {
		input := launchInput("third")
		input.SkipLaunch = true
		input.Config.Restart.Policy = fly.MachineRestartPolicyNo
		input.Config.Metadata["process_group"] = "release_command"
		delete(input.Config.Metadata, fly.MachineConfigMetadataKeyFlyProcessGroup)
		made, err := c.Launch(ctx, app, input)
		if err != nil {
			return err
		}
		third = made

		return c.Wait(ctx, app, made.ID, flaps.WithWaitStates("stopped"))
	})
	refusals := []struct {
		what   string
		change func(*fly.LaunchMachineInput)
		status int
		text   string
	}{
		{"400 for a guest with too little memory", func(in *fly.LaunchMachineInput) { in.Config.Guest.CPUs = 2 }, 400,
			"invalid config.guest.memory_mb, minimum required 512 MiB"},
		{"400 for an unknown kind of cpu", func(in *fly.LaunchMachineInput) { in.Config.Guest.CPUKind = "quantum" }, 400,
			"invalid config.guest.cpu_kind"},
		{"400 without an image", func(in *fly.LaunchMachineInput) { in.Config.Image = "" }, 400, "image"},
		{"400 for an unknown region", func(in *fly.LaunchMachineInput) { in.Region = "xxx" }, 400,
			"target region xxx not found"},
		{"409 for a name that is taken", func(in *fly.LaunchMachineInput) { in.Name = "first" }, 409,
			"already_exists: unique machine name violation"},
		{"412 for secrets that are not there yet",
			func(in *fly.LaunchMachineInput) { in.MinSecretsVersion = pointer(uint64(99)) }, 412, "min_secrets_version"},
		{"404 for a volume that is nowhere", func(in *fly.LaunchMachineInput) {
			in.Config.Mounts = []fly.MachineMount{{Volume: "vol_nowhere", Path: "/data"}}
		}, 404, "volume"},
	}
	for _, one := range refusals {
		s.call(c.Launch, one.what, func(ctx context.Context) error {
			input := launchInput("refused")
			one.change(&input)
			_, err := c.Launch(ctx, app, input)

			return refused(err, one.status, one.text)
		})
	}
}

func (s *suite) running() {
	c := s.client
	s.call(c.Wait, "started is what it waits for", func(ctx context.Context) error {
		return all(
			c.Wait(ctx, app, first.ID),
			c.Wait(ctx, app, second.ID, flaps.WithWaitVersion(second.InstanceID), flaps.WithWaitTimeout(30*time.Second)),
			c.Wait(ctx, app, second.ID, flaps.WithWaitStates("stopped", "settled")),
		)
	})
	s.call(c.Wait, "408 with the state that it is in", func(ctx context.Context) error {
		err := c.Wait(ctx, app, first.ID, flaps.WithWaitStates("stopped"), flaps.WithWaitTimeout(time.Second))

		return refused(err, 408, "machine failed to reach desired state, stopped, currently started")
	})
	s.call(c.Wait, "404 for a machine that is nowhere", func(ctx context.Context) error {
		return refused(c.Wait(ctx, app, "0123456789abcd"), 404, "machine not found")
	})
	s.call(c.Get, "the machine, started", func(ctx context.Context) error {
		got, err := c.Get(ctx, app, first.ID)
		if err != nil {
			return err
		}
		began, err := got.MostRecentStartTimeAfterLaunch()
		if err != nil {
			return err
		}

		return all(
			equal("state", got.State, fly.MachineStateStarted),
			equal("instance_id", got.InstanceID, first.InstanceID),
			equal("checks", len(got.Checks), 1),
			isTrue("all checks pass", got.AllHealthChecks().AllPassing()),
			equal("checks that are not of services", got.TopLevelChecks().Total, 0),
			isTrue("it started after it was made", !began.Before(got.Events[len(got.Events)-1].Time())),
			isTrue("created_at is in whole seconds: "+got.CreatedAt, len(got.CreatedAt) == len("2026-08-01T00:00:00Z")),
		)
	})
	s.call(c.Get, "404 for a machine that is nowhere", func(ctx context.Context) error {
		_, err := c.Get(ctx, app, "0123456789abcd")

		return refused(err, 404, "not_found: machine not found")
	})
	s.call(c.GetMany, "several", func(ctx context.Context) error {
		got, err := c.GetMany(ctx, app, []string{first.ID, second.ID})
		if err != nil {
			return err
		}

		return all(equal("machines", len(got), 2), equal("second", got[1].Name, "second"))
	})
	s.call(c.List, "all, and those in a state", func(ctx context.Context) error {
		every, err := c.List(ctx, app, "")
		if err != nil {
			return err
		}
		stopped, err := c.List(ctx, app, "state=stopped&region="+region)
		if err != nil {
			return err
		}
		deleted, err := c.List(ctx, app, "include_deleted=true&summary=true")
		if err != nil {
			return err
		}

		return all(equal("machines", len(every), 3), equal("stopped ones", len(stopped), 1),
			equal("with deleted ones", len(deleted), 3), isTrue("a summary has no config", deleted[0].Config == nil))
	})
	s.call(c.ListActive, "without the release command", func(ctx context.Context) error {
		listed, err := c.ListActive(ctx, app)
		if err != nil {
			return err
		}

		return equal("machines", len(listed), 2)
	})
	s.call(c.ListFlyAppsMachines, "those of Fly Launch, and the release command apart", func(ctx context.Context) error {
		listed, release, err := c.ListFlyAppsMachines(ctx, app)
		if err != nil {
			return err
		}
		if release == nil {
			return errors.New("no release command")
		}

		return all(equal("machines", len(listed), 2), equal("release command", release.ID, third.ID))
	})
	exec := func(ctx context.Context, command string) (*fly.MachineExecResponse, error) {
		return c.Exec(ctx, app, first.ID, &fly.MachineExecRequest{Cmd: command, Timeout: 10})
	}
	s.call(c.Exec, "output and exit code", func(ctx context.Context) error {
		hello, err := exec(ctx, `sh -c "echo $COLOUR; echo oh >&2"`)
		if err != nil {
			return err
		}
		failing, err := exec(ctx, `sh -c "exit 3"`)
		if err != nil {
			return fmt.Errorf("a non-zero exit code is no error: %w", err)
		}

		return all(equal("stdout", hello.StdOut, "green\n"), equal("stderr", hello.StdErr, "oh\n"),
			equal("exit code", hello.ExitCode, 0), equal("exit code", failing.ExitCode, 3))
	})
	s.call(c.Exec, "408 when the command takes too long", func(ctx context.Context) error {
		_, err := c.Exec(ctx, app, first.ID, &fly.MachineExecRequest{Cmd: "sleep 20", Timeout: 1})

		return refused(err, 408, "deadline_exceeded")
	})
	s.call(c.Exec, "400 without a command", func(ctx context.Context) error {
		_, err := exec(ctx, "")

		return refused(err, 400, "")
	})
	s.call(c.Exec, "412 on a machine that is stopped", func(ctx context.Context) error {
		_, err := c.Exec(ctx, app, third.ID, &fly.MachineExecRequest{Cmd: "true"})

		return refused(err, 412, "failed_precondition: machine not running")
	})
	s.call(c.GetProcesses, "what runs", func(ctx context.Context) error {
		found, err := c.GetProcesses(ctx, app, first.ID)
		if err != nil {
			return err
		}

		return isTrue("there is a process with a command", len(found) > 0 && found[0].Pid > 0 && found[0].Command != "")
	})
	s.call(c.Cordon, "seen in the machine", func(ctx context.Context) error {
		if err := c.Cordon(ctx, app, first.ID, ""); err != nil {
			return err
		}
		got, err := c.Get(ctx, app, first.ID)
		if err != nil {
			return err
		}

		return equal("cordoned", got.Cordoned, true)
	})
	s.call(c.Uncordon, "seen in the machine", func(ctx context.Context) error {
		if err := c.Uncordon(ctx, app, first.ID, ""); err != nil {
			return err
		}
		got, err := c.Get(ctx, app, first.ID)
		if err != nil {
			return err
		}

		return equal("cordoned", got.Cordoned, false)
	})
	s.metadata()
}

func (s *suite) metadata() {
	c := s.client
	s.call(c.SetMetadata, "makes no new version and needs no nonce", func(ctx context.Context) error {
		// The second machine is leased.
		if err := c.SetMetadata(ctx, app, second.ID, "role", "primary"); err != nil {
			return err
		}
		got, err := c.Get(ctx, app, second.ID)
		if err != nil {
			return err
		}

		return all(equal("metadata", got.Config.Metadata["role"], "primary"),
			equal("instance_id", got.InstanceID, second.InstanceID))
	})
	s.call(c.GetMetadata, "all of it", func(ctx context.Context) error {
		got, err := c.GetMetadata(ctx, app, second.ID)
		if err != nil {
			return err
		}

		return all(equal("keys", len(got), 3), equal("role", got["role"], "primary"))
	})
	s.call(c.DeleteMetadata, "one key", func(ctx context.Context) error {
		if err := c.DeleteMetadata(ctx, app, second.ID, "role"); err != nil {
			return err
		}
		got, err := c.GetMetadata(ctx, app, second.ID)

		return all(err, equal("keys", len(got), 2))
	})
	s.call(c.GetMetadata, "404 for a machine that is nowhere", func(ctx context.Context) error {
		_, err := c.GetMetadata(ctx, app, "0123456789abcd")

		return refused(err, 404, "machine not found")
	})
}
