"""flyListApps, flyGetApp and flyCreateApp."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import anyio
from pydantic import Field

from fly_mcp_tools.api import apps, machines
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import Code, Conflict, FlyError, MaybeDone, NotFound, TimedOut
from fly_mcp_tools.ids import AppName, NetworkName, OrgSlug
from fly_mcp_tools.models import Params, Result, WriteResult
from fly_mcp_tools.wire import App

from .listing import OfApp
from .paging import Paged, page, place

_SENT = "sent"
#: Seconds for a new app to be seen by all of Fly (reference 4.1: flyctl polls for up to a minute).
SEEN_WITHIN = 60.0
#: Seconds after which a create whose answer was lost is taken for one that never arrived.
_FOUND_WITHIN = 15.0
#: Apps whose machines are counted at the same time, where Fly's list does not count them.
_AT_ONCE = 8

Org = Annotated[OrgSlug | None, Field(description="Organisation; default: the configured one")]


class ListApps(Paged):
    """Apps of an organisation."""

    org_slug: Org = None


class CreateApp(Params):
    """App names are unique over all of Fly."""

    app_name: AppName
    org_slug: Org = None
    network: NetworkName | None = Field(
        default=None, description="Private network, made if new; default: the shared one"
    )
    enable_subdomains: bool = Field(default=False, description="Route *.APP.fly.dev to it")


class AppRow(Result):
    """An app. `url` answers only where the app has an address and a service."""

    id: str
    name: str
    status: str
    machine_count: int | None = Field(description="null: could not be counted")
    url: str


class AppList(Result):
    """The organisation's apps."""

    apps: list[AppRow]
    organization: str
    total: int
    showing: str | None = None
    next_cursor: str | None = None


class AppDetail(AppRow):
    """An app and what its machines are doing."""

    organization: str | None = None
    network: str | None = None
    machine_states: dict[str, int] | None = Field(default=None, description="machines by state")


class AppCreated(WriteResult):
    """The new app. It has no machine yet."""

    id: str
    name: str
    status: str
    organization: str
    network: str | None = None
    url: str


async def organisation(call: Call, asked: str | None) -> str:
    """Whose apps: the argument, the operator's setting, the token's only organisation, or "personal"."""
    if asked or call.defaults.org_slug:
        return asked or call.defaults.org_slug
    try:
        slugs = await apps.organisations(call)
    except FlyError as error:
        if error.code in (Code.UNAUTHENTICATED, Code.NOT_CONFIGURED):
            raise
        slugs = []  # an older Fly, or a token that may not ask: the default is still worth a try
    return slugs[0] if len(slugs) == 1 else "personal"


async def list_(call: Call, params: ListApps) -> AppList:
    """The organisation's apps with their status, URL and number of machines."""
    place(params)  # a cursor that is none is refused before anything is sent
    org = await organisation(call, params.org_slug)
    found = page(params, await apps.list_of(call, org), lambda app: app.name)
    counted: dict[str, int | None] = {app.name: app.machine_count for app in found.rows}
    limiter = anyio.CapacityLimiter(_AT_ONCE)

    async def count(app: App) -> None:
        async with limiter:
            try:
                counted[app.name] = len(await machines.list_of(call, app.name))
            except FlyError:
                counted[app.name] = None

    async with anyio.create_task_group() as group:
        for app in found.rows:
            if app.machine_count is None:
                group.start_soon(count, app)
    return AppList(
        apps=[_row(app, counted[app.name]) for app in found.rows],
        organization=org,
        total=found.total,
        showing=found.showing,
        next_cursor=found.next_cursor,
    )


async def get(call: Call, params: OfApp) -> AppDetail:
    """One app. Raises NotFound, or FlyError(forbidden) where it is somebody else's."""
    app = await apps.get(call, params.app_name)
    found = await machines.list_of(call, params.app_name)
    row = _row(app, len(found))
    return AppDetail(
        **row.model_dump(),
        organization=app.organization.slug if app.organization else None,
        network=app.network or None,
        machine_states=dict(Counter(machine.state for machine in found)) or None,
    )


