package main

import (
	"context"
	"errors"
	"time"

	fly "github.com/superfly/fly-go"
	"github.com/superfly/fly-go/flaps"
)

func (s *suite) leases() {
	c := s.client
	s.call(c.FindLease, "the lease from the creation", func(ctx context.Context) error {
		lease, err := c.FindLease(ctx, app, second.ID)
		if err != nil {
			return err
		}

		return all(
			equal("status", lease.Status, "success"),
			equal("nonce", lease.Data.Nonce, second.LeaseNonce),
			equal("version", lease.Data.Version, second.InstanceID),
			isTrue("it has an owner", lease.Data.Owner != ""),
			isTrue("it lasts for more than an hour", lease.Data.ExpiresAt > time.Now().Unix()+4000),
		)
	})
	s.call(c.RefreshLease, "409 with owner and expiry for another nonce", func(ctx context.Context) error {
		_, err := c.RefreshLease(ctx, app, second.ID, pointer(30), "000000000000")

		return all(refused(err, 409, "machine ID "+second.ID+" lease currently held by "), refused(err, 409, ", expires at 20"))
	})
	s.call(c.Update, "409 at once without the nonce", func(ctx context.Context) error {
		input := launchInput("second")
		input.ID = second.ID
		_, err := c.Update(ctx, app, input, "")

		return refused(err, 409, "lease currently held by")
	})
	s.call(c.RefreshLease, "keeps the nonce and moves the expiry", func(ctx context.Context) error {
		lease, err := c.RefreshLease(ctx, app, second.ID, pointer(60_000), second.LeaseNonce)
		if err != nil {
			return err
		}

		return all(equal("nonce", lease.Data.Nonce, second.LeaseNonce),
			isTrue("it lasts for hours", lease.Data.ExpiresAt > time.Now().Unix()+30_000))
	})
	s.call(c.ReleaseLease, "400 without a nonce, 409 with a wrong one", func(ctx context.Context) error {
		return all(refused(c.ReleaseLease(ctx, app, second.ID, ""), 400, ""),
			refused(c.ReleaseLease(ctx, app, second.ID, "000000000000"), 409, "lease currently held by"))
	})
	s.call(c.ReleaseLease, "gives it back", func(ctx context.Context) error {
		return c.ReleaseLease(ctx, app, second.ID, second.LeaseNonce)
	})
	s.call(c.FindLease, "404 in the words that flyctl looks for", func(ctx context.Context) error {
		_, err := c.FindLease(ctx, app, second.ID)

		return refused(err, 404, "lease not found")
	})
	s.call(c.AcquireLease, "waits until another's lease is over", func(ctx context.Context) error {
		// It tries again after every refusal, for up to a minute: the 409 itself is never seen.
		lease, err := c.AcquireLease(ctx, app, second.ID, pointer(30))
		if err != nil {
			return err
		}
		again, err := c.AcquireLease(ctx, app, second.ID, pointer(60))
		if err != nil {
			return err
		}

		return all(isTrue("it is another lease", again.Data.Nonce != lease.Data.Nonce),
			c.ReleaseLease(ctx, app, second.ID, again.Data.Nonce))
	})
	s.call(c.AcquireLease, "without a ttl", func(ctx context.Context) error {
		lease, err := c.AcquireLease(ctx, app, second.ID, nil)
		if err != nil {
			return err
		}

		return c.ReleaseLease(ctx, app, second.ID, lease.Data.Nonce)
	})
}

func (s *suite) updates() {
	c := s.client
	s.call(c.Update, "replaces the config whole, in a new version", func(ctx context.Context) error {
		lease, err := c.AcquireLease(ctx, app, first.ID, pointer(120))
		if err != nil {
			return err
		}
		input := launchInput("first")
		input.ID = first.ID
		input.Config.Env = map[string]string{"SHAPE": "round"}
		updated, err := c.Update(ctx, app, input, lease.Data.Nonce)
		if err != nil {
			return err
		}
		err = c.Wait(ctx, app, first.ID, flaps.WithWaitStates("settled"), flaps.WithWaitVersion(updated.InstanceID))
		if err != nil {
			return err
		}
		got, err := c.Get(ctx, app, first.ID)
		if err != nil {
			return err
		}
		found, err := c.Exec(ctx, app, first.ID, &fly.MachineExecRequest{Cmd: `sh -c "echo [$COLOUR] $SHAPE"`})
		if err != nil {
			return err
		}
		old := first
		first = got

		return all(
			isTrue("instance_id is new", updated.InstanceID != old.InstanceID && got.InstanceID == updated.InstanceID),
			equal("state", got.State, fly.MachineStateStarted),
			equal("inside", found.StdOut, "[] round\n"),
			c.ReleaseLease(ctx, app, first.ID, lease.Data.Nonce),
		)
	})
	s.call(c.Wait, "the old version counts as replaced", func(ctx context.Context) error {
		err := c.Wait(ctx, app, second.ID, flaps.WithWaitVersion("01HZZZZZZZZZZZZZZZZZZZZZZZ"), flaps.WithWaitTimeout(time.Second))

		return refused(err, 404, "")
	})
	s.call(c.Update, "400 for a bad guest, and nothing changes", func(ctx context.Context) error {
		input := launchInput("first")
		input.ID = first.ID
		input.Config.Guest.MemoryMB = 4096
		_, err := c.Update(ctx, app, input, "")
		got, getErr := c.Get(ctx, app, first.ID)
		if getErr != nil {
			return getErr
		}

		return all(refused(err, 400, "cannot exceed 2048 MiB"), equal("instance_id", got.InstanceID, first.InstanceID))
	})
	s.call(c.Update, "404 for a machine that is nowhere", func(ctx context.Context) error {
		input := launchInput("nowhere")
		input.ID = "0123456789abcd"
		_, err := c.Update(ctx, app, input, "")

		return refused(err, 404, "machine not found")
	})
	s.call(c.Update, "with skip_launch a stopped machine stays down", func(ctx context.Context) error {
		input := launchInput("third")
		input.ID, input.SkipLaunch = third.ID, true
		input.Config.Restart.Policy = fly.MachineRestartPolicyNo
		updated, err := c.Update(ctx, app, input, "")
		if err != nil {
			return err
		}

		return c.Wait(ctx, app, third.ID, flaps.WithWaitStates("stopped"), flaps.WithWaitVersion(updated.InstanceID))
	})
}

