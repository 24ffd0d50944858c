"""Regions, and what Fly knows of its own images."""

from __future__ import annotations

from fly_mcp_emulator.call import Call
from fly_mcp_emulator.errors import FlyError
from fly_mcp_emulator.regions import REGIONS, Region

from .nodes import Args, Node, on_demand, with_args


def fields(call: Call) -> Node:
    """Queries."""
    settings = call.state.world.settings
    return {
        "platform": on_demand(
            lambda: {
                "requestRegion": settings.nearest_region,
                "regions": [region_node(region) for region in REGIONS.values()],
            }
        ),
        "nearestRegion": on_demand(lambda: region_node(REGIONS[settings.nearest_region])),
        "latestImageDetails": with_args(_latest),
    }


def region_node(region: Region) -> Node:
    """A region."""
    return {
        "code": region.code,
        "name": region.name,
        "latitude": region.latitude,
        "longitude": region.longitude,
        "gatewayAvailable": region.gateway and region.replacement is None,
        "requiresPaidPlan": region.paid,
        "deprecated": region.replacement is not None,
        "processGroup": None,
    }


def _latest(args: Args) -> Node:
    # Fly follows the versions of its own images only; flyctl takes this text for "nothing to update"
    # [C: command/status/machines.go].
    repository = str(args["image"]).partition(":")[0]
    raise FlyError(404, f"Unknown repository {repository!r}".replace("'", '"'))
