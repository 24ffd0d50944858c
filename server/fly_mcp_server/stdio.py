"""Serving over stdio, and ending well.

The SDK leaves signals to us: SIGTERM would kill without cleaning up, and SIGINT would hang on the thread that
reads stdin. On either, no new request goes to Fly, the answer of a write in flight is awaited, held leases
are released, and what is left unclear is named on stderr; all within three seconds.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import anyio
from mcp.server import MCPServer

from fly_mcp_tools.api.leases import TTL
from fly_mcp_tools.client import FlyClient

from .activity import Activity

#: Seconds from a signal to the end of the process; MCP clients kill after a few more.
GRACE = 2.5


async def serve(server: MCPServer[Any], client: FlyClient, activity: Activity) -> None:
    """Serve until stdin closes, or a signal ends the process."""
    async with anyio.create_task_group() as tasks:
        serving = anyio.CancelScope()
        with _signals() as received:
            if received is not None:
                tasks.start_soon(_end_on_signal, received, serving, client, activity)
            with serving:
                await server.run_stdio_async()
            if serving.cancel_called:
                # The signal's task ends the process; stdin's thread would keep us from ending by ourselves.
                await anyio.sleep_forever()
            tasks.cancel_scope.cancel()
    await client.aclose()


def _signals() -> AbstractContextManager[AsyncIterator[signal.Signals] | None]:
    if sys.platform == "win32":  # pragma: no cover - there is no way to wait for a signal on that event loop
        return nullcontext(None)
    return anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT)


async def _end_on_signal(
    received: AsyncIterator[signal.Signals],
    serving: anyio.CancelScope,
    client: FlyClient,
    activity: Activity,
) -> None:
    async for number in received:
        with anyio.CancelScope(shield=True):
            serving.cancel()
            began = anyio.current_time()
            await client.drain(GRACE)
            # A composite between two requests still has its lease to release.
            await activity.idle(max(0.1, GRACE - (anyio.current_time() - began)))
            _report(number, client.in_flight(), activity)
        # The thread that reads stdin cannot be stopped, so the interpreter would not end.
        os._exit(128 + number)


def _report(number: signal.Signals, unclear: tuple[str, ...], activity: Activity) -> None:
    lines = [f"fly-mcp: ended by {number.name}."]
    lines += [
        f"fly-mcp: unclear: {words} was sent and not answered; look before repeating it." for words in unclear
    ]
    if activity.running:
        names = ", ".join(sorted(activity.running))
        lines.append(f"fly-mcp: cut short: {names}; a lease still held ends by itself within {TTL} s.")
    sys.stderr.write("\n".join(lines) + "\n")
    sys.stderr.flush()
