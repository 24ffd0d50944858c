"""flyUpdateVolume and flyExtendVolume."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from pydantic import Field

from fly_mcp_tools import prices
from fly_mcp_tools.api import volumes
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import InvalidArguments, MaybeDone, NotFound, Problem, TimedOut
from fly_mcp_tools.ids import AppName, VolumeId
from fly_mcp_tools.models import Params, Whole, WriteResult
from fly_mcp_tools.wire import JsonObject, Volume

from . import looking
from .volumes import settled

_Has = Callable[[Volume], bool]
_LOST = "Fly's answer was lost; the volume shows that it was done."
_UNLIKE = "the volume does not show the change"


class UpdateVolume(Params):
    """How it is backed up."""

    app_name: AppName
    volume_id: VolumeId
    snapshot_retention: Annotated[Whole, Field(ge=1, le=60)] | None = Field(
        default=None, description="Days to keep snapshots"
    )
    scheduled_snapshots: bool | None = Field(default=None, description="Daily snapshots on or off")


class VolumeUpdated(WriteResult):
    """How it is backed up now."""

    id: str
    snapshot_retention: int | None
    scheduled_snapshots: bool | None


class ExtendVolume(Params):
    """How large it is to be."""

    app_name: AppName
    volume_id: VolumeId
    size_gb: Annotated[Whole, Field(ge=1, le=500, description="New total size in GB")]


class VolumeExtended(WriteResult):
    """The volume and its new size."""

    id: str
    size_gb: int | None
    was_gb: int | None
    state: str
    needs_restart: bool | None = Field(
        default=None, description="true: its machine sees the new size only after a restart"
    )
    attached_machine_id: str | None
    monthly_cost: str | None = Field(default=None, description="the difference")


async def update(call: Call, params: UpdateVolume) -> VolumeUpdated:
    """Change for how long its snapshots are kept, and whether Fly takes them by itself.

    Raises:
        InvalidArguments: nothing to change.
        NotFound: it is not there, or on its way out.
    """
    given: JsonObject = {
        "snapshot_retention": params.snapshot_retention,
        "auto_backup_enabled": params.scheduled_snapshots,
    }
    changes: JsonObject = {key: value for key, value in given.items() if value is not None}
    if not changes:
        raise InvalidArguments(
            "Nothing to change: snapshotRetention and scheduledSnapshots are both left out.",
            problems=[Problem("snapshotRetention", "send at least one of the two")],
        )

    def has(volume: Volume) -> bool:
        return all(getattr(volume, key) == value for key, value in changes.items())

    before = await _there(call, params.app_name, params.volume_id)
    if has(before):
        return _updated(before, None if call.resumed else "It is like that already; nothing was sent.")
    lost = False
    try:
        after = await volumes.update(call, params.app_name, before.id, changes)
        if has(after):
            return _updated(after, None)
    except (MaybeDone, TimedOut):
        lost = True
    found, looked = await looking.seen(call, _look(call, params.app_name, before.id, has), lost=lost)
    if found is not None:
        return _updated(found, _LOST if lost else None)
    unclear = _updated(before, looking.unlike(_UNLIKE, lost=lost, looked=looked))
    return unclear.model_copy(update={"outcome": "unclear"})


async def extend(call: Call, params: ExtendVolume) -> VolumeExtended:
    """Make it larger. It can never be made smaller again, so nothing smaller is sent.

    Raises:
        InvalidArguments: smaller than it is.
        NotFound: it is not there, or on its way out.
    """
    before = await _there(call, params.app_name, params.volume_id)
    noted = call.journal.notes.get("was")
    was = noted if isinstance(noted, int) else before.size_gb
    if before.size_gb is not None and params.size_gb < before.size_gb:
        raise InvalidArguments(
            f"Volume {before.id} has {before.size_gb} GB, and a volume cannot be made smaller; nothing was sent.",
            problems=[Problem("sizeGb", f"send more than {before.size_gb}, the new total")],
            hint="For a smaller one create a new volume and copy the data over.",
        )
    if before.size_gb == params.size_gb:
        earlier = "An earlier call with this requestId did it."
        return _extended(before, was, None, earlier if was != before.size_gb else "It is that large already.")
    call.journal.note("was", was)
    lost, needs_restart = False, None

    def large(volume: Volume) -> bool:
        return volume.size_gb == params.size_gb

    try:
        after, needs_restart = await volumes.extend(call, params.app_name, before.id, params.size_gb)
        if large(after):
            return _extended(await settled(call, params.app_name, after), was, needs_restart, None)
    except (MaybeDone, TimedOut):
        lost = True
    found, looked = await looking.seen(call, _look(call, params.app_name, before.id, large), lost=lost)
    if found is None:
        unclear = _extended(before, was, None, looking.unlike(_UNLIKE, lost=lost, looked=looked))
        return unclear.model_copy(update={"outcome": "unclear"})
    note = f"{_LOST} Whether its machine has to be restarted to see it was lost with it." if lost else None
    return _extended(await settled(call, params.app_name, found), was, needs_restart, note)


async def _there(call: Call, app_name: str, volume_id: str) -> Volume:
    volume = await volumes.get(call, app_name, volume_id)
    if volume.dying:
        raise NotFound(f"Volume {volume.id} is {volume.state}.", hint="flyListVolumes shows what is there.")
    return volume


def _look(call: Call, app_name: str, volume_id: str, has: _Has) -> Callable[[], Awaitable[Volume | None]]:
    async def look() -> Volume | None:
        volume = await volumes.get(call, app_name, volume_id)
        return volume if has(volume) else None

    return look


def _updated(volume: Volume, note: str | None) -> VolumeUpdated:
    return VolumeUpdated(
        outcome="done",
        note=note,
        id=volume.id,
        snapshot_retention=volume.snapshot_retention,
        scheduled_snapshots=volume.auto_backup_enabled,
    )


def _extended(
    volume: Volume, was: int | None, needs_restart: bool | None, note: str | None
) -> VolumeExtended:
    notes = [note] if note else []
    if needs_restart and volume.attached_machine_id:
        notes.append(
            f"Machine {volume.attached_machine_id} sees the new size only after flyStopMachine and flyStartMachine."
        )
    if volume.state == "extending":
        notes.append("It is still extending; flyGetVolume shows when it is created.")
    cost = prices.change(prices.volume(was), prices.volume(volume.size_gb))
    return VolumeExtended(
        outcome="pending" if volume.state == "extending" else "done",
        note=" ".join(notes) or None,
        id=volume.id,
        size_gb=volume.size_gb,
        was_gb=was,
        state=volume.state,
        needs_restart=needs_restart,
        attached_machine_id=volume.attached_machine_id,
        monthly_cost=cost.said(signed=True),
    )
