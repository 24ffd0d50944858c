"""A pretend Fly at an address of its own, whose requests can be waited for."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.log import RequestRecord
from fly_mcp_emulator.serve import serve
from fly_mcp_emulator.world import Machine

from .child import PATIENCE

APP = "catvet-records"
MACHINE = "7846e45f27e218"
ONE = {"appName": APP, "machineId": MACHINE}


class Pretend:
    """The emulator, its address, and a bell that rings with every request."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.address = ""
        self._rung = anyio.Event()
        self._app = emulator.app
        emulator.app = self  # type: ignore[assignment]  # an ASGI application around the emulator's own

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer, and ring when a request has come."""

        async def hear() -> Any:
            message = await receive()
            # Whoever waits runs only after the emulator, which goes on at once and writes its log.
            self._ring()
            return message

        await self._app(scope, hear, send)

    def _ring(self) -> None:
        self._rung.set()
        self._rung = anyio.Event()

    @property
    def log(self) -> list[str]:
        """What was asked for, in order: `POST stop`, with the last word of the path."""
        return [f"{one.method} {one.path.rsplit('/', 1)[-1]}" for one in self.emulator.requests]

    @property
    def machine(self) -> Machine:
        """The machine of the examples."""
        return self.emulator.dump().apps[APP].machines[MACHINE]

    def find(self, request: str) -> RequestRecord | None:
        """The first request of that kind."""
        return next((one for one, words in zip(self.emulator.requests, self.log, strict=True) if words == request), None)

    async def asked(self, request: str) -> None:
        """Wait until such a request has come."""
        with anyio.fail_after(PATIENCE):
            while request not in self.log:
                await self._rung.wait()

    def slow(self, method: str, path: str, seconds: float) -> None:
        """Let the emulator take its time over such requests."""
        self.emulator.faults.add(FaultRule(method=method, path=path, latency=seconds))


@asynccontextmanager
async def pretend_fly(*, pace: float = 0.0) -> AsyncGenerator[Pretend]:
    """A default world without rate limits; `pace` 0 makes what machines do instant."""
    fly = Pretend(Emulator(limits=False, pace=pace))
    async with anyio.create_task_group() as tasks:
        listening = anyio.Event()

        def started(host: str, port: int) -> None:
            fly.address = f"http://{host}:{port}"
            listening.set()

        tasks.start_soon(serve, fly.emulator, "127.0.0.1", 0, started)
        with anyio.fail_after(PATIENCE):
            await listening.wait()
        yield fly
        tasks.cancel_scope.cancel()
