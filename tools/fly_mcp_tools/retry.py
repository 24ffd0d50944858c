"""Which failures may be repeated, and after how long.

    surely not sent                        any call
    429, 503: refused                      any call, after Fly's Retry-After where there is one
    other 5xx, cut off, unreadable         only what is idempotent
    everything else                        never

A plain policy and a loop of a few lines in the client, without tenacity: what is repeated depends on the
endpoint and on how far the request got, the wait may be Fly's, and tenacity's stop conditions read a clock
that cannot be injected; nothing of it would be left in use but its `while`.
"""

from __future__ import annotations

from typing import Final

from fly_mcp_tools.chance import Random
from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.errors import FlyError, MaybeDone, NotSent, RefusedByFly
from fly_mcp_tools.refusals import RETRY_AFTER

MAX_ATTEMPTS: Final = 4
BUDGET: Final = 30.0
_FIRST: Final = 0.25
_LONGEST: Final = 8.0
_REFUSED: Final = frozenset({429, 503})


def may_repeat(endpoint: Endpoint, error: FlyError) -> bool:
    """Whether sending it again cannot double anything."""
    match error:
        case NotSent():
            return True
        case RefusedByFly():
            return error.status in _REFUSED or (
                endpoint.idempotent and error.status is not None and error.status >= 500
            )
        case MaybeDone():
            return endpoint.idempotent
        case _:
            return False


class Retries:
    """The patience of a client: at most `MAX_ATTEMPTS`, and none begun later than `budget` seconds."""

    def __init__(self, rng: Random, *, max_attempts: int = MAX_ATTEMPTS, budget: float = BUDGET) -> None:
        self._rng = rng
        self._max_attempts = max_attempts
        self._budget = budget

    def delay(self, endpoint: Endpoint, error: FlyError, *, attempts: int, elapsed: float) -> float | None:
        """Seconds to wait before the next attempt, `None` to give up.

        `attempts` were made and took `elapsed` seconds, bucket waits included. Exponential with full jitter,
        so that callers who failed together do not come back together; Fly's Retry-After is the least.
        """
        if attempts >= self._max_attempts or not may_repeat(endpoint, error):
            return None
        delay = self._rng.uniform(0, min(_LONGEST, _FIRST * 2**attempts))
        told = error.facts.get(RETRY_AFTER)
        if isinstance(told, float):
            delay += told
        return delay if elapsed + delay <= self._budget else None
