"""A snapshot of a volume, seen to be complete: what a deletion can be undone with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

from fly_mcp_tools.api import volumes
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import FlyError, MaybeDone, TimedOut, WrongState
from fly_mcp_tools.wire import Snapshot

#: Seconds for a snapshot to be complete. Fly names no time; a large volume takes minutes.
COMPLETE_WITHIN: Final = 240.0
_LOOK_EVERY: Final = 2.0
_TRIES: Final = 3
_STEP: Final = "snapshot"
_JOINED: Final = "snapshot-joined"


async def take(call: Call, app_name: str, volume_id: str) -> Snapshot:
    """Take a snapshot and wait for it; one that an earlier call of this intent took is taken up.

    The result may still be on the way (`complete` is false) after `COMPLETE_WITHIN` seconds.

    Raises:
        FlyError: none could be taken.
    """
    snapshot = await noted(call, app_name, volume_id)
    if snapshot is None:
        snapshot = await _begun(call, app_name, volume_id)
        call.journal.note(_STEP, snapshot.id)
    return await _completed(call, app_name, volume_id, snapshot)


async def noted(call: Call, app_name: str, volume_id: str) -> Snapshot | None:
    """The snapshot that an earlier call of this intent took."""
    known = call.journal.notes.get(_STEP)
    if not isinstance(known, str):
        return None
    return next((one for one in await volumes.snapshots(call, app_name, volume_id) if one.id == known), None)


def joined(call: Call) -> bool:
    """Whether the snapshot was being taken already, so that what was written since then is not in it."""
    return _JOINED in call.journal.notes


def kept_until(snapshot: Snapshot) -> datetime | None:
    """When Fly lets go of it."""
    if snapshot.created_at is None or snapshot.retention_days is None:
        return None
    made = snapshot.created_at
    return (made if made.tzinfo else made.replace(tzinfo=UTC)) + timedelta(days=snapshot.retention_days)


async def _begun(call: Call, app_name: str, volume_id: str) -> Snapshot:
    before = {one.id for one in await volumes.snapshots(call, app_name, volume_id)}
    for attempt in range(_TRIES):
        trouble: FlyError
        try:
            begun = await volumes.take_snapshot(call, app_name, volume_id)
        except (MaybeDone, TimedOut) as error:
            trouble = error
        except WrongState as error:
            # One is being taken already. Nothing writes to an unattached volume, so that one is as good; of an
            # attached one, `joined` tells.
            if "already scheduled" not in error.fly_says:
                raise
            trouble = error
        else:
            if begun is not None:
                return begun
            trouble = MaybeDone(
                f"Fly took a snapshot of {volume_id} and did not say which, and no new one is there.",
                hint="flyListSnapshots looks again.",
            )
        await call.clock.sleep(_LOOK_EVERY)
        found = await volumes.snapshots(call, app_name, volume_id)
        ours = _new(found, before) or _coming(found)
        if ours is not None:
            if ours.id in before:
                call.journal.note(_JOINED, True)
            return ours
        # Nothing came of it. A snapshot too many would cost little, so it is asked for again.
        if attempt == _TRIES - 1:
            raise trouble
    raise AssertionError("unreachable")


def _new(found: Iterable[Snapshot], before: set[str]) -> Snapshot | None:
    return next((one for one in found if one.id not in before), None)


def _coming(found: Iterable[Snapshot]) -> Snapshot | None:
    return next((one for one in found if not one.complete), None)


async def _completed(call: Call, app_name: str, volume_id: str, snapshot: Snapshot) -> Snapshot:
    began = call.clock.monotonic()
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
