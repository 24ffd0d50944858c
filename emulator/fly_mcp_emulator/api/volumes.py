"""Volumes (reference 4.6, 6.7)."""

from __future__ import annotations

from typing import Any

from fly_mcp_emulator import durations
from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.call import Body, Call
from fly_mcp_emulator.errors import aborted, bad_request, not_found, precondition
from fly_mcp_emulator.names import good_volume_name
from fly_mcp_emulator.regions import candidates
from fly_mcp_emulator.routing import Endpoint
from fly_mcp_emulator.views import volume_view
from fly_mcp_emulator.world import App, Snapshot, Volume

_LARGEST_GB = 500
_DYING = ("scheduling_destroy", "pending_destroy", "destroyed")


class CreateVolume(Body):
    """fly-go sends null for what is not set."""

    name: str = ""
    region: str | None = None
    size_gb: int | None = None
    encrypted: bool = True
    fstype: str = "ext4"
    require_unique_zone: bool = True
    unique_zone_app_wide: bool = False
    snapshot_id: str | None = None
    source_volume_id: str | None = None
    snapshot_retention: int = 5
    auto_backup_enabled: bool = True
    compute: dict[str, Any] | None = None
    compute_image: str | None = None


class UpdateVolume(Body):
    """What can be changed."""

    snapshot_retention: int | None = None
    auto_backup_enabled: bool | None = None


class Extend(Body):
    """The new total size, not the difference."""

    size_gb: int = 0


def list_volumes(call: Call) -> Answer:
    """All volumes, those deleted within the last day included."""
    volumes = [volume for volume in call.app.volumes.values() if volume.state != "destroyed"]
    return Answer([volume_view(volume, summary=call.flag("summary")) for volume in volumes])


