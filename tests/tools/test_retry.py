"""What may be repeated, and when: nothing may be doubled."""

from __future__ import annotations

from random import Random

import pytest

from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.endpoints import CREATE_MACHINE, ENDPOINTS, GET_MACHINE, START_MACHINE
from fly_mcp_tools.errors import (
    Code,
    Conflict,
    FlyError,
    InvalidArguments,
    LeaseHeld,
    MaybeDone,
    NotConfigured,
    NotFound,
    NotSent,
    RateLimited,
    RefusedByFly,
    TimedOut,
    WrongState,
)
from fly_mcp_tools.retry import BUDGET, MAX_ATTEMPTS, Retries, may_repeat

ALWAYS = [
    NotSent("x"),
    RateLimited("x", status=429),
    RefusedByFly("x", status=503),
]
IF_IDEMPOTENT = [
    MaybeDone("x"),
    MaybeDone("x", status=200),
    MaybeDone("x", status=502),
    RefusedByFly("x", status=500),
    RefusedByFly("x", status=502),
    RefusedByFly("x", status=504),
]
NEVER = [
    RefusedByFly("x", status=302),
    RefusedByFly("x", status=400),
    RefusedByFly("x", status=401),
    RefusedByFly("x", status=403),
    NotFound("x", status=404),
    TimedOut("x", status=408),
    LeaseHeld("x", status=409),
    Conflict("x", status=409, retryable=True),
    WrongState("x", status=412, retryable=True),
    RefusedByFly("x", status=422, code=Code.NO_CAPACITY),
    InvalidArguments("x"),
    NotConfigured("x"),
    FlyError("x", retryable=True),
]


def _name(error: FlyError) -> str:
    return f"{type(error).__name__}-{error.status}"


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_over_all_rows_only_what_cannot_double_is_repeated(endpoint: Endpoint) -> None:
    """Issue 4, section 3: surely not sent, refused, maybe done."""
    assert all(may_repeat(endpoint, error) for error in ALWAYS)
    assert {may_repeat(endpoint, error) for error in IF_IDEMPOTENT} == {endpoint.idempotent}
    assert not any(may_repeat(endpoint, error) for error in NEVER)


def test_the_calls_that_may_never_be_doubled_are_these() -> None:
    """Reference 9, traps 21 and 24: a repeated create is a second thing and a bill."""
    assert {e.name for e in ENDPOINTS if not e.idempotent} == {
        "create_app",
        "create_machine",
        "update_machine",
        "restart_machine",
        "exec_machine",
        "acquire_lease",
        "create_volume",
    }


@pytest.mark.parametrize("error", NEVER, ids=_name)
def test_what_is_not_repeated_has_no_delay(error: FlyError) -> None:
    """Ours: one rule decides."""
    assert Retries(Random(1)).delay(GET_MACHINE, error, attempts=1, elapsed=0) is None


def test_the_delay_grows_with_full_jitter() -> None:
    """Ours: those who failed together must not come back together."""
    retries = Retries(Random(7))
    for attempts, longest in ((1, 0.5), (2, 1.0), (3, 2.0)):
        delays = [
            retries.delay(GET_MACHINE, NotSent("x"), attempts=attempts, elapsed=0) or 0.0 for _ in range(500)
        ]
        assert 0 <= min(delays) < longest * 0.05
        assert longest * 0.95 < max(delays) <= longest


def test_chance_is_the_injected_one() -> None:
    """House rule 7."""
    first, second = (
        [Retries(Random(3)).delay(GET_MACHINE, NotSent("x"), attempts=2, elapsed=0) for _ in range(3)]
        for _ in range(2)
    )
    assert first == second


def test_attempts_and_time_are_bounded() -> None:
    """Ours: four attempts, none begun later than 30 seconds after the first."""
    retries = Retries(Random(1))
    assert retries.delay(START_MACHINE, NotSent("x"), attempts=MAX_ATTEMPTS - 1, elapsed=0) is not None
    assert retries.delay(START_MACHINE, NotSent("x"), attempts=MAX_ATTEMPTS, elapsed=0) is None
    assert retries.delay(START_MACHINE, NotSent("x"), attempts=1, elapsed=BUDGET) is None


def test_retry_after_is_the_least_wait_and_too_long_a_one_is_not_awaited() -> None:
    """RFC 9110: the server's word wins; ours is that nobody is kept waiting for minutes."""
    retries = Retries(Random(1))
    told = RateLimited("x", status=429, facts={"retry_after_seconds": 5.0})
    delay = retries.delay(CREATE_MACHINE, told, attempts=1, elapsed=0)
    assert delay is not None
    assert 5.0 <= delay <= 5.5
    assert retries.delay(CREATE_MACHINE, told, attempts=1, elapsed=26) is None
    long = RateLimited("x", status=429, facts={"retry_after_seconds": 3600.0})
    assert retries.delay(CREATE_MACHINE, long, attempts=1, elapsed=0) is None
