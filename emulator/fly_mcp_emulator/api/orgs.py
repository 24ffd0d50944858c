"""Machines and volumes over a whole organisation, in pages (reference 4.9)."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.call import Call
from fly_mcp_emulator.errors import bad_request
from fly_mcp_emulator.routing import Endpoint
from fly_mcp_emulator.views import moment, moment_ms, volume_view
from fly_mcp_emulator.world import App, Machine, Volume

_MOST = 1000
ItemT = TypeVar("ItemT", Machine, Volume)


def list_org_machines(call: Call) -> Answer:
    """A page of machines."""
    apps = _apps(call)
    machines = [(app, machine) for app in apps for machine in app.machines.values() if machine.readable]
    wanted = _filter(call)
    page, cursor = _page(call, [pair for pair in machines if wanted(pair[1])])
    last = page[-1][1] if page else None
    return Answer(
        {
            "machines": [_machine_row(app, machine) for app, machine in page],
            "next_cursor": cursor,
            "last_machine_id": last.id if last else "",
            "last_updated_at": moment(last.updated_at) if last else "",
            "error_regions": list[str](),
        }
    )


def list_org_volumes(call: Call) -> Answer:
    """A page of volumes."""
    volumes = [(app, volume) for app in _apps(call) for volume in app.volumes.values()]
    wanted = _filter(call)
    page, cursor = _page(call, [pair for pair in volumes if wanted(pair[1])])
    last = page[-1][1] if page else None
    summary = call.flag("summary")
    rows = [
        volume_view(volume, summary=summary)
        | {"app_name": app.name, "updated_at": moment_ms(volume.updated_at)}
        for app, volume in page
    ]
    return Answer(
        {
            "volumes": rows,
            "next_cursor": cursor,
            "last_volume_id": last.id if last else "",
            "last_updated_at": moment(last.updated_at) if last else "",
        }
    )


def _apps(call: Call) -> list[App]:
    slug = call.org(call.params["org"], "r")
    apps = [app for app in call.state.world.apps.values() if app.org == slug]
    return [app for app in apps if call.principal.sees(app.org, app.name)]


def _filter(call: Call) -> Callable[[Machine | Volume], bool]:
    """What the query asks for; read once, since an organisation can have ten thousand machines."""
    states, regions, after = call.every("state"), call.every("region"), call.first("updated_after")
    deleted = call.flag("include_deleted") or "destroyed" in states
    try:
        since = datetime.fromisoformat(after).timestamp() if after is not None else -math.inf
    except (ValueError, OverflowError):
        raise bad_request("invalid updated_after, must be RFC 3339") from None

    def wanted(item: Machine | Volume) -> bool:
        if item.state == "destroyed" and not deleted:
            return False
        if (states and item.state not in states) or (regions and item.region not in regions):
            return False
        return item.updated_at > since

    return wanted


def _page(call: Call, items: list[tuple[App, ItemT]]) -> tuple[list[tuple[App, ItemT]], str]:
    """Cut a page, oldest first. The cursor is a place, not an object: what it was made of may be gone."""
    limit = call.whole("limit")
    if limit is not None and not 1 <= limit <= _MOST:
        raise bad_request(f"invalid limit, must be between 1 and {_MOST}")
    after = _place(call.first("cursor"))
    rest = [pair for pair in items if _key(pair[1]) > after]
    rest.sort(key=lambda pair: _key(pair[1]))
    page = rest[: limit or _MOST]
    return page, _cursor(page[-1][1]) if len(page) < len(rest) else ""


def _key(item: Machine | Volume) -> tuple[float, str]:
    return item.created_at, item.id


def _cursor(item: Machine | Volume) -> str:
    return base64.urlsafe_b64encode(f"{item.created_at!r} {item.id}".encode()).decode()


def _place(cursor: str | None) -> tuple[float, str]:
    if cursor is None:
        return -math.inf, ""
    try:
        created_at, _, item = base64.urlsafe_b64decode(cursor).decode().partition(" ")
        return float(created_at), item
    except ValueError:
        raise bad_request("invalid cursor") from None


def _machine_row(app: App, machine: Machine) -> dict[str, Any]:
    config = machine.config
    overview: dict[str, Any] = {"image": config.image}
    if config.guest is not None:
        overview["guest"] = config.guest.as_fly_answers()
    if config.metadata:
        overview["metadata"] = config.metadata
    return {
        "id": machine.id,
        "app_name": app.name,
        "name": machine.name,
        "state": machine.state,
        "region": machine.region,
        "instance_id": machine.instance_id,
        "version": machine.instance_id,
        "private_ip": machine.private_ip,
        "created_at": moment(machine.created_at),
        "updated_at": moment(machine.updated_at),
        "config": overview,
    }


ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/orgs/{org}/machines",
        list_org_machines,
        sure=("document", "inferred"),
        lacks="Regions that do not answer: `error_regions` is always empty.",
    ),
    Endpoint(
        "GET",
        "/v1/orgs/{org}/volumes",
        list_org_volumes,
        sure=("document", "inferred"),
        lacks="Regions that do not answer: `error_regions` is always empty.",
    ),
)
