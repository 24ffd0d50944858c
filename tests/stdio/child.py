"""A `fly-mcp` process, spoken to line by line as any client in any language would: no SDK between.

Each line that it prints is held against the protocol, so every test here is also one of "stdout holds nothing
else". What it says on stderr is for the test to judge.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.abc

Json = dict[str, Any]

#: Removed when the tests end.
_SCRATCH = tempfile.TemporaryDirectory(prefix="fly-mcp-tests-")

COMMAND = str(Path(sys.executable).with_name("fly-mcp"))
#: Seconds in which anything has to happen; generous, since other things run on the machine.
PATIENCE = 30.0

MODERN = "2026-07-28"
ERAS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", MODERN)
CLIENT = {"name": "raw-client", "version": "1"}


def environment(**settings: str) -> dict[str, str]:
    """The environment of a child: what a process needs, and these settings alone.

    Without one in `settings` it has a state directory that nobody else has: never the user's own.
    """
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "SYSTEMROOT") if name in os.environ}
    return kept | {"XDG_STATE_HOME": _SCRATCH.name} | settings


class Child:
    """The process, and everything said by and to it."""

    def __init__(self, process: anyio.abc.Process, era: str, *, raw: bool = False) -> None:
        self.process = process
        self.raw = raw
        self.era = era
        self.lines: list[str] = []
        self.printed = ""
        self.messages: list[Json] = []
        self.errors = ""
        self.silent = anyio.Event()
        """Set when both its outputs have ended."""
        self._news = anyio.Event()
        self._ids = itertools.count(1)

    async def ask(self, method: str, params: Mapping[str, Any] | None = None) -> int:
        """Send a request; its id."""
        number = next(self._ids)
        body = dict(params or {})
        if self.era == MODERN:
            body["_meta"] = {
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientInfo": CLIENT,
                "io.modelcontextprotocol/clientCapabilities": {},
                **body.get("_meta", {}),
            }
        await self.say({"jsonrpc": "2.0", "id": number, "method": method, "params": body})
        return number

    async def say(self, message: Mapping[str, Any] | str) -> None:
        """Send a line, whatever it is."""
        line = message if isinstance(message, str) else json.dumps(message)
        assert self.process.stdin is not None
        await self.process.stdin.send(line.encode() + b"\n")

    async def cancel(self, number: int) -> None:
        """Withdraw a request."""
        params = {"requestId": number, "reason": "the user pressed escape"}
        await self.say({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": params})

    async def hang_up(self) -> None:
        """Close its stdin."""
        assert self.process.stdin is not None
        await self.process.stdin.aclose()

    async def until(self, true: Callable[[], object]) -> None:
        """Wait until something that was said makes `true` so."""
        with anyio.fail_after(PATIENCE):
            while not true():
                assert not self.silent.is_set(), f"it ended first; stderr: {self.errors}"
                await self._news.wait()

    def reply(self, number: int) -> Json | None:
        """The answer to a request, if it has come."""
        return next((one for one in self.messages if one.get("id") == number and "method" not in one), None)

    async def answer(self, number: int) -> Json:
        """The answer to a request, whole."""
        await self.until(lambda: self.reply(number))
        reply = self.reply(number)
        assert reply is not None
        return reply

    async def result(self, method: str, params: Mapping[str, Any] | None = None) -> Json:
        """The result of a request that is not refused."""
        reply = await self.answer(await self.ask(method, params))
        assert "result" in reply, reply
        found: Json = reply["result"]
        return found

    async def refusal(self, method: str, params: Mapping[str, Any] | None = None) -> Json:
        """The error of a request that is refused."""
        reply = await self.answer(await self.ask(method, params))
        assert "error" in reply, reply
        found: Json = reply["error"]
        return found

    async def call(self, tool: str, **arguments: Any) -> Json:
        """The result of a tool."""
        return await self.result("tools/call", {"name": tool, "arguments": arguments})

    async def start(self, tool: str, **arguments: Any) -> int:
        """Call a tool without waiting for it; the request's id."""
        return await self.ask("tools/call", {"name": tool, "arguments": arguments})

    async def greet(self) -> Json:
        """What a client of this era opens with; what the server says of itself."""
        if self.era == MODERN:
            return await self.result("server/discover")
        hello = {"protocolVersion": self.era, "capabilities": {}, "clientInfo": CLIENT}
        said = await self.result("initialize", hello)
        await self.say({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return said

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    async def end(self) -> int:
        """Wait for its end; the exit code."""
        with anyio.fail_after(PATIENCE):
            code = await self.process.wait()
            await self.silent.wait()
        return code

    async def listen(self) -> None:
        """Keep all it says until it says no more."""
        async with anyio.create_task_group() as ears:
            if self.process.stdout is not None:
                ears.start_soon(self._hear_protocol)
            ears.start_soon(self._hear_errors)
        self.silent.set()
        self._tell()

    async def _hear_protocol(self) -> None:
        assert self.process.stdout is not None
        rest = b""
        async for chunk in self.process.stdout:
            if self.raw:
                self.printed += chunk.decode()
                self._tell()
                continue
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self.lines.append(line.decode())
                message = json.loads(line)
                assert message["jsonrpc"] == "2.0", line
                assert ("method" in message) != ("result" in message or "error" in message), line
                self.messages.append(message)
            self._tell()
        assert rest == b"", "the last line was cut"

    async def _hear_errors(self) -> None:
        assert self.process.stderr is not None
        async for chunk in self.process.stderr:
            self.errors += chunk.decode()
            self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = anyio.Event()


@asynccontextmanager
async def child(
    *arguments: str,
    era: str = "2025-11-25",
    stdout: int = subprocess.PIPE,
    raw: bool = False,
    settings: Mapping[str, str] | None = None,
) -> AsyncGenerator[Child]:
    """Start `fly-mcp ARGUMENTS` with these environment variables and no others of ours.

    `stdout`: a descriptor that takes what it prints, so that nothing of it is heard here. It is killed if it
    is still there at the end. `raw`: it prints for people, which is kept as `printed`.
    """
    process = await anyio.open_process(
        [COMMAND, *arguments],
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=environment(**(settings or {})),
    )
    async with anyio.create_task_group() as tasks:
        one = Child(process, era, raw=raw)
        tasks.start_soon(one.listen)
        try:
            yield one
        finally:
            if process.returncode is None:
                process.kill()
            with anyio.CancelScope(shield=True):
                await process.wait()
                await process.aclose()
            tasks.cancel_scope.cancel()


@asynccontextmanager
async def serving(*arguments: str, era: str = "2025-11-25", **settings: str) -> AsyncGenerator[Child]:
    """A child that has been greeted. A test that ends well leaves it with stdin closed and sees it end with 0."""
    async with child(*arguments, era=era, settings=settings) as one:
        await one.greet()
        yield one
        if one.process.returncode is None and not one.silent.is_set():
            await one.hang_up()
            assert await one.end() == 0
