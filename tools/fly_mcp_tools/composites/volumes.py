"""flyListVolumes, flyGetVolume and flyCreateVolume."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue

from fly_mcp_tools import prices, regions, states
from fly_mcp_tools.api import volumes
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import FlyError, InvalidArguments, Problem
from fly_mcp_tools.ids import AppName, RegionCode, SnapshotId, VolumeId, VolumeName
from fly_mcp_tools.models import Params, Result, Whole, WriteResult
from fly_mcp_tools.wire import JsonObject, Volume

from . import creating_volume, snapshot_source
from .paging import Paged, page
from .undoing import day

#: Seconds for a volume to be ready, after it was made or extended.
READY_WITHIN = 60.0
_LOOK_EVERY = 2.0
_COMING = frozenset(
    {"creating", "extending", "restoring", "hydrating", "enabling_remote_export", "recovering"}
)

Detail = Annotated[Literal["summary", "full"], Field(description="full: all columns")]


class OfVolume(Params):
    """One volume."""

    app_name: AppName
    volume_id: VolumeId


class ListVolumes(Paged):
    """Which of an app's volumes."""

    app_name: AppName
    state: Annotated[str, AfterValidator(states.one_of(states.VOLUME))] | None = Field(
        default=None, description="Volume state"
    )
    region: RegionCode | None = Field(default=None, description="Region code")
    attached: bool | None = Field(default=None, description="false: free ones")
    detail: Detail = "summary"


class VolumeRow(Result):
    """A volume. `attached_machine_id` is null where no machine has it."""

    id: str
    name: str
    size_gb: int | None
    region: str
    state: str
    attached_machine_id: str | None
    zone: str | None = Field(default=None, description="which hardware; volumes of two zones fail apart")
    encrypted: bool | None = None
    created_at: str | None = None
    snapshot_retention: int | None = Field(default=None, description="days for which snapshots are kept")
    scheduled_snapshots: bool | None = Field(default=None, description="whether Fly takes one a day")
    used_gb: float | None = None
    host_status: str | None = Field(default=None, description="where its host does not answer")


class VolumeList(Result):
    """The app's volumes; those being destroyed are left out, unless that state is asked for."""

    volumes: list[VolumeRow]
    total: int | None = Field(default=None, description="how many fit, where not all are shown")
    showing: str | None = None
    next_cursor: str | None = None


class VolumeDetail(VolumeRow):
    """One volume."""

    monthly_cost: str


class CreateVolume(Params):
    """A volume is in one region and belongs to machines there."""

    app_name: AppName
    name: Annotated[VolumeName, Field(description='Name, e.g. "data"')]
    region: Annotated[RegionCode, Field(description="Region of the machine it is for")]
    size_gb: Annotated[Whole, Field(ge=1, le=500)] | None = Field(
        default=None, description="GB, default 1; of a copy: its source's"
    )
    snapshot_id: SnapshotId | None = Field(default=None, description="Snapshot to restore")
    source_volume_id: VolumeId | None = Field(default=None, description="Volume to fork")
    unique_zone: bool | None = Field(default=None, description="false: may share hardware")
    encrypted: bool | None = Field(default=None, description="Default true")


class VolumeCreated(WriteResult):
    """The new volume."""

    id: str
    name: str
    size_gb: int | None
    region: str
    state: str
    attached_machine_id: str | None
    restored_from: str | None = Field(default=None, description="the snapshot that its data are from")
    forked_from: str | None = Field(default=None, description="the volume that its data are from")
    monthly_cost: str | None = None


async def list_(call: Call, params: ListVolumes) -> VolumeList:
    """The app's volumes, one short record each, or all that Fly tells of each."""
    full = params.detail == "full"
    dying = params.state is not None
    found = await volumes.list_of(call, params.app_name, dying=dying, summary=not full)
    shown = page(params, [one for one in found if _fits(one, params)], lambda one: one.id)
    return VolumeList(
        volumes=[VolumeRow.model_validate(row(one, full=full)) for one in shown.rows],
        total=shown.total if shown.showing else None,
        showing=shown.showing,
        next_cursor=shown.next_cursor,
    )


