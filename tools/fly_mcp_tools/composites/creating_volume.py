"""Making one volume, and finding it again where Fly's answer was lost.

A volume has no metadata, and its name is a label that many may share (reference 9.24). The one free field that
Fly takes with a create and shows afterwards is how long snapshots are kept. So a new volume is made with a number
of days that marks it, 6 to 60 where Fly's own clients send 5 or nothing, and is given the usual 5 once it is known.
After an unclear answer, only a volume counts that is new, like the one asked for, and has that number.

Nothing makes Fly refuse a second volume. So a create whose answer was lost is not sent again until a request that
is late would have arrived, and then only for a caller who repeats the same request id.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from fly_mcp_tools.api import volumes
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import Code, FlyError, MaybeDone, NotFound, TimedOut
from fly_mcp_tools.wire import JsonObject, Volume, obj

#: Days for which Fly keeps snapshots of a volume unless told otherwise (reference 2.2).
USUAL_DAYS: Final = 5
_FIRST_MARK, _MARKS = 6, 55
#: Looks, and seconds between them.
_LOOKS, _LOOK_EVERY = 3, 2.0
#: Seconds after which a request that was given up is taken for lost.
_LATE: Final = 20.0


@dataclass(frozen=True)
class New:
    """What a new volume is to be like. `size_gb` None: as large as the snapshot it comes from."""

    app_name: str
    name: str
    region: str
    size_gb: int | None
    extra: JsonObject

    def describes(self, volume: Volume) -> bool:
        """Whether a volume is like this, as far as Fly shows it."""
        same = (volume.name, volume.region) == (self.name, self.region)
        return same and self.size_gb in (None, volume.size_gb)


@dataclass(frozen=True)
class Made:
    """A volume that we made."""

    volume: Volume
    note: str | None = None


async def create(call: Call, new: New, *, step: str = "volume") -> Made:
    """Create a volume. `step`: tells the creates of one call apart.

    Raises:
        MaybeDone: the answer was lost, and it cannot be told whether a volume was made.
    """
    note: str | None
    days = _FIRST_MARK + int(call.mark(step), 16) % _MARKS
    notes = obj(call.journal.notes.get(step))
    if notes and (found := await _earlier(call, new, days, notes)) is not None:
        volume, note = found, "An earlier call with this requestId had made it."
    else:
        noted = notes.get("before")
        before = noted if isinstance(noted, list) else await _ids(call, new)
        notes = JsonObject(before=before)
        call.journal.note(step, notes)
        try:
            volume, note = await _made(call, new, days, before)
        except MaybeDone:
            call.journal.jot(step, {**notes, "given_up_at": call.clock.now()})
            raise
    call.memory.volume_is_known(volume.id)
    # Where its id could not be kept, the mark stays on: it is all by which a call that goes on would know it.
    known = call.journal.jot(step, {**notes, "id": volume.id})
    notes_on_days = await _usual_days(call, new, volume, days) if known else _marked_yet(days)
    return Made(volume, " ".join(words for words in (note, notes_on_days) if words) or None)


async def _ids(call: Call, new: New) -> list[JsonValue]:
    return [volume.id for volume in await volumes.list_of(call, new.app_name, dying=True)]


async def _made(call: Call, new: New, days: int, before: list[JsonValue]) -> tuple[Volume, str | None]:
    try:
        volume = await volumes.create(
            call,
            new.app_name,
            new.name,
            new.region,
            new.size_gb,
            {**new.extra, "snapshot_retention": days},
        )
    except (MaybeDone, TimedOut) as error:
        return await _find(call, new, days, before, error)
    return volume, None


async def _find(
    call: Call, new: New, days: int, before: list[JsonValue], error: FlyError
) -> tuple[Volume, str]:
    """The volume whose answer was lost, and a note on how it was told."""
    looked = False
    for _ in range(_LOOKS):
        await call.clock.sleep(_LOOK_EVERY)
        try:
            ours = await _ours(call, new, days, before)
        except FlyError as failed:
            if "found" in failed.facts or failed.changed == "something":
                raise
            looked = False
            continue
        looked = True
        if ours:
            note = (
                "Fly's answer was lost; this volume is new since, like the one asked for, and has our mark."
            )
            return ours[0], note
    found = "no new volume is there" if looked else "looking for it failed as well"
    raise MaybeDone(
        f"The request to create volume {new.name} was sent, its answer lost, and {found}.",
        hint="The same call with the same requestId looks again and makes it if it is not there; without one, look "
        "with flyListVolumes before creating again, since each one is billed.",
        status=error.status,
        request_id=error.request_id,
        facts={"found": "nothing" if looked else "unknown"},
    )


async def _ours(call: Call, new: New, days: int, before: list[JsonValue]) -> list[Volume]:
    alike = [
        volume
        for volume in await volumes.list_of(call, new.app_name, dying=True)
        if volume.id not in before
        and new.describes(volume)
        and not volume.attached_machine_id
        and not call.memory.knows_volume(volume.id)
    ]
    if unmarked := [one.id for one in alike if one.snapshot_retention is None and not one.dying]:
        # A Fly that does not show the mark: it may be ours, and making another would be the worse mistake.
        raise MaybeDone(
            f"A volume like the one asked for is there since, and Fly does not show whether it is ours: "
            f"{', '.join(unmarked)}.",
            hint="Look at it with flyListVolumes; take it, or create one with another requestId.",
            facts={"found": [*unmarked]},
        )
    ours = [volume for volume in alike if volume.snapshot_retention == days]
    if ours and all(volume.dying for volume in ours):
        raise _gone_since(ours[0])  # it was made, and is not made again
    return [volume for volume in ours if not volume.dying]


async def _earlier(call: Call, new: New, days: int, notes: JsonObject) -> Volume | None:
    """What an earlier call of this intent made; None once it is sure that it made none.

    A request of a killed process was given up when that was killed; the beginning of this call is later than that.
    """
    made = notes.get("id")
    if isinstance(made, str):
        try:
            volume = await volumes.get(call, new.app_name, made)
        except NotFound:
            volume = Volume(id=made, state="destroyed")
        if volume.dying:
            raise _gone_since(volume)
        return volume
    before, given_up = notes.get("before"), notes.get("given_up_at")
    given_up_at = given_up if isinstance(given_up, float) else call.clock.now()
    while True:
        ours = await _ours(call, new, days, before if isinstance(before, list) else [])
        if ours:
            return ours[0]
        left = given_up_at + _LATE - call.clock.now()
        if left <= 0:
            return None
        await call.progress(_LATE - left, _LATE, "looking for a volume that may have been made")
        await call.clock.sleep(min(_LOOK_EVERY, left))


def _gone_since(volume: Volume) -> FlyError:
    return FlyError(
        f"Volume {volume.id} was created and is gone already.",
        code=Code.WRONG_STATE,
        changed="something",
        hint="Somebody deleted it: flyListVolumes looks. To create another one, use another requestId.",
        facts={"volume_id": volume.id},
    )


async def _usual_days(call: Call, new: New, volume: Volume, days: int) -> str | None:
    """Take the mark off. A volume keeps it where that fails, which costs a little; that is said."""
    try:
        await volumes.keep_snapshots(call, new.app_name, volume.id, USUAL_DAYS)
    except FlyError:
        return _marked_yet(days)
    return None


def _marked_yet(days: int) -> str:
    return (
        f"Its snapshots may be kept for {days} days instead of {USUAL_DAYS}: that number marked it while it was made, "
        "and could not be changed back."
    )
