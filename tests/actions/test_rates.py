"""Fly's rates under load, seen from both ends: the agent's waits, and what the emulator was sent and when.

Issue 4, section 5 and Shows 5. The fixture `fly` looks for any 429 as well. `pytest -rP` prints the figures.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import anyio

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.log import RequestRecord

from .fly import APP, MACHINE, SANDBOX, WEB, Fly

ONE = {"appName": APP, "machineId": MACHINE}
#: Seconds of a turn in a bucket of one a second: a little more than Fly's.
TURN = 1 / 0.97


async def _trickle(
    fly: Fly, waits: list[float], every: float, times: int, name: str, arguments: dict[str, Any]
) -> None:
    """Calls so far apart that Fly's rate allows them, and how long each was waited for."""
    for _ in range(times):
        await fly.clock.sleep(every)
        began = fly.clock.monotonic()
        await fly.client.call_tool(name, arguments)
        waits.append(fly.clock.monotonic() - began)


def _share(requests: Iterable[RequestRecord], burst: int = 3) -> float:
    """How much of one request a second was used from the first to the last, the burst left out of account."""
    times = [request.at for request in requests]
    return (len(times) - burst) / (max(times) - min(times))


def _most_above(requests: Iterable[RequestRecord], burst: int = 3) -> float:
    """The most by which any window holds more than `burst` and one a second."""
    times = [request.at for request in requests]
    return max(
        last - first + 1 - (burst + times[last] - times[first])
        for first in range(len(times))
        for last in range(first, len(times))
    )


def _refused(fly: Fly) -> int:
    return sum(record.status == 429 for record in fly.emulator.requests)


async def test_a_scaling_and_many_creates_use_the_rate_and_nobody_else_waits(fly: Fly) -> None:
    """Issue 4, Shows 5: a saturating load on one bucket, a trickle on others, zero 429 received."""
    elsewhere: list[float] = []
    beside: list[float] = []
    done: list[dict[str, Any]] = []

    async def create() -> None:
        done.append(await fly.call("flyCreateMachine", appName=WEB))

    async with anyio.create_task_group() as group:
        group.start_soon(lambda: fly.call("flyScaleMachines", appName=WEB, count=40))
        for _ in range(40):
            group.start_soon(create)
        for name, arguments in (
            ("flyGetMachine", ONE),
            ("flyListVolumes", {"appName": APP}),
            ("flyListMachines", {"appName": SANDBOX}),
        ):
            group.start_soon(_trickle, fly, elsewhere, 1.1, 30, name, arguments)
        group.start_soon(_trickle, fly, beside, 2.3, 15, "flyListMachines", {"appName": WEB})
    creates = fly.requests_to(f"/apps/{WEB}/machines", "POST")
    creates = [record for record in creates if record.path.endswith("/machines")]
    share, above = _share(creates), _most_above(creates)
    figures = (
        f"{len(creates)} creates at {share:.1%} of the rate, {above:+.2f} at most above; "
        f"{len(elsewhere)} calls elsewhere waited {max(elsewhere):.3f} s at most; {len(beside)} lists of the same "
        f"app {max(beside):.2f} s at most; {_refused(fly)} of {len(fly.emulator.requests)} answered with 429"
    )
    print(figures)  # noqa: T201 - the figures are wanted
    assert 0.95 <= share <= 1, figures
    assert above <= 1e-5, figures
    assert max(elsewhere) == 0, figures
    assert max(beside) <= 2 * TURN, figures
    assert _refused(fly) == 0, figures
    assert len(done) == 40
    assert len(fly.alive(WEB)) == len(creates) + 1


async def test_reads_go_before_the_looks_of_bulk_work_and_bulk_work_comes_to_its_end(fly: Fly) -> None:
    """Issue 4, section 5: both lines of one bucket are saturated; nobody starves, and 429 is never met."""
    reads: list[float] = []
    ended: list[float] = []

    async def agent() -> None:
        while len(ended) < 4:
            began = fly.clock.monotonic()
            await fly.client.call_tool("flyListMachines", {"appName": WEB})
            reads.append(fly.clock.monotonic() - began)

    async def bulk(number: int) -> None:
        await fly.call("flyScaleMachines", appName=WEB, count=2 + number)
        ended.append(fly.clock.monotonic())

    async with anyio.create_task_group() as group:
        for _ in range(6):
            group.start_soon(agent)
        for number in range(4):
            group.start_soon(bulk, number)
    figures = (
        f"{len(reads)} reads by six that never pause waited {max(reads):.2f} s at most; four scalings ended "
        f"after {max(ended):.0f} s; {_refused(fly)} of {len(fly.emulator.requests)} answered with 429"
    )
    print(figures)  # noqa: T201 - the figures are wanted
    lists = [one for one in fly.requests_to(f"/apps/{WEB}/machines", "GET") if one.path.endswith("/machines")]
    assert _most_above(lists) <= 1e-5, figures
    assert max(reads) <= 9 * TURN, figures
    assert max(ended) <= 60, figures
    assert _refused(fly) == 0, figures


async def test_with_slow_answers_the_rate_is_the_same(fly: Fly) -> None:
    """Ours: a bucket counts what leaves, and waits for no answer."""
    fly.emulator.faults.add(FaultRule(path="/v1/", latency=0.8))
    async with anyio.create_task_group() as group:
        for _ in range(40):
            group.start_soon(lambda: fly.call("flyListVolumes", appName=APP))
    sent = fly.requests_to(f"/apps/{APP}/volumes", "GET")
    figures = f"{_share(sent):.1%} of the rate, {_most_above(sent):+.2f} at most above"
    print(figures)  # noqa: T201 - the figures are wanted
    assert 0.95 <= _share(sent) <= 1, figures
    assert _most_above(sent) <= 1e-5, figures
