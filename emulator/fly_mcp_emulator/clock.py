"""Time. The only module of the emulator that may look at the machine's own clock."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import anyio


class Clock(Protocol):
    """Where the emulator gets its time from."""

    def now(self) -> float:
        """Return seconds since the epoch, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of this clock's time; zero or less returns at the next checkpoint."""
        ...


class SystemClock:
    """The wall clock."""

    def now(self) -> float:
        """Return seconds since the epoch, UTC."""
        return time.time()  # noqa: TID251 - the one place where real time enters; everything else is injected

    async def sleep(self, seconds: float) -> None:
        """Wait in real time."""
        await anyio.sleep(max(0.0, seconds))


class ControlledClock:
    """Any clock, made to stand still, run on, or jump forward by a control call.

    It never goes backwards. Sleepers wake when their moment has come by whichever way.
    """

    def __init__(self, base: Clock) -> None:
        self._base = base
        self._offset = 0.0
        self._frozen_at: float | None = None
        self._moved = anyio.Event()

    @property
    def offset(self) -> float:
        """How many seconds it is ahead of the clock it is made from, while it runs."""
        return self._offset

    @property
    def frozen_at(self) -> float | None:
        """The moment it stands still at; None while it runs."""
        return self._frozen_at

    def restore(self, offset: float, frozen_at: float | None) -> None:
        """Go on as another clock of this kind left off."""
        self._offset, self._frozen_at = offset, frozen_at
        self._wake()

    @property
    def running(self) -> bool:
        """Whether time passes by itself."""
        return self._frozen_at is None

    def now(self) -> float:
        """Return seconds since the epoch, UTC, with all jumps counted in."""
        return self._base.now() + self._offset if self._frozen_at is None else self._frozen_at

    def freeze(self) -> None:
        """Let time stand still until `resume`; sleepers wait for `advance`."""
        self._frozen_at = self.now()
        self._wake()

    def resume(self) -> None:
        """Let time run on from where it stands."""
        if self._frozen_at is not None:
            self._offset = self._frozen_at - self._base.now()
            self._frozen_at = None
            self._wake()

    def advance(self, seconds: float) -> None:
        """Jump forward by `seconds`. Raises: `ValueError` when negative or not finite."""
        if not (math.isfinite(seconds) and seconds >= 0):
            raise ValueError("time only goes forward, by a finite number of seconds")
        if self._frozen_at is None:
            self._offset += seconds
        else:
            self._frozen_at += seconds
        self._wake()

    async def sleep(self, seconds: float) -> None:
        """Wait until this clock shows `seconds` more."""
        until = self.now() + max(0.0, seconds)
        await anyio.lowlevel.checkpoint()
        while (left := until - self.now()) > 0:
            if self.running:
                await _first_of(self._moved, self._base.sleep, left)
            else:
                await self._moved.wait()

    async def wait(self, event: anyio.Event, seconds: float) -> None:
        """Wait until `event` is set or this clock shows `seconds` more, whichever is first."""
        await _first_of(event, self.sleep, seconds)

    def _wake(self) -> None:
        moved, self._moved = self._moved, anyio.Event()
        moved.set()


async def _first_of(event: anyio.Event, sleep: Callable[[float], Awaitable[None]], seconds: float) -> None:
    async with anyio.create_task_group() as tasks:

        async def sleeper() -> None:
            await sleep(seconds)
            tasks.cancel_scope.cancel()

        tasks.start_soon(sleeper)
        await event.wait()
        tasks.cancel_scope.cancel()
