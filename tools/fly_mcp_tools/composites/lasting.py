"""Machines that destroy themselves when their process ends (`auto_destroy`, reference 5.2).

To end that process is to destroy the machine: without confirm, without undo, and for whoever watches destructions
without a trace. So what ends a process refuses such a machine, and leaves it to flyDeleteMachine.
"""

from __future__ import annotations

from fly_mcp_tools.api import machines
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import WrongState
from fly_mcp_tools.wire import Machine


async def read(call: Call, app_name: str, machine_id: str) -> Machine:
    """The machine as it is now, whose process may be ended. Read under its lease, so that it stays so.

    Raises:
        NotFound: it is gone.
        WrongState: it would destroy itself.
    """
    machine = await machines.there(call, app_name, machine_id)
    keep(machine)
    return machine


def keep(machine: Machine) -> None:
    """Refuse a machine that would destroy itself.

    Whatever its restart policy says: the reference does not tell which of the two wins. Of a machine whose host does
    not answer the config is not known; then what Fly has kept of it counts, and no more than that.

    Raises:
        WrongState: it would; nothing was sent.
    """
    if (machine.config or machine.incomplete_config or {}).get("auto_destroy") is not True:
        return
    raise WrongState(
        f"Machine {machine.id} has auto_destroy: it would destroy itself as soon as its process ends, and this may "
        "end it. Nothing was sent.",
        hint="flyDeleteMachine, with confirm, is for destroying it. To keep it, flyUpdateMachineConfig with config "
        '{"auto_destroy": false} first.',
        facts={"auto_destroy": True, "state": machine.state},
    )
