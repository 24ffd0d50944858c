"""Two lines to a bucket under load, measured on virtual time (issue 4, section 5, and Shows 5).

The figures stand in the assertions' messages: `pytest -rP` prints those that hold as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import anyio
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fly_mcp_tools.bucket import READS_IN_A_ROW, Bucket
from fly_mcp_tools.clock import Clock, SystemClock
from fly_mcp_tools.endpoint import Endpoint, Limit, Rate
from fly_mcp_tools.endpoints import CREATE_MACHINE, DELETE_APP, GET_MACHINE, LIST_MACHINES, START_MACHINE
from fly_mcp_tools.limits import Limits
from tests.tools.fakes import APP, MACHINE
from tests.virtual_time import LoopClock

IDS = {"app_name": APP, "machine_id": MACHINE}
OTHER = {"app_name": APP, "machine_id": "148e45f27e2189"}
#: Seconds of a turn in a bucket of one a second: a little more than Fly's.
TURN = 1 / 0.97
saturated = pytest.mark.parametrize(
    "endpoint", [CREATE_MACHINE, GET_MACHINE, DELETE_APP], ids=lambda endpoint: str(endpoint.name)
)


class LateClock(LoopClock):
    """A clock whose timers are late, as those of a busy machine are."""

    def __init__(self) -> None:
        super().__init__()
        self._rng = Random(4)

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds + self._rng.uniform(0, 0.05))


@dataclass
class Load:
    """Callers of buckets, and when each of them came and went."""

    clock: Clock = field(default_factory=SystemClock)
    went: list[float] = field(default_factory=list[float])
    waits: list[float] = field(default_factory=list[float])

    def __post_init__(self) -> None:
        self.limits = Limits(self.clock, max_wait=1e6)

    async def one(self, endpoint: Endpoint, ids: dict[str, str], interactive: bool = False) -> None:
        """One call."""
        came = anyio.current_time()
        await self.limits.acquire(endpoint, ids, interactive=interactive)
        self.went.append(anyio.current_time())
        self.waits.append(anyio.current_time() - came)

    async def many(self, times: int, endpoint: Endpoint, interactive: bool = False) -> None:
        """So many calls at once."""
        async with anyio.create_task_group() as group:
            for _ in range(times):
                group.start_soon(self.one, endpoint, IDS, interactive)

    async def trickle(
        self, endpoint: Endpoint, ids: dict[str, str], every: float, times: int, interactive: bool
    ) -> None:
        """Calls at least `every` seconds apart; each is waited for."""
        rng = Random(5)
        for _ in range(times):
            await anyio.sleep(rng.uniform(every, every + 1))
            await self.one(endpoint, ids, interactive)


def beside(load: Load) -> Load:
    """Other callers of the same buckets, counted for themselves."""
    other = Load(load.clock)
    other.limits = load.limits
    return other


def most_above(went: list[float], limit: Limit) -> float:
    """The most by which any window holds more than Fly's burst and rate allow; at most 0 is within."""
    went = sorted(went)
    return max(
        last - first + 1 - (limit.burst + limit.per_second * (went[last] - went[first]))
        for first in range(len(went))
        for last in range(first, len(went))
    )


def share_of_rate(went: list[float], limit: Limit) -> float:
    """How much of Fly's rate was used from the first call to the last, the burst left out of account."""
    return (len(went) - limit.burst) / (max(went) - min(went)) / limit.per_second


@saturated
@pytest.mark.parametrize("clock", [SystemClock, LateClock])
async def test_two_hundred_calls_at_once_run_at_95_to_100_percent_and_never_above(
    endpoint: Endpoint, clock: type[Clock]
) -> None:
    """Issue 4, section 5. Timers that are late cost nothing of the rate."""
    load, reads, limit = Load(clock()), 100, endpoint.rate.value
    async with anyio.create_task_group() as group:
        group.start_soon(load.many, limit.burst + 200 - reads, endpoint)
        group.start_soon(load.many, reads, endpoint, True)
    share, above = share_of_rate(load.went, limit), most_above(load.went, limit)
    figures = (
        f"{endpoint.name}: {share:.1%} of the rate over {max(load.went):.0f} s, {above:+.2f} at most above"
    )
    print(figures)  # noqa: T201 - the figures are wanted
    assert 0.95 <= share <= 1, figures
    assert above <= 1e-6, figures


