"""flyListMachines."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, JsonValue

from fly_mcp_tools import guest, states
from fly_mcp_tools.api import machines
from fly_mcp_tools.call import Call
from fly_mcp_tools.foreign import clean
from fly_mcp_tools.ids import AppName, RegionCode
from fly_mcp_tools.models import Result
from fly_mcp_tools.wire import GONE_MACHINE, JsonObject, Machine

from .paging import Paged, page
from .undoing import day

#: Whole rows of a page at most: each has about a hundred tokens.
_MOST_FULL: Final = 25
#: Names of failing checks in a row.
_CHECKS: Final = 5


def _pair(text: str) -> str:
    if not text.partition("=")[0] or "=" not in text:
        raise ValueError("must be key=value, such as role=worker")
    return text


class ListMachines(Paged):
    """Which of an app's machines."""

    app_name: AppName
    state: Annotated[str, AfterValidator(states.one_of(states.MACHINE))] | None = Field(
        default=None, description='E.g. "started"'
    )
    region: RegionCode | None = Field(default=None, description="Region code")
    process_group: str | None = Field(default=None, max_length=100, description='E.g. "app"')
    metadata: Annotated[str, Field(max_length=500), AfterValidator(_pair)] | None = Field(
        default=None, description="key=value"
    )
    detail: Annotated[Literal["summary", "full"], Field(description="full: more of each")] = "summary"


class MachineRow(Result):
    """A machine in a list."""

    id: str
    name: str
    state: str
    region: str
    private_ip: str


class FullRow(MachineRow):
    """A machine in a list with `detail: full`; the added keys are there then."""

    process_group: str | None = None
    image: str | None = None
    size: str | None = Field(default=None, description="cpu kind, cpus, MB")
    volume_id: str | None = None
    failing_checks: list[str] | None = None
    host_status: str | None = Field(default=None, description="only where it is not ok")
    cordoned: bool | None = None
    updated_at: str | None = None


class MachineList(Result):
    """The app's machines; those being destroyed are left out, unless that state is asked for."""

    machines: list[FullRow]
    total: int | None = Field(default=None, description="how many fit, where not all are shown")
    showing: str | None = None
    next_cursor: str | None = None


async def list_(call: Call, params: ListMachines) -> MachineList:
    """The app's machines, one short record each, or a longer one."""
    full = params.detail == "full"
    found = await machines.list_of(
        call,
        params.app_name,
        destroyed=params.state in GONE_MACHINE,
        # What Fly leaves out of a summary is most of a machine: ten thousand of them are megabytes.
        summary=not full and params.process_group is None and params.metadata is None,
    )
    limit = min(params.limit, _MOST_FULL) if full else params.limit
    fitting = [one for one in found if _fits(one, params)]
    shown = page(params.model_copy(update={"limit": limit}), fitting, lambda one: one.id)
    return MachineList(
        machines=[FullRow.model_validate(_row(one, full=full)) for one in shown.rows],
        total=shown.total if shown.showing else None,
        showing=shown.showing,
        next_cursor=shown.next_cursor,
    )


def _fits(machine: Machine, params: ListMachines) -> bool:
    """Whether it is one of those asked for.

    Looked at here and not by Fly: its filter for metadata is in its documentation and not in its document, and that
    for states has four of them.
    """
    if params.state is not None and machine.state != params.state:
        return False
    if params.region is not None and machine.region != params.region:
        return False
    if params.process_group is not None and machine.group != params.process_group:
        return False
    key, _, value = (params.metadata or "").partition("=")
    return params.metadata is None or machine.metadata.get(key) == value


def _row(machine: Machine, *, full: bool) -> dict[str, Any]:
    short: dict[str, JsonValue] = {
        "id": machine.id,
        "name": machine.name,
        "state": machine.state,
        "region": machine.region,
        "private_ip": machine.private_ip,
    }
    if not full:
        return short
    failing = [clean(str(one.get("name")), 100) for one in machine.checks if one.get("status") != "passing"]
    return {
        **short,
        "process_group": clean(machine.group, 100) or None,
        "image": clean(machine.image) or None,
        "size": _size(guest.of_config(machine.config or {})),
        "volume_id": machine.volume_id,
        "failing_checks": failing[:_CHECKS] or None,
        "host_status": machine.host_status if machine.host_status not in ("", "ok") else None,
        "cordoned": machine.cordoned or None,
        "updated_at": day(machine.updated_at) if machine.updated_at else None,
    }


def _size(size: JsonObject) -> str | None:
    if not size:
        return None
    return clean(
        f"{size.get('cpu_kind', 'shared')} {size.get('cpus', 1)}x, {size.get('memory_mb', 256)} MB", 60
    )
