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
from fly_mcp_tools.errors import FlyError, MaybeDone, TimedOut
from fly_mcp_tools.models import Outcome
from fly_mcp_tools.wire import RESERVED_GROUPS, JsonObject, Machine

from . import waiting

#: Seconds until a new machine is up: its image may have to be pulled first.
START_WITHIN = 90.0
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


async def create(
    call: Call,
    app_name: str,
    config: JsonObject,
    *,
    name: str | None = None,
    region: str | None = None,
) -> Created:
    """Create a machine and see it started.

    Raises:
        MaybeDone: the answer was lost and no machine with our mark is there (yet).
        FlyError: wrong_state with changed="something" where it was made and does not stay up.
    """
    mark = call.mark()
    note = None
    try:
        machine = await machines.create(
            call,
            app_name,
            configs.marked(config, mark),
            name=name,
            region=region,
            min_secrets_version=call.memory.secrets_version(app_name),
        )
    except (MaybeDone, TimedOut) as error:
        machine = await _find(call, app_name, mark, error)
        note = "Fly's answer was lost; the machine was found by its mark."
    waited = await waiting.for_state(call, app_name, machine.id, ("started", "failed"), seconds=START_WITHIN)
    now = await machines.get(call, app_name, machine.id)
    if now.state == "started":
        return Created(now, "done", note)
    if waited.reached or now.state in ("stopped", "failed"):
        if _ran_and_ended(now):
            return Created(now, "done", "It started, ran, and ended with exit code 0.")
        raise waiting.ended_badly(now, "started")
    return Created(now, "pending", waiting.look_later(now.id, now.state))


def _ran_and_ended(machine: Machine) -> bool:
    how = machine.last_exit()
    return machine.state == "stopped" and how.get("exit_code") == 0 and not how.get("oom_killed")


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