@saturated
async def test_a_trickle_on_another_bucket_waits_for_nothing_meanwhile(endpoint: Endpoint) -> None:
    """Issue 4, section 5: another machine, another action, another app."""
    load = Load()
    trickles = [beside(load) for _ in range(3)]
    async with anyio.create_task_group() as group:
        group.start_soon(load.many, 200, endpoint)
        for other, (call, ids) in zip(
            trickles,
            [
                (START_MACHINE, OTHER),
                (LIST_MACHINES, {"app_name": APP}),
                (CREATE_MACHINE, {"app_name": "other"}),
            ],
            strict=True,
        ):
            group.start_soon(other.trickle, call, ids, 1.1, 50, False)
    waits = [wait for other in trickles for wait in other.waits]
    figures = f"{len(waits)} calls beside {endpoint.name} waited {max(waits):.3f} s at most"
    print(figures)  # noqa: T201 - the figures are wanted
    assert len(waits) == 150
    assert max(waits) == 0, figures


async def test_reads_in_a_bucket_full_of_bulk_work_wait_a_turn_at_most() -> None:
    """Issue 4, section 5: interactive reads go before bulk work."""
    load = Load()
    reads = beside(load)
    async with anyio.create_task_group() as group:
        group.start_soon(load.many, 200, LIST_MACHINES)
        group.start_soon(reads.trickle, LIST_MACHINES, IDS, 4.0, 30, True)
    figures = (
        f"reads waited {max(reads.waits):.2f} s at most and {sum(reads.waits) / 30:.2f} s on average, "
        f"bulk {max(load.waits):.0f} s at most"
    )
    print(figures)  # noqa: T201 - the figures are wanted
    assert max(reads.waits) <= TURN + 1e-6, figures


async def test_four_reads_at_once_wait_for_one_bulk_call_at_most() -> None:
    """Ours: the fourth in a row lets one pass, nothing more."""
    load = Load()
    reads = beside(load)
    async with anyio.create_task_group() as group:
        group.start_soon(load.many, 60, LIST_MACHINES)
        await anyio.sleep(10)
        await reads.many(READS_IN_A_ROW + 1, LIST_MACHINES, True)
        assert max(reads.waits) <= (READS_IN_A_ROW + 2) * TURN
        group.cancel_scope.cancel()


async def test_bulk_work_keeps_a_quarter_of_a_bucket_that_is_full_of_reads() -> None:
    """Issue 4, section 5: nobody starves."""
    bulk = Load()
    reads = beside(bulk)
    assert READS_IN_A_ROW == 3
    async with anyio.create_task_group() as group:
        group.start_soon(bulk.many, 400, LIST_MACHINES)
        group.start_soon(reads.many, 400, LIST_MACHINES, True)
        await anyio.sleep(200)
        group.cancel_scope.cancel()
    went = bulk.went + reads.went
    share, rate = len(bulk.went) / len(went), share_of_rate(went, LIST_MACHINES.rate.value)
    gaps = [after - before for before, after in zip(bulk.went, bulk.went[1:], strict=False)]
    figures = (
        f"bulk had {share:.1%} of {rate:.1%} of the rate, and waited {max(gaps):.2f} s between two turns"
    )
    print(figures)  # noqa: T201 - the figures are wanted
    assert 1 / (READS_IN_A_ROW + 1) - 0.01 <= share <= 0.3, figures
    assert 0.95 <= rate <= 1, figures
    assert max(gaps) <= (READS_IN_A_ROW + 1) * TURN + 1e-6, figures
    assert most_above(went, LIST_MACHINES.rate.value) <= 1e-6


#: Seconds after the one before, whether it is interactive, and after how many seconds it gives up.
Arrival = tuple[float, bool, float | None]
arrivals = st.lists(
    st.tuples(
        st.sampled_from([0.0] * 20 + [0.1, 0.5, TURN, 1.0, 3.1, 7.0])
        | st.floats(0, 2, allow_subnormal=False),
        st.booleans(),
        st.none() | st.sampled_from([0.0, 0.5, TURN, 2 * TURN]) | st.floats(0, 6, allow_subnormal=False),
    ),
    min_size=1,
    max_size=60,
)


