"""Apps, and what hangs on an app besides machines and volumes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.call import Call
from fly_mcp_tools.foreign import clean
from fly_mcp_tools.wire import App, obj, objects

from . import parse

_RELEASE: Final = """
query ($name: String!) { app(name: $name) { currentRelease { version status imageRef createdAt } } }
"""


@dataclass(frozen=True)
class Release:
    """A deployment by flyctl, in Fly's words. `status`: complete, failed, running, ..."""

    version: int
    status: str
    image: str
    created_at: str


async def get(call: Call, app_name: str) -> App:
    """The app. Raises NotFound, or FlyError(forbidden) where it is somebody else's."""
    answer = await call.send(fly.GET_APP, {"app_name": app_name})
    return parse.one(App, answer.data, endpoint=fly.GET_APP, answer=answer)


async def list_of(call: Call, org_slug: str) -> list[App]:
    """The apps of an organisation, in Fly's order."""
    answer = await call.send(fly.LIST_APPS, {}, query={"org_slug": org_slug})
    data = parse.key(answer.data, "apps", endpoint=fly.LIST_APPS, answer=answer)
    return parse.many(App, data, endpoint=fly.LIST_APPS, answer=answer)


async def create(
    call: Call, app_name: str, org_slug: str, *, network: str | None = None, subdomains: bool = False
) -> None:
    """Create it. Both spellings of the name are sent: the docs say app_name, Fly's own client name."""
    body: dict[str, JsonValue] = {"app_name": app_name, "name": app_name, "org_slug": org_slug}
    if network is not None:
        body["network"] = network
    if subdomains:
        body["enable_subdomains"] = True
    await call.send(fly.CREATE_APP, {}, body=body)


async def delete(call: Call, app_name: str) -> None:
    """Destroy it with all it holds. `force`: the docs want machines stopped first otherwise."""
    await call.send(fly.DELETE_APP, {"app_name": app_name}, query={"force": True})


async def organisations(call: Call) -> list[str]:
    """Slugs of the organisations the token is for; empty where Fly does not say."""
    answer = await call.send(fly.CURRENT_TOKEN, {})
    slugs = [
        str(item["org_slug"])
        for item in objects(answer.data.get("tokens") if isinstance(answer.data, dict) else None)
        if item.get("org_slug")
    ]
    return list(dict.fromkeys(slugs))


async def last_release(call: Call, app_name: str) -> Release | None:
    """What flyctl deployed last, however it went; None for an app that it never deployed."""
    body: JsonValue = {"query": _RELEASE, "variables": {"name": app_name}}
    answer = await call.send(fly.LAST_RELEASE, {}, body=body)
    found = obj(obj(obj(obj(answer.data).get("data")).get("app")).get("currentRelease"))
    version = found.get("version")
    if not isinstance(version, int):
        return None
    status, image, made = (clean(str(found.get(key) or "")) for key in ("status", "imageRef", "createdAt"))
    return Release(version, status.lower(), image, made)
