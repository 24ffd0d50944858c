"""Volumes and snapshots: the way from a volume's id to its app."""

from __future__ import annotations

from fly_mcp_emulator.call import Call
from fly_mcp_emulator.identity import opaque
from fly_mcp_emulator.views import volume_view
from fly_mcp_emulator.world import App, Snapshot, Volume

from . import apps, machines
from .nodes import Args, Node, missing, moment, on_demand, pages, visible, with_args


def fields(call: Call) -> Node:
    """Queries."""

    def one(args: Args) -> Node:
        for app in visible(call):
            volume = app.volumes.get(args["id"])
            if volume is not None:
                return node(call, app, volume)
        raise missing("Volume")

    return {"volume": with_args(one)}


def node(call: Call, app: App, volume: Volume) -> Node:
    """A volume."""
    machine = app.machines.get(volume.attached_machine_id or "")
    shown: Node = {
        "id": volume.id,
        "internalId": volume.id,
        "name": volume.name,
        "region": volume.region,
        "state": volume.state,
        "status": volume.state,
        "sizeGb": volume.size_gb,
        "encrypted": volume.encrypted,
        "snapshotRetentionDays": volume.snapshot_retention,
        "usedBytes": str(volume_view(volume)["bytes_used"]),
        "createdAt": moment(volume.created_at),
        "host": {"id": opaque("host", volume.zone)},
        "app": on_demand(lambda: apps.node(call, app)),
        "attachedMachine": on_demand(lambda: machines.node(call, app, machine) if machine else None),
    }
    shown["snapshots"] = pages(lambda _: [_snapshot(snapshot, shown) for snapshot in volume.snapshots])
    return shown


def _snapshot(snapshot: Snapshot, volume: Node) -> Node:
    return {
        "id": snapshot.id,
        "size": str(snapshot.size),
        "digest": snapshot.digest,
        "createdAt": moment(snapshot.created_at),
        "retentionDays": snapshot.retention_days,
        "volume": volume,
    }
