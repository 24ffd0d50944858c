"""flyDeleteMachine."""

from __future__ import annotations

from pydantic import Field, JsonValue

from fly_mcp_tools.action import Loss
from fly_mcp_tools.api import leases, machines
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import FlyError, MaybeDone, NotFound
from fly_mcp_tools.models import WriteResult
from fly_mcp_tools.wire import Machine

from . import waiting
from .lifecycle import OneMachine

#: Seconds for a machine to be torn down.
GONE_WITHIN = 60.0


class Deleted(WriteResult):
    """What was destroyed, and what stays."""

    id: str
    name: str | None = None
    state: str = Field(description="destroyed, or the state it is still in")
    volume_kept: str | None = Field(default=None, description="its volume, now unattached")


async def preview(call: Call, params: OneMachine) -> Loss:
    """What deleting it would lose."""
    machine = await _there(call, params)
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
    machine = await _there(call, params)
    async with leases.held(call, params.app_name, machine.id) as lease:
        unclear = await send(call, params.app_name, machine, lease.nonce)
    waited = await waiting.for_state(
        call,
        params.app_name,
        machine.id,
        ("destroyed",),
        seconds=10.0 if unclear else GONE_WITHIN,
        patient=True,
    )
    if waited.reached:
        outcome, note = "done", None
    elif unclear:
        outcome = "unclear"
        note = f"The answer was lost and the machine is still {waited.state}. Repeating the call is safe."
    else:
        outcome, note = "pending", waiting.look_later(machine.id, waited.state)
    return Deleted.model_validate(
        {
            "id": machine.id,
            "name": machine.name or None,
            "state": waited.state,
            "volume_kept": machine.volume_id,
            "outcome": outcome,
            "note": note,
        }
    )


async def send(call: Call, app_name: str, machine: Machine, nonce: str) -> bool:
    """Send the delete: whether its answer was lost. A running machine is sent with force."""
    force = machine.state not in ("stopped", "suspended", "created", "failed")
    try:
        await machines.delete(call, app_name, machine.id, nonce=nonce, force=force)
    except NotFound:
        return False  # somebody was faster; it is gone, which is what was asked for
    except MaybeDone:
        return True
    return False


async def _there(call: Call, params: OneMachine) -> Machine:
    machine = await machines.get(call, params.app_name, params.machine_id)
    if machine.gone:
        raise NotFound(
            f"Machine {machine.id} is {machine.state} already.",
            hint="flyListMachines shows what is there.",
            facts={"state": machine.state},
        )
    return machine


__all__ = ["Deleted", "FlyError", "delete", "preview", "send"]
