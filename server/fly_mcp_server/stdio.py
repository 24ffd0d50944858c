"""Serving over stdio, and ending well.

There is one way out, whether a signal came, the client closed stdin or it no longer reads our answers: no new
request goes to Fly, the answer of a write in flight is awaited, held leases are released, what is left unclear
is named on stderr, and the process ends. The SDK leaves signals to us: SIGTERM would kill without any of that,
and SIGINT would hang on the thread that reads stdin.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from io import TextIOWrapper

import anyio
import anyio.to_thread
from mcp.server.stdio import stdio_server

from fly_mcp_tools.client import FlyClient

from .activity import Activity
from .ending import report
from .sdk import Server
from .signals import on_signals
from .traffic import Inbox, Outbox, Owed

#: Seconds from the beginning of the end to the end of the process. The SDKs' clients close stdin, send SIGTERM
#: two seconds later and SIGKILL two more: by then leases have to be released.
GRACE = 1.8
#: Seconds of these for the calls that run when stdin is closed: whoever closed it may still be reading.
ANSWER_WITHIN = 1.0


async def serve(server: Server, client: FlyClient, activity: Activity) -> int:
    """Serve until the client leaves or a signal comes: the exit code.

    Ends the process itself where something cannot be stopped: the thread that waits for stdin, or a write that
    Fly does not answer.
    """
    stdin = _Stdin()
    ending = _Ending(client, activity)
    on_signals(ending.signalled)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ending.conduct)
            await _speak(server, stdin, ending)
            tasks.cancel_scope.cancel()
    except* (BrokenPipeError, ConnectionResetError):
        pass  # the client closed its end of our stdout: it has left, as one that closes stdin has
    with anyio.CancelScope(shield=True), anyio.move_on_after(0.5):
        await client.aclose()
    ending.report()
    if stdin.left_waiting:
        os._exit(ending.code)
    return ending.code


async def _speak(server: Server, stdin: _Stdin, ending: _Ending) -> None:
    """Carry messages between the client and the server until the end has begun and all is said."""
    owed = Owed()
    async with stdio_server(stdin=stdin) as (read, write):
        inbox = Inbox(read, owed, lambda: ending.begin(patience=owed.nothing))
        with ending.work:
            await server.run_over(inbox, Outbox(write, owed))
        stdin.close()
        async for _ in read:
            pass  # said too late; but the SDK's reader must not meet a closed stream


class _Ending:
    """The way out. It is gone once: the first reason counts, and a second signal hastens nothing."""

    def __init__(self, client: FlyClient, activity: Activity) -> None:
        self.work = anyio.CancelScope()
        """Around all calls; cancelled when they are to end."""
        self.code = 0
        self._client = client
        self._activity = activity
        self._begun = anyio.Event()
        self._patience: Callable[[], Awaitable[object]] | None = None
        self._signal: signal.Signals | None = None
        self._cut: tuple[str, ...] = ()

    def signalled(self, number: signal.Signals) -> None:
        """Begin the end because of a signal."""
        if not self._begun.is_set():
            self._signal, self.code = number, 128 + number
        self.begin()

    def begin(self, patience: Callable[[], Awaitable[object]] | None = None) -> None:
        """Begin the end. `patience`: wait for this, though not long, before calls are cut."""
        if not self._begun.is_set():
            self._patience = patience
            self._begun.set()

    async def conduct(self) -> None:
        """Once the end has begun: cut what runs, and end the process if that does not end in time."""
        await self._begun.wait()
        latest = anyio.current_time() + GRACE
        if self._patience is not None:
            with anyio.move_on_after(ANSWER_WITHIN):
                await self._patience()
        self._cut = tuple(sorted(self._activity.running))
        self.work.cancel()  # first, so that no call is told of a refusal and takes it for Fly's
        await self._client.drain(0)  # from here on nothing new is sent but what tidies up
        await anyio.sleep_until(latest)
        # What was cut releases its leases and goes; still here is a write whose answer does not come, or a
        # client that does not read.
        self.report()
        os._exit(self.code)

    def report(self) -> None:
        """Say on stderr why it ended and what is left unclear; nothing where there is nothing to say."""
        report(
            self._signal,
            unclear=self._client.in_flight(),
            cut=self._cut,
            still_running=bool(self._activity.running),
        )


class _Stdin(anyio.AsyncFile[str]):
    """The lines of stdin. Unlike with anyio's own files, waiting for one can be given up."""

    def __init__(self) -> None:
        # UTF-8 whatever the platform's habit; a broken byte spoils its own line alone.
        super().__init__(TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace"))
        self._waiting: anyio.CancelScope | None = None
        self._closed = False
        self.left_waiting = False
        """Whether a thread waits for a line that nobody wants any more. Python would wait for the thread."""

    def close(self) -> None:
        """End the lines."""
        self._closed = True
        if self._waiting is not None:
            self._waiting.cancel()

    async def readline(self) -> str:
        """The next line; empty at the end."""
        line = ""
        if not self._closed:
            self.left_waiting = True
            # A terminal that is gone raises OSError: that is an end too.
            with anyio.CancelScope() as self._waiting, suppress(OSError):
                line = await anyio.to_thread.run_sync(self.wrapped.readline, abandon_on_cancel=True)
                self.left_waiting = False
        return _readable(line)


def _readable(line: str) -> str:
    """The line without halves of surrogate pairs, as models cut them: the SDK would drop it unanswered."""
    if "\\ud" not in line.lower():
        return line
    try:
        text = json.dumps(json.loads(line), ensure_ascii=False)
    except (ValueError, RecursionError):
        return line  # no JSON; the SDK says so
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") + "\n"
