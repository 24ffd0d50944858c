"""A server that is interrupted at one of its requests, and what is left at Fly and in its store.

A process that is killed writes nothing to its store and sends nothing from that moment on; whatever its code does
on the way out, such as giving back a lease, does not happen.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from sqlite3 import Connection
from typing import Literal

import anyio
import httpx2

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.world import World
from fly_mcp_tools.base_url import parse_base_url
from fly_mcp_tools.call import Defaults
from fly_mcp_tools.client import FlyClient
from fly_mcp_tools.credentials import Credentials
from fly_mcp_tools.dispatch import FlyTools
from fly_mcp_tools.errors import FlyError
from fly_mcp_tools.state.store import Store
from tests.virtual_time import LoopClock

from .fly import DEFAULT_IMAGE, TOKEN, Json
from .remains import remains_of

Kind = Literal["cancelled", "killed-before", "killed-after", "answer-lost", "request-lost", "503-after"]
KINDS: tuple[Kind, ...] = (
    "cancelled",
    "killed-before",
    "killed-after",
    "answer-lost",
    "request-lost",
    "503-after",
)
#: Longer than a lease lives.
_AFTERWARDS = 120.0


class Killed(BaseException):
    """The process is gone."""


class MortalStore(Store):
    """A store whose process can die. Its marks are the same in every run."""

    dead = False
    _quick = False

    @property
    def key(self) -> bytes:
        return b"the key of a test's store: marks"

    @contextmanager
    def transaction(self) -> Generator[Connection]:
        if self.dead:
            raise Killed
        with super().transaction() as db:
            yield db
        if not self._quick:  # the machine under the test keeps its power
            db.execute("PRAGMA synchronous = OFF")
            self._quick = True

    def die(self) -> None:
        self.dead = True
        self.close()


class Wire(httpx2.AsyncBaseTransport):
    """Carries requests to the emulator; the one with the number `at` is interrupted."""

    def __init__(self, emulator: Emulator, store: MortalStore, kind: Kind, at: int | None) -> None:
        self._inner = httpx2.ASGITransport(app=emulator.app)
        self._store, self._kind, self._at = store, kind, at
        self._number = 0
        self.scope = anyio.CancelScope()
        #: The request that was interrupted.
        self.struck: str | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self._alive()
        self._number += 1
        if self._number != self._at:
            response = await self._inner.handle_async_request(request)
            self._alive()
            return response
        self.struck = f"{request.method} {request.url.path}"
        if self._kind == "request-lost":
            raise httpx2.ReadError("the test cut the connection")
        if self._kind == "killed-before":
            self._kill()
        response = await self._inner.handle_async_request(request)
        self._alive()
        await response.aread()
        if self._kind == "killed-after":
            self._kill()
        if self._kind == "answer-lost":
            raise httpx2.ReadError("the test cut the connection")
        if self._kind == "503-after":
            return httpx2.Response(503, json={"error": "unavailable: the proxy is unwell"})
        self.scope.cancel()
        return response

    def _kill(self) -> None:
        self._store.die()
        raise Killed

    def _alive(self) -> None:
        if self._store.dead:
            raise Killed


@dataclass
class Process:
    """A server with its own memory, over a store that others may have had before."""

    tools: FlyTools
    wire: Wire
    store: MortalStore

    async def call(self, name: str, arguments: Json) -> Json | None:
        """The answer or the error, as an agent sees it; None where the call was interrupted."""
        answer: Json | None = None
        try:
            with self.wire.scope:
                answer = await self._said(name, arguments)
            self.wire.scope = anyio.CancelScope()
        except* Killed:
            pass
        return answer

    def references(self) -> set[str]:
        """The undo references that the store keeps."""
        with self.store.transaction() as db:
            return {str(row[0]) for row in db.execute("SELECT reference FROM undo")}

    async def _said(self, name: str, arguments: Json) -> Json:
        try:
            return await self.tools.call(name, arguments)
        except FlyError as error:
            return {"outcome": error.outcome, "error": error.message, "changed": error.changed}


class Stage:
    """A Fly and a directory for stores."""

    def __init__(self, world: World, clock: LoopClock, directory: Path) -> None:
        self.emulator = Emulator(world, clock=clock)
        self.clock = clock
        self.directory = directory
        self._first = world

    def process(self, kind: Kind = "cancelled", at: int | None = None, seed: int = 1) -> Process:
        """A server as one that was just started, which will be interrupted at its request number `at`."""
        store = MortalStore(self.directory)
        wire, rng = Wire(self.emulator, store, kind, at), Random(seed)
        client = FlyClient(
            credentials=Credentials(TOKEN),
            base_url=parse_base_url("http://127.0.0.1"),
            clock=self.clock,
            rng=rng,
            transport=wire,
        )
        tools = FlyTools(
            client, clock=self.clock, rng=rng, defaults=Defaults(image=DEFAULT_IMAGE), store=store
        )
        return Process(tools, wire, store)

    async def left(self) -> Json:
        """What is there once everything on the way has arrived, without what differs from run to run."""
        await self.clock.sleep(_AFTERWARDS)
        return remains_of(self.emulator.dump(), self._first, self.clock.now())
