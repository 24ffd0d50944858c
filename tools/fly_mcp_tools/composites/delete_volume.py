"""flyDeleteVolume: a last snapshot first, and then the volume."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field, JsonValue

from fly_mcp_tools import prices
from fly_mcp_tools.action import Loss
from fly_mcp_tools.api import volumes
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import EARLIER_ATTEMPT, FlyError, MaybeDone, NotFound, TimedOut, WrongState
from fly_mcp_tools.foreign import quoted
from fly_mcp_tools.ids import AppName, VolumeId
from fly_mcp_tools.models import Outcome, Params, WriteResult
from fly_mcp_tools.wire import Snapshot, Volume, obj

from . import letting_go, snapshotting
from .undoing import Undo, day

_LOOK_EVERY = 2.0
#: Looks after a lost answer.
_LOOKS = 3
_VOLUME, _SENT = "volume", "sent"


class DeleteVolume(Params):
    """A volume of an app."""

    app_name: AppName
    volume_id: VolumeId
    snapshot: Annotated[bool, Field(description="false: without a last snapshot")] = True


class VolumeDeleted(WriteResult):
    """The volume after its deletion. Fly still lists it for a day as pending_destroy."""

    id: str
    name: str
    state: str
    undo: Undo | None = None
    monthly_cost: str | None = Field(default=None, description="the difference")


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
    facts["last_snapshot"] = params.snapshot
    last = (
        " A last snapshot would be taken first, from which flyCreateVolume restores it for some days."
        if params.snapshot
        else " No last snapshot would be taken: what is not in an older one is gone for good."
    )
    return Loss(
        f"Volume {volume.id} ({quoted(volume.name)}, {volume.size_gb} GB, {volume.region}) and all data on it would be "
        f"gone; {kept}.{last}",
        facts,
    )


async def delete(call: Call, params: DeleteVolume) -> VolumeDeleted:
    """Destroy an unattached volume with all its data, after a last snapshot unless that is declined.

    Raises:
        WrongState: a machine has it.
        FlyError: the snapshot could not be taken; the volume is as it was.
    """
    if (ended := await _ended_before(call, params)) is not None:
        return ended
    before = await letting_go.freed(call, params.app_name, await _deletable(call, params))
    call.journal.note(_VOLUME, {"name": before.name, "region": before.region, "size_gb": before.size_gb})
    snapshot = await _last_snapshot(call, params) if params.snapshot else None
    undo = _undo(before, snapshot)
    if snapshot is not None and not snapshot.complete:
        note = (
            f"Nothing is deleted yet: snapshot {snapshot.id} is still {snapshot.status or 'on the way'}. Repeat the "
            "call, with its requestId if it had one, to go on; or send snapshot: false to delete without it."
        )
        return _result(before, "pending", note, None)
    call.journal.note(_SENT, True)
    try:
        outcome, volume, found = await _sent(call, params, before)
    except FlyError as error:
        if snapshot is not None:
            error.facts["snapshot_id"] = snapshot.id  # taken for nothing; it goes away by itself
        raise
    kept = {"name": volume.name or before.name, "size_gb": volume.size_gb or before.size_gb}
    return _result(volume.model_copy(update=kept), outcome, found, undo)


async def _ended_before(call: Call, params: DeleteVolume) -> VolumeDeleted | None:
    """What an earlier call of this intent came to; None where the volume is still there."""
    if _SENT not in call.journal.notes:
        return None
    try:
        volume = await volumes.get(call, params.app_name, params.volume_id)
        if not volume.dying:
            return None
    except NotFound:
        volume = Volume(id=params.volume_id, state="destroyed")
    known = obj(call.journal.notes.get(_VOLUME))
    volume = volume.model_copy(
        update={key: getattr(volume, key) or str(known.get(key) or "") for key in ("name", "region")}
    )
    if volume.size_gb is None and isinstance(size := known.get("size_gb"), int):
        volume = volume.model_copy(update={"size_gb": size})
    snapshot = None
    if params.snapshot:
        # Fly lists the snapshots of a deleted volume too (reference 4.6).
        snapshot = await snapshotting.noted(call, params.app_name, params.volume_id)
    note = "An earlier call with this requestId had deleted it."
    return _result(volume, "done", note, _undo(volume, snapshot))


async def _last_snapshot(call: Call, params: DeleteVolume) -> Snapshot:
    try:
        return await snapshotting.take(call, params.app_name, params.volume_id)
    except FlyError as error:
        error.message = f"The last snapshot could not be taken, and so nothing was deleted: {error.message}"
        error.hint = f"{error.hint} Or send snapshot: false to delete without one."
        raise


async def _sent(call: Call, params: DeleteVolume, before: Volume) -> tuple[Outcome, Volume, str | None]:
    began = call.clock.monotonic()
    while True:
        try:
            return "done", await volumes.delete(call, params.app_name, params.volume_id), None
        except WrongState:
            # Its machine was destroyed a moment ago: Fly may know of it here and not yet there.
            if call.clock.monotonic() - began >= letting_go.FREE_WITHIN:
                raise
            await call.clock.sleep(_LOOK_EVERY)
        except NotFound as error:
            if EARLIER_ATTEMPT not in error.facts:
                raise
            return "done", before.model_copy(update={"state": "destroyed"}), None
        except (MaybeDone, TimedOut):
            return await _looked(call, params, before)


async def _looked(call: Call, params: DeleteVolume, before: Volume) -> tuple[Outcome, Volume, str | None]:
    volume = before
    for _ in range(_LOOKS):
        await call.clock.sleep(_LOOK_EVERY)
        try:
            volume = await volumes.get(call, params.app_name, params.volume_id)
        except NotFound:
            volume = before.model_copy(update={"state": "destroyed"})
        except FlyError:
            continue
        if volume.dying:
            return "done", volume, None
    note = f"The answer was lost and the volume is still {volume.state}. Repeating the call is safe."
    return "unclear", volume, note


async def _deletable(call: Call, params: DeleteVolume) -> Volume:
    volume = await volumes.get(call, params.app_name, params.volume_id)
    if machine_id := await letting_go.owner(call, params.app_name, volume):
        raise letting_go.attached(volume, machine_id, " and cannot be deleted")
    if volume.dying:
        raise NotFound(
            f"Volume {volume.id} is {volume.state} already.", hint="flyListVolumes shows what is there."
        )
    return volume


def _undo(volume: Volume, snapshot: Snapshot | None) -> Undo:
    if snapshot is None:
        return Undo(
            how="No last snapshot was taken. An older one, if there is any, restores an older state: flyCreateVolume "
            "with snapshotId.",
            lost="its data since the newest older snapshot, and its id",
        )
    until = snapshotting.kept_until(snapshot)
    return Undo(
        how=f"flyCreateVolume with snapshotId: {snapshot.id}, name: {volume.name}, region: {volume.region}",
        reference=snapshot.id,
        until=day(until) if until else None,
        lost="its id",
    )


def _result(volume: Volume, outcome: Outcome, note: str | None, undo: Undo | None) -> VolumeDeleted:
    saved = prices.change(prices.volume(volume.size_gb), prices.NOTHING) if outcome == "done" else None
    return VolumeDeleted(
        outcome=outcome,
        note=note,
        id=volume.id,
        name=volume.name,
        state=volume.state,
        undo=undo,
        monthly_cost=saved.said(signed=True) if saved else None,
    )


def _age(call: Call, when: datetime) -> str:
    hours = max(0.0, (call.clock.now() - snapshotting.aware(when).timestamp()) / 3600)
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.1f} hours"
