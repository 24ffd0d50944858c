"""One of Fly's rates, kept exactly, for two lines of callers.

Ours rather than a library's because it has to be exact on a clock that tests move: aiolimiter lets a newcomer
pass those who wait and arms timers of zero length when the sum of floats falls short, which on a virtual
clock never ends.
"""

from __future__ import annotations

from collections import deque
from typing import Final

import anyio
import anyio.lowlevel

from fly_mcp_tools.clock import Clock
from fly_mcp_tools.endpoint import Limit

# Fly counts arrivals, and the network moves them together: a little below the rate, we stay below it there.
_MARGIN: Final = 0.97
# Somebody who reads waits a turn or two, whatever waits behind; and bulk work keeps a quarter of the rate,
# enough for a scaling to end while an agent polls without pause. A larger number would make reads only a
# little faster (they have three quarters already) and bulk work much slower.
READS_IN_A_ROW: Final = 3
# What a sum of floats may be off by.
_NO_TIME: Final = 1e-9


class _Waiter:
    """Somebody in a line. `called` once it was granted its turn, or has to keep the time for all."""

    __slots__ = ("called", "granted")

    def __init__(self) -> None:
        self.called = anyio.Event()
        self.granted = False


class Bucket:
    """A token bucket with an interactive line and a bulk line, each first come, first served.

    While both have somebody waiting, one bulk call goes after at most `READS_IN_A_ROW` interactive ones.

    Nothing runs in the background: one of those who wait keeps the time for all, and whoever is next when a
    turn comes gets it. A keeper who leaves, served or cancelled, hands the clock on. The count of tokens is
    held as the moment at which the next call may go (the GCRA of ATM networks, which is the same bucket): a
    late timer then costs nothing of the rate.
    """

    def __init__(self, limit: Limit, clock: Clock) -> None:
        self._turn = 1 / (limit.per_second * _MARGIN)
        #: How far `_due` may lie behind: a full bucket.
        self._slack = (limit.burst - 1) * self._turn
        self._clock = clock
        self._due = clock.monotonic() - self._slack
        self._interactive: deque[_Waiter] = deque()
        self._bulk: deque[_Waiter] = deque()
        self._keeper: _Waiter | None = None
        #: Interactive turns in a row for which a bulk call had to wait.
        self._row = 0

    def expected_wait(self, *, interactive: bool = False, again: bool = False) -> float:
        """Seconds that a newcomer would wait, if nobody before it gives up and no more reads come meanwhile."""
        now = self._clock.monotonic()
        first = max(self._due, now - self._slack)
        return max(0.0, first + self._before(interactive=interactive, again=again) * self._turn - now)

    def is_idle(self) -> bool:
        """Whether it holds nothing worth remembering: full, and nobody waits."""
        return self._keeper is None and self._due <= self._clock.monotonic() - self._slack

    async def take(self, *, interactive: bool = False, again: bool = False) -> None:
        """Wait for a turn and take it. `again`: it had one, so it came before all who wait in its line.

        A cancelled caller leaves its line and takes nothing, unless its turn came at that very moment.
        """
        await anyio.lowlevel.checkpoint_if_cancelled()
        if self._keeper is None and self._missing() <= 0:
            self._count()
            return
        me, line = _Waiter(), self._interactive if interactive else self._bulk
        if again:
            line.appendleft(me)
        else:
            line.append(me)
        try:
            if self._keeper is None:
                self._keeper = me
            else:
                await me.called.wait()
            while not me.granted:
                await self._keep_time()
        finally:
            if not me.granted:
                line.remove(me)
            if self._keeper is me:
                self._hand_on()

    def hold(self, seconds: float = 0.0) -> None:
        """Let nobody go for `seconds`, and at least for one turn: somebody else has used what is there."""
        self._due = max(self._due, self._clock.monotonic() + max(seconds, self._turn))

    async def _keep_time(self) -> None:
        """Wait for the next turn and give it to whoever is first then."""
        due = self._due
        missing = self._missing()
        if missing > 0:
            await self._clock.sleep(missing)
        # Slept once and then taken as read: asking the clock again could find 0.999... of a turn.
        if self._due == due:  # else it was put off meanwhile
            self._count()
            granted = self._next_line().popleft()
            granted.granted = True
            granted.called.set()

    def _hand_on(self) -> None:
        """Let whoever is next keep the time."""
        self._keeper = None
        if self._interactive or self._bulk:
            self._keeper = (self._interactive or self._bulk)[0]
            self._keeper.called.set()

    def _next_line(self) -> deque[_Waiter]:
        """The line whose turn it is, with the choice counted."""
        if not self._bulk:
            self._row = 0
            return self._interactive
        if self._interactive and self._row < READS_IN_A_ROW:
            self._row += 1
            return self._interactive
        self._row = 0
        return self._bulk

    def _before(self, *, interactive: bool, again: bool) -> int:
        """How many of those who wait have their turn before a newcomer."""
        reads, bulk, row = len(self._interactive), len(self._bulk), self._row
        if interactive:
            own = 0 if again else reads
            return own + min(bulk, (row + own) // READS_IN_A_ROW)
        own = 0 if again else bulk
        return own + min(reads, READS_IN_A_ROW * (own + 1) - row)

    def _missing(self) -> float:
        """Seconds until a call may go; 0 where it may now."""
        missing = self._due - self._clock.monotonic()
        return missing if missing > _NO_TIME else 0.0

    def _count(self) -> None:
        """Count one call."""
        self._due = max(self._due, self._clock.monotonic() - self._slack) + self._turn
