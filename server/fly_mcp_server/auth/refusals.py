"""Calls at the door that were not let in: told soon, and counted rather than repeated.

Whoever sends a thousand wrong tokens must not be able to fill a log or a disk with them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from fly_mcp_tools.clock import Clock

#: Seconds of which there is one line, but for the first, which is told at once.
EVERY: Final = 10.0

_log = logging.getLogger("fly_mcp_server.auth")

Told = Callable[[str, int], object]
"""Told why the last one was refused, and how many there were since it was told before."""


class Refusals:
    """Counts them. `told`: who else is to hear of them, such as the audit trail."""

    def __init__(self, clock: Clock, told: Told | None = None) -> None:
        self._clock = clock
        self.told = told
        self._count = 0
        self._why = ""
        self._last: float | None = None

    def note(self, why: str) -> None:
        """Count one. `why` is in words of ours, and never holds what was sent."""
        self._count += 1
        self._why = why
        now = self._clock.monotonic()
        if self._last is None or now - self._last >= EVERY:
            self._last = now
            self.flush()

    def flush(self) -> None:
        """Tell what was counted and not told: at the end."""
        if not self._count:
            return
        count, self._count = self._count, 0
        _log.warning(
            "refused at the door: %s%s", self._why, f" (and {count - 1} more before it)" if count > 1 else ""
        )
        if self.told is not None:
            self.told(self._why, count)
