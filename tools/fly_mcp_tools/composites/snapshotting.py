"""A snapshot of a volume, seen to be complete: what a deletion can be undone with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from fly_mcp_tools.api import volumes
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import FlyError, MaybeDone, TimedOut, WrongState
from fly_mcp_tools.wire import Snapshot, obj

#: Seconds for a snapshot to be complete. Fly names no time; a large volume takes minutes.
COMPLETE_WITHIN: Final = 240.0
#: Seconds for which one that an earlier call of this intent took is as good as one of now.
_FRESH: Final = 3600.0
_LOOK_EVERY: Final = 2.0
_TRIES: Final = 3
_STEP: Final = "snapshot"


async def take(call: Call, app_name: str, volume_id: str) -> Snapshot:
    """Take a snapshot and wait for it; one that an earlier call of this intent took is taken up.

    The result may still be on the way (`complete` is false) after `COMPLETE_WITHIN` seconds.

    Raises:
        FlyError: none could be taken.
    """
    began = call.clock.monotonic()
    snapshot = await noted(call, app_name, volume_id)
    if snapshot is None or _is_old(call, snapshot):
        snapshot = await _begun(call, app_name, volume_id, began)
    return await _completed(call, app_name, volume_id, snapshot, began)


async def noted(call: Call, app_name: str, volume_id: str) -> Snapshot | None:
    """The snapshot that an earlier call of this intent took; one that is new since it asked for one will do."""
    known = obj(call.journal.notes.get(_STEP))
    if not known:
        return None
    found = await volumes.snapshots(call, app_name, volume_id)
    if "id" in known:
        return next((one for one in found if one.id == known["id"]), None)
    before = known.get("before")
    return _new(found, {str(word) for word in before} if isinstance(before, list) else set())


def kept_until(snapshot: Snapshot) -> datetime | None:
    """When Fly lets go of it."""
    if snapshot.created_at is None or snapshot.retention_days is None:
        return None
    return aware(snapshot.created_at) + timedelta(days=snapshot.retention_days)


def aware(moment: datetime) -> datetime:
    """A moment with its zone: Fly's are UTC where they do not say."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_old(call: Call, snapshot: Snapshot) -> bool:
    """Whether the volume may have been used since. One that is not complete has to be waited for in any case."""
    if snapshot.created_at is None or not snapshot.complete:
        return False
    return call.clock.now() - aware(snapshot.created_at).timestamp() > _FRESH


async def _begun(call: Call, app_name: str, volume_id: str, began: float) -> Snapshot:
    """A snapshot of now, noted; or somebody's that is not complete by the time, and not noted.

    Fly takes one at a time. One that was begun before may be from when a machine still wrote to the volume, so it is
    no substitute: its end is waited for. One that is new since the first look is, whoever took it.
    """
    before = {one.id for one in await volumes.snapshots(call, app_name, volume_id)}
    call.journal.note(_STEP, {"before": [*sorted(before)]})
    lost = 0
    while True:
        busy = False
        try:
            begun = await volumes.take_snapshot(call, app_name, volume_id)
            trouble: FlyError = MaybeDone(
                f"Fly took a snapshot of {volume_id} and did not say which, and no new one is there.",
                hint="flyListSnapshots looks again.",
            )
        except (MaybeDone, TimedOut) as error:
            begun, trouble = None, error
        except WrongState as error:
            if "already scheduled" not in error.fly_says:
                raise
            begun, trouble, busy = None, error, True
        if begun is None:
            await call.clock.sleep(_LOOK_EVERY)
            begun = _new(await volumes.snapshots(call, app_name, volume_id), before)
        if begun is not None:
            call.journal.note(_STEP, {"id": begun.id})
            return begun
        if busy:
            other = await _others_end(call, app_name, volume_id, began)
            if other is not None:
                return other
            late = call.clock.monotonic() - began >= COMPLETE_WITHIN
        else:
            # Nothing came of it. A snapshot too many would cost little, so it is asked for again.
            lost += 1
            late = lost == _TRIES
        if late:
            raise trouble


async def _others_end(call: Call, app_name: str, volume_id: str, began: float) -> Snapshot | None:
    """Wait until a snapshot that is being taken is complete; it, if it still is not when the time is over."""
    coming: dict[str, Snapshot] | None = None
    while True:
        found = await volumes.snapshots(call, app_name, volume_id)
        now = {one.id: one for one in found if not one.complete}
        # Which of those that are not complete Fly is at work on is not said: any change may be its end.
        if not now or (coming is not None and now.keys() != coming.keys()):
            return None
        coming, spent = now, call.clock.monotonic() - began
        if spent >= COMPLETE_WITHIN:
            return next(iter(now.values()))
        await call.progress(spent, COMPLETE_WITHIN, "waiting for the end of a snapshot that was begun before")
        await call.clock.sleep(_LOOK_EVERY)


def _new(found: Iterable[Snapshot], before: set[str]) -> Snapshot | None:
    return next((one for one in found if one.id not in before), None)


async def _completed(call: Call, app_name: str, volume_id: str, snapshot: Snapshot, began: float) -> Snapshot:
    while not snapshot.complete:
        spent = call.clock.monotonic() - began
        if spent >= COMPLETE_WITHIN:
            break
        await call.progress(spent, COMPLETE_WITHIN, f"waiting for snapshot {snapshot.id}")
        await call.clock.sleep(_LOOK_EVERY)
        try:
            found = await volumes.snapshots(call, app_name, volume_id)
        except FlyError:
            continue  # Fly is unwell for a moment; the snapshot goes on meanwhile
        snapshot = next((one for one in found if one.id == snapshot.id), snapshot)
    return snapshot
