"""The way from the tools to the emulator.

It knows which request belongs to which call, by a context variable that every task of a call inherits. And it
behaves as a network does where the emulator in one process does not: who gives up waiting leaves, and the
request is carried out all the same, however late.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import anyio
import httpx2
from anyio.abc import TaskGroup
from pydantic import JsonValue

from fly_mcp_emulator import Emulator
from fly_mcp_tools.call import UNSEEN, Oversight, Progress, no_progress
from fly_mcp_tools.dispatch import FlyTools
from fly_mcp_tools.http import asgi_transport

from .model import Told

#: Whose request it is that the emulator is dealing with.
CURRENT: ContextVar[Told | None] = ContextVar("CURRENT", default=None)
#: The app that it is about, and nothing else: all that it can change. Empty: that cannot be told.
WHERE: ContextVar[str] = ContextVar("WHERE", default="")


class Line(httpx2.AsyncBaseTransport):
    """Carries requests to the emulator, each in a task of its own that nobody cancels."""

    def __init__(self, emulator: Emulator, tasks: TaskGroup) -> None:
        self._inner = asgi_transport(emulator.app)
        self._log = emulator.requests
        self._tasks = tasks
        self.under_way = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        came = anyio.Event()
        outcome: list[httpx2.Response | BaseException] = []

        async def carry() -> None:
            # The emulator writes a request down before it waits for anything: this is its place in the log.
            told, place = CURRENT.get(), len(self._log)
            WHERE.set(_app_of(request.url.path))
            if told is not None:
                told.requests.append(place)
                if told.cut is not None and len(told.requests) == told.cut_after:
                    told.cut()
            try:
                outcome.append(await self._inner.handle_async_request(request))
            except httpx2.HTTPError as error:
                outcome.append(error)
            finally:
                self.under_way -= 1
                came.set()

        self.under_way += 1
        self._tasks.start_soon(carry)
        await came.wait()
        if isinstance(outcome[0], httpx2.Response):
            return outcome[0]
        raise outcome[0]


class TracedTools(FlyTools):
    """The tools, which note for each call whose it is: the client and the server pass no context on."""

    def expect(self, told: Told) -> None:
        """The next call with these arguments is this one."""
        self._expected().setdefault(_key(told.intent.asked.action, told.arguments), []).append(told)

    def _expected(self) -> dict[str, list[Told]]:
        waiting: dict[str, list[Told]] = self.__dict__.setdefault("_waiting", {})
        return waiting

    async def call(
        self,
        name: str,
        arguments: Mapping[str, JsonValue],
        *,
        caller: str = "local",
        progress: Progress = no_progress,
        oversight: Oversight = UNSEEN,
    ) -> dict[str, Any]:
        waiting = self._expected().get(_key(name, arguments))
        token = CURRENT.set(waiting.pop(0) if waiting else None)
        try:
            return await super().call(name, arguments, caller=caller, progress=progress, oversight=oversight)
        finally:
            CURRENT.reset(token)


def _app_of(path: str) -> str:
    """The app that a request is within; one that makes or destroys an app is within none."""
    parts = path.split("/")
    return parts[3] if len(parts) > 4 and parts[1:3] == ["v1", "apps"] else ""


def _key(name: str, arguments: Mapping[str, JsonValue]) -> str:
    return f"{name} {json.dumps(arguments, sort_keys=True)}"
