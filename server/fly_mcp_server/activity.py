"""Which calls are running: a shutdown waits for them, and names those it had to leave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

import anyio


class Activity:
    """Counts running calls by action."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()
        self._changed = anyio.Event()

    @contextmanager
    def call(self, name: str) -> Generator[None]:
        """Count a call of `name` while it runs."""
        self._running[name] += 1
        try:
            yield
        finally:
            self._running[name] -= 1
            self._running += Counter[str]()  # drops the zeros
            self._changed.set()
            self._changed = anyio.Event()

    @property
    def running(self) -> dict[str, int]:
        """Running calls by action."""
        return dict(self._running)

    async def idle(self, seconds: float) -> bool:
        """Wait up to `seconds` until nothing runs; whether that came."""
        with anyio.move_on_after(seconds):
            while self._running:
                await self._changed.wait()
        return not self._running
