"""Time, injected: nothing else in this package reads a clock or sleeps."""

from __future__ import annotations

import time
from typing import Protocol

import anyio


class Clock(Protocol):
    """What the package needs of time."""

    def now(self) -> float:
        """Seconds since the epoch: for what people read, such as a lease's expiry."""
        ...

    def monotonic(self) -> float:
        """Seconds that only grow: for time-outs and budgets."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let `seconds` pass; other tasks run meanwhile."""
        ...


class SystemClock:
    """The machine's own time. `monotonic` is the event loop's, so a virtual loop makes it virtual."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()  # noqa: TID251 - the one place that reads the wall clock

    def monotonic(self) -> float:
        """The event loop's seconds."""
        return anyio.current_time()

    async def sleep(self, seconds: float) -> None:
        """Sleep on the event loop."""
        await anyio.sleep(seconds)
