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

var volumeID = regexp.MustCompile(`^vol_[a-z0-9]{16}$`)

func volumeInput(name string) fly.CreateVolumeRequest {
	return fly.CreateVolumeRequest{
		Name: name, Region: region, SizeGb: pointer(2), Encrypted: pointer(true), RequireUniqueZone: pointer(true),
		SnapshotRetention:   pointer(7),
		ComputeRequirements: &fly.MachineGuest{CPUKind: "shared", CPUs: 1, MemoryMB: 256}, ComputeImage: "nginx:1.27",
	}
}

func (s *suite) volumes() {
	c := s.client
	var volume *fly.Volume
	s.call(c.CreateVolume, "answers with the volume", func(ctx context.Context) error {
		made, err := c.CreateVolume(ctx, app, volumeInput("data"))
		if err != nil {
			return err
		}
		volume = made

		return all(
			isTrue("the id is vol_ and 16 characters: "+made.ID, volumeID.MatchString(made.ID)),
			equal("name", made.Name, "data"), equal("state", made.State, "created"), equal("size", made.SizeGb, 2),
			equal("region", made.Region, region), equal("length of zone", len(made.Zone), 4),
			equal("encrypted", made.Encrypted, true), equal("attached", made.IsAttached(), false),
			equal("snapshot_retention", made.SnapshotRetention, 7), equal("backups", made.AutoBackupEnabled, true),
			isTrue("it has a date", !made.CreatedAt.IsZero()),
		)
	})
	s.call(c.CreateVolume, "the default is 3 GB", func(ctx context.Context) error {
		made, err := c.CreateVolume(ctx, app, fly.CreateVolumeRequest{Name: "plain", Region: region})
		if err != nil {
			return err
		}
		_, deleteErr := c.DeleteVolume(ctx, app, made.ID)

		return all(equal("size", made.SizeGb, 3), equal("snapshot_retention", made.SnapshotRetention, 5), deleteErr)
	})
	s.call(c.CreateVolume, "400 for a bad name and for a bad size", func(ctx context.Context) error {
		_, nameErr := c.CreateVolume(ctx, app, volumeInput("with-dash"))
		tooLarge := volumeInput("data")
		tooLarge.SizeGb = pointer(501)
		_, sizeErr := c.CreateVolume(ctx, app, tooLarge)

		return all(refused(nameErr, 400, "name"), refused(sizeErr, 400, "size_gb"))
	})
	s.call(c.GetVolume, "the volume", func(ctx context.Context) error {
		got, err := c.GetVolume(ctx, app, volume.ID)
		if err != nil {
			return err
		}

		return all(equal("id", got.ID, volume.ID), equal("host_status", got.HostStatus, "ok"))
	})
	s.call(c.GetVolume, "404 for one that is nowhere", func(ctx context.Context) error {
		_, err := c.GetVolume(ctx, app, "vol_nowhere")

		return refused(err, 404, "volume not found")
	})
	s.call(c.UpdateVolume, "backups", func(ctx context.Context) error {
		got, err := c.UpdateVolume(ctx, app, volume.ID, fly.UpdateVolumeRequest{
			SnapshotRetention: pointer(14), AutoBackupEnabled: pointer(false),
		})
		if err != nil {
			return err
		}

		return all(equal("snapshot_retention", got.SnapshotRetention, 14), equal("backups", got.AutoBackupEnabled, false))
	})
	s.call(c.UpdateVolume, "400 for a retention of more than 60 days", func(ctx context.Context) error {
		_, err := c.UpdateVolume(ctx, app, volume.ID, fly.UpdateVolumeRequest{SnapshotRetention: pointer(61)})

		return refused(err, 400, "snapshot_retention")
	})
	s.call(c.ExtendVolume, "to a new total", func(ctx context.Context) error {
		got, needsRestart, err := c.ExtendVolume(ctx, app, volume.ID, 4)
		if err != nil {
			return err
		}

		return all(equal("size", got.SizeGb, 4), equal("needs_restart", needsRestart, false))
	})
	s.call(c.ExtendVolume, "400 for less", func(ctx context.Context) error {
		_, _, err := c.ExtendVolume(ctx, app, volume.ID, 1)

		return refused(err, 400, "size_gb")
	})
	s.snapshots(&volume)
	s.attachment(&volume)
}

