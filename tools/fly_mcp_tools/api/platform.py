"""What Fly offers: its regions, and where machines would find room."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import JsonValue

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.call import Call
from fly_mcp_tools.foreign import clean
from fly_mcp_tools.wire import JsonObject, obj, objects

from . import parse


@dataclass(frozen=True)
class Region:
    """A region. `place`: latitude and longitude in degrees, where Fly tells."""

    code: str
    name: str
    place: tuple[float, float] | None
    paid_only: bool
    deprecated: bool
    full: bool


@dataclass(frozen=True)
class Placement:
    """How many machines would go to a region."""

    region: str
    count: int


async def regions(call: Call) -> tuple[list[Region], str]:
    """All regions, in Fly's order, and the code of the one nearest to this server; "" where Fly does not say."""
    answer = await call.send(fly.LIST_REGIONS, {})
    data = obj(answer.data)
    # The document has lower case, Fly upper (reference 9.4).
    rows = data.get("Regions") or data.get("regions")
    if not isinstance(rows, list):
        raise parse.unreadable(fly.LIST_REGIONS, answer)
    nearest = data.get("Nearest") or data.get("nearest")
    return [_region(row) for row in objects(rows)], clean(str(nearest or ""), 20)


async def placements(call: Call, wanted: JsonObject) -> list[Placement]:
    """Where machines would go now; nothing is reserved. Raises FlyError where Fly does not know the region."""
    answer = await call.send(fly.FIND_PLACEMENTS, {}, body=wanted)
    data = obj(answer.data)
    rows = data.get("Regions", data.get("regions"))
    # Go may leave an empty list out, or write null; anything else is no answer, and not "there is no room".
    if not isinstance(answer.data, dict) or (data and not data.keys() & {"Regions", "regions"}):
        raise parse.unreadable(fly.FIND_PLACEMENTS, answer)
    if rows is not None and not isinstance(rows, list):
        raise parse.unreadable(fly.FIND_PLACEMENTS, answer)
    return [_placement(row) for row in objects(rows)]


def _placement(row: JsonObject) -> Placement:
    region, count = row.get("Region", row.get("region")), row.get("Count", row.get("count"))
    return Placement(clean(str(region or "?"), 20), count if isinstance(count, int) else 0)


def _region(row: JsonObject) -> Region:
    north, east = _degrees(row.get("latitude")), _degrees(row.get("longitude"))
    deprecated = row.get("deprecated") is True
    return Region(
        code=clean(str(row.get("code") or "?"), 20),
        name=clean(str(row.get("name") or ""), 80),
        place=(north, east) if north is not None and east is not None else None,
        paid_only=row.get("requires_paid_plan") is True,
        deprecated=deprecated,
        full=row.get("capacity") == 0 and not deprecated,
    )


def _degrees(value: JsonValue) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
