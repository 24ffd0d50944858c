"""What Fly offers: regions, sizes, placement."""

from __future__ import annotations

from fly_mcp_tools.endpoint import Endpoint

from .sources import SPEC

LIST_REGIONS = Endpoint(
    name="list_regions",
    says="list Fly's regions",
    method="GET",
    path="/v1/platform/regions",
    idempotent=True,
    source=SPEC,
)
FIND_PLACEMENTS = Endpoint(
    name="find_placements",
    says="ask where machines would find room",
    method="POST",
    path="/v1/platform/placements",
    idempotent=True,
    asks=True,  # it reserves nothing
    source=SPEC,
)

ROWS: tuple[Endpoint, ...] = (
    LIST_REGIONS,
    FIND_PLACEMENTS,
)