async def _played(
    rate: Rate, plan: list[Arrival], holds: list[int]
) -> tuple[list[float], list[tuple[bool, int]]]:
    """When calls went, and which (line, number in the plan), in order; a 429 is met at the arrivals in `holds`."""
    bucket = Bucket(rate.value, SystemClock())
    went: list[float] = []
    order: list[tuple[bool, int]] = []

    async def one(number: int, interactive: bool, patience: float | None) -> None:
        with anyio.CancelScope(deadline=anyio.current_time() + (1e9 if patience is None else patience)):
            await bucket.take(interactive=interactive)
            went.append(anyio.current_time())
            order.append((interactive, number))

    with anyio.fail_after(1e6):  # a line that is forgotten waits for ever
        async with anyio.create_task_group() as group:
            for number, (gap, interactive, patience) in enumerate(plan):
                await anyio.sleep(gap)
                if number in holds:
                    bucket.hold()
                group.start_soon(one, number, interactive, patience)
    await anyio.sleep(1000)
    assert bucket.is_idle(), "somebody is remembered who left"
    return went, order


@settings(max_examples=200, deadline=None)
@given(rate=st.sampled_from(Rate), plan=arrivals, holds=st.lists(st.integers(0, 59), max_size=3))
@example(rate=Rate.STANDARD, plan=[(0.0, False, TURN)] * 20 + [(0.0, True, None)] * 20, holds=[])
async def test_no_window_of_any_interleaving_holds_more_than_burst_and_rate(
    rate: Rate, plan: list[Arrival], holds: list[int]
) -> None:
    """Issue 4, section 5: never above, whoever comes, reads, gives up, or meets a 429."""
    went, order = await _played(rate, plan, holds)
    assert not went or most_above(went, rate.value) <= 1e-6
    for line in (True, False):
        numbers = [number for interactive, number in order if interactive is line]
        assert numbers == sorted(numbers), "first come, first served"
    stayed = {number for number, (_, _, patience) in enumerate(plan) if patience is None}
    assert stayed <= {number for _, number in order}, "somebody was forgotten"


@settings(max_examples=100, deadline=None)
@given(plan=arrivals, interactive=st.booleans())
@example(plan=[(0.0, False, None)] * 9 + [(0.0, True, None)] * 7, interactive=True)
@example(plan=[(0.0, False, None)] * 9 + [(0.0, True, None)] * 7, interactive=False)
@example(plan=[(0.0, False, None)] * 4 + [(0.0, True, None)] * 40, interactive=True)
@example(plan=[(0.0, False, None)] * 4 + [(0.0, True, None)] * 40, interactive=False)
async def test_the_wait_that_is_expected_is_the_wait_that_comes(
    plan: list[Arrival], interactive: bool
) -> None:
    """Ours: a call is refused because of it, so it counts exactly those who go before, in both lines."""
    bucket = Bucket(Rate.STANDARD.value, SystemClock())
    async with anyio.create_task_group() as group:

        async def one(interactive: bool) -> None:
            await bucket.take(interactive=interactive)

        for gap, line, _ in plan:
            await anyio.sleep(gap)
            group.start_soon(one, line)
        await anyio.sleep(0.01)
        expected, came = bucket.expected_wait(interactive=interactive), anyio.current_time()
        await bucket.take(interactive=interactive)
        assert anyio.current_time() - came == pytest.approx(expected, abs=1e-6)


@settings(max_examples=100, deadline=None)
@given(plan=arrivals)
async def test_with_somebody_waiting_no_turn_is_left_unused(plan: list[Arrival]) -> None:
    """Issue 4, section 5: 95 to 100 percent, also where those who keep the time give up."""
    bucket = Bucket(Rate.STANDARD.value, SystemClock())
    went: list[float] = []

    async def one(interactive: bool, patience: float | None) -> None:
        with anyio.CancelScope(
            deadline=anyio.current_time() + (1e9 if patience is None else patience + 1e-4)
        ):
            await bucket.take(interactive=interactive)
            went.append(anyio.current_time())

    async with anyio.create_task_group() as group:
        for _ in range(103):  # there is always somebody to wait
            group.start_soon(one, False, None)
        for gap, interactive, patience in plan:
            await anyio.sleep(gap)
            group.start_soon(one, interactive, patience)
    assert went[-1] == pytest.approx((len(went) - 3) * TURN, abs=1e-6)
