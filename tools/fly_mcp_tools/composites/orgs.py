"""flyListOrgs, flyListOrgMachines and flyListOrgVolumes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AfterValidator, Field, JsonValue

from fly_mcp_tools import states
from fly_mcp_tools.api import orgs
from fly_mcp_tools.api.orgs import OrgMachine, OrgVolume
from fly_mcp_tools.call import Call
from fly_mcp_tools.foreign import clean
from fly_mcp_tools.ids import RegionCode
from fly_mcp_tools.models import Params, Result
from fly_mcp_tools.wire import obj

from .apps import Org, organisation
from .paging import Paged, cursor_to, place

#: Requests of one call at most. A page of Fly's may be short, even empty, with more to come.
_REQUESTS = 10


def _moment(text: str) -> str:
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        when = None
    if when is None or when.tzinfo is None:
        raise ValueError("must be a time with its zone, such as 2026-01-31T12:00:00Z")
    return text


class ListOrgs(Params):
    """Nothing is asked for."""


class OrgRow(Result):
    """An organisation."""

    slug: str
    name: str
    type: str
    role: str | None = None
    billing: str | None = Field(default=None, description="only where it is not current")


class OrgList(Result):
    """Organisations that the token sees."""

    orgs: list[OrgRow]
    note: str | None = None


class OfOrg(Paged):
    """Things of an organisation."""

    org_slug: Org = None
    region: RegionCode | None = Field(default=None, description="Region code")
    state: Annotated[str, AfterValidator(states.some_of(states.VOLUME))] | None = Field(
        default=None, max_length=200, description="States, with commas"
    )
    updated_after: Annotated[str, AfterValidator(_moment)] | None = Field(
        default=None, max_length=40, description="RFC 3339 time"
    )

    def fly_filters(self) -> dict[str, str]:
        """The filters as Fly spells them."""
        given = {"region": self.region, "state": self.state, "updated_after": self.updated_after}
        return {name: value for name, value in given.items() if value is not None}


class ListOrgMachines(OfOrg):
    """Machines of an organisation."""

    state: Annotated[str, AfterValidator(states.some_of(states.MACHINE))] | None = Field(
        default=None, max_length=200, description="States, with commas"
    )
    detail: Annotated[Literal["summary", "full"], Field(description="full: image, size, times")] = "summary"


class OrgMachineRow(Result):
    """A machine, and its app."""

    id: str
    app: str
    name: str
    state: str
    region: str
    image: str | None = None
    cpu_kind: str | None = None
    cpus: int | None = None
    memory_mb: int | None = None
    version: str | None = None
    private_ip: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class OrgVolumeRow(Result):
    """A volume, and its app."""

    id: str
    app: str
    name: str
    size_gb: int | None
    region: str
    state: str
    attached_machine_id: str | None


class _Walked(Result):
    next_cursor: str | None = None
    incomplete: str | None = Field(default=None, description="what is missing, and why")


class OrgMachineList(_Walked):
    """A page of machines."""

    machines: list[OrgMachineRow]
    organization: str


class OrgVolumeList(_Walked):
    """A page of volumes; those being destroyed only where their state is asked for."""

    volumes: list[OrgVolumeRow]
    organization: str


async def list_(call: Call, _: ListOrgs) -> OrgList:
    """The organisations that the token sees. Their slugs are what other actions take as orgSlug."""
    found, more = await orgs.list_of(call)
    rows = [
        OrgRow(
            slug=one.slug,
            name=one.name,
            type=one.type.lower(),
            role=one.role or None,
            billing=one.billing.lower() if one.billing not in ("", "CURRENT") else None,
        )
        for one in found
    ]
    return OrgList(orgs=rows, note="There are more than Fly told at once." if more else None)


async def list_machines(call: Call, params: ListOrgMachines) -> OrgMachineList:
    """Machines over all apps of an organisation, a page at a time."""
    after = place(params)
    org = await organisation(call, params.org_slug)
    full = params.detail == "full"

    async def fetch(limit: int, cursor: str | None) -> orgs.Page[OrgMachine]:
        return await orgs.machines(
            call, org, limit=limit, cursor=cursor, summary=not full, filters=params.fly_filters()
        )

    walked = await _walk(params, after, fetch, lambda machine: params.state is not None or not machine.gone)
    return OrgMachineList(
        machines=[_machine(one, full=full) for one in walked.rows],
        organization=org,
        next_cursor=walked.next_cursor,
        incomplete=missing(walked.silent, "machines"),
    )


async def list_volumes(call: Call, params: OfOrg) -> OrgVolumeList:
    """Volumes over all apps of an organisation, a page at a time."""
    after = place(params)
    org = await organisation(call, params.org_slug)

    async def fetch(limit: int, cursor: str | None) -> orgs.Page[OrgVolume]:
        return await orgs.volumes(call, org, limit=limit, cursor=cursor, filters=params.fly_filters())

    walked = await _walk(params, after, fetch, lambda volume: params.state is not None or not volume.dying)
    rows = [
        OrgVolumeRow(
            id=one.id,
            app=one.app_name,
            name=one.name,
            size_gb=one.size_gb,
            region=one.region,
            state=one.state,
            attached_machine_id=one.attached_machine_id,
        )
        for one in walked.rows
    ]
    return OrgVolumeList(
        volumes=rows,
        organization=org,
        next_cursor=walked.next_cursor,
        incomplete=missing(walked.silent, "volumes"),
    )


def missing(silent: list[str], what: str) -> str | None:
    """That the answer is not the whole truth, where some regions did not answer."""
    if not silent:
        return None
    regions = ", ".join(dict.fromkeys(silent))
    return f"{regions} did not answer: {what} there are missing here, and may be there. Ask again later."


ItemT = TypeVar("ItemT", OrgMachine, OrgVolume)


@dataclass
class _Walk(Generic[ItemT]):
    """What some pages of Fly's held."""

    rows: list[ItemT] = field(default_factory=list[ItemT])
    next_cursor: str | None = None
    silent: list[str] = field(default_factory=list[str])


