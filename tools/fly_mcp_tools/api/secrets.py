"""Secrets: names, digests and versions; values only ever go one way."""

from __future__ import annotations

from collections.abc import Mapping

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.call import Call
from fly_mcp_tools.wire import Secret

from . import parse


async def list_of(call: Call, app_name: str) -> list[Secret]:
    """The app's secrets, without values."""
    answer = await call.send(fly.LIST_SECRETS, {"app_name": app_name})
    data = parse.key(answer.data, "secrets", endpoint=fly.LIST_SECRETS, answer=answer)
    return parse.many(Secret, data, endpoint=fly.LIST_SECRETS, answer=answer)


async def get(call: Call, app_name: str, name: str) -> Secret:
    """One of them, without its value. Raises NotFound."""
    answer = await call.send(fly.GET_SECRET, {"app_name": app_name, "secret_name": name})
    return parse.one(Secret, answer.data, endpoint=fly.GET_SECRET, answer=answer)


async def change(call: Call, app_name: str, values: Mapping[str, str | None]) -> int | None:
    """Set values, remove those that are None: the version that Fly's secrets have now, if it says so."""
    answer = await call.send(fly.SET_SECRETS, {"app_name": app_name}, body={"values": dict(values)})
    if not isinstance(answer.data, dict):
        raise parse.unreadable(fly.SET_SECRETS, answer)
    data = answer.data
    version = data.get("version", data.get("Version"))  # the capital one is Fly's deprecated duplicate
    return version if isinstance(version, int) else None
