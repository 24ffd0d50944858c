"""Rows: apps."""

from __future__ import annotations

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.action import Access, Action, Example, Gate, Group, Scope
from fly_mcp_tools.composites import app_status, app_status_rows, apps, delete_app
from fly_mcp_tools.composites.listing import OfApp

from . import sources

LIST_APPS = Action(
    name="flyListApps",
    title="List apps",
    summary="List the organisation's apps with status, URL and machine count.",
    group=Group.APPS,
    calls=(fly.LIST_APPS, fly.CURRENT_TOKEN, fly.LIST_MACHINES),
    params=apps.ListApps,
    result=apps.AppList,
    run=apps.list_,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=sources.APPS,
    examples=(Example("what is running on Fly?", {}),),
)
GET_APP = Action(
    name="flyGetApp",
    title="Get app",
    summary="Get an app's status, URL, and machines by state.",
    group=Group.APPS,
    calls=(fly.GET_APP, fly.LIST_MACHINES),
    params=OfApp,
    result=apps.AppDetail,
    run=apps.get,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=sources.APPS,
    examples=(Example("is catvet-records up?", {"appName": "catvet-records"}),),
)
GET_APP_STATUS = Action(
    name="flyGetAppStatus",
    title="Get app status",
    summary="Say what is wrong with an app and why: machines, exits, health checks, image, addresses, certificates.",
    notes="The first thing to ask when something does not work; for counts alone flyGetApp.",
    group=Group.APPS,
    calls=(
        fly.GET_APP,
        fly.LIST_MACHINES,
        fly.LIST_VERSIONS,
        fly.LIST_IPS,
        fly.LIST_CERTIFICATES,
        fly.GET_CERTIFICATE,
        fly.LAST_RELEASE,
    ),
    params=OfApp,
    result=app_status_rows.AppStatus,
    run=app_status.get,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=sources.APPS,
    examples=(Example("why does catvet-records not answer?", {"appName": "catvet-records"}),),
    untrusted_output=True,
)
CREATE_APP = Action(
    name="flyCreateApp",
    title="Create app",
    summary="Create an empty app; add machines with flyCreateMachine.",
    notes="An app costs nothing; flyDeleteApp removes it.",
    group=Group.APPS,
    calls=(fly.CREATE_APP, fly.GET_APP, fly.CURRENT_TOKEN),
    params=apps.CreateApp,
    result=apps.AppCreated,
    run=apps.create,
    access=Access.WRITE,
    additive=True,
    idempotent=False,
    scope=Scope.ORG,
    source=sources.APPS,
    examples=(
        Example("make me an app called shop-staging", {"appName": "shop-staging"}),
        Example("one for tenant-7, cut off from the others", {"appName": "tenant-7", "network": "tenant-7"}),
    ),
)
DELETE_APP = Action(
    name="flyDeleteApp",
    title="Delete app",
    summary="Destroy an app with all its machines, volumes, data and secrets.",
    notes="Only the machines' configs are kept.",
    group=Group.APPS,
    calls=(
        fly.GET_APP,
        fly.LIST_MACHINES,
        fly.LIST_VOLUMES,
        fly.LIST_SECRETS,
        fly.LIST_IPS,
        fly.LIST_CERTIFICATES,
        fly.DELETE_APP,
    ),
    params=OfApp,
    result=delete_app.AppDeleted,
    run=delete_app.delete,
    preview=delete_app.preview,
    gate=Gate.ALWAYS,
    access=Access.DESTRUCTIVE,
    additive=False,
    idempotent=True,
    scope=Scope.DEPLOY,
    source=sources.APPS,
    examples=(Example("get rid of my-sandbox for good", {"appName": "my-sandbox", "confirm": True}),),
)

ROWS = (LIST_APPS, GET_APP, GET_APP_STATUS, CREATE_APP, DELETE_APP)
