"""Fly's published rates, kept on our side: a bucket per action and identifier.

A call waits for its own bucket and for nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fly_mcp_tools.bucket import Bucket
from fly_mcp_tools.clock import Clock
from fly_mcp_tools.endpoint import Endpoint, Rate
from fly_mcp_tools.errors import Code, NotSent

MAX_WAIT: Final = 60.0
# Fly's word is kept, but not for longer: a Retry-After of hours must not shut a bucket for hours.
MAX_HOLD: Final = 30.0
_SWEEP_AT: Final = 256


class Limits:
    """The buckets of one token. Memory is bounded by what was called in the last seconds."""

    def __init__(self, clock: Clock, *, max_wait: float = MAX_WAIT) -> None:
        self._clock = clock
        self._max_wait = max_wait
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._sweep_at = _SWEEP_AT

    async def acquire(
        self,
        endpoint: Endpoint,
        ids: Mapping[str, str],
        timeout: float | None = None,
        *,
        interactive: bool = False,
        again: bool = False,
    ) -> None:
        """Wait until Fly's rate allows this call. A checkpoint: a cancelled caller gets no further than here.

        `interactive`: somebody waits for what it reads, so it goes before bulk work; yet bulk work has at
        least every fourth turn. `again`: a repetition, which goes before those who came after its first try.

        Raises `NotSent` (rate_limited) at once where that would take longer than `timeout` seconds (at most
        and by default `max_wait`): a caller learns it now instead of after the wait. What comes later and
        goes before it may make it wait longer than that.
        """
        bucket = self._bucket(endpoint, ids)
        wait = bucket.expected_wait(interactive=interactive, again=again)
        longest = self._max_wait if timeout is None else min(timeout, self._max_wait)
        if wait > longest:
            raise NotSent(
                f"Did not {endpoint.says.format_map(ids)}: so many calls of this kind are waiting that it "
                f"would take about {wait:.0f} seconds. Nothing was sent.",
                hint="Fly allows about one call a second per action and machine. Wait, then ask for less.",
                code=Code.RATE_LIMITED,
                facts={"retry_after_seconds": round(wait, 1)},
            )
        await bucket.take(interactive=interactive, again=again)

    def refused(self, endpoint: Endpoint, ids: Mapping[str, str], seconds: float = 0.0) -> None:
        """Learn from a 429: others use the same allowance, so the bucket is empty whatever we counted.

        `seconds`: Fly's Retry-After, which holds for everybody in this bucket, up to `MAX_HOLD`.
        """
        self._bucket(endpoint, ids).hold(min(seconds, MAX_HOLD))

    def __len__(self) -> int:
        """How many buckets are kept."""
        return len(self._buckets)

    def _bucket(self, endpoint: Endpoint, ids: Mapping[str, str]) -> Bucket:
        if endpoint.rate is Rate.APP_DELETE:
            key = (endpoint.name, "")
        else:
            key = (endpoint.name, ids.get("machine_id") or ids.get("app_name", ""))
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= self._sweep_at:
                self._sweep()
            bucket = self._buckets[key] = Bucket(endpoint.rate.value, self._clock)
        return bucket

    def _sweep(self) -> None:
        """Drop the idle ones; the next sweep comes when the rest has doubled: a constant per call."""
        self._buckets = {key: bucket for key, bucket in self._buckets.items() if not bucket.is_idle()}
        self._sweep_at = max(_SWEEP_AT, 2 * len(self._buckets))
