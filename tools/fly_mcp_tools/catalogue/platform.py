"""Rows: what Fly offers."""

from __future__ import annotations

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.action import Access, Action, Example, Group, Scope
from fly_mcp_tools.composites import platform, platform_sizes

from . import sources

LIST_REGIONS = Action(
    name="flyListRegions",
    title="List regions",
    summary="List Fly's regions, nearest first, and what replaces deprecated ones.",
    group=Group.PLATFORM,
    calls=(fly.LIST_REGIONS,),
    params=platform.ListRegions,
    result=platform.RegionList,
    run=platform.list_regions,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=sources.SPEC,
    examples=(Example("where can I run it?", {}),),
)
LIST_MACHINE_SIZES = Action(
    name="flyListMachineSizes",
    title="List machine sizes",
    summary="List machine sizes with memory bounds and estimated monthly prices.",
    group=Group.PLATFORM,
    calls=(fly.LIST_REGIONS,),
    params=platform_sizes.ListSizes,
    result=platform_sizes.SizeList,
    run=platform_sizes.list_,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=sources.PRICING,
    examples=(
        Example("what does a small machine cost?", {}),
        Example("and a fast one in Tokyo?", {"region": "nrt", "cpuKind": "performance"}),
    ),
)
PLAN_PLACEMENT = Action(
    name="flyPlanPlacement",
    title="Plan placement",
    summary="Ask in which regions machines of a size would find room now.",
    notes="Reserves and creates nothing.",
    group=Group.PLATFORM,
    calls=(fly.FIND_PLACEMENTS, fly.CURRENT_TOKEN),
    params=platform.PlanPlacement,
    result=platform.PlacementPlan,
    run=platform.plan,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=sources.SPEC,
    examples=(
        Example("would three fit in Frankfurt, else in Europe?", {"region": "fra,eu", "count": 3}),
        Example("how many could I have in Tokyo?", {"region": "nrt", "count": 0}),
    ),
)

ROWS = (LIST_REGIONS, LIST_MACHINE_SIZES, PLAN_PLACEMENT)
