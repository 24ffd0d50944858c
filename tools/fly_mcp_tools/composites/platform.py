"""flyListRegions and flyPlanPlacement."""

from __future__ import annotations

import re
from math import asin, cos, radians, sin, sqrt
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from fly_mcp_tools import guest
from fly_mcp_tools.api import platform
from fly_mcp_tools.api.platform import Region
from fly_mcp_tools.call import Call
from fly_mcp_tools.ids import VolumeName
from fly_mcp_tools.models import Params, Result, Whole
from fly_mcp_tools.wire import JsonObject

from .apps import Org, organisation

#: Where flyctl sends people from a region that takes nothing new; Fly's API does not say (reference 2.3).
REPLACED: Final = {
    **dict.fromkeys(("atl", "den", "gdl", "mia", "qro"), "dfw"),
    **dict.fromkeys(("bog", "eze", "gig", "scl"), "gru"),
    "bos": "ewr",
    "hkg": "sin",
    "mad": "cdg",
    "otp": "fra",
    "phx": "lax",
    "sea": "sjc",
    "waw": "ams",
    "yul": "yyz",
}
_EARTH_KM, _GB = 6371, 1024**3
_EXPRESSION: Final = re.compile(r"[a-z]{2,4}(,[a-z]{2,4}){0,20}")


def _expression(text: str) -> str:
    if not _EXPRESSION.fullmatch(text):
        raise ValueError(
            "is region codes or eu, na, sa, apac, us, any, with commas and no blanks, such as fra,eu"
        )
    return text


class ListRegions(Params):
    """Nothing is asked for."""


class RegionRow(Result):
    """A region that takes machines and volumes."""

    code: str
    name: str
    km: int | None = Field(default=None, description="from the nearest region")
    paid_only: bool | None = Field(default=None, description="for paying organisations")
    full: bool | None = None


class RegionList(Result):
    """Regions, nearest first."""

    nearest: str | None = Field(default=None, description="to this server")
    regions: list[RegionRow]
    deprecated: dict[str, str] | None = Field(default=None, description="takes nothing new: use instead")


class PlanPlacement(Params):
    """What would have to find room."""

    org_slug: Org = None
    region: Annotated[str, AfterValidator(_expression)] | None = Field(
        default=None, description="Regions in order, such as fra,eu,any"
    )
    count: Annotated[Whole, Field(ge=0, le=1000, description="0: how many would fit in each")] = 1
    cpu_kind: Annotated[Literal["shared", "performance"], Field(description="CPU kind")] = "shared"
    cpus: Whole | None = Field(default=None, description="Default 1")
    memory_mb: Whole | None = Field(default=None, description="Default: the least")
    volume_name: VolumeName | None = Field(default=None, description="Of a volume each gets")
    volume_size_gb: Annotated[Whole, Field(ge=1, le=500)] | None = Field(
        default=None, description="Of that volume"
    )


class PlacementRow(Result):
    """So many machines would go there."""

    region: str
    count: int


class PlacementPlan(Result):
    """Where machines would go. Nothing is reserved."""

    placements: list[PlacementRow]
    organization: str
    note: str | None = None


async def list_regions(call: Call, _: ListRegions) -> RegionList:
    """Fly's regions, the nearest to this server first, and what to use instead of those that take nothing new."""
    found, nearest = await platform.regions(call)
    here = next((one for one in found if one.code == nearest), None)
    live = sorted((one for one in found if not one.deprecated), key=lambda one: (_km(here, one), one.code))
    return RegionList(
        nearest=nearest or None,
        regions=[
            RegionRow(
                code=one.code,
                name=one.name,
                km=_km(here, one) if here is not None and here.place and one.place else None,
                paid_only=one.paid_only or None,
                full=one.full or None,
            )
            for one in live
        ],
        deprecated={one.code: REPLACED.get(one.code, "unknown") for one in found if one.deprecated} or None,
    )


async def plan(call: Call, params: PlanPlacement) -> PlacementPlan:
    """Ask Fly where so many machines of a size, with a volume if need be, would find room now.

    Raises:
        InvalidArguments: Fly does not sell that size.
    """
    least = guest.KINDS[params.cpu_kind]
    cpus = params.cpus if params.cpus is not None else 1
    memory = params.memory_mb if params.memory_mb is not None else least.least_mb * cpus
    size = guest.resized({"cpu_kind": params.cpu_kind}, cpus, memory)
    org = await organisation(call, params.org_slug)
    wanted: JsonObject = {"org_slug": org, "count": params.count, "compute": size}
    if params.region is not None:
        wanted["region"] = params.region
    if params.volume_name is not None:
        wanted["volume_name"] = params.volume_name
    if params.volume_size_gb is not None:
        wanted["volume_size_bytes"] = params.volume_size_gb * _GB
    found = await platform.placements(call, wanted)
    room = sum(one.count for one in found)
    note = None
    if not found or (params.count and room < params.count):
        note = (
            f"There is room for {room} of {params.count}. Name more regions, such as any, or a smaller size."
        )
    return PlacementPlan(
        placements=[PlacementRow(region=one.region, count=one.count) for one in found],
        organization=org,
        note=note,
    )


def _km(here: Region | None, there: Region) -> int:
    """The distance over ground; the farthest there is where a place is not known."""
    if here is None or here.place is None or there.place is None:
        return 20_038
    (north, east), (north_there, east_there) = (
        (radians(latitude), radians(longitude)) for latitude, longitude in (here.place, there.place)
    )
    half = (
        sin((north_there - north) / 2) ** 2
        + cos(north) * cos(north_there) * sin((east_there - east) / 2) ** 2
    )
    return round(2 * _EARTH_KM * asin(sqrt(min(1.0, half))))