func (s *suite) lifecycle() {
	c := s.client
	s.call(c.Start, "says what it was", func(ctx context.Context) error {
		answer, err := c.Start(ctx, app, third.ID, "")
		if err != nil {
			return err
		}

		return all(equal("previous_state", answer.PreviousState, "stopped"), c.Wait(ctx, app, third.ID))
	})
	s.call(c.Start, "started already is a 200", func(ctx context.Context) error {
		answer, err := c.Start(ctx, app, third.ID, "")
		if err != nil {
			return err
		}

		return equal("previous_state", answer.PreviousState, "started")
	})
	s.call(c.Kill, "ends the process; policy no leaves it stopped", func(ctx context.Context) error {
		if err := c.Kill(ctx, app, third.ID); err != nil {
			return err
		}
		if err := c.Wait(ctx, app, third.ID, flaps.WithWaitStates("stopped")); err != nil {
			return err
		}
		got, err := c.Get(ctx, app, third.ID)
		if err != nil {
			return err
		}
		exit := got.GetLatestEventOfType("exit")
		if exit == nil || exit.Request == nil {
			return errors.New("no exit event")
		}
		code, err := exit.Request.GetExitCode()

		return all(err, equal("exit code", code, 137), equal("requested_stop", exit.Request.ExitEvent.RequestedStop, false))
	})
	s.call(c.Stop, "with signal and timeout", func(ctx context.Context) error {
		input := fly.StopMachineInput{ID: first.ID, Signal: "SIGINT", Timeout: fly.Duration{Duration: 2 * time.Second}}
		if err := c.Stop(ctx, app, input, ""); err != nil {
			return err
		}
		if err := c.Wait(ctx, app, first.ID, flaps.WithWaitStates("stopped")); err != nil {
			return err
		}
		got, err := c.Get(ctx, app, first.ID)
		if err != nil {
			return err
		}
		exit := got.GetLatestEventOfType("exit")

		return isTrue("the exit was asked for", exit != nil && exit.Request.ExitEvent.RequestedStop)
	})
	s.call(c.Stop, "stopped already is a 200", func(ctx context.Context) error {
		return c.Stop(ctx, app, fly.StopMachineInput{ID: first.ID}, "")
	})
	s.call(c.Stop, "400 for a signal that cannot stop", func(ctx context.Context) error {
		return refused(c.Stop(ctx, app, fly.StopMachineInput{ID: first.ID, Signal: "SIGWINCH"}, ""), 400, "signal")
	})
	s.call(c.Suspend, "412 for a machine that does not run", func(ctx context.Context) error {
		return refused(c.Suspend(ctx, app, first.ID, ""), 412, "failed_precondition")
	})
	s.call(c.Suspend, "and resume", func(ctx context.Context) error {
		if err := c.Suspend(ctx, app, second.ID, ""); err != nil {
			return err
		}
		if err := c.Wait(ctx, app, second.ID, flaps.WithWaitStates("suspended")); err != nil {
			return err
		}
		answer, err := c.Start(ctx, app, second.ID, "")
		if err != nil {
			return err
		}

		return all(equal("previous_state", answer.PreviousState, "suspended"), c.Wait(ctx, app, second.ID))
	})
	s.call(c.Restart, "the same version", func(ctx context.Context) error {
		before, err := c.Get(ctx, app, second.ID)
		if err != nil {
			return err
		}
		for _, input := range []fly.RestartMachineInput{
			{ID: second.ID}, {ID: second.ID, ForceStop: true}, {ID: second.ID, Timeout: 90 * time.Second, Signal: "SIGTERM"},
		} {
			if err := c.Restart(ctx, app, input, ""); err != nil {
				return err
			}
			if err := c.Wait(ctx, app, second.ID); err != nil {
				return err
			}
		}
		after, err := c.Get(ctx, app, second.ID)
		if err != nil {
			return err
		}

		return equal("instance_id", after.InstanceID, before.InstanceID)
	})
	s.call(c.Destroy, "412 for a machine that runs", func(ctx context.Context) error {
		err := c.Destroy(ctx, app, fly.RemoveMachineInput{ID: second.ID}, "")

		return refused(err, 412, "failed_precondition: unable to destroy machine, not currently stopped")
	})
	s.call(c.Destroy, "kill destroys a machine that runs", func(ctx context.Context) error {
		if err := c.Destroy(ctx, app, fly.RemoveMachineInput{ID: second.ID, Kill: true}, ""); err != nil {
			return err
		}
		if err := c.Wait(ctx, app, second.ID, flaps.WithWaitStates("destroyed")); err != nil {
			return err
		}
		for range 100 {
			if _, err := c.Get(ctx, app, second.ID); err != nil {
				return refused(err, 404, "not_found: machine not found")
			}
			time.Sleep(50 * time.Millisecond)
		}

		return errors.New("it can still be read")
	})
	s.call(c.Destroy, "a stopped one needs no force", func(ctx context.Context) error {
		return c.Destroy(ctx, app, fly.RemoveMachineInput{ID: third.ID}, "")
	})
}
