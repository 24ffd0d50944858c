"""Regions and placements (reference 4.9)."""

from __future__ import annotations

from typing import Any

from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.call import Body, Call
from fly_mcp_emulator.config import Guest
from fly_mcp_emulator.config.guest import completed
from fly_mcp_emulator.errors import bad_config, bad_request
from fly_mcp_emulator.regions import REGIONS, Region, candidates
from fly_mcp_emulator.routing import Endpoint

_CONCURRENCY = 5
_ROOM = 1000


class Placements(Body):
    """What would have to find room."""

    org_slug: str = ""
    region: str | None = None
    count: int = 0
    compute: Guest | None = None
    volume_name: str = ""
    volume_size_bytes: int = 0
    weights: dict[str, int] | None = None


def list_regions(call: Call) -> Answer:
    """All regions, deprecated ones marked. Capital keys: what the wire has, not the document [L, C]."""
    settings = call.state.world.settings
    rows = [_row(region, full=region.code in settings.full_regions) for region in REGIONS.values()]
    return Answer({"Regions": rows, "Nearest": settings.nearest_region})


def find_placements(call: Call) -> Answer:
    """Where so many machines would go. Count 0: how many would fit."""
    body, settings = call.read(Placements), call.state.world.settings
    call.org(body.org_slug, "r")
    if body.count < 0:
        raise bad_request("invalid count")
    if body.compute is not None:
        try:
            completed(body.compute, None)
        except ValueError as error:
            raise bad_config(str(error)) from None
    expression = body.region or f"{settings.nearest_region},any"
    try:
        wanted = dict.fromkeys(candidates(expression, settings.nearest_region))
    except KeyError as error:
        raise bad_request(f"target region {error.args[0]} not found") from None
    open_ = [region for region in wanted if region not in settings.full_regions]
    rows = [{"Region": code, "Count": body.count or _ROOM, "Concurrency": _CONCURRENCY} for code in open_]
    return Answer({"Regions": rows[:1] if body.count else rows})


def _row(region: Region, *, full: bool) -> dict[str, Any]:
    return {
        "code": region.code,
        "name": region.name,
        "latitude": region.latitude,
        "longitude": region.longitude,
        "gateway_available": region.gateway and region.replacement is None,
        "requires_paid_plan": region.paid,
        "deprecated": region.replacement is not None,
        "capacity": 0 if full or region.replacement else _ROOM,
        "geo_region": region.geo_region,
        "mpg_available": region.code
        in ("ams", "fra", "gru", "iad", "lax", "lhr", "nrt", "ord", "sin", "syd", "yyz"),
    }


ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/platform/regions",
        list_regions,
        public=True,
        sure=("client", "report"),
        lacks="`capacity` says full or not, no more.",
    ),
    Endpoint(
        "POST",
        "/v1/platform/placements",
        find_placements,
        sure=("client", "report", "inferred"),
        lacks="Hosts and weights: any region that is not full takes all.",
    ),
)
