"""Which calls that can change something are running: a shutdown names those that it cuts short."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager


class Activity:
    """Counts running calls by action."""

    def __init__(self) -> None:
        self._running: Counter[str] = Counter()

    @contextmanager
    def call(self, name: str) -> Generator[None]:
        """Count a call of `name` while it runs."""
        self._running[name] += 1
        try:
            yield
        finally:
            self._running[name] -= 1
            self._running += Counter[str]()  # drops the zeros

    @property
    def running(self) -> dict[str, int]:
        """Running calls by action."""
        return dict(self._running)
