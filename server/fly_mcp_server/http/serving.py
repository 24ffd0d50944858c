"""uvicorn around the app, and the way out.

There is one way out, whatever signal came. Not ready any more; new calls refused in words; running ones get
`Limits.shutdown` seconds (a second signal cuts that short); then calls are cut, the answers of writes in flight
awaited a little, leases released, and what is unclear named on stderr, as over stdio.

The listener stays open meanwhile, since whoever comes is told why it is refused. uvicorn's own handling of
signals is left out: it would close the door first, and the SDK's SSE answers would take it for a reason to
break off running calls.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Callable, Generator, Sequence

import anyio
import uvicorn
from starlette.types import ASGIApp

from fly_mcp_server.activity import Activity
from fly_mcp_server.ending import report
from fly_mcp_server.signals import on_signals
from fly_mcp_tools.client import FlyClient

from .limits import Limits
from .protocol import careful
from .work import Work

Started = Callable[[str, int], None]
"""Told host and port once it listens."""


def listen(host: str, port: int) -> socket.socket:
    """Listen at an address; port 0 takes a free one. Raises OSError where it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    # A listener made this way has protocol number 0, by which asyncio does not know it for TCP: without this,
    # Nagle's algorithm holds each keep-alive answer back for 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


class Served:
    """An app on a listener, until it is stopped."""

    def __init__(self, app: ASGIApp, listener: socket.socket, limits: Limits, proxies: Sequence[str]) -> None:
        config = uvicorn.Config(
            app,
            http=careful(limits),
            ws="none",
            lifespan="on",
            log_config=None,  # our own, which takes tokens out
            access_log=False,
            server_header=False,
            # Whom a request comes from decides who is refused for wrong tokens: only a proxy that the operator
            # has named may say so.
            proxy_headers=bool(proxies),
            forwarded_allow_ips=list(proxies),
            timeout_keep_alive=limits.kept_alive,
            timeout_graceful_shutdown=1,
        )
        self._uvicorn = _Uvicorn(config)
        self._listener = listener

    async def run(self, started: Started) -> None:
        """Serve until `stop`, also where the task is cancelled: a cancelled uvicorn leaves its sockets open."""
        with self._listener:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._tell, started)
                with anyio.CancelScope(shield=True):
                    await self._uvicorn.serve(sockets=[self._listener])
                tasks.cancel_scope.cancel()

    def stop(self) -> None:
        """Have `run` close what is open and return."""
        self._uvicorn.should_exit = True

    async def _tell(self, started: Started) -> None:
        await self._uvicorn.listening.wait()
        host, port = self._listener.getsockname()[:2]
        started(host, port)


class Ending:
    """The way out. The first signal decides the exit code; a second one ends the patience."""

    def __init__(self, work: Work, clients: Sequence[FlyClient], activity: Activity, limits: Limits) -> None:
        self.code = 0
        self._work = work
        self._clients = clients
        self._activity = activity
        self._limits = limits
        self._impatient = anyio.Event()
        self._signal: signal.Signals | None = None
        self._cut: tuple[str, ...] = ()

    def signalled(self, number: signal.Signals) -> None:
        """Begin the end because of a signal."""
        if self._work.draining:
            self._impatient.set()
            return
        self._signal, self.code = number, 128 + number
        self._work.end()

    async def conduct(self, served: Served) -> None:
        """Once the end has begun: let calls finish, cut what does not, and end the process if that hangs."""
        await self._work.ending.wait()
        with anyio.move_on_after(self._limits.shutdown):
            async with anyio.create_task_group() as waiting:
                waiting.start_soon(self._give_up, waiting.cancel_scope)
                await self._work.none()
                waiting.cancel_scope.cancel()
        self._cut = tuple(self._activity.running)
        self._work.cut()  # first, so that no call is told of a refusal and takes it for Fly's
        async with anyio.create_task_group() as draining:
            for client in self._clients:
                draining.start_soon(client.drain, 0)  # nothing new is sent but what tidies up
        with anyio.move_on_after(self._limits.last_writes):
            await self._work.none()
        served.stop()
        await anyio.sleep(self._limits.last_writes)
        self.report()  # still here: a client that does not read, or a write without an answer
        os._exit(self.code)

    async def _give_up(self, waiting: anyio.CancelScope) -> None:
        await self._impatient.wait()
        waiting.cancel()

    def report(self) -> None:
        """Say on stderr why it ended and what is left unclear."""
        report(
            self._signal,
            unclear=[words for client in self._clients for words in client.in_flight()],
            cut=self._cut,
            still_running=bool(self._activity.running),
        )


async def serve(served: Served, ending: Ending, clients: Sequence[FlyClient], started: Started) -> int:
    """Serve until a signal comes: the exit code. The clients are closed. May end the process itself."""
    on_signals(ending.signalled)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ending.conduct, served)
        await served.run(started)
        tasks.cancel_scope.cancel()
    with anyio.CancelScope(shield=True), anyio.move_on_after(0.5):
        for client in clients:
            await client.aclose()
    ending.report()
    return ending.code


class _Uvicorn(uvicorn.Server):
    """uvicorn, leaving signals to us, and telling when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = anyio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture none."""
        yield
