"""flyListMachines."""

from __future__ import annotations

from pydantic import Field

from fly_mcp_tools.api import machines
from fly_mcp_tools.call import Call
from fly_mcp_tools.models import Result

from .listing import OfApp, capped


class MachineRow(Result):
    """A machine in a list."""

    id: str
    name: str
    state: str
    region: str
    private_ip: str


class MachineList(Result):
    """The app's machines; those being destroyed are left out."""

    machines: list[MachineRow]
    total: int | None = Field(default=None, description="how many there are, where not all are shown")


async def list_(call: Call, params: OfApp) -> MachineList:
    """The app's machines, one short record each."""
    shown, total = capped(await machines.list_of(call, params.app_name))
    rows = [
        MachineRow(
            id=found.id, name=found.name, state=found.state, region=found.region, private_ip=found.private_ip
        )
        for found in shown
    ]
    return MachineList(machines=rows, total=total)
