"""IP addresses of an app."""

from __future__ import annotations

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.call import Call
from fly_mcp_tools.wire import Address, JsonObject

from . import parse


async def list_of(call: Call, app_name: str) -> list[Address]:
    """The app's addresses, in Fly's order."""
    answer = await call.send(fly.LIST_IPS, {"app_name": app_name})
    data = parse.key(answer.data, "ips", endpoint=fly.LIST_IPS, answer=answer)
    return parse.many(Address, data, endpoint=fly.LIST_IPS, answer=answer)


async def allocate(call: Call, app_name: str, wanted: JsonObject) -> Address:
    """Allocate one: `wanted` has its type, and where."""
    answer = await call.send(fly.ALLOCATE_IP, {"app_name": app_name}, body=wanted)
    return parse.one(Address, answer.data, endpoint=fly.ALLOCATE_IP, answer=answer)


async def release(call: Call, app_name: str, ip: str) -> None:
    """Give one back. Raises NotFound."""
    await call.send(fly.RELEASE_IP, {"app_name": app_name, "ip": ip})
