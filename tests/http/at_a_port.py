"""An app of `fly-mcp serve --http` on a real socket, in the process of the test."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio
from starlette.types import ASGIApp

from fly_mcp_server.http.limits import Limits
from fly_mcp_server.http.serving import Served, listen


@asynccontextmanager
async def at_a_port(app: ASGIApp, limits: Limits) -> AsyncGenerator[int]:
    """The port it listens at, until the test ends."""
    served = Served(app, listen("127.0.0.1", 0), limits, ())
    up, ports = anyio.Event(), list[int]()

    def started(_: str, port: int) -> None:
        ports.append(port)
        up.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(served.run, started)
        await up.wait()
        try:
            yield ports[0]
        finally:
            served.stop()
