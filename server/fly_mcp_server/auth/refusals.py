"""Calls at the door that were not let in: told soon, and counted rather than repeated.

Whoever sends a thousand wrong tokens must not be able to fill a log or a disk with them.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import Final

from fly_mcp_tools.clock import Clock

#: Seconds of which there is one line for each reason, but for the very first, which is told at once.
EVERY: Final = 10.0

_log = logging.getLogger("fly_mcp_server.auth")

Told = Callable[[str, int, str], object]
"""Told why calls were refused, how many since it was told before, and over which transport they came."""


class Refusals:
    """Counts them.

    Args:
        told: who else is to hear of them, such as the audit trail.
        transport: over which one a call came; asked when it comes, since it is told later.
    """

    def __init__(
        self, clock: Clock, told: Told | None = None, transport: Callable[[], str] = lambda: ""
    ) -> None:
        self._clock = clock
        self.told = told
        self.transport = transport
        # There are as many reasons as we have words for them: nobody outside can make more.
        self._counts: Counter[tuple[str, str]] = Counter()
        self._last: float | None = None

    def note(self, why: str) -> None:
        """Count one. `why` is in words of ours, and never holds what was sent."""
        self._counts[why, self.transport()] += 1
        if self._left() <= 0:
            self.flush()

    async def keep_telling(self) -> None:
        """Tell in time what was counted, also where nobody comes any more. Runs until it is cancelled."""
        while True:
            left = self._left() if self._counts else EVERY
            if left > 0:
                await self._clock.sleep(left)
            else:
                self.flush()

    def flush(self) -> None:
        """Tell what was counted and not told: at the end."""
        if not self._counts:
            return
        self._last = self._clock.monotonic()
        counts, self._counts = self._counts, Counter()
        for (why, transport), count in counts.items():
            _log.warning("refused at the door: %s%s", why, f" ({count} times)" if count > 1 else "")
            if self.told is not None:
                self.told(why, count, transport)

    def _left(self) -> float:
        """Seconds until something may be told."""
        return 0.0 if self._last is None else self._last + EVERY - self._clock.monotonic()
