"""flyDeleteMachine."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pydantic import Field, JsonValue

from fly_mcp_tools import guest, prices
from fly_mcp_tools.action import Loss
from fly_mcp_tools.api import leases, machines
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import EARLIER_ATTEMPT, Code, FlyError, MaybeDone, NotFound, TimedOut, WrongState
from fly_mcp_tools.models import Outcome, WriteResult
from fly_mcp_tools.wire import JsonObject, Machine, obj

from . import undoing, waiting
from .lifecycle import Driven
from .undoing import Undo

#: Seconds for a machine to be torn down.
GONE_WITHIN = 60.0
#: Seconds after which a delete whose answer was lost is taken for one that never arrived.
_LOOK_WITHIN = 10.0
#: Deletes sent to a machine that Fly lists and does not find, and seconds between them.
_TRIES, _LOOK_EVERY = 3, 2.0
#: The note that a machine was about to be destroyed.
_TOLD = "destroy"


class Deleted(WriteResult):
    """What was destroyed, and what stays."""

    id: str
    name: str | None = None
    state: str = Field(description="destroyed, or the state it is still in")
    volume_kept: str | None = Field(default=None, description="its volume, now unattached")
    undo: Undo | None = None
    monthly_cost: str | None = Field(default=None, description="the difference")


async def preview(call: Call, params: Driven) -> Loss:
    """What deleting it would lose."""
    machine = await machines.there(call, params.app_name, params.machine_id)
    facts: dict[str, JsonValue] = {
        "machine_id": machine.id,
        "name": machine.name,
        "state": machine.state,
        "region": machine.region,
        "image": machine.image,
    }
    words = f"Machine {machine.id} ({machine.state}, {machine.region}) and its root file system would be gone"
    if machine.running:
        words += "; it is running and would be killed"
    if machine.volume_id:
        facts["volume_kept"] = machine.volume_id
        words += f"; its volume {machine.volume_id} would stay, unattached"
    if machine.config is None:
        return Loss(f"{words}. It could not be made again: its config cannot be read at present.", facts)
    return Loss(f"{words}. Its config would be kept for 30 days, to make one like it again.", facts)


async def delete(call: Call, params: Driven) -> Deleted:
    """Destroy the machine, running or not, and see it gone. Its config is kept first, to undo that.

    Raises:
        LeaseHeld: somebody else is changing it.
        NotFound: it is gone already.
        NotConfigured: its config cannot be kept; it is not destroyed then.
    """
    try:
        machine = await machines.there(call, params.app_name, params.machine_id)
    except NotFound:
        if _TOLD not in call.journal.notes:
            raise
        fate = await _seen(call, params.app_name, Machine(id=params.machine_id), lost=False)
        note = fate.note or "An earlier call with this requestId had destroyed it."
        told = obj(call.journal.notes[_TOLD])
        return Deleted.model_validate({**told, "state": fate.state, "outcome": fate.outcome, "note": note})
    fate = await destroy(call, params.app_name, machine, step=_TOLD, nonce=params.nonce)
    return Deleted.model_validate(
        {**_told(machine, fate.undo), "state": fate.state, "outcome": fate.outcome, "note": fate.note}
    )


def _told(machine: Machine, undo: Undo | None) -> JsonObject:
    """What an answer says of a machine that is gone, and so has to be known before it is."""
    return {
        "id": machine.id,
        "name": machine.name or None,
        "region": machine.region,
        "volume_kept": machine.volume_id,
        "undo": undo.wire() if undo else None,
        "monthly_cost": _saved(machine),
    }


def _saved(machine: Machine) -> str:
    size = guest.of_config(machine.config or {})
    return prices.change(prices.machine(size, machine.region, state=machine.state), prices.NOTHING).said(
        signed=True
    )


@dataclass(frozen=True)
class Fate:
    """What became of a machine that was to be destroyed."""

    outcome: Outcome
    state: str
    note: str | None = None
    undo: Undo | None = None


async def destroy(
    call: Call, app_name: str, machine: Machine, *, step: str, nonce: str | None = None
) -> Fate:
    """Keep a machine's config, destroy it under its lease, and see it gone.

    Args:
        step: under which that is noted.
        nonce: of a lease that the caller holds.

    Raises:
        LeaseHeld: somebody else is changing it.
        NotFound: it is gone already.
        WrongState: it was not running when it was read, and is now.
    """
    async with leases.held(call, app_name, machine.id, nonce=nonce) as lease:
        # What is kept is what is destroyed: metadata change without a new version. Consent, and with it `force`, was
        # for the state that it was in.
        state = machine.state
        machine = await machines.there(call, app_name, machine.id)
        told_before = step in call.journal.notes
        undo = undoing.keep(call, app_name, machine)
        call.journal.note(step, _told(machine, undo))
        try:
            lost = await _send(call, app_name, machine.id, state, lease.nonce)
        except FlyError as error:
            # One that an earlier call has told may be needed yet: that call's request may arrive late.
            if error.changed == "nothing" and not told_before:
                undoing.forget(call, undo)
            raise
    fate = await _seen(call, app_name, machine, lost=lost)
    return replace(fate, undo=undo)


async def _seen(call: Call, app_name: str, machine: Machine, *, lost: bool) -> Fate:
    try:
        waited = await waiting.for_state(
            call,
            app_name,
            machine.id,
            ("destroyed",),
            seconds=_LOOK_WITHIN if lost else GONE_WITHIN,
            patient=True,
        )
    except FlyError as error:
        note = waiting.unseen(waiting.Seen(machine, False, 0.0, error.message), lost=lost)
        return Fate("unclear" if lost else "pending", "unknown", note)
    if waited.reached and lost and await _is_listed(call, app_name, machine.id):
        raise _contradiction(machine.id)  # the 404 that was taken for its end was another one
    if waited.reached:
        return Fate("done", waited.state)
    if lost and waited.state != "destroying":
        note = f"The answer was lost and the machine is still {waited.state}. Repeating the call is safe."
        return Fate("unclear", waited.state, note)
    return Fate("pending", waited.state, waiting.look_later(machine.id, waited.state))


async def _send(call: Call, app_name: str, machine_id: str, state: str, nonce: str) -> bool:
    """Send the delete: whether its answer was lost. A running machine is sent with force.

    Raises:
        FlyError: unclear where Fly says that it is not there, and lists it.
    """
    force = state not in ("stopped", "suspended", "created", "failed")
    for _ in range(_TRIES):
        try:
            await machines.delete(call, app_name, machine_id, nonce=nonce, force=force)
        except NotFound:
            if not await _is_listed(call, app_name, machine_id):
                return False  # somebody was faster; it is gone, which is what was asked for
            # A machine that is new can be 404 for a moment (reference 9.20).
            await call.clock.sleep(_LOOK_EVERY)
        except (MaybeDone, TimedOut):
            return True
        except WrongState as error:
            if EARLIER_ATTEMPT not in error.facts:
                raise
            return True
        else:
            return False
    raise _contradiction(machine_id)


async def _is_listed(call: Call, app_name: str, machine_id: str) -> bool:
    """Whether Fly's list has it among those that live."""
    return any(machine.id == machine_id for machine in await machines.list_of(call, app_name))


def _contradiction(machine_id: str) -> FlyError:
    return FlyError(
        f"Fly says that there is no machine {machine_id}, and lists it: it is unclear whether it is destroyed.",
        code=Code.UNCLEAR,
        changed="unknown",
        hint="Look with flyListMachines in a few seconds; repeating the call is safe.",
        facts={"machine_id": machine_id},
    )
