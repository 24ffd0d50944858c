"""flyListUnattachedVolumes: disks that are paid for and that no machine has."""

from __future__ import annotations

from datetime import UTC, datetime

import anyio
from pydantic import Field

from fly_mcp_tools import prices
from fly_mcp_tools.api import orgs, volumes
from fly_mcp_tools.api.orgs import OrgVolume
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import FlyError
from fly_mcp_tools.models import Result

from .apps import Org, organisation
from .orgs import missing
from .paging import Limit, Paged, page, place

#: Pages of all volumes that are read at most, a thousand each: attachment is nothing that Fly can filter by.
_PAGES = 20
#: Volumes whose snapshots are read at the same time, and the seconds for all: Fly allows one call a second an app.
_AT_ONCE, _WITHIN = 8, 20.0


class ListUnattached(Paged):
    """Volumes of an organisation without a machine."""

    limit: Limit = 20
    org_slug: Org = None


class UnattachedRow(Result):
    """A volume that no machine has."""

    id: str
    app: str
    name: str
    size_gb: int | None
    region: str
    age_days: int | None
    last_snapshot: str = Field(description="its day, none or unknown")
    usd_per_month: float | None


class UnattachedList(Result):
    """Volumes that no machine has, and what all of them cost."""

    volumes: list[UnattachedRow]
    organization: str
    total: int
    total_gb: int
    cost: str
    showing: str | None = None
    next_cursor: str | None = None
    incomplete: str | None = Field(default=None, description="what is missing, and why")


async def list_(call: Call, params: ListUnattached) -> UnattachedList:
    """The organisation's volumes that no machine has: size, age, last snapshot and cost."""
    place(params)  # one that is none is refused before anything is sent
    org = await organisation(call, params.org_slug)
    found, incomplete = await _unattached(call, org)
    shown = page(params, found, lambda one: one.id)
    snapshots = await _snapshots(call, shown.rows)
    now = datetime.fromtimestamp(call.clock.now(), UTC)
    rows = [
        UnattachedRow(
            id=one.id,
            app=one.app_name,
            name=one.name,
            size_gb=one.size_gb,
            region=one.region,
            age_days=max(0, (now - one.created_at).days) if one.created_at else None,
            last_snapshot=snapshots.get(one.id, "unknown"),
            usd_per_month=None if one.size_gb is None else round(prices.volume(one.size_gb).usd, 2),
        )
        for one in shown.rows
    ]
    return UnattachedList(
        volumes=rows,
        organization=org,
        total=shown.total,
        total_gb=sum(one.size_gb or 0 for one in found),
        cost=prices.total(prices.volume(one.size_gb) for one in found).said(),
        showing=shown.showing,
        next_cursor=shown.next_cursor,
        incomplete=incomplete,
    )


async def _unattached(call: Call, org: str) -> tuple[list[OrgVolume], str | None]:
    """All of them, and what is missing. A volume that moved between two pages counts once."""
    found: dict[str, OrgVolume] = {}
    silent: list[str] = []
    cursor: str | None = None
    for _ in range(_PAGES):
        read = await orgs.volumes(call, org, limit=orgs.MOST, cursor=cursor, filters={})
        found.update({one.id: one for one in read.items})
        silent += read.silent
        cursor = read.next_cursor
        if cursor is None:
            break
    words = missing(silent, "volumes")
    if cursor is not None:
        words = f"{words or ''} Only the first {len(found)} volumes were looked at; there are more.".strip()
    return [one for one in found.values() if not one.dying and not one.attached_machine_id], words


async def _snapshots(call: Call, rows: list[OrgVolume]) -> dict[str, str]:
    """The day of each volume's newest snapshot, as far as there is time to read them."""
    days: dict[str, str] = {}
    limiter = anyio.CapacityLimiter(_AT_ONCE)

    async def read(one: OrgVolume) -> None:
        async with limiter:
            try:
                newest = await volumes.newest_snapshot(call, one.app_name, one.id)
            except FlyError:
                return  # one that cannot be read must not hide the rest
            days[one.id] = newest.date().isoformat() if newest else "none"

    with anyio.move_on_after(_WITHIN):
        async with anyio.create_task_group() as group:
            for one in rows:
                group.start_soon(read, one)
    return days
