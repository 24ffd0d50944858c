"""flyListVolumes, flyCreateVolume and flyDeleteVolume."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field, JsonValue

from fly_mcp_tools import regions
from fly_mcp_tools.action import Loss
from fly_mcp_tools.api import volumes
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import EARLIER_ATTEMPT, FlyError, MaybeDone, NotFound, TimedOut, WrongState
from fly_mcp_tools.ids import AppName, RegionCode, VolumeId, VolumeName
from fly_mcp_tools.models import Params, Result, Whole, WriteResult
from fly_mcp_tools.wire import Volume

from . import letting_go
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
    size_gb: Annotated[Whole, Field(ge=1, le=500, description="GB")] = 1


class DeleteVolume(Params):
    """A volume of an app."""

    app_name: AppName
    volume_id: VolumeId


class VolumeCreated(WriteResult):
    """The new volume."""

    id: str
    name: str
    size_gb: int | None
    region: str
    state: str
    attached_machine_id: str | None


class VolumeDeleted(WriteResult):
    """The volume after its deletion. Fly still lists it for a day as pending_destroy."""

    id: str
    name: str
    state: str


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
    # A name is a label that many volumes may share, so only the ids of before tell a new one (reference 9.24).
    before = {volume.id for volume in await volumes.list_of(call, params.app_name)}
    note = None
    try:
        volume = await volumes.create(call, params.app_name, params.name, params.region, params.size_gb)
    except (MaybeDone, TimedOut) as error:
        volume = await _find(call, params, before, error)
        note = "Fly's answer was lost; this volume is new since, with the name, region and size asked for."
    volume = await _ready(call, params.app_name, volume)
    ready = volume.state not in _COMING
    if not ready:
        note = f"It is still {volume.state}; flyListVolumes shows when it is created."
    return VolumeCreated.model_validate(
        {**_row(volume), "outcome": "done" if ready else "pending", "note": note}
    )


async def preview(call: Call, params: DeleteVolume) -> Loss:
    """What deleting it would lose. Raises WrongState where a machine has it: confirmed or not, Fly refuses."""
    volume = await _deletable(call, params)
    facts: dict[str, JsonValue] = {
        "volume_id": volume.id,
        "name": volume.name,
        "size_gb": volume.size_gb,
        "region": volume.region,
        "state": volume.state,
    }
    try:
        newest = await volumes.newest_snapshot(call, params.app_name, volume.id)
        facts["newest_snapshot"] = newest.isoformat() if newest else None
        kept = f"the newest snapshot is {_age(call, newest)} old" if newest else "there is no snapshot of it"
    except FlyError:
        facts["newest_snapshot"] = "unknown: could not be read"
        kept = "whether there is a snapshot could not be read"
    return Loss(
        f"Volume {volume.id} ({volume.name}, {volume.size_gb} GB, {volume.region}) and all data on it would be "
        f"gone; {kept}.",
        facts,
    )


async def delete(call: Call, params: DeleteVolume) -> VolumeDeleted:
    """Destroy an unattached volume with all its data.

    Raises:
        WrongState: a machine has it.
    """
    before = await letting_go.freed(call, params.app_name, await _deletable(call, params))
    began = call.clock.monotonic()
    note, outcome = None, "done"
    while True:
        try:
            volume = await volumes.delete(call, params.app_name, params.volume_id)
            break
        except WrongState:
            # Its machine was destroyed a moment ago: Fly may know of it here and not yet there.
            if call.clock.monotonic() - began >= letting_go.FREE_WITHIN:
                raise
            await call.clock.sleep(_LOOK_EVERY)
        except NotFound as error:
            if EARLIER_ATTEMPT not in error.facts:
                raise
            volume = before.model_copy(update={"state": "destroyed"})
            break
        except (MaybeDone, TimedOut):
            await call.clock.sleep(_LOOK_EVERY)
            volume = await _after(call, params, before)
            if not volume.dying:
                outcome = "unclear"
                note = (
                    f"The answer was lost and the volume is still {volume.state}. Repeating the call is safe."
                )
            break
    return VolumeDeleted.model_validate(
        {
            "id": volume.id,
            "name": volume.name or before.name,
            "state": volume.state,
            "outcome": outcome,
            "note": note,
        }
    )


async def _after(call: Call, params: DeleteVolume, before: Volume) -> Volume:
    try:
        return await volumes.get(call, params.app_name, params.volume_id)
    except NotFound:
        return before.model_copy(update={"state": "destroyed"})


async def _deletable(call: Call, params: DeleteVolume) -> Volume:
    volume = await volumes.get(call, params.app_name, params.volume_id)
    if machine_id := await letting_go.owner(call, params.app_name, volume):
        raise WrongState(
            f"Volume {volume.id} is attached to machine {machine_id} and cannot be deleted.",
            hint="There is no detach: only deleting that machine (flyDeleteMachine) frees the volume.",
            facts={"volume_id": volume.id, "attached_machine_id": machine_id},
        )
    if volume.dying:
        raise NotFound(
            f"Volume {volume.id} is {volume.state} already.", hint="flyListVolumes shows what is there."
        )
    return volume


async def _ready(call: Call, app_name: str, volume: Volume) -> Volume:
    began = call.clock.monotonic()
    while volume.state in _COMING and call.clock.monotonic() - began < READY_WITHIN:
        await call.clock.sleep(_LOOK_EVERY)
        try:
            volume = await volumes.get(call, app_name, volume.id)
        except FlyError:
            continue  # it is made; a look that fails must not hide its id
    return volume


async def _find(call: Call, params: CreateVolume, before: set[str], error: FlyError) -> Volume:
    await call.clock.sleep(_LOOK_EVERY)
    new = [
        volume
        for volume in await volumes.list_of(call, params.app_name)
        if volume.id not in before
        and (volume.name, volume.region, volume.size_gb) == (params.name, params.region, params.size_gb)
    ]
    if len(new) == 1:
        return new[0]
    found = (
        "no new volume is there: it was probably not created" if not new else f"{len(new)} new ones are there"
    )
    raise MaybeDone(
        f"The request to create volume {params.name} was sent, its answer lost, and {found}.",
        hint="flyListVolumes shows what is there; look before creating again, since each one is billed.",
        status=error.status,
        request_id=error.request_id,
        facts={"found": [volume.id for volume in new]},
    )


def _age(call: Call, when: datetime) -> str:
    moment = when if when.tzinfo else when.replace(tzinfo=UTC)
    hours = max(0.0, (call.clock.now() - moment.timestamp()) / 3600)
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.1f} hours"


def _row(volume: Volume) -> dict[str, JsonValue]:
    return {
        "id": volume.id,
        "name": volume.name,
        "size_gb": volume.size_gb,
        "region": volume.region,
        "state": volume.state,
        "attached_machine_id": volume.attached_machine_id,
    }