def create_volume(call: Call) -> Answer:
    """A new volume. A second one of the same name is a second volume."""
    body, app, state = call.read(CreateVolume), call.app, call.state
    if not good_volume_name(body.name):
        raise bad_request("invalid volume name, only lowercase letters, digits and underscores, 30 at most")
    _check_retention(body.snapshot_retention)
    if body.fstype not in ("", "ext4", "raw"):
        raise bad_request("invalid fstype")
    source = _source(app, body)
    size_gb = body.size_gb if body.size_gb is not None else (source.volume_size // 2**30 if source else 3)
    if not 1 <= size_gb <= _LARGEST_GB:
        raise bad_request(f"invalid size_gb, must be between 1 and {_LARGEST_GB}")
    if source is not None and size_gb * 2**30 < source.volume_size:
        raise bad_request("invalid size_gb, cannot be smaller than the source")
    forked = app.volumes.get(body.source_volume_id or "")
    # A fork stays where its source is, unless told otherwise [C: internal/command/volumes/fork.go].
    region = _region(call, body.region or (forked.region if forked else None))
    now = state.now()
    volume = Volume(
        id=state.ids.volume(),
        name=body.name,
        region=region,
        size_gb=size_gb,
        zone=_zone(call, app, body, region),
        encrypted=body.encrypted,
        fstype=body.fstype or "ext4",
        created_at=now,
        updated_at=now,
        snapshot_retention=body.snapshot_retention,
        auto_backup_enabled=body.auto_backup_enabled,
    )
    if source is not None:
        volume.state = "restoring" if body.snapshot_id else "hydrating"
        volume.files, volume.formatted = dict(source.files), True
        state.schedule(durations.VOLUME_READY, "volume_ready", app.name, volume.id)
    app.volumes[volume.id] = volume
    return Answer(volume_view(volume))


def get_volume(call: Call) -> Answer:
    """One volume."""
    return Answer(volume_view(call.volume))


def update_volume(call: Call) -> Answer:
    """Change backups."""
    body, volume = call.read(UpdateVolume), call.volume
    if body.snapshot_retention is not None:
        _check_retention(body.snapshot_retention)
        volume.snapshot_retention = body.snapshot_retention
    if body.auto_backup_enabled is not None:
        volume.auto_backup_enabled = body.auto_backup_enabled
    volume.updated_at = call.state.now()
    return Answer(volume_view(volume))


def delete_volume(call: Call) -> Answer:
    """Delete a volume: it stays listed for a day. Refused while it is bound to a machine."""
    volume, state = call.volume, call.state
    if volume.attached_machine_id:
        raise precondition(f"volume is currently bound to machine: {volume.attached_machine_id}")
    if volume.state not in _DYING:
        volume.state = "pending_destroy"
        volume.updated_at = state.now()
        state.schedule(durations.PENDING_DESTROY, "volume_destroyed", call.app.name, volume.id, scaled=False)
    return Answer(volume_view(volume))


def extend_volume(call: Call) -> Answer:
    """Make a volume larger; it cannot be made smaller."""
    body, app, volume = call.read(Extend), call.app, call.volume
    if body.size_gb < volume.size_gb or body.size_gb > _LARGEST_GB:
        raise bad_request(f"invalid size_gb, must be between {volume.size_gb} and {_LARGEST_GB}")
    if volume.state in _DYING:
        raise precondition("volume is being destroyed")
    volume.size_gb = body.size_gb
    volume.updated_at = call.state.now()
    machine = app.machines.get(volume.attached_machine_id or "")
    needs_restart = machine is not None and machine.state == "started" and machine.needs_restart_to_extend
    return Answer({"volume": volume_view(volume), "needs_restart": needs_restart})


def _check_retention(days: int) -> None:
    if not 1 <= days <= 60:
        raise bad_request("invalid snapshot_retention, must be between 1 and 60")


def _source(app: App, body: CreateVolume) -> Snapshot | None:
    """Return what the new volume is filled from; a fork is a snapshot of now."""
    if body.snapshot_id:
        for volume in app.volumes.values():
            for snapshot in volume.snapshots:
                if snapshot.id == body.snapshot_id:
                    return snapshot
        raise not_found("snapshot")
    if body.source_volume_id:
        forked = app.volumes.get(body.source_volume_id)
        if forked is None or forked.state in _DYING:
            raise not_found("volume")
        return Snapshot(id="", created_at=0.0, volume_size=forked.size_gb * 2**30, files=forked.files)
    return None


def _region(call: Call, expression: str | None) -> str:
    settings = call.state.world.settings
    try:
        regions = list(candidates(expression or settings.nearest_region, settings.nearest_region))
    except KeyError as error:
        raise bad_request(f"target region {error.args[0]} not found") from None
    for region in regions:
        if region not in settings.full_regions:
            return region
    raise aborted("no capacity")


def _zone(call: Call, app: App, body: CreateVolume, region: str) -> str:
    """Return a hardware zone, a free one where it has to be unique (reference 6.7)."""
    count = call.state.world.settings.zones_per_region
    zones = [f"{(sum(region.encode()) * 977 + index * 4099) % 65536:04x}" for index in range(count)]
    others = [
        volume for volume in app.volumes.values() if volume.region == region and volume.state not in _DYING
    ]
    taken = {volume.zone for volume in others if body.unique_zone_app_wide or volume.name == body.name}
    free = [zone for zone in zones if zone not in taken]
    if free:
        return free[0]
    if body.require_unique_zone or not zones:
        raise aborted("no capacity")
    return zones[len(others) % count]


_PATH = "/v1/apps/{app}/volumes"
ENDPOINTS = (
    Endpoint("GET", _PATH, list_volumes, "r", sure=("client", "document", "docs")),
    Endpoint(
        "POST",
        _PATH,
        create_volume,
        "c",
        sure=("client", "docs", "report", "inferred"),
        lacks=(
            "Hosts: `compute` and `compute_image` are taken and ignored. Texts for bad names and "
            "sizes are ours."
        ),
    ),
    Endpoint(
        "GET",
        f"{_PATH}/{{vol}}",
        get_volume,
        "r",
        sure=("client", "document", "docs"),
        lacks="`bytes_used` counts the files of the emulator.",
    ),
    Endpoint(
        "PUT",
        f"{_PATH}/{{vol}}",
        update_volume,
        "w",
        sure=("client", "document"),
        lacks="Snapshots are not taken daily.",
    ),
    Endpoint("DELETE", f"{_PATH}/{{vol}}", delete_volume, "d", sure=("client", "docs", "report")),
    Endpoint("PUT", f"{_PATH}/{{vol}}/extend", extend_volume, "w", sure=("client", "docs")),
)