func (s *suite) snapshots(volume **fly.Volume) {
	c := s.client
	s.call(c.CreateVolumeSnapshot, "and 412 while it is pending", func(ctx context.Context) error {
		return all(
			c.CreateVolumeSnapshot(ctx, app, (*volume).ID),
			refused(c.CreateVolumeSnapshot(ctx, app, (*volume).ID), 412, "failed_precondition: snapshot is already scheduled at"),
		)
	})
	var snapshot string
	s.call(c.GetVolumeSnapshots, "the one that was taken", func(ctx context.Context) error {
		for range 100 {
			found, err := c.GetVolumeSnapshots(ctx, app, (*volume).ID)
			if err != nil {
				return err
			}
			if len(found) != 1 {
				return fmt.Errorf("%d snapshots", len(found))
			}
			if found[0].Status == "created" {
				snapshot = found[0].ID

				return all(isTrue("the id begins vs_: "+snapshot, strings.HasPrefix(snapshot, "vs_")),
					equal("volume_size", found[0].VolumeSize, 4<<30), equal("retention", *found[0].RetentionDays, 14),
					isTrue("it has a date", !found[0].CreatedAt.IsZero()))
			}
			time.Sleep(50 * time.Millisecond)
		}

		return errors.New("it never was done")
	})
	s.call(c.CreateVolume, "from a snapshot and from a volume", func(ctx context.Context) error {
		restored, err := c.CreateVolume(ctx, app, fly.CreateVolumeRequest{
			Name: "restored", Region: region, SnapshotID: &snapshot, SizeGb: pointer(5)})
		if err != nil {
			return err
		}
		forked, err := c.CreateVolume(ctx, app, fly.CreateVolumeRequest{
			Name: "forked", Region: region, SourceVolumeID: &(*volume).ID})
		if err != nil {
			return err
		}

		return all(equal("size", restored.SizeGb, 5), equal("size", forked.SizeGb, 4))
	})
	s.call(c.CreateVolume, "404 for a snapshot that is nowhere", func(ctx context.Context) error {
		_, err := c.CreateVolume(ctx, app, fly.CreateVolumeRequest{Name: "restored", Region: region, SnapshotID: pointer("vs_none")})

		return refused(err, 404, "snapshot not found")
	})
}

func (s *suite) attachment(volume **fly.Volume) {
	c := s.client
	var holder *fly.Machine
	mounting := func(name string) fly.LaunchMachineInput {
		input := launchInput(name)
		input.Config.Mounts = []fly.MachineMount{{Volume: (*volume).ID, Path: "/data"}}

		return input
	}
	s.call(c.Launch, "on a volume; the mount is filled in from it", func(ctx context.Context) error {
		made, err := c.Launch(ctx, app, mounting("holder"))
		if err != nil {
			return err
		}
		holder = made
		got, err := c.GetVolume(ctx, app, (*volume).ID)
		if err != nil {
			return err
		}
		mount := made.Config.Mounts[0]

		return all(equal("mount's name", mount.Name, "data"), equal("mount's size", mount.SizeGb, 4),
			equal("mount's encryption", mount.Encrypted, true),
			isTrue("the volume is attached", got.AttachedMachine != nil && *got.AttachedMachine == made.ID),
			c.Wait(ctx, app, made.ID))
	})
	s.call(c.Launch, "412 for a volume that is in use", func(ctx context.Context) error {
		_, err := c.Launch(ctx, app, mounting("rival"))

		return refused(err, 412, "volume already claimed by machine "+holder.ID)
	})
	s.call(c.Launch, "412 in another region than its volume", func(ctx context.Context) error {
		input := mounting("rival")
		input.Region = "syd"
		_, err := c.Launch(ctx, app, input)

		return refused(err, 412, "")
	})
	s.call(c.DeleteVolume, "412 while it is bound", func(ctx context.Context) error {
		_, err := c.DeleteVolume(ctx, app, (*volume).ID)

		return refused(err, 412, "volume is currently bound to machine: "+holder.ID)
	})
	s.call(c.DeleteVolume, "some time after its machine is gone", func(ctx context.Context) error {
		if err := c.Destroy(ctx, app, fly.RemoveMachineInput{ID: holder.ID, Kill: true}, ""); err != nil {
			return err
		}
		if err := c.Wait(ctx, app, holder.ID, flaps.WithWaitStates("destroyed")); err != nil {
			return err
		}
		for range 100 {
			deleted, err := c.DeleteVolume(ctx, app, (*volume).ID)
			if err == nil {
				return isTrue("its state: "+deleted.State, strings.HasSuffix(deleted.State, "_destroy"))
			}
			if problem := refused(err, 412, "volume is currently bound"); problem != nil {
				return problem
			}
			time.Sleep(50 * time.Millisecond)
		}

		return errors.New("it was never let go")
	})
	s.call(c.GetAllVolumes, "still has the deleted ones", func(ctx context.Context) error {
		found, err := c.GetAllVolumes(ctx, app)
		if err != nil {
			return err
		}
		dying := 0
		for _, one := range found {
			if one.State == "pending_destroy" {
				dying++
			}
		}

		return equal("deleted ones", dying, 2)
	})
	s.call(c.GetVolumes, "hides the deleted ones", func(ctx context.Context) error {
		found, err := c.GetVolumes(ctx, app)
		if err != nil {
			return err
		}

		return equal("volumes", len(found), 2)
	})
	s.call(c.GetVolumeSnapshots, "of a deleted volume too", func(ctx context.Context) error {
		found, err := c.GetVolumeSnapshots(ctx, app, (*volume).ID)
		if err != nil {
			return err
		}

		return equal("snapshots", len(found), 1)
	})
}
