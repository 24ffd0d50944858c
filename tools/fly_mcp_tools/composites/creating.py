"""Making one machine, and finding it again where Fly's answer was lost.

There is no idempotency key for machines, and Fly's own clients re-POST on 502 (reference 9.21). So every
create carries a mark in the machine's metadata; after an unclear answer the mark is looked for, and only its
machine counts. The mark is also the machine's name, unless the caller gave one: a name exists once in an app,
so that Fly itself refuses a second machine, should a request arrive that everybody had given up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from fly_mcp_tools import config as configs
from fly_mcp_tools.api import machines
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import Code, Conflict, FlyError, MaybeDone, NotFound, TimedOut, WrongState
from fly_mcp_tools.models import Outcome
from fly_mcp_tools.wire import RESERVED_GROUPS, JsonObject, Machine

from . import waiting
from .listing import some

#: Seconds until a new machine is up: its image may have to be pulled first.
START_WITHIN = 90.0
#: Seconds for the refusals that pass by themselves: secrets on their way to the host, a volume just let go of.
TRANSIENT_WITHIN = 20.0
#: Looks, and seconds between them: a new machine can be missing from the list for a moment.
_LOOKS, _LONG_LOOKS, _LOOK_EVERY = 3, 8, 2.0
#: Seconds for which a new machine may be unknown to Fly's own reads (reference 9.20).
_HIDDEN_WITHIN = 15.0
#: Seconds within which a create that Fly was unavailable for is sent once more.
_REPEAT_WITHIN = 30.0

SeenT = TypeVar("SeenT")


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


async def earlier(call: Call, app_name: str, step: str) -> Machine | None:
    """The machine that an earlier call of this intent made in this step, if it did; for a resumed call.

    Raises:
        FlyError: wrong_state with changed="something" where it was made and is gone since.
    """
    if not call.resumed:
        return None
    known = call.journal.notes.get(_made_note(step))
    if isinstance(known, str):
        return await _still_there(call, app_name, known)
    # Killed between the answer and the note, or the answer was lost: the mark tells.
    return await _marked(call, app_name, call.mark(step))


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
    machine, note = await _made(call, app_name, config, name, region, call.mark(step))
    call.journal.jot(_made_note(step), machine.id)
    return await seen(call, app_name, machine, note)


async def seen(call: Call, app_name: str, machine: Machine, note: str | None = None) -> Created:
    """A machine that was made, once it runs; `note`: what else is to be said of it.

    Raises:
        FlyError: wrong_state with changed="something" where it does not stay up.
    """
    looked = await _past_hiding(
        call,
        machine,
        lambda: waiting.see(call, app_name, machine, ("started", "failed"), seconds=START_WITHIN),
    )
    if looked.machine.gone:
        raise _gone_since(looked.machine)
    outcome, words = waiting.running(looked)
    return Created(looked.machine, outcome, " ".join(text for text in (note, words) if text) or None)


def _made_note(step: str) -> str:
    """The note under which the id of the machine made in a step is kept."""
    return f"{step}-made"


async def _still_there(call: Call, app_name: str, machine_id: str) -> Machine:
    """The machine. Raises wrong_state where it is gone."""
    known = Machine(id=machine_id, state="destroyed")
    machine = await _past_hiding(call, known, lambda: machines.get(call, app_name, machine_id))
    if machine.gone:
        raise _gone_since(machine)
    return machine


async def _past_hiding(call: Call, machine: Machine, look: Callable[[], Awaitable[SeenT]]) -> SeenT:
    """What `look` sees of a machine that was made. Right after, Fly may answer 404 for it (reference 9.20).

    Raises:
        FlyError: wrong_state with changed="something" where it still does after `_HIDDEN_WITHIN` seconds.
    """
    began = call.clock.monotonic()
    while True:
        try:
            return await look()
        except NotFound:
            if call.clock.monotonic() - began >= _HIDDEN_WITHIN:
                raise _gone_since(machine) from None
        await call.clock.sleep(_LOOK_EVERY)


async def _made(
    call: Call, app_name: str, config: JsonObject, name: str | None, region: str | None, mark: str
) -> tuple[Machine, str | None]:
    """The new machine; and a note where it had to be looked for."""
    began = call.clock.monotonic()
    unclear = False
    while True:
        try:
            machine = await waiting.past_transient(
                call,
                lambda: machines.create(
                    call,
                    app_name,
                    configs.marked(config, mark),
                    name=name or configs.marked_name(mark),
                    region=region,
                    min_secrets_version=call.memory.secrets_version(app_name),
                ),
                seconds=TRANSIENT_WITHIN,
            )
        except (MaybeDone, TimedOut) as error:
            unclear = True
            found, looked = await _find(call, app_name, mark)
            if found is not None:
                return found, "Fly's answer was lost; the machine was found by its mark."
            # Fly said that it is unavailable, and nothing is there: it was refused. Should it have been carried
            # out all the same, the name is taken, and the next attempt finds it.
            late = call.clock.monotonic() - began >= _REPEAT_WITHIN
            if error.status != 503 or late or not looked:
                raise _lost(app_name, mark, error, looked=looked) from None
        except Conflict as error:
            # The name is taken: by an earlier request of this intent, or by somebody else. Nobody else has the mark
            # for a name; and a new machine can be missing from the list for longer than a first look takes.
            ours = unclear or call.resumed or name is None
            found, looked = await _find(call, app_name, mark, looks=_LONG_LOOKS if ours else 1)
            if found is None:
                raise (
                    _lost(app_name, mark, error, looked=looked) if unclear or name is None else error
                ) from None
            return found, "An earlier request had made it; it was found by its mark."
        else:
            return machine, None


async def _find(call: Call, app_name: str, mark: str, *, looks: int = _LOOKS) -> tuple[Machine | None, bool]:
    """The machine with our mark, and whether the last look could be had at all.

    Raises:
        FlyError: wrong_state with changed="something" where it was made and is gone since.
    """
    looked = False
    for _ in range(looks):
        await call.clock.sleep(_LOOK_EVERY)
        try:
            found = await _marked(call, app_name, mark)
        except FlyError as error:
            if error.changed == "something":
                raise
            looked = False
            continue  # Fly may still be unwell; what counts is the last look
        looked = True
        if found is not None:
            return found, True
    return None, looked


async def _marked(call: Call, app_name: str, mark: str) -> Machine | None:
    """The machine with our mark. Raises wrong_state where it is gone: it was made, and is not made again."""
    for machine in await machines.list_of(call, app_name, destroyed=True):
        # The name tells as well where a host that does not answer keeps the config back.
        if machine.metadata.get(configs.MARK) == mark or machine.name == configs.marked_name(mark):
            if machine.gone:
                raise _gone_since(machine)
            return machine
    return None


def _lost(app_name: str, mark: str, error: FlyError, *, looked: bool) -> MaybeDone:
    if looked:
        found, hint = "no machine with its mark is there", "It was probably not created."
    else:
        found, hint = "looking for its mark failed as well", "It may have been created."
    return MaybeDone(
        f"The request to create a machine in {app_name} was sent, its answer lost, and {found}.",
        hint=f"{hint} The same call with the same requestId looks again and never makes a second one; without "
        "one, look with flyListMachines before creating again.",
        status=error.status,
        request_id=error.request_id,
        facts={"looked_for": {configs.MARK: mark}, "found": "nothing" if looked else "unknown"},
    )


def _gone_since(machine: Machine) -> FlyError:
    return FlyError(
        f"Machine {machine.id} was created and is gone already.",
        code=Code.WRONG_STATE,
        changed="something",
        hint="It ended and destroyed itself (auto_destroy), or somebody deleted it: flyListMachines looks. To "
        "create another one, use another requestId.",
        facts={"machine_id": machine.id},
    )
