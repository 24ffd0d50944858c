"""The emulator at a free port, with a record of every request and its answer.

    python -m tests.clients.recorder --record FILE [--speed 20] [--restore]

Says `listening on PORT` once it is up. The record has one JSON object a line. On the emulator's clock time
passes `--speed` times as fast as here, so that a minute's wait takes seconds. With `--restore` the world has one of
everything, and goes back to its beginning after every request that changed it.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import time
from pathlib import Path
from typing import IO, Any

import anyio
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.default_world import default_world

from .worlds import everything

_LARGEST = 1_000_000


class FastClock:
    """The wall clock, faster."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._began = time.time()
        self._since = time.monotonic()

    def now(self) -> float:
        """Return epoch seconds of the emulator."""
        return self._began + (time.monotonic() - self._since) * self._speed

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of the emulator's time."""
        await anyio.sleep(max(0.0, seconds) / self._speed)


class Recorder:
    """An ASGI application around another one, which writes down what passes."""

    def __init__(self, app: ASGIApp, record: IO[str], emulator: Emulator, *, restore: bool) -> None:
        self._app = app
        self._record = record
        self._emulator = emulator
        self._restore = restore
        self._began = emulator.dump()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and write it down, with its answer."""
        if scope["type"] != "http" or scope["path"].startswith("/_emulator"):
            await self._app(scope, receive, send)
            return
        seen = _Exchange(scope)

        async def receiving() -> Message:
            message = await receive()
            seen.sent += message.get("body", b"")
            return message

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.status = message["status"]
                seen.headers = _headers(message["headers"])
            seen.body += message.get("body", b"")
            if message["type"] == "http.response.body" and not message.get("more_body"):
                # Before the client can have read it: then the record is complete when the client is done.
                self._write(seen)
            await send(message)

        await self._app(scope, receiving, sending)
        if self._restore and seen.status < 300 and scope["method"] not in ("GET", "HEAD"):
            self._emulator.load(self._began)

    def _write(self, seen: _Exchange) -> None:
        self._record.write(json.dumps(seen.as_json()) + "\n")
        self._record.flush()


class _Exchange:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.sent = b""
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""

    def as_json(self) -> dict[str, Any]:
        return {
            "method": self.scope["method"],
            "path": (self.scope.get("raw_path") or self.scope["path"].encode()).decode("latin-1"),
            "query": self.scope["query_string"].decode("latin-1"),
            "sent": self.sent[:_LARGEST].decode("utf-8", "replace"),
            "status": self.status,
            "headers": self.headers,
            "body": self.body[:_LARGEST].decode("utf-8", "replace"),
        }


def _headers(pairs: list[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in pairs}


class _Server(uvicorn.Server):
    """uvicorn, saying where it listens."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        sys.stdout.write(f"listening on {self.servers[0].sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()


def main() -> None:
    """Serve until told to end."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--record", required=True)
    parser.add_argument("--speed", type=float, default=20.0)
    parser.add_argument("--restore", action="store_true")
    arguments = parser.parse_args()
    # No limits: these clients are to reach everything; what the limits do is tested in tests/emulator.
    world = everything() if arguments.restore else default_world()
    emulator = Emulator(world, clock=FastClock(arguments.speed), limits=False)
    with Path(arguments.record).open("w", encoding="utf-8") as record:
        app = Recorder(emulator.app, record, emulator, restore=arguments.restore)
        config = uvicorn.Config(
            app, port=0, lifespan="off", access_log=False, log_level="error", timeout_graceful_shutdown=1
        )
        anyio.run(_Server(config).serve)


if __name__ == "__main__":
    main()
