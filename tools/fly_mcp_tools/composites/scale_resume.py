"""What earlier calls of the same intent have done of a scaling, read from their notes and from what is there."""

from __future__ import annotations

from fly_mcp_tools import config as configs
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import FlyError
from fly_mcp_tools.wire import Machine, obj

from . import creating, scale_steps
from .scale_steps import Step, Work

#: The note of how many there were at first: a scaling was begun.
BEFORE = "before"
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
