"""The buckets, on virtual time: exact, fair, independent, bounded."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fly_mcp_tools.clock import SystemClock
from fly_mcp_tools.endpoint import Endpoint, Rate
from fly_mcp_tools.endpoints import (
    DELETE_APP,
    DELETE_VOLUME,
    ENDPOINTS,
    GET_MACHINE,
    LIST_MACHINES,
    START_MACHINE,
    STOP_MACHINE,
)
from fly_mcp_tools.errors import Code, NotSent
from fly_mcp_tools.limits import Limits
from tests.tools.fakes import APP, MACHINE


def ids(machine: str = MACHINE, app: str = APP) -> dict[str, str]:
    return {"app_name": app, "machine_id": machine}


def limits(max_wait: float = 1e6) -> Limits:
    return Limits(SystemClock(), max_wait=max_wait)


async def _acquired(buckets: Limits, endpoint: Endpoint, times: int, chosen: dict[str, str]) -> list[float]:
    """When each of `times` callers, all asking now, may go; seconds from now."""
    began = anyio.current_time()
    moments: list[tuple[int, float]] = []

    async def one(number: int) -> None:
        await buckets.acquire(endpoint, chosen)
        moments.append((number, anyio.current_time() - began))

    async with anyio.create_task_group() as group:
        for number in range(times):
            group.start_soon(one, number)
    assert [number for number, _ in moments] == list(range(times)), "first come, first served"
    return [moment for _, moment in moments]


@pytest.mark.parametrize("endpoint", [START_MACHINE, GET_MACHINE, DELETE_APP], ids=lambda e: e.name)
async def test_a_saturated_bucket_runs_at_95_to_100_percent_of_flys_rate(endpoint: Endpoint) -> None:
    """Issue 4, section 5; Fly's docs give burst and rate."""
    limit = endpoint.rate.value
    moments = await _acquired(limits(), endpoint, limit.burst + 500, ids())
    assert all(moment < 1e-9 for moment in moments[: limit.burst])
    seconds = moments[-1]
    assert 0.95 * limit.per_second * seconds <= 500 <= limit.per_second * seconds


@settings(max_examples=30)
@given(gaps=st.lists(st.floats(0, 3, allow_subnormal=False), min_size=1, max_size=60))
async def test_no_pattern_of_calls_ever_exceeds_flys_bucket(gaps: list[float]) -> None:
    """Fly's docs: 1 a second, 3 at once. A model of Fly's bucket, fed with our calls, never runs dry."""
    buckets = limits()
    went: list[float] = []

    async def one() -> None:
        await buckets.acquire(STOP_MACHINE, ids())
        went.append(anyio.current_time())

    async with anyio.create_task_group() as group:
        for gap in gaps:
            await anyio.sleep(gap)
            group.start_soon(one)
    tokens, last = 3.0, went[0]
    for moment in went:
        tokens = min(3.0, tokens + (moment - last)) - 1
        last = moment
        assert tokens >= -1e-9


async def test_buckets_are_per_action_and_machine_and_wait_for_nothing_else() -> None:
    """Fly's docs: the limit is per action and identifier."""
    buckets = limits()
    async with anyio.create_task_group() as group:
        group.start_soon(_acquired, buckets, START_MACHINE, 50, ids())
        await anyio.sleep(0.5)
        for other in (ids("148e45f27e2189"), ids(app="other", machine="148e45f27e2180")):
            assert max(await _acquired(buckets, START_MACHINE, 3, other)) == 0
        assert max(await _acquired(buckets, STOP_MACHINE, 3, ids())) == 0
        assert max(await _acquired(buckets, LIST_MACHINES, 3, {"app_name": APP})) == 0


async def test_volumes_share_their_apps_bucket_and_app_deletions_share_one() -> None:
    """Fly's docs: the identifier is the machine, else the app; app deletions are counted together."""
    buckets = limits()
    for number in range(3):
        await buckets.acquire(DELETE_VOLUME, {"app_name": APP, "volume_id": f"vol_{number}"})
    assert (await _acquired(buckets, DELETE_VOLUME, 1, {"app_name": APP, "volume_id": "vol_x"}))[0] > 1
    for number in range(100):
        await buckets.acquire(DELETE_APP, {"app_name": f"app-{number}"})
    assert (await _acquired(buckets, DELETE_APP, 1, {"app_name": "app-x"}))[0] > 0.5


async def test_a_wait_that_would_be_too_long_is_refused_at_once() -> None:
    """Ours: an agent learns it now, not after the wait, and nothing was sent."""
    buckets = limits(max_wait=10)
    async with anyio.create_task_group() as group:
        group.start_soon(_acquired, buckets, START_MACHINE, 12, ids())
        await anyio.sleep(0.01)
        before = anyio.current_time()
        with pytest.raises(NotSent, match=f"start machine {MACHINE}") as refused:
            await buckets.acquire(START_MACHINE, ids())
        assert anyio.current_time() == before
        assert refused.value.code is Code.RATE_LIMITED
        assert refused.value.facts["retry_after_seconds"] == pytest.approx(10.3, abs=0.1)
        with pytest.raises(NotSent):
            await buckets.acquire(START_MACHINE, ids(), 3.0)
        await anyio.sleep(2)
        await buckets.acquire(START_MACHINE, ids())


