"""Which failures may be repeated, and after how long.

    surely not sent                        any call
    429: refused                           any call, after Fly's Retry-After where there is one
    5xx, 503 too; cut off, unreadable      only what is idempotent
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
from fly_mcp_tools.retry_budget import RetryBudget

MAX_ATTEMPTS: Final = 4
TOTAL_SECONDS: Final = 30.0
_FIRST: Final = 0.25
_LONGEST: Final = 8.0
_TOO_MANY: Final = 429
_SPENT: Final = (
    "It was not tried again: many calls to Fly failed lately, and a Fly that has trouble is not asked more "
    "than needed. Wait a minute; status.flyio.net tells whether Fly has trouble."
)


def may_repeat(endpoint: Endpoint, error: FlyError) -> bool:
    """Whether sending it again cannot double anything."""
    match error:
        case NotSent():
            return True
        case RefusedByFly():
            return error.status == _TOO_MANY or (
                endpoint.idempotent and error.status is not None and error.status >= 500
            )
        case MaybeDone():
            return endpoint.idempotent
        case _:
            return False


def is_clear(error: FlyError) -> bool:
    """Whether Fly is there and said no for a reason of its own: it is neither down nor overrun."""
    return isinstance(error, RefusedByFly) and error.status is not None and 400 <= error.status < _TOO_MANY


def told_wait(error: FlyError) -> float:
    """Seconds of Fly's Retry-After; 0 where it gave none."""
    told = error.facts.get(RETRY_AFTER)
    return told if isinstance(told, float) else 0.0


class Retries:
    """The patience of a client: at most `max_attempts`, none begun later than `total` seconds after the first.

    `budget` is shared by all calls; a 429 takes nothing of it, since there Fly's word and our buckets set the
    pace.
    """

    def __init__(
        self,
        rng: Random,
        *,
        max_attempts: int = MAX_ATTEMPTS,
        total: float = TOTAL_SECONDS,
        budget: RetryBudget | None = None,
    ) -> None:
        self._rng = rng
        self._max_attempts = max_attempts
        self._total = total
        self._budget = budget or RetryBudget()

    def answered(self) -> None:
        """Note a success."""
        self._budget.answered()

    def delay(self, endpoint: Endpoint, error: FlyError, *, attempts: int, elapsed: float) -> float | None:
        """Seconds to wait before the next attempt, `None` to give up. To be asked once for each failure.

        `attempts` were made, the first `elapsed` seconds ago. Exponential with full jitter, so that callers
        who failed together do not come back together; Fly's Retry-After is the least. Takes from the budget
        or, for a clear refusal, gives to it; where it is spent, the hint of `error` says so.
        """
        if is_clear(error):
            self._budget.answered()
        if attempts >= self._max_attempts or not may_repeat(endpoint, error):
            return None
        delay = self._rng.uniform(0, min(_LONGEST, _FIRST * 2**attempts)) + told_wait(error)
        if elapsed + delay > self._total:
            return None
        if error.status != _TOO_MANY and not self._budget.take():
            error.hint = f"{error.hint} {_SPENT}".strip()
            return None
        return delay
