"""What earlier calls of the same intent have done of a scaling, read from their notes and from what is there."""

from __future__ import annotations

from collections.abc import Iterable

from fly_mcp_tools import config as configs
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import FlyError
from fly_mcp_tools.wire import Machine, obj

from . import creating, scale_steps
from .scale_steps import Step, Work

#: The note of how many there were at first: a scaling was begun.
BEFORE = "before"
#: The note of where each of the new ones goes, by number.
_PLACES = "places"
_NOTE = "by an earlier call with this requestId"


def was_begun(call: Call) -> bool:
    """Whether an earlier call of this intent came as far as sending something."""
    return call.resumed and BEFORE in call.journal.notes


def destroyed(call: Call, there: set[str]) -> list[Step]:
    """A step for each machine that was told to go and is gone; `there`: ids of those that are not."""
    steps: list[Step] = []
    for key, note in call.journal.notes.items():
        told = obj(note)
        machine_id = str(told.get("id") or "")
        if key.startswith("destroy-") and machine_id and machine_id not in there:
            kept = told.get("volume_kept")
            reference = obj(told.get("undo")).get("reference")
            steps.append(
                Step(
                    id=machine_id,
                    did="destroyed",
                    region=str(told.get("region") or ""),
                    state="destroyed",
                    volume_id=str(kept) if kept else None,
                    volume="kept" if kept else None,
                    undo=str(reference) if reference else None,
                    note=_NOTE,
                )
            )
    return steps


def created(work: Work, most: int) -> list[Machine]:
    """The machines that this intent made; `most`: creates of one intent at most."""
    if not was_begun(work.call):
        return []
    ours = {work.call.mark(f"create-{number}") for number in range(most)}
    return [machine for machine in work.plan.group if str(machine.metadata.get(configs.MARK)) in ours]


def places(work: Work, numbers: Iterable[int]) -> list[tuple[int, str]]:
    """Number and region of each machine that is to be made. A number keeps the region that it was given first.

    The volume of a number may be there already, and a plan made anew begins its round of the regions anew.
    """
    noted = obj(work.call.journal.notes.get(_PLACES))
    going = [
        (number, str(noted.get(str(number)) or region))
        for number, region in zip(numbers, work.plan.create_in, strict=False)
    ]
    if going:
        work.call.journal.note(_PLACES, {**noted, **{str(number): region for number, region in going}})
    return going


def spoken_for(work: Work) -> set[str]:
    """Volumes that are new since a step of this intent began to make one: that step may find its own among them."""
    ids: set[str] = set()
    for key, note in work.call.journal.notes.items():
        before = obj(note).get("before")
        if key.startswith("volume-") and isinstance(before, list):
            ids |= {volume.id for volume in work.volumes if volume.id not in before}
    return ids


async def look(work: Work, machine: Machine) -> Step:
    """A machine that this intent made, seen to run now: an earlier call may have said that it is on the way.

    Raises:
        FlyError: it does not stay up.
    """
    try:
        made = await creating.seen(work.call, work.app_name, machine, _NOTE)
    except FlyError as error:
        error.facts.setdefault("machine_id", machine.id)
        raise
    return scale_steps.made_step(made, machine.region, machine.volume_id, None)
