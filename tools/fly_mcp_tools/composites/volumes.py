"""flyListVolumes and flyCreateVolume."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue

from fly_mcp_tools import regions
from fly_mcp_tools.api import volumes
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import FlyError
from fly_mcp_tools.ids import AppName, RegionCode, SnapshotId, VolumeName
from fly_mcp_tools.models import Params, Result, Whole, WriteResult
from fly_mcp_tools.wire import JsonObject, Volume

from . import creating_volume
from .listing import OfApp, capped

#: Seconds for a new volume to be ready.
READY_WITHIN = 60.0
_LOOK_EVERY = 2.0
_COMING = frozenset({"creating", "restoring", "hydrating", "enabling_remote_export", "recovering"})


class VolumeRow(Result):
    """A volume. `attached_machine_id` is null where no machine has it."""

    id: str
    name: str
    size_gb: int | None
    region: str
    state: str
    attached_machine_id: str | None


class VolumeList(Result):
    """The app's volumes; those being destroyed are left out."""

    volumes: list[VolumeRow]
    total: int | None = Field(default=None, description="how many there are, where not all are shown")


class CreateVolume(Params):
    """A volume is in one region and belongs to machines there."""

    app_name: AppName
    name: Annotated[VolumeName, Field(description='Name, e.g. "data"')]
    region: Annotated[RegionCode, Field(description="Region of the machine it is for")]
    size_gb: Annotated[Whole, Field(ge=1, le=500)] | None = Field(
        default=None, description="GB, default 1; from a snapshot: its volume's"
    )
    snapshot_id: SnapshotId | None = Field(default=None, description="Snapshot to restore")


class VolumeCreated(WriteResult):
    """The new volume."""

    id: str
    name: str
    size_gb: int | None
    region: str
    state: str
    attached_machine_id: str | None
    restored_from: str | None = Field(default=None, description="the snapshot that its data are from")


async def list_(call: Call, params: OfApp) -> VolumeList:
    """The app's volumes."""
    found = await volumes.list_of(call, params.app_name)
    shown, total = capped(found)
    return VolumeList(volumes=[VolumeRow.model_validate(_row(volume)) for volume in shown], total=total)


async def create(call: Call, params: CreateVolume) -> VolumeCreated:
    """Create a volume and see it ready. It is billed by the GB from now on, attached or not.

    Raises:
        MaybeDone: the answer was lost and it could not be told whether a volume was made.
    """
    await regions.check(call, params.region)
    size_gb = params.size_gb if params.size_gb or params.snapshot_id else 1
    extra: JsonObject = {"snapshot_id": params.snapshot_id} if params.snapshot_id else {}
    new = creating_volume.New(params.app_name, params.name, params.region, size_gb, extra)
    made = await creating_volume.create(call, new)
    volume = await _ready(call, params.app_name, made.volume)
    ready = volume.state not in _COMING
    late = f"It is still {volume.state}; flyListVolumes shows when it is created."
    notes = [*([made.note] if made.note else []), *([] if ready else [late])]
    return VolumeCreated.model_validate(
        {
            **_row(volume),
            "outcome": "done" if ready else "pending",
            "note": " ".join(notes) or None,
            "restored_from": params.snapshot_id,
        }
    )


async def _ready(call: Call, app_name: str, volume: Volume) -> Volume:
    began = call.clock.monotonic()
    while volume.state in _COMING and call.clock.monotonic() - began < READY_WITHIN:
        await call.clock.sleep(_LOOK_EVERY)
        try:
            volume = await volumes.get(call, app_name, volume.id)
        except FlyError:
            continue  # it is made; a look that fails must not hide its id
    return volume


def _row(volume: Volume) -> dict[str, JsonValue]:
    return {
        "id": volume.id,
        "name": volume.name,
        "size_gb": volume.size_gb,
        "region": volume.region,
        "state": volume.state,
        "attached_machine_id": volume.attached_machine_id,
    }
