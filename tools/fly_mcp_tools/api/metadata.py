"""Metadata of machines: no new version, no restart, and no lease is needed (reference 4.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from pydantic import JsonValue

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import NotFound
from fly_mcp_tools.wire import JsonObject

from . import machines, parse

#: Keys that can stand in a path. Whoever made the machine may have given it others: those are found in all of them.
_IN_A_PATH: Final = re.compile(r"(?!\.+$)[A-Za-z0-9_.-]{1,128}")


async def all_of(call: Call, app_name: str, machine_id: str) -> JsonObject:
    """All of it, as it is."""
    answer = await call.send(fly.LIST_METADATA, machines.ids(app_name, machine_id))
    found = answer.data
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise parse.unreadable(fly.LIST_METADATA, answer)
    return found


async def one(call: Call, app_name: str, machine_id: str, key: str) -> str:
    """One value. Raises NotFound."""
    if not _IN_A_PATH.fullmatch(key):
        found = (await all_of(call, app_name, machine_id)).get(key)
        if not isinstance(found, str):
            refusal = NotFound(f"Machine {machine_id} has no metadata of that name.")
            refusal.fly_says = "no such key"
            raise refusal
        return found
    answer = await call.send(fly.GET_METADATA_KEY, {**machines.ids(app_name, machine_id), "key": key})
    value = parse.key(answer.data, "value", endpoint=fly.GET_METADATA_KEY, answer=answer)
    return value if isinstance(value, str) else ""


async def merge(
    call: Call,
    app_name: str,
    machine_id: str,
    changes: Mapping[str, str | None],
    *,
    nonce: str | None = None,
) -> None:
    """Set keys, and remove those that are None; the rest stays. `nonce`: of a lease that the caller holds."""
    body: JsonValue = {"metadata": dict(changes)}
    await call.send(fly.MERGE_METADATA, machines.ids(app_name, machine_id), body=body, nonce=nonce)


async def remove(
    call: Call, app_name: str, machine_id: str, keys: Iterable[str], *, nonce: str | None = None
) -> None:
    """Remove keys; one that is not there is no error. `nonce`: of a lease that the caller holds."""
    names = list(keys)
    if len(names) > 1 or not all(map(_IN_A_PATH.fullmatch, names)):
        await merge(call, app_name, machine_id, dict.fromkeys(names), nonce=nonce)
        return
    for name in names:
        await call.send(
            fly.DELETE_METADATA_KEY, {**machines.ids(app_name, machine_id), "key": name}, nonce=nonce
        )