async def test_a_read_is_refused_only_for_what_stands_before_it() -> None:
    """Ours: a minute of bulk work in line is no reason to send a reader away."""
    buckets = limits(max_wait=10)
    async with anyio.create_task_group() as group:
        group.start_soon(_acquired, buckets, LIST_MACHINES, 12, ids())
        await anyio.sleep(0.01)
        with pytest.raises(NotSent):
            await buckets.acquire(LIST_MACHINES, ids())
        began = anyio.current_time()
        await buckets.acquire(LIST_MACHINES, ids(), 2.0, interactive=True)
        assert anyio.current_time() - began <= 1.04


async def test_a_repetition_goes_before_its_line_and_not_before_the_other() -> None:
    """Ours: it had its turn once, so it came before all who wait in its line."""
    buckets = limits()
    order: list[str] = []

    async def one(name: str, *, interactive: bool = False, again: bool = False) -> None:
        await buckets.acquire(LIST_MACHINES, ids(), interactive=interactive, again=again)
        order.append(name)

    async with anyio.create_task_group() as group:
        for name in ("1", "2", "3", "4", "5"):
            group.start_soon(one, name)
        await anyio.sleep(0.1)
        group.start_soon(lambda: one("read", interactive=True))
        group.start_soon(lambda: one("again", again=True))
    assert order == ["1", "2", "3", "read", "again", "4", "5"]


async def test_a_cancelled_waiter_takes_nothing_and_keeps_nobody_waiting() -> None:
    """Ours: those behind it move up."""
    buckets = limits()
    for _ in range(3):
        await buckets.acquire(START_MACHINE, ids())
    began = anyio.current_time()
    async with anyio.create_task_group() as group:
        scopes: list[anyio.CancelScope] = []

        async def impatient() -> None:
            with anyio.CancelScope() as scope:
                scopes.append(scope)
                await buckets.acquire(START_MACHINE, ids())

        for _ in range(20):
            group.start_soon(impatient)
        await anyio.sleep(0.5)
        group.start_soon(_acquired, buckets, START_MACHINE, 1, ids())
        await anyio.sleep(0.1)
        for scope in scopes:
            scope.cancel()
    assert anyio.current_time() - began <= 1.04


async def test_after_a_429_the_bucket_is_empty() -> None:
    """Ours: somebody else uses the same allowance, so the burst that we counted is not there."""
    buckets = limits()
    buckets.refused(START_MACHINE, ids())
    assert (await _acquired(buckets, START_MACHINE, 1, ids()))[0] == pytest.approx(1 / 0.97)


@pytest.mark.parametrize(("told", "held"), [(0.0, 1 / 0.97), (0.2, 1 / 0.97), (7.0, 7.0), (3600.0, 30.0)])
async def test_what_a_429_says_holds_for_those_who_wait_already(told: float, held: float) -> None:
    """Ours: Fly's Retry-After, and at least a turn; but hours would shut the bucket for hours."""
    buckets = limits()
    refused_at = 0.0
    async with anyio.create_task_group() as group:
        group.start_soon(_acquired, buckets, START_MACHINE, 3, ids())
        await anyio.sleep(0.5)
        group.start_soon(buckets.acquire, START_MACHINE, ids())
        await anyio.sleep(0.1)
        buckets.refused(START_MACHINE, ids(), told)
        refused_at = anyio.current_time()
    assert anyio.current_time() - refused_at == pytest.approx(held)


async def test_memory_stays_bounded_over_ten_thousand_machines() -> None:
    """Ours: a bucket that is full again is forgotten, one that is in use never."""
    buckets = limits()
    most = 0
    for number in range(10_000):
        await buckets.acquire(GET_MACHINE, ids(f"{number:014x}"))
        await anyio.sleep(0.01)
        most = max(most, len(buckets))
    assert most <= 256
    buckets = limits()
    for _ in range(3):
        await buckets.acquire(START_MACHINE, ids())
    for number in range(1000):
        await buckets.acquire(GET_MACHINE, ids(f"{number:014x}"))
    assert (await _acquired(buckets, START_MACHINE, 1, ids()))[0] > 1


def test_no_two_endpoints_are_the_same_call_to_fly() -> None:
    """Fly's docs: the limit is per action; ours are told apart by name, and Fly's by method and path."""
    calls = [(endpoint.method, endpoint.path) for endpoint in ENDPOINTS if not endpoint.graphql]
    assert len(set(calls)) == len(calls)


def test_flys_published_rates_are_these() -> None:
    """Fly's docs, as the reference quotes them (1.6)."""
    assert {rate.name: (rate.value.per_second, rate.value.burst) for rate in Rate} == {
        "STANDARD": (1, 3),
        "GET_MACHINE": (5, 10),
        "APP_DELETE": (100 / 60, 100),
    }