async def get(call: Call, params: OfVolume) -> VolumeDetail:
    """One volume. Raises NotFound."""
    volume = await volumes.get(call, params.app_name, params.volume_id)
    return VolumeDetail.model_validate(
        {**row(volume, full=True), "monthly_cost": prices.volume(volume.size_gb).said()}
    )


async def create(call: Call, params: CreateVolume) -> VolumeCreated:
    """Create a volume and see it ready. It is billed by the GB from now on, attached or not.

    Raises:
        InvalidArguments: two sources, or a fork smaller than its source.
        MaybeDone: the answer was lost and it could not be told whether a volume was made.
    """
    if params.snapshot_id and params.source_volume_id:
        raise InvalidArguments(
            "A volume has one source: a snapshot or a volume; nothing was sent.",
            problems=[Problem("sourceVolumeId", "leave it out, or snapshotId")],
        )
    await regions.check(call, params.region)
    await snapshot_source.within_app(call, params.app_name, params.snapshot_id)
    size_gb = await _size(call, params)
    new = creating_volume.New(params.app_name, params.name, params.region, size_gb, _extra(params))
    made = await creating_volume.create(call, new)
    volume = await settled(call, params.app_name, made.volume)
    ready = volume.state not in _COMING
    late = f"It is still {volume.state}; flyGetVolume shows when it is created."
    notes = [*([made.note] if made.note else []), *([] if ready else [late])]
    return VolumeCreated.model_validate(
        {
            **row(volume),
            "outcome": "done" if ready else "pending",
            "note": " ".join(notes) or None,
            "restored_from": params.snapshot_id,
            "forked_from": params.source_volume_id,
            "monthly_cost": prices.volume(volume.size_gb).said(signed=True),
        }
    )


async def settled(call: Call, app_name: str, volume: Volume) -> Volume:
    """The volume once Fly is done with it, or as it is after `READY_WITHIN` seconds."""
    began = call.clock.monotonic()
    while volume.state in _COMING and call.clock.monotonic() - began < READY_WITHIN:
        await call.clock.sleep(_LOOK_EVERY)
        try:
            volume = await volumes.get(call, app_name, volume.id)
        except FlyError:
            continue  # it is there; a look that fails must not hide its id
    return volume


def row(volume: Volume, *, full: bool = False) -> dict[str, JsonValue]:
    """A volume as answers show it."""
    short: dict[str, JsonValue] = {
        "id": volume.id,
        "name": volume.name,
        "size_gb": volume.size_gb,
        "region": volume.region,
        "state": volume.state,
        "attached_machine_id": volume.attached_machine_id,
    }
    if not full:
        return short
    return {
        **short,
        "zone": volume.zone or None,
        "encrypted": volume.encrypted,
        "created_at": day(volume.created_at) if volume.created_at else None,
        "snapshot_retention": volume.snapshot_retention,
        "scheduled_snapshots": volume.auto_backup_enabled,
        "used_gb": round(volume.bytes_used / 2**30, 2) if volume.bytes_used is not None else None,
        "host_status": None if volume.host_status == "ok" else volume.host_status,
    }


def _fits(volume: Volume, params: ListVolumes) -> bool:
    return (
        params.state in (None, volume.state)
        and params.region in (None, volume.region)
        and params.attached in (None, volume.attached_machine_id is not None)
    )


async def _size(call: Call, params: CreateVolume) -> int | None:
    """The size to send; None where Fly takes the snapshot's."""
    if params.source_volume_id is None:
        return params.size_gb if params.size_gb or params.snapshot_id else 1
    source = await volumes.get(call, params.app_name, params.source_volume_id)
    least = source.size_gb or 1
    if params.size_gb is not None and params.size_gb < least:
        raise InvalidArguments(
            f"A fork is at least as large as its source, and {source.id} has {least} GB; nothing was sent.",
            problems=[Problem("sizeGb", f"send {least} or more, or leave it out")],
        )
    return params.size_gb or least


def _extra(params: CreateVolume) -> JsonObject:
    given: JsonObject = {
        "snapshot_id": params.snapshot_id,
        "source_volume_id": params.source_volume_id,
        "require_unique_zone": params.unique_zone,
        "encrypted": params.encrypted,
    }
    return {key: value for key, value in given.items() if value is not None}
