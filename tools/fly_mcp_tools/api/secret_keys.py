"""Secret keys: names, types and dates. No part of a key is read, the public one neither."""

from __future__ import annotations

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.call import Call
from fly_mcp_tools.wire import SecretKey

from . import parse


async def list_of(call: Call, app_name: str) -> list[SecretKey]:
    """The app's secret keys."""
    answer = await call.send(fly.LIST_SECRET_KEYS, {"app_name": app_name})
    data = parse.key(answer.data, "secret_keys", endpoint=fly.LIST_SECRET_KEYS, answer=answer)
    return parse.many(SecretKey, data, endpoint=fly.LIST_SECRET_KEYS, answer=answer)


async def get(call: Call, app_name: str, name: str) -> SecretKey:
    """One of them. Raises NotFound."""
    answer = await call.send(fly.GET_SECRET_KEY, {"app_name": app_name, "key_name": name})
    return parse.one(SecretKey, answer.data, endpoint=fly.GET_SECRET_KEY, answer=answer)


async def generate(call: Call, app_name: str, name: str, type_: str) -> SecretKey:
    """Let Fly make one. One of that name is replaced, and what it had sealed is lost."""
    ids = {"app_name": app_name, "key_name": name}
    answer = await call.send(fly.GENERATE_SECRET_KEY, ids, body={"type": type_})
    return parse.one(SecretKey, answer.data, endpoint=fly.GENERATE_SECRET_KEY, answer=answer)


async def delete(call: Call, app_name: str, name: str) -> None:
    """Delete one. Raises NotFound."""
    await call.send(fly.DELETE_SECRET_KEY, {"app_name": app_name, "key_name": name})
