"""flyWaitForMachine."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from fly_mcp_tools.api import machines
from fly_mcp_tools.call import Call
from fly_mcp_tools.ids import AppName, MachineId
from fly_mcp_tools.models import Params, Result, Whole

from . import waiting


class WaitForMachine(Params):
    """What to wait for, and how long."""

    app_name: AppName
    machine_id: MachineId
    state: Literal["started", "stopped", "suspended", "destroyed"] = Field(description="State to wait for")
    timeout: Annotated[Whole, Field(ge=1, le=300, description="Seconds, 1-300")] = 60


class Reached(Result):
    """A time-out is an answer too."""

    id: str
    reached: bool
    state: str = Field(description="state now")
    waited_seconds: float
    note: str | None = None


async def wait(call: Call, params: WaitForMachine) -> Reached:
    """Wait until the machine is in the state, or the time is over.

    Fly allows 60 seconds a call, so longer waits are loops. Side effects: none, and none on the machine.
    """
    # Said first, so that an unknown machine is an error at once and not "destroyed".
    now = await machines.get(call, params.app_name, params.machine_id)
    if now.state == params.state:
        return Reached(id=now.id, reached=True, state=now.state, waited_seconds=0)
    if now.gone and params.state != "destroyed":
        gone = f"It is {now.state}: it will not be {params.state} again."
        return Reached(id=now.id, reached=False, state=now.state, waited_seconds=0, note=gone)
    waited = await waiting.for_state(
        call, params.app_name, params.machine_id, (params.state,), seconds=params.timeout, patient=True
    )
    note = None
    if not waited.reached:
        note = "Not reached in time. Call again to wait on, or flyGetMachine to see its last events."
    return Reached(
        id=now.id,
        reached=waited.reached,
        state=waited.state,
        waited_seconds=round(waited.seconds, 1),
        note=note,
    )
