"""flyDeleteMachine."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field, JsonValue

from fly_mcp_tools.action import Loss
from fly_mcp_tools.api import leases, machines
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import EARLIER_ATTEMPT, FlyError, MaybeDone, NotFound, TimedOut, WrongState
from fly_mcp_tools.models import Outcome, WriteResult
from fly_mcp_tools.wire import Machine

from . import waiting
from .lifecycle import OneMachine

#: Seconds for a machine to be torn down.
GONE_WITHIN = 60.0
#: Seconds after which a delete whose answer was lost is taken for one that never arrived.
_LOOK_WITHIN = 10.0


class Deleted(WriteResult):
    """What was destroyed, and what stays."""

    id: str
    name: str | None = None
    state: str = Field(description="destroyed, or the state it is still in")
    volume_kept: str | None = Field(default=None, description="its volume, now unattached")


async def preview(call: Call, params: OneMachine) -> Loss:
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
    return Loss(words + ".", facts)


async def delete(call: Call, params: OneMachine) -> Deleted:
    """Destroy the machine, running or not, and see it gone.

    Raises:
        LeaseHeld: somebody else is changing it.
        NotFound: it is gone already.
    """
    machine = await machines.there(call, params.app_name, params.machine_id)
    fate = await destroy(call, params.app_name, machine)
    return Deleted.model_validate(
        {
            "id": machine.id,
            "name": machine.name or None,
            "state": fate.state,
            "volume_kept": machine.volume_id,
            "outcome": fate.outcome,
            "note": fate.note,
        }
    )


@dataclass(frozen=True)
class Fate:
    """What became of a machine that was to be destroyed."""

    outcome: Outcome
    state: str
    note: str | None = None


async def destroy(call: Call, app_name: str, machine: Machine) -> Fate:
    """Destroy a machine under its lease and see it gone.

    Raises:
        LeaseHeld: somebody else is changing it.
        NotFound: it is gone already.
        WrongState: it was not running when it was read, and is now.
    """
    async with leases.held(call, app_name, machine.id) as lease:
        lost = await _send(call, app_name, machine, lease.nonce)
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
    if waited.reached:
        return Fate("done", waited.state)
    if lost and waited.state != "destroying":
        note = f"The answer was lost and the machine is still {waited.state}. Repeating the call is safe."
        return Fate("unclear", waited.state, note)
    return Fate("pending", waited.state, waiting.look_later(machine.id, waited.state))


async def _send(call: Call, app_name: str, machine: Machine, nonce: str) -> bool:
    """Send the delete: whether its answer was lost. A running machine is sent with force."""
    force = machine.state not in ("stopped", "suspended", "created", "failed")
    try:
        await machines.delete(call, app_name, machine.id, nonce=nonce, force=force)
    except NotFound:
        return False  # somebody was faster; it is gone, which is what was asked for
    except (MaybeDone, TimedOut):
        return True
    except WrongState as error:
        if EARLIER_ATTEMPT not in error.facts:
            raise
        return True
    return False
