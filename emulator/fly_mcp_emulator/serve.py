"""The emulator at an address of its own."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Generator

import anyio
import uvicorn

from .emulator import Emulator
from .wire import WireProtocol


async def serve(
    emulator: Emulator,
    host: str = "127.0.0.1",
    port: int = 4280,
    started: Callable[[str, int], None] | None = None,
) -> None:
    """Serve until cancelled; 4280 is the port of Fly's internal address.

    Port 0 takes a free one; `started` is told host and port once it listens. Requests in flight have one
    second to end. Plain HTTP: whoever reaches it can do everything, `/_emulator` included, so keep it on
    loopback. Raises: `OSError` when the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    # A listener made this way has protocol number 0, by which asyncio does not know it for TCP: without this,
    # Nagle's algorithm holds each keep-alive answer back for 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        emulator.app,
        http=WireProtocol,
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    with listener:
        async with anyio.create_task_group() as tasks:

            async def run() -> None:
                # Shielded: a cancelled uvicorn leaves its sockets open, so it is asked to end instead.
                with anyio.CancelScope(shield=True):
                    await server.serve(sockets=[listener])
                tasks.cancel_scope.cancel()

            tasks.start_soon(run)
            try:
                await server.listening.wait()
                if started is not None:
                    started(host, listener.getsockname()[1])
                await anyio.sleep_forever()
            finally:
                server.should_exit = True


class _Server(uvicorn.Server):
    """uvicorn, leaving signals to whoever runs it, and telling when it listens."""

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
