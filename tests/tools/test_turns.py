"""The line of calls that want one machine: first come, first served, and nobody is forgotten in it."""

from __future__ import annotations

from itertools import pairwise

import anyio
import pytest

from fly_mcp_tools.turns import TooLong, Turns
from tests.virtual_time import LoopClock

KEY = ("app", "machine")


async def _quiet(seconds: float) -> None:
    """Nobody listens."""


class _Agents:
    """Agents that each hold the turn for a while."""

    def __init__(self, turns: Turns, within: float = 1000.0) -> None:
        self.turns, self.clock, self.within = turns, LoopClock(), within
        self.order: list[int] = []
        self.inside = 0

    async def take(self, number: int, seconds: float = 1.0, key: tuple[str, str] = KEY) -> None:
        async with self.turns.taken(key, self.clock, within=self.within, say=_quiet):
            self.order.append(number)
            self.inside += 1
            assert self.inside == 1 or key != KEY, "two at a time"
            try:
                await self.clock.sleep(seconds)
            finally:
                self.inside -= 1


async def test_first_come_first_served() -> None:
    """Fair: nobody passes those who wait."""
    agents = _Agents(Turns())
    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(agents.take, number)
    assert agents.order == list(range(20))


async def test_other_machines_are_not_waited_for() -> None:
    """The issue, 5: for its own and for nothing else."""
    agents = _Agents(Turns())
    began = agents.clock.monotonic()
    async with anyio.create_task_group() as tasks:
        for number in range(20):
            tasks.start_soon(agents.take, number, 1.0, ("app", str(number)))
    assert agents.clock.monotonic() - began == 1.0


@pytest.mark.parametrize("seconds", [0.0, 0.5, 1.0, 1.5, 2.0])
async def test_who_gives_up_leaves_the_line(seconds: float) -> None:
    """Cancelled in line, at the very moment of its turn, or during it: the next one gets it."""
    agents = _Agents(Turns())

    async def gives_up() -> None:
        with anyio.move_on_after(seconds):
            await agents.take(1)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(agents.take, 0)
        tasks.start_soon(gives_up)
        tasks.start_soon(agents.take, 2)
    assert agents.order[0] == 0
    assert agents.order[-1] == 2
    assert agents.clock.monotonic() < 3.5


async def test_a_turn_that_fails_is_passed_on() -> None:
    """Whatever happens."""
    agents = _Agents(Turns())
    with pytest.raises(ZeroDivisionError):
        async with agents.turns.taken(KEY, agents.clock, within=1, say=_quiet):
            raise ZeroDivisionError
    await agents.take(1)
    assert agents.order == [1]


async def test_a_line_that_does_not_end_is_left_in_time() -> None:
    """No hanging."""
    agents = _Agents(Turns(), within=25.0)
    said: list[float] = []

    async def say(seconds: float) -> None:
        said.append(seconds)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(agents.take, 0, 60.0)
        await agents.clock.sleep(1)
        with pytest.raises(TooLong):
            async with agents.turns.taken(KEY, agents.clock, within=25.0, say=say):
                raise AssertionError("it is not our turn")
        assert agents.clock.monotonic() == pytest.approx(26.0)
    assert said == pytest.approx([10.0, 20.0])
    await agents.take(1)


async def test_it_tells_whether_there_was_anything_to_wait_for() -> None:
    """What was read before may be old then."""
    agents = _Agents(Turns())
    waited: list[bool] = []

    async def look() -> None:
        async with agents.turns.taken(KEY, agents.clock, within=9, say=_quiet) as it:
            waited.append(it)
            await agents.clock.sleep(1)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(look)
        tasks.start_soon(look)
    assert waited == [False, True]


async def test_a_long_run_of_turns_leaves_a_gap_for_other_processes() -> None:
    """Another process only looks every 3 s at most: without a gap it would never find the lease free."""
    agents = _Agents(Turns())
    starts: list[float] = []

    async def one(number: int) -> None:
        async with agents.turns.taken(KEY, agents.clock, within=1000, say=_quiet):
            starts.append(agents.clock.monotonic())
            await agents.clock.sleep(2)

    async with anyio.create_task_group() as tasks:
        for number in range(30):
            tasks.start_soon(one, number)
    gaps = [later - (sooner + 2) for sooner, later in pairwise(starts)]
    assert max(gaps) > 3
    assert sum(gap > 3 for gap in gaps) == 5
    assert sum(gaps) < 0.4 * 60


async def test_lines_are_forgotten() -> None:
    """A long-lived server does not grow; lines in use stay."""
    turns = Turns()
    agents = _Agents(turns)
    async with turns.taken(KEY, agents.clock, within=1, say=_quiet):
        for number in range(2000):
            await agents.take(number, 0.0, ("app", str(number)))
        assert len(turns) <= 256
        with pytest.raises(TooLong):
            async with turns.taken(KEY, agents.clock, within=1, say=_quiet):
                raise AssertionError("it is not our turn")
