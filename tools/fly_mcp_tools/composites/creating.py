"""Making one machine, and finding it again where Fly's answer was lost.

There is no idempotency key for machines, and Fly's own clients re-POST on 502 (reference 9.21). So every
create carries a mark in the machine's metadata; after an unclear answer the mark is looked for, and only
its machine counts. Nothing is ever created twice to be on the safe side.
"""

from __future__ import annotations

from dataclasses import dataclass

from fly_mcp_tools import config as configs
from fly_mcp_tools.api import machines
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import Code, FlyError, MaybeDone, NotFound, TimedOut, WrongState
from fly_mcp_tools.models import Outcome
from fly_mcp_tools.wire import RESERVED_GROUPS, JsonObject, Machine

from . import waiting
from .listing import some

#: Seconds until a new machine is up: its image may have to be pulled first.
START_WITHIN = 90.0
#: Seconds for the refusals that pass by themselves: secrets on their way to the host, a volume just let go of.
TRANSIENT_WITHIN = 20.0
#: Looks, and seconds between them: a new machine can be missing from the list for a moment.
_LOOKS, _LOOK_EVERY = 3, 2.0


@dataclass(frozen=True)
class Created:
    """A machine that we made and what became of it."""

    machine: Machine
    outcome: Outcome
    note: str | None = None


def template_of(found: list[Machine]) -> Machine | None:
    """The machine that a new one is made like: the first with a config that serves the app itself."""
    usable = [machine for machine in found if machine.config and machine.group not in RESERVED_GROUPS]
    return next((machine for machine in usable if not machine.standby), next(iter(usable), None))


def unreadable(app_name: str, hidden: list[Machine]) -> WrongState:
    """For an app all of whose machines are on hosts that do not answer, so that none can be copied."""
    ids = some(machine.id for machine in hidden)
    return WrongState(
        f"App {app_name} has no machine that could be copied: the hosts of its {len(hidden)} do not answer.",
        hint="Wait until they do (flyGetMachine shows host_status).",
        facts={"machines": ids},
    )


async def create(
    call: Call,
    app_name: str,
    config: JsonObject,
    *,
    name: str | None = None,
    region: str | None = None,
    step: str = "create",
) -> Created:
    """Create a machine and see it started. `step`: tells the creates of one call apart.

    Raises:
        MaybeDone: the answer was lost and no machine with our mark is there (yet).
        FlyError: wrong_state with changed="something" where it was made and does not stay up.
    """
    mark = call.mark(step)
    notes: list[str] = []
    try:
        machine = await waiting.past_transient(
            call,
            lambda: machines.create(
                call,
                app_name,
                configs.marked(config, mark),
                name=name,
                region=region,
                min_secrets_version=call.memory.secrets_version(app_name),
            ),
            seconds=TRANSIENT_WITHIN,
        )
    except (MaybeDone, TimedOut) as error:
        machine = await _find(call, app_name, mark, error)
        notes.append("Fly's answer was lost; the machine was found by its mark.")
    try:
        seen = await waiting.see(call, app_name, machine, ("started", "failed"), seconds=START_WITHIN)
    except NotFound:
        raise FlyError(
            f"Machine {machine.id} was created and is gone already.",
            code=Code.WRONG_STATE,
            changed="something",
            hint="It ended and destroyed itself (auto_destroy), or somebody deleted it: flyListMachines looks.",
            facts={"machine_id": machine.id},
        ) from None
    outcome, note = waiting.running(seen)
    return Created(seen.machine, outcome, " ".join([*notes, *([note] if note else [])]) or None)


async def _find(call: Call, app_name: str, mark: str, error: FlyError) -> Machine:
    for _ in range(_LOOKS):
        await call.clock.sleep(_LOOK_EVERY)
        try:
            found = await machines.list_of(call, app_name)
        except FlyError:
            continue  # Fly may still be unwell; what counts is the last look
        for machine in found:
            if machine.metadata.get(configs.MARK) == mark:
                return machine
    raise MaybeDone(
        f"The request to create a machine in {app_name} was sent, its answer lost, and no machine with its "
        "mark is there.",
        hint="It was probably not created. flyListMachines shows what is there; look before creating again.",
        status=error.status,
        request_id=error.request_id,
        facts={"looked_for": {configs.MARK: mark}, "found": "nothing"},
    )
