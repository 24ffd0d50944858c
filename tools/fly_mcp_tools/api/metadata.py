"""Metadata of machines: no new version, no restart, and no lease is needed (reference 4.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.call import Call
from fly_mcp_tools.wire import JsonObject

from . import machines, parse


async def all_of(call: Call, app_name: str, machine_id: str) -> JsonObject:
    """All of it, as it is."""
    answer = await call.send(fly.LIST_METADATA, machines.ids(app_name, machine_id))
    found = answer.data
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise parse.unreadable(fly.LIST_METADATA, answer)
    return found


async def one(call: Call, app_name: str, machine_id: str, key: str) -> str:
    """One value. Raises NotFound."""
    answer = await call.send(fly.GET_METADATA_KEY, {**machines.ids(app_name, machine_id), "key": key})
    value = parse.key(answer.data, "value", endpoint=fly.GET_METADATA_KEY, answer=answer)
    return value if isinstance(value, str) else ""


async def merge(call: Call, app_name: str, machine_id: str, changes: Mapping[str, str | None]) -> None:
    """Set keys, and remove those that are None; the rest stays."""
    body: JsonValue = {"metadata": dict(changes)}
    await call.send(fly.MERGE_METADATA, machines.ids(app_name, machine_id), body=body)


async def remove(call: Call, app_name: str, machine_id: str, keys: Iterable[str]) -> None:
    """Remove keys; one that is not there is no error."""
    names = list(keys)
    if len(names) > 1:
        await merge(call, app_name, machine_id, dict.fromkeys(names))
        return
    for name in names:
        await call.send(fly.DELETE_METADATA_KEY, {**machines.ids(app_name, machine_id), "key": name})