async def _walk(
    params: Paged,
    after: str | None,
    fetch: Callable[[int, str | None], Awaitable[orgs.Page[ItemT]]],
    wanted: Callable[[ItemT], bool],
) -> _Walk[ItemT]:
    """As many rows as were asked for. Fly's own cursor goes on where its last page ended, whoever comes and goes."""
    found: _Walk[ItemT] = _Walk()
    seen: set[str] = set()
    for _ in range(_REQUESTS):
        page = await fetch(params.limit - len(found.rows), after)
        for one in page.items:
            if wanted(one) and one.id not in seen:
                seen.add(one.id)
                found.rows.append(one)
        found.silent += page.silent
        after = page.next_cursor
        if after is None or len(found.rows) >= params.limit:
            break
    found.next_cursor = None if after is None else cursor_to(params, after)
    return found


def _machine(one: OrgMachine, *, full: bool) -> OrgMachineRow:
    row = OrgMachineRow(id=one.id, app=one.app_name, name=one.name, state=one.state, region=one.region)
    if not full:
        return row
    guest = obj((one.config or {}).get("guest"))
    return row.model_copy(
        update={
            "image": clean(one.image) or None,
            "cpu_kind": _word(guest.get("cpu_kind")),
            "cpus": _number(guest.get("cpus")),
            "memory_mb": _number(guest.get("memory_mb")),
            "version": one.instance_id or None,
            "private_ip": one.private_ip or None,
            "created_at": one.created_at,
            "updated_at": one.updated_at,
        }
    )


def _word(value: JsonValue) -> str | None:
    return clean(value) if isinstance(value, str) else None


def _number(value: JsonValue) -> int | None:
    return value if isinstance(value, int) else None
