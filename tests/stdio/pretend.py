"""A pretend Fly at an address of its own, whose requests can be waited for."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.faults import FaultRule
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
        self.lost: list[str] = []
        """Requests whose client went before they were answered."""
        self._rung = anyio.Event()
        self._answering: set[anyio.CancelScope] = set()
        self._app = emulator.app
        emulator.app = self  # type: ignore[assignment]  # an ASGI application around the emulator's own

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer; ring when a request has come, and when its client has gone before the answer."""
        heard = anyio.Event()

        async def hear() -> Any:
            message = await receive()
            if not message.get("more_body"):
                heard.set()
            # Whoever waits runs only after the emulator, which goes on at once and writes its log.
            self._ring()
            return message

        async def watch() -> None:
            await heard.wait()
            await receive()  # nothing more comes but the end of the connection
            self.lost.append(_words(scope["method"], scope["path"]))
            self._ring()
            tasks.cancel_scope.cancel()

        async with anyio.create_task_group() as tasks:
            self._answering.add(tasks.cancel_scope)
            tasks.start_soon(watch)
            await self._app(scope, hear, send)
            tasks.cancel_scope.cancel()
        self._answering.discard(tasks.cancel_scope)

    def hang_up(self) -> None:
        """Leave what is still to be answered."""
        for scope in self._answering:
            scope.cancel()

    def _ring(self) -> None:
        self._rung.set()
        self._rung = anyio.Event()

    @property
    def log(self) -> list[str]:
        """What was asked for, in order: `POST stop`, with the last word of the path."""
        return [_words(one.method, one.path) for one in self.emulator.requests]

    @property
    def machine(self) -> Machine:
        """The machine of the examples."""
        return self.emulator.dump().apps[APP].machines[MACHINE]

    async def asked(self, request: str) -> None:
        """Wait until such a request has come."""
        with anyio.fail_after(PATIENCE):
            while request not in self.log:
                await self._rung.wait()

    async def left(self, request: str) -> None:
        """Wait until the client of such a request has gone without its answer."""
        with anyio.fail_after(PATIENCE):
            while request not in self.lost:
                await self._rung.wait()

    def slow(self, method: str, path: str, seconds: float) -> None:
        """Let the emulator take its time over such requests."""
        self.emulator.faults.add(FaultRule(method=method, path=path, latency=seconds))


def _words(method: str, path: str) -> str:
    return f"{method} {path.rsplit('/', 1)[-1]}"


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
        fly.hang_up()
        tasks.cancel_scope.cancel()
