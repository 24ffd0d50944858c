"""Rows: scaling."""

from __future__ import annotations

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.action import Access, Action, Example, Gate, Group, Scope
from fly_mcp_tools.composites import scale

from . import sources

_CALLS = (
    fly.LIST_REGIONS,
    fly.LIST_MACHINES,
    fly.CREATE_MACHINE,
    fly.GET_MACHINE,
    fly.WAIT_MACHINE,
    fly.ACQUIRE_LEASE,
    fly.GET_LEASE,
    fly.DELETE_MACHINE,
    fly.RELEASE_LEASE,
)

SCALE_MACHINES = Action(
    name="flyScaleMachines",
    title="Scale machines",
    summary="Scale an app without volumes to a total number of machines.",
    notes="New ones copy the first; fewer destroys machines and asks for confirm.",
    group=Group.SCALING,
    calls=_CALLS,
    params=scale.ScaleMachines,
    result=scale.Scaled,
    run=scale.scale_machines,
    gate=Gate.BY_PLAN,
    access=Access.DESTRUCTIVE,
    additive=False,
    idempotent=True,
    scope=Scope.DEPLOY,
    source=sources.SCALING,
    examples=(Example("run three of them", {"appName": "catvet-web", "count": 3}),),
)
SCALE_WITH_VOLUMES = Action(
    name="flyScaleWithVolumes",
    title="Scale machines with volumes",
    summary="Scale an app with volumes to a total number of machines.",
    notes="New machines reuse unattached volumes or get new ones; fewer asks for confirm, volumes stay.",
    group=Group.SCALING,
    calls=(*_CALLS, fly.LIST_VOLUMES, fly.CREATE_VOLUME, fly.UPDATE_VOLUME, fly.GET_VOLUME),
    params=scale.ScaleWithVolumes,
    result=scale.Scaled,
    run=scale.scale_with_volumes,
    gate=Gate.BY_PLAN,
    access=Access.DESTRUCTIVE,
    additive=False,
    idempotent=True,
    scope=Scope.DEPLOY,
    source=sources.SCALING,
    examples=(
        Example(
            "two machines in Frankfurt, each with its volume",
            {"appName": "catvet-records", "count": 2, "region": "fra"},
        ),
    ),
)

ROWS = (SCALE_MACHINES, SCALE_WITH_VOLUMES)
