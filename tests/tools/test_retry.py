"""What may be repeated, and when: nothing may be doubled."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from fly_mcp_tools.retry import MAX_ATTEMPTS, TOTAL_SECONDS, Retries, may_repeat
from fly_mcp_tools.retry_budget import CAPACITY, PER_ANSWER, RetryBudget

ALWAYS = [
    NotSent("x"),
    RateLimited("x", status=429),
]
IF_IDEMPOTENT = [
    MaybeDone("x"),
    MaybeDone("x", status=200),
    MaybeDone("x", status=502),
    MaybeDone("x", status=503),
    RefusedByFly("x", status=500),
    RefusedByFly("x", status=502),
    RefusedByFly("x", status=503),
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


#: Clear answers: Fly is there, and neither down nor overrun.
CLEAR = [error for error in NEVER if error.status is not None and error.status >= 400]


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
        "create_snapshot",
        "generate_secret_key",
        "allocate_ip",
        "request_certificate",
        "signal_machine",
        "reclaim_memory",
    }


@pytest.mark.parametrize("error", NEVER, ids=_name)
def test_what_is_not_repeated_has_no_delay(error: FlyError) -> None:
    """Ours: one rule decides."""
    assert Retries(Random(1)).delay(GET_MACHINE, error, attempts=1, elapsed=0) is None


def test_the_delay_grows_with_full_jitter() -> None:
    """Ours: those who failed together must not come back together."""
    retries = Retries(Random(7), budget=RetryBudget(capacity=1500))
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
    assert retries.delay(START_MACHINE, NotSent("x"), attempts=1, elapsed=TOTAL_SECONDS) is None


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


# The budget of all calls together


def _outage(retries: Retries, calls: int, error: FlyError) -> int:
    """How many repetitions `calls` calls make that all meet `error`, each as often as it is sent."""
    repeats = 0
    for _ in range(calls):
        for attempt in range(1, MAX_ATTEMPTS + 1):
            if retries.delay(GET_MACHINE, error, attempts=attempt, elapsed=0) is None:
                break
            repeats += 1
    return repeats


@pytest.mark.parametrize("error", [NotSent("x"), *IF_IDEMPOTENT], ids=_name)
@pytest.mark.parametrize("calls", [1, 6, 7, 1000])
def test_a_total_outage_is_met_with_at_most_20_repetitions(calls: int, error: FlyError) -> None:
    """Issue 4, section 3: a sick Fly is not hammered."""
    repeats = _outage(Retries(Random(1)), calls, error)
    assert repeats == min(20, 3 * calls), f"{repeats} repetitions over {calls} calls"


def test_a_spent_budget_is_said_in_the_hint_once_and_nothing_is_repeated() -> None:
    """House rule 11: the next step."""
    retries = Retries(Random(1), budget=RetryBudget(capacity=0))
    error = NotSent("x", hint="Check the network.")
    assert retries.delay(GET_MACHINE, error, attempts=1, elapsed=0) is None
    assert error.hint.startswith("Check the network. It was not tried again: many calls to Fly failed lately")
    assert error.hint.count("not tried again") == 1


def test_too_many_requests_are_repeated_whatever_the_budget_and_take_nothing_from_it() -> None:
    """Ours: with 429 Fly sets the pace by itself, and our bucket waits."""
    spent, full = RetryBudget(capacity=0), RetryBudget()
    for budget in (spent, full):
        retries = Retries(Random(1), budget=budget)
        assert _outage(retries, 100, RateLimited("x", status=429)) == 300
    assert [full.take() for _ in range(21)] == [True] * 20 + [False]


def test_after_an_outage_clear_answers_bring_repetitions_back() -> None:
    """Ours: two answers earn one repetition, and never more than at first."""
    retries = Retries(Random(1))
    assert _outage(retries, 100, NotSent("x")) == CAPACITY
    assert _outage(retries, 100, NotSent("x")) == 0
    for answers, earned in ((1, 0), (1, 1), (20, 10), (1000, 20)):
        for _ in range(answers):
            retries.answered()
        assert _outage(retries, 100, NotSent("x")) == earned


@pytest.mark.parametrize("error", CLEAR, ids=_name)
def test_a_clear_no_is_an_answer_as_well(error: FlyError) -> None:
    """Ours: what Fly refuses for a reason shows that Fly is there."""
    retries = Retries(Random(1))
    assert _outage(retries, 100, NotSent("x")) == 20
    for _ in range(int(1 / PER_ANSWER)):
        retries.delay(GET_MACHINE, error, attempts=1, elapsed=0)
    assert _outage(retries, 100, NotSent("x")) == 1


@pytest.mark.parametrize("error", [NotSent("x"), RateLimited("x", status=429), *IF_IDEMPOTENT], ids=_name)
def test_what_may_pass_by_itself_is_no_clear_answer(error: FlyError) -> None:
    """Ours: else an outage would pay for its own repetitions."""
    retries = Retries(Random(1), budget=RetryBudget())
    _outage(retries, 100, NotSent("x"))
    for _ in range(100):
        retries.delay(CREATE_MACHINE, error, attempts=MAX_ATTEMPTS, elapsed=0)
    assert _outage(retries, 100, NotSent("x")) == 0


@given(st.lists(st.booleans(), max_size=300))
def test_repetitions_never_exceed_twenty_and_half_of_the_clear_answers(answers: list[bool]) -> None:
    """Ours: for any order of answers and failures."""
    budget, repeats = RetryBudget(), 0
    for number, clear in enumerate(answers):
        if clear:
            budget.answered()
        elif budget.take():
            repeats += 1
        assert repeats <= 20 + sum(answers[: number + 1]) / 2
