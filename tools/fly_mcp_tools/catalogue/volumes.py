"""Rows: volumes."""

from __future__ import annotations

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.action import Access, Action, Example, Gate, Group, Scope
from fly_mcp_tools.composites import changing_volume, delete_volume, snapshots, volumes

from . import sources

LIST_VOLUMES = Action(
    name="flyListVolumes",
    title="List volumes",
    summary="List an app's volumes with size, region and attached machine.",
    notes="For one volume: flyGetVolume.",
    group=Group.VOLUMES,
    calls=(fly.LIST_VOLUMES,),
    params=volumes.ListVolumes,
    result=volumes.VolumeList,
    run=volumes.list_,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=sources.VOLUMES,
    examples=(
        Example("which disks does it have?", {"appName": "catvet-records"}),
        Example("any that nothing uses?", {"appName": "catvet-records", "attached": False, "detail": "full"}),
    ),
)
GET_VOLUME = Action(
    name="flyGetVolume",
    title="Get volume",
    summary="Get a volume's size, use, zone, backups and estimated cost.",
    group=Group.VOLUMES,
    calls=(fly.GET_VOLUME,),
    params=volumes.OfVolume,
    result=volumes.VolumeDetail,
    run=volumes.get,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=sources.VOLUMES,
    examples=(
        Example("how full is the disk?", {"appName": "catvet-records", "volumeId": "vol_r77m35j7kj10613r"}),
    ),
)
CREATE_VOLUME = Action(
    name="flyCreateVolume",
    title="Create volume",
    summary="Create a persistent volume for a machine in the same region. Billed by GB.",
    notes="New, from a snapshot, or a fork. Attach it with flyCreateMachine.",
    group=Group.VOLUMES,
    calls=(
        fly.LIST_REGIONS,
        fly.LIST_VOLUMES,
        fly.LIST_SNAPSHOTS,
        fly.CREATE_VOLUME,
        fly.UPDATE_VOLUME,
        fly.GET_VOLUME,
    ),
    params=volumes.CreateVolume,
    result=volumes.VolumeCreated,
    run=volumes.create,
    access=Access.WRITE,
    additive=True,
    idempotent=False,
    scope=Scope.DEPLOY,
    source=sources.VOLUMES,
    examples=(
        Example(
            "make a disk called data in Frankfurt",
            {"appName": "my-sandbox", "name": "data", "region": "fra"},
        ),
        Example(
            "copy the data to another disk",
            {
                "appName": "catvet-records",
                "name": "catvet_copy",
                "region": "fra",
                "sourceVolumeId": "vol_r77m35j7kj10613r",
            },
        ),
    ),
)
UPDATE_VOLUME = Action(
    name="flyUpdateVolume",
    title="Update volume backups",
    summary="Change how long a volume's snapshots are kept, and whether Fly takes them daily.",
    notes="For its size: flyExtendVolume.",
    group=Group.VOLUMES,
    calls=(fly.GET_VOLUME, fly.UPDATE_VOLUME),
    params=changing_volume.UpdateVolume,
    result=changing_volume.VolumeUpdated,
    run=changing_volume.update,
    access=Access.WRITE,
    additive=False,
    idempotent=True,
    scope=Scope.DEPLOY,
    source=sources.VOLUMES,
    examples=(
        Example(
            "keep two weeks of backups",
            {
                "appName": "catvet-records",
                "volumeId": "vol_r77m35j7kj10613r",
                "snapshotRetention": 14,
                "scheduledSnapshots": True,
            },
        ),
    ),
)
EXTEND_VOLUME = Action(
    name="flyExtendVolume",
    title="Extend volume",
    summary="Make a volume larger. Billed by GB; it can never be made smaller again.",
    notes="Says whether its machine needs a restart.",
    group=Group.VOLUMES,
    calls=(fly.GET_VOLUME, fly.EXTEND_VOLUME),
    params=changing_volume.ExtendVolume,
    result=changing_volume.VolumeExtended,
    run=changing_volume.extend,
    access=Access.WRITE,
    additive=False,
    idempotent=True,
    scope=Scope.DEPLOY,
    source=sources.VOLUMES,
    examples=(
        Example(
            "the disk is full, make it 3 GB",
            {"appName": "catvet-records", "volumeId": "vol_r77m35j7kj10613r", "sizeGb": 3},
        ),
    ),
)
LIST_SNAPSHOTS = Action(
    name="flyListSnapshots",
    title="List snapshots",
    summary="List a volume's snapshots, newest first; also of a volume just deleted.",
    notes="flyCreateVolume with snapshotId restores one.",
    group=Group.VOLUMES,
    calls=(fly.LIST_SNAPSHOTS,),
    params=snapshots.ListSnapshots,
    result=snapshots.SnapshotList,
    run=snapshots.list_,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=sources.VOLUMES,
    examples=(
        Example(
            "are there backups of the data?",
            {"appName": "catvet-records", "volumeId": "vol_r77m35j7kj10613r"},
        ),
    ),
)
CREATE_SNAPSHOT = Action(
    name="flyCreateSnapshot",
    title="Take snapshot",
    summary="Take a snapshot of a volume now and wait for it. Billed by GB stored.",
    group=Group.VOLUMES,
    calls=(fly.LIST_SNAPSHOTS, fly.CREATE_SNAPSHOT),
    params=volumes.OfVolume,
    result=snapshots.SnapshotTaken,
    run=snapshots.create,
    access=Access.WRITE,
    additive=True,
    idempotent=False,
    scope=Scope.DEPLOY,
    source=sources.VOLUMES,
    examples=(
        Example(
            "back the data up before the migration",
            {"appName": "catvet-records", "volumeId": "vol_r77m35j7kj10613r"},
        ),
    ),
)
DELETE_VOLUME = Action(
    name="flyDeleteVolume",
    title="Delete volume",
    summary="Destroy an unattached volume and all data on it.",
    notes="A last snapshot is taken first; the answer says how to restore it.",
    group=Group.VOLUMES,
    calls=(fly.GET_VOLUME, fly.GET_MACHINE, fly.LIST_SNAPSHOTS, fly.CREATE_SNAPSHOT, fly.DELETE_VOLUME),
    params=delete_volume.DeleteVolume,
    result=delete_volume.VolumeDeleted,
    run=delete_volume.delete,
    preview=delete_volume.preview,
    gate=Gate.ALWAYS,
    access=Access.DESTRUCTIVE,
    additive=False,
    idempotent=True,
    scope=Scope.DEPLOY,
    source=sources.VOLUMES,
    examples=(
        Example(
            "throw the unused disk away",
            {"appName": "catvet-records", "volumeId": "vol_abc123", "confirm": True},
        ),
    ),
)

ROWS = (
    LIST_VOLUMES,
    GET_VOLUME,
    CREATE_VOLUME,
    UPDATE_VOLUME,
    EXTEND_VOLUME,
    DELETE_VOLUME,
    LIST_SNAPSHOTS,
    CREATE_SNAPSHOT,
)
