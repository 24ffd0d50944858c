"""Fly's published rates, kept on our side: a bucket per action and identifier.

A call waits for its own bucket and for nothing else. The bucket is ours rather than a library's because it
has to be exact on a clock that tests move: aiolimiter lets a newcomer pass those who wait and arms timers of
zero length when the sum of floats falls short, which on a virtual clock never ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import anyio

from fly_mcp_tools.clock import Clock
from fly_mcp_tools.endpoint import Endpoint, Limit, Rate
from fly_mcp_tools.errors import Code, NotSent

MAX_WAIT: Final = 60.0
# Fly counts arrivals, and the network moves them together: a little below the rate, we stay below it there.
_MARGIN: Final = 0.97
_SWEEP_AT: Final = 256


class _Bucket:
    """A token bucket. Waiters stand in line at `_turn`, first come, first served; a cancelled one leaves."""

    def __init__(self, limit: Limit, clock: Clock) -> None:
        self._capacity = float(limit.burst)
        self._per_second = limit.per_second * _MARGIN
        self._clock = clock
        self._tokens = self._capacity
        self._counted_at = clock.monotonic()
        self._turn = anyio.Lock(fast_acquire=True)
        self._waiting = 0

    def _count(self) -> float:
        """Tokens there now."""
        now = self._clock.monotonic()
        self._tokens = min(self._capacity, self._tokens + (now - self._counted_at) * self._per_second)
        self._counted_at = now
        return self._tokens

    def expected_wait(self) -> float:
        """Seconds that a newcomer would wait, if nobody before it gives up."""
        return max(0.0, (self._waiting + 1 - self._count()) / self._per_second)

    def is_idle(self) -> bool:
        """Whether it holds nothing worth remembering: full, and nobody waits."""
        return not self._waiting and self._count() >= self._capacity

    async def take(self) -> None:
        """Take one token; waits for it."""
        self._waiting += 1
        try:
            async with self._turn:
                # Computed once and then taken as read: asking again after the sleep could find 0.999...
                missing = 1.0 - self._count()
                if missing > 0:
                    await self._clock.sleep(missing / self._per_second)
                self._tokens = max(0.0, self._count() - 1.0)
        finally:
            self._waiting -= 1

    def empty(self) -> None:
        """Forget what is there: somebody else has used it."""
        self._count()
        self._tokens = 0.0


class Limits:
    """The buckets of one token. Memory is bounded by what was called in the last seconds."""

    def __init__(self, clock: Clock, *, max_wait: float = MAX_WAIT) -> None:
        self._clock = clock
        self._max_wait = max_wait
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._sweep_at = _SWEEP_AT

    async def acquire(self, endpoint: Endpoint, ids: Mapping[str, str], timeout: float | None = None) -> None:
        """Wait until Fly's rate allows this call. A checkpoint: a cancelled caller gets no further than here.

        Raises `NotSent` (rate_limited) at once where that would take longer than `timeout` seconds (at most
        and by default `max_wait`): a caller learns it now instead of after the wait.
        """
        bucket = self._bucket(endpoint, ids)
        wait = bucket.expected_wait()
        longest = self._max_wait if timeout is None else min(timeout, self._max_wait)
        if wait > longest:
            raise NotSent(
                f"Did not {endpoint.says.format_map(ids)}: so many calls of this kind are waiting that it "
                f"would take about {wait:.0f} seconds. Nothing was sent.",
                hint="Fly allows about one call a second per action and machine. Wait, then ask for less.",
                code=Code.RATE_LIMITED,
                facts={"retry_after_seconds": round(wait, 1)},
            )
        await bucket.take()

    def refused(self, endpoint: Endpoint, ids: Mapping[str, str]) -> None:
        """Learn from a 429: others use the same allowance, so the bucket is empty whatever we counted."""
        self._bucket(endpoint, ids).empty()

    def __len__(self) -> int:
        """How many buckets are kept."""
        return len(self._buckets)

    def _bucket(self, endpoint: Endpoint, ids: Mapping[str, str]) -> _Bucket:
        if endpoint.rate is Rate.APP_DELETE:
            key = (endpoint.name, "")
        else:
            key = (endpoint.name, ids.get("machine_id") or ids.get("app_name", ""))
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= self._sweep_at:
                self._sweep()
            bucket = self._buckets[key] = _Bucket(endpoint.rate.value, self._clock)
        return bucket

    def _sweep(self) -> None:
        """Drop the idle ones; the next sweep comes when the rest has doubled: a constant per call."""
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if not bucket.is_idle()}
        self._sweep_at = max(_SWEEP_AT, 2 * len(self._buckets))
