"""Fly's published rate limits (reference 1.6): token buckets per action and identifier."""

from __future__ import annotations

from dataclasses import dataclass

from .routing import Match


@dataclass(frozen=True)
class Limit:
    """A bucket's size, and how fast it fills, per second."""

    burst: float
    per_second: float


LIMITS = {
    "standard": Limit(3, 1.0),
    "get_machine": Limit(10, 5.0),
    "delete_app": Limit(100, 100 / 60),
}
_MANY = 10_000


class Limits:
    """The buckets. Calls that name neither an app nor a machine have no published limit, and none here."""

    def __init__(self) -> None:
        self._buckets: dict[tuple[str, str, str], tuple[float, float]] = {}

    def admit(self, match: Match, now: float) -> bool:
        """Take one request from its bucket; False when the bucket is empty."""
        endpoint, params = match.endpoint, match.params
        limit = LIMITS.get(endpoint.rate)
        if limit is None or "app" not in params:
            return True
        who = "" if endpoint.rate == "delete_app" else params.get("id", f"app {params['app']}")
        key = (endpoint.method, endpoint.path, who)
        level, since = self._buckets.get(key, (limit.burst, now))
        level = min(limit.burst, level + max(0.0, now - since) * limit.per_second)
        admitted = level >= 1.0 - 1e-9
        self._buckets[key] = (level - 1.0 if admitted else level, now)
        if len(self._buckets) > _MANY:
            self._forget_full(now)
        return admitted

    def clear(self) -> None:
        """Fill all buckets."""
        self._buckets.clear()

    def _forget_full(self, now: float) -> None:
        # After a minute every bucket is full again, the slowest one included.
        self._buckets = {key: kept for key, kept in self._buckets.items() if now - kept[1] < 60.0}
