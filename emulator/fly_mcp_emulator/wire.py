"""The connection under a request: what the emulator needs of it to drop it (faults), over uvicorn."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from .faults import ConnectionDropped
from .gateway import WIRE

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER, on, no seconds: closing sends RST at once instead of FIN."""


class Wire:
    """One connection, lent to the application for the requests that come over it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    async def drop(self, dropped: ConnectionDropped, receive: Receive, send: Send) -> None:
        """End the connection as `dropped` says, and return when it is gone.

        An answer that began is sent and then closed in order, as by a proxy whose other side went away: after
        a reset the client's kernel might throw away what had arrived. Without an answer it is a reset.
        """
        begun = dropped.begun
        if begun is None:
            sock: socket.socket | None = self._transport.get_extra_info("socket")
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            self._transport.abort()
        else:
            await send({"type": "http.response.start", "status": begun.status, "headers": begun.headers})
            await send({"type": "http.response.body", "body": begun.body, "more_body": True})
            self._transport.close()
        while (await receive())["type"] != "http.disconnect":
            pass


class WireProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, lending its connection to the application."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        served = self.app

        async def lending(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[WIRE] = Wire(self.transport)
            await served(scope, receive, send)

        self.app = lending
