"""Emulators that misbehave on demand, met from outside: in this process, and over a socket."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.serve import serve
from fly_mcp_tools.http import asgi_transport
from tests.emulator.caller import Caller

_HEADERS = {"authorization": "Bearer word"}
FAULTS = "/_emulator/faults"


@asynccontextmanager
async def inside(emulator: Emulator) -> AsyncGenerator[Caller]:
    """A client in this process, with the transport that the tools use."""
    transport = asgi_transport(emulator.app)
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://fly.test/v1", headers=_HEADERS, timeout=None
    ) as http:
        yield Caller(http)


@asynccontextmanager
async def outside(emulator: Emulator) -> AsyncGenerator[Caller]:
    """A client over a socket. Needs a loop of real time."""
    places, listening = list[int](), anyio.Event()

    def started(_: str, port: int) -> None:
        places.append(port)
        listening.set()

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(serve, emulator, "127.0.0.1", 0, started)
            await listening.wait()
            base = f"http://127.0.0.1:{places[0]}/v1"
            async with httpx2.AsyncClient(
                base_url=base, headers=_HEADERS, timeout=20, trust_env=False
            ) as http:
                yield Caller(http)
            tasks.cancel_scope.cancel()


async def add(fly: Caller, *rules: dict[str, Any]) -> None:
    """Put rules in force."""
    url = fly.http.base_url.join(FAULTS)
    await fly.post(str(url), 201, json={"faults": list(rules)})


async def struck(fly: Caller) -> dict[str, int]:
    """How many requests met each kind."""
    counts: dict[str, int] = (await fly.get(str(fly.http.base_url.join(FAULTS))))["struck"]
    return counts
