"""What a machine is doing and was: its processes, memory, events and versions."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import JsonValue

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.call import Call
from fly_mcp_tools.decode import Answer
from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.foreign import clean
from fly_mcp_tools.wire import Event, JsonObject, obj, objects

from . import machines, parse

#: Characters of a command line; the rest of a long one says little.
_COMMAND = 200


@dataclass(frozen=True)
class Process:
    """A process of a machine. `rss` in bytes; `cpu` as Fly gives it, without a documented unit."""

    pid: int
    command: str
    cpu: int
    rss: int
    listens: tuple[str, ...]


@dataclass(frozen=True)
class Memory:
    """In MiB."""

    limit_mb: int
    available_mb: int


@dataclass(frozen=True)
class Version:
    """A version and the config that its maker sent."""

    version: str
    config: JsonObject = field(repr=False)


async def processes(call: Call, app_name: str, machine_id: str) -> list[Process]:
    """What runs on it. Raises WrongState where it is not started."""
    answer = await call.send(fly.LIST_PROCESSES, machines.ids(app_name, machine_id))
    return [
        Process(
            pid=_whole(one.get("pid")),
            command=clean(str(one.get("command") or ""), _COMMAND),
            cpu=_whole(one.get("cpu")),
            rss=_whole(one.get("rss")),
            listens=tuple(
                clean(f"{socket.get('proto')} {socket.get('address')}", 80)
                for socket in objects(one.get("listen_sockets"))
            ),
        )
        for one in _list(fly.LIST_PROCESSES, answer, "pid")
    ]


async def events(call: Call, app_name: str, machine_id: str, limit: int) -> list[Event]:
    """What happened to it, newest first; `limit`: 1 to 50, Fly's own bound."""
    answer = await call.send(fly.LIST_EVENTS, machines.ids(app_name, machine_id), query={"limit": limit})
    return parse.many(Event, answer.data, endpoint=fly.LIST_EVENTS, answer=answer)


async def versions(call: Call, app_name: str, machine_id: str) -> list[Version]:
    """What it was, in Fly's order."""
    answer = await call.send(fly.LIST_VERSIONS, machines.ids(app_name, machine_id))
    return [
        Version(clean(str(one.get("version") or ""), 40), obj(one.get("user_config")))
        for one in _list(fly.LIST_VERSIONS, answer, "version")
    ]


async def memory(call: Call, app_name: str, machine_id: str) -> Memory:
    """What it may use and what of that is free. Raises WrongState where it is not started."""
    answer = await call.send(fly.GET_MEMORY, machines.ids(app_name, machine_id))
    return _memory(fly.GET_MEMORY, answer)


async def limit_memory(
    call: Call, app_name: str, machine_id: str, limit_mb: int, *, nonce: str | None = None
) -> Memory:
    """Limit what it may use, in MiB. Its size, and what it costs, stay. `nonce`: of a lease that the caller holds."""
    answer = await call.send(
        fly.SET_MEMORY, machines.ids(app_name, machine_id), body={"limit_mb": limit_mb}, nonce=nonce
    )
    return _memory(fly.SET_MEMORY, answer)


async def reclaim_memory(
    call: Call, app_name: str, machine_id: str, amount_mb: int, *, nonce: str | None = None
) -> int:
    """Take back what is not needed: how much it gave, in MiB. Raises MaybeDone where the answer was lost."""
    body: JsonValue = {"amount_mb": amount_mb}
    answer = await call.send(fly.RECLAIM_MEMORY, machines.ids(app_name, machine_id), body=body, nonce=nonce)
    return _whole(parse.key(answer.data, "actual_mb", endpoint=fly.RECLAIM_MEMORY, answer=answer))


def _memory(endpoint: Endpoint, answer: Answer) -> Memory:
    data = obj(answer.data)
    if not data.keys() & {"limit_mb", "available_mb"}:  # Go leaves out a zero, but hardly both
        raise parse.unreadable(endpoint, answer)
    return Memory(_whole(data.get("limit_mb")), _whole(data.get("available_mb")))


def _list(endpoint: Endpoint, answer: Answer, key: str) -> list[JsonObject]:
    """The rows of an answer; each has `key`, by which it is known for what it is."""
    found = objects(answer.data)
    if not isinstance(answer.data, list) or not all(key in one for one in found):
        raise parse.unreadable(endpoint, answer)
    return found


def _whole(value: JsonValue) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
