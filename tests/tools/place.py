"""Servers of one place: a pretend Fly, and a store that outlives each of them. Without MCP."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.world import World
from fly_mcp_tools.base_url import parse_base_url
from fly_mcp_tools.call import Defaults
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.client import FlyClient
from fly_mcp_tools.credentials import Credentials
from fly_mcp_tools.dispatch import FlyTools
from fly_mcp_tools.errors import FlyError
from fly_mcp_tools.state.store import Store
from tests.actions.fly import DEFAULT_IMAGE, SANDBOX, Wire
from tests.virtual_time import LoopClock

WRITES = [name for name, action in ACTIONS.items() if action.writes]
VOLUME: dict[str, Any] = {"appName": SANDBOX, "name": "data", "region": "fra"}
#: For actions whose example changes nothing in the world that it begins with.
OTHER: dict[str, dict[str, Any]] = {
    "flyStartMachine": {"appName": "lab-batch", "machineId": "3d8d9a2b64e189"}
}

Answer = dict[str, Any]


@dataclass
class Place:
    """A Fly, and a store that what is told of it lies in."""

    emulator: Emulator
    wire: Wire
    client: FlyClient
    clock: LoopClock
    store: Store
    directory: Path

    def server(self, *, store: Store | None = None, place: str = "", seed: int = 7) -> FlyTools:
        """A server as one that was just started."""
        return FlyTools(
            self.client,
            clock=self.clock,
            rng=Random(seed),
            defaults=Defaults(image=DEFAULT_IMAGE),
            store=store or self.store,
            place=place,
        )

    def rows(self, table: str) -> list[dict[str, Any]]:
        """What a table holds, read by another connection."""
        with closing(sqlite3.connect(self.directory / "state.sqlite3")) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(f"SELECT * FROM {table}")]

    @property
    def world(self) -> World:
        """As it is: a copy."""
        return self.emulator.dump()

    def changes(self) -> list[str]:
        """The writes that Fly was sent, but those of leases."""
        return [
            f"{one.method} {one.path}"
            for one in self.emulator.requests
            if one.method != "GET" and "/lease" not in one.path
        ]


@asynccontextmanager
async def opened(directory: Path) -> AsyncGenerator[Place]:
    """A pretend Fly, and a store in a directory that is not there yet."""
    clock = LoopClock()
    emulator = Emulator(clock=clock)
    wire = Wire(emulator)
    client = FlyClient(
        credentials=Credentials("fm2_tests0123456789"),
        base_url=parse_base_url("http://127.0.0.1"),
        clock=clock,
        rng=Random(7),
        transport=wire,
    )
    store = Store(directory)
    yield Place(emulator, wire, client, clock, store, directory)
    await client.aclose()
    store.close()


async def said(tools: FlyTools, name: str, /, **arguments: Any) -> Answer | FlyError:
    """An answer, or the error."""
    try:
        return await tools.call(name, arguments)
    except FlyError as error:
        return error


async def refused(tools: FlyTools, name: str, /, **arguments: Any) -> FlyError:
    """The error."""
    answer = await said(tools, name, **arguments)
    assert isinstance(answer, FlyError), answer
    return answer


async def done(tools: FlyTools, name: str, /, **arguments: Any) -> Answer:
    """Repeat a call until it is done: a few times at most."""
    answer: Answer | FlyError = {}
    for _ in range(4):
        answer = await said(tools, name, **arguments)
        if isinstance(answer, dict) and answer["outcome"] == "done":
            return answer
    raise AssertionError(answer.message if isinstance(answer, FlyError) else answer)


def example(name: str) -> dict[str, Any]:
    """The row's first example."""
    return dict(OTHER.get(name) or ACTIONS[name].examples[0].arguments)