async def create(call: Call, params: CreateApp) -> AppCreated:
    """Create an empty app and see that Fly knows it.

    A name exists once over all of Fly, so the name is the mark: it was free when this began, and so an app of that
    name afterwards is the one asked for.

    Raises:
        Conflict: the name is taken.
        MaybeDone: the answer was lost and the app is not there (yet).
    """
    org = await organisation(call, params.org_slug)
    lost: FlyError | None = None
    if not await _is_free(call, params.app_name):
        if _SENT not in call.journal.notes:
            raise _taken(params.app_name)
        lost = MaybeDone("an earlier call with this requestId sent it")
    else:
        call.journal.note(_SENT, True)
        try:
            await apps.create(
                call, params.app_name, org, network=params.network, subdomains=params.enable_subdomains
            )
        except (MaybeDone, TimedOut) as error:
            lost = error
        except Conflict as error:
            if not call.resumed:
                raise
            lost = error  # an earlier request of this intent may have come late
    app = await _seen(call, params.app_name, SEEN_WITHIN if lost is None else _FOUND_WITHIN)
    if app is None and lost is not None:
        raise MaybeDone(
            f"The request to create app {params.app_name} was sent, its answer lost, and the app is not there.",
            hint="It was probably not created: flyGetApp looks. Repeating the call with the same requestId is safe: a "
            "name exists once.",
            status=lost.status,
            request_id=lost.request_id,
        )
    if app is not None and lost is not None and (app.machine_count or app.status not in ("", "pending")):
        raise _taken(params.app_name)
    call.memory.forget(params.app_name)
    note = None
    if app is None:
        note = "Fly accepted it and does not show it yet; flyGetApp looks again."
    elif lost is not None:
        note = "Fly's answer was lost; the app is there, and never had a machine."
    return AppCreated(
        outcome="pending" if app is None else "done",
        note=note,
        id=app.id if app else "",
        name=params.app_name,
        status=(app.status if app else "") or "pending",
        organization=app.organization.slug if app and app.organization else org,
        network=params.network and ((app.network if app else "") or params.network),
        url=url_of(params.app_name),
    )


async def _is_free(call: Call, app_name: str) -> bool:
    """Whether nobody has an app of that name, as far as Fly tells."""
    try:
        await apps.get(call, app_name)
    except NotFound:
        return True
    except FlyError as error:
        # Somebody else's app is forbidden (reference 1.3). A new one can be 401 for a moment: creating it tells.
        if error.code is Code.FORBIDDEN:
            return False
        if error.code is not Code.UNAUTHENTICATED:
            raise
        return True
    return False


def _taken(app_name: str) -> Conflict:
    return Conflict(
        f"There is an app {app_name} already: the name is taken. Nothing was created.",
        hint="Choose another name; app names are shared by all of Fly. flyGetApp shows that app, if it is yours.",
    )


async def _seen(call: Call, app_name: str, within: float) -> App | None:
    """The app, once Fly shows it. A new app is 404 or 401 for a moment (reference 4.1)."""
    began = call.clock.monotonic()
    while True:
        try:
            return await apps.get(call, app_name)
        except FlyError as error:
            if not isinstance(error, NotFound) and error.code is not Code.UNAUTHENTICATED:
                raise
        if call.clock.monotonic() - began >= within:
            return None
        await call.clock.sleep(1.0)


def url_of(app_name: str) -> str:
    """The public address, by Fly's convention: the API has none (reference 3.1)."""
    return f"https://{app_name}.fly.dev"


def _row(app: App, count: int | None) -> AppRow:
    # Fly's list need not say the status; an app that never had a machine is pending.
    status = app.status or ("pending" if count == 0 else "deployed" if count else "unknown")
    return AppRow(
        id=app.id or app.name, name=app.name, status=status, machine_count=count, url=url_of(app.name)
    )
