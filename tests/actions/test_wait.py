"""flyWaitForMachine: as long as asked, with progress; a time-out is an answer (the issue, 3; reference 6.1)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import anyio
import httpx2
import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import Image

from .fly import APP, MACHINE, Fly

ONE = {"appName": APP, "machineId": MACHINE}


async def test_what_is_so_already_is_answered_at_once(fly: Fly) -> None:
    """Reference 6.1: already in the state, returns at once."""
    answer = await fly.call("flyWaitForMachine", **ONE, state="started")
    assert answer == {"id": MACHINE, "reached": True, "state": "started", "waited_seconds": 0.0}


async def test_a_state_that_comes_is_waited_for(fly: Fly) -> None:
    """The seeds: useful after start and stop."""
    fly.edit(lambda world: world.images.update({fly.machine().config.image: Image(stop_seconds=4)}))
    async with _stopping(fly):
        answer = await fly.call("flyWaitForMachine", **ONE, state="stopped")
    assert (answer["reached"], answer["state"]) == (True, "stopped")
    assert 3 < answer["waited_seconds"] < 6


@pytest.mark.parametrize(("timeout", "least"), [(1, 1), (60, 60), (61, 61), (150, 150), (300, 300)])
async def test_a_time_out_is_an_answer(fly: Fly, timeout: int, least: int) -> None:
    """The issue, 3: `reached: false` and the state; Fly allows 1 to 60 a call, longer waits are loops."""
    began = fly.clock.monotonic()
    answer = await fly.call("flyWaitForMachine", **ONE, state="suspended", timeout=timeout)
    spent = fly.clock.monotonic() - began

    assert (answer["reached"], answer["state"]) == (False, "started")
    assert least - 0.5 <= answer["waited_seconds"] <= spent + 0.1
    assert least - 0.5 <= spent <= least + 3
    assert "Call again to wait on" in answer["note"]
    asked = [one for one in fly.emulator.requests if one.path.endswith("/wait")]
    assert all(1 <= int(one.query.rpartition("timeout=")[2]) <= 60 for one in asked)
    assert len(asked) <= timeout / 15 + 1


async def test_a_long_wait_is_heard_of(fly: Fly) -> None:
    """The issue, 3: progress notifications, growing, never past the total."""
    await fly.call("flyWaitForMachine", **ONE, state="stopped", timeout=120)
    done = [at for at, _, _ in fly.progress]
    assert len(done) >= 7
    assert done == sorted(done)
    assert {total for _, total, _ in fly.progress} == {120.0}
    assert max(done) <= 120
    assert {words for _, _, words in fly.progress} == {"waiting for stopped"}


async def test_the_default_is_a_minute(fly: Fly) -> None:
    """The issue, 3: default 60."""
    began = fly.clock.monotonic()
    await fly.call("flyWaitForMachine", **ONE, state="stopped")
    assert 59 <= fly.clock.monotonic() - began <= 63


@pytest.mark.parametrize("timeout", [0, -5, 301, 10**6, "60", 1.5, True, None])
async def test_other_time_outs_are_refused(fly: Fly, timeout: object) -> None:
    """The issue, 3: 1 to 300 seconds."""
    error = await fly.refused("flyWaitForMachine", **ONE, state="stopped", timeout=timeout)
    assert [problem["path"] for problem in error["problems"]] == ["timeout"]
    assert not fly.wire.sent


@pytest.mark.parametrize("state", ["running", "STOPPED", "", "settled", None, ["stopped"]])
async def test_other_states_are_refused_and_the_right_ones_named(fly: Fly, state: object) -> None:
    """The seeds' three states, and destroyed."""
    error = await fly.refused("flyWaitForMachine", **ONE, state=state)
    (problem,) = error["problems"]
    assert problem["path"] == "state"
    assert "started, stopped, suspended, destroyed" in problem["message"]


async def test_destroyed_is_a_state_to_wait_for(fly: Fly) -> None:
    """The issue, 3; reference 6.1: 404 is success then."""
    async with _destroying(fly):
        answer = await fly.call("flyWaitForMachine", **ONE, state="destroyed", timeout=20)
    assert (answer["reached"], answer["state"]) == (True, "destroyed")


async def test_a_machine_that_never_was_is_not_destroyed_but_unknown(fly: Fly) -> None:
    """Ours: a typing error must not look like success."""
    error = await fly.refused("flyWaitForMachine", appName=APP, machineId="0123456789abcd", state="destroyed")
    assert error["code"] == "not_found"


async def test_waiting_for_a_state_of_a_destroyed_machine_ends(fly: Fly) -> None:
    """Ours: it will not come back, and nobody should wait five minutes to learn it."""
    await fly.call("flyDeleteMachine", **ONE, confirm=True)
    began = fly.clock.monotonic()
    answer = await fly.call("flyWaitForMachine", **ONE, state="started", timeout=300)
    assert (answer["reached"], answer["state"]) == (False, "destroyed")
    assert "will not" in answer["note"]
    assert fly.clock.monotonic() - began < 2


async def test_a_machine_destroyed_meanwhile_ends_the_wait(fly: Fly) -> None:
    """Ours."""
    began = fly.clock.monotonic()
    async with _destroying(fly):
        error = await fly.refused("flyWaitForMachine", **ONE, state="suspended", timeout=300)
    assert error["code"] == "not_found"
    assert fly.clock.monotonic() - began < 60


async def test_an_end_elsewhere_does_not_end_the_wait(fly: Fly) -> None:
    """Reference 6.1: Fly answers 408 early then; somebody may start it yet."""
    async with _stopping(fly):
        answer = await fly.call("flyWaitForMachine", **ONE, state="suspended", timeout=40)
    assert (answer["reached"], answer["state"]) == (False, "stopped")
    assert 38 <= answer["waited_seconds"] <= 44


async def test_fly_unwell_for_a_moment_does_not_end_the_wait(fly: Fly) -> None:
    """Reference 6.1: flyctl retries any other error."""
    fly.emulator.faults.add(FaultRule(method="GET", path="/wait$", status=502, times=6))
    async with _stopping(fly, after=20):
        answer = await fly.call("flyWaitForMachine", **ONE, state="stopped", timeout=60)
    assert answer["reached"] is True


async def test_fly_unwell_for_good_is_an_error(fly: Fly) -> None:
    """Ours: a state that could not be read is not "not reached"."""
    fly.emulator.faults.add(FaultRule(method="GET", path="/wait$", status=502))
    fly.emulator.faults.add(FaultRule(method="GET", path=f"/machines/{MACHINE}$", status=502, nth=2))
    for nth in range(3, 40):
        fly.emulator.faults.add(FaultRule(method="GET", path=f"/machines/{MACHINE}$", status=502, nth=nth))
    error = await fly.refused("flyWaitForMachine", **ONE, state="stopped", timeout=5)
    assert (error["code"], error["changed"]) == ("fly_unavailable", "nothing")


@asynccontextmanager
async def _meanwhile(fly: Fly, method: str, path: str, after: float) -> AsyncGenerator[None]:
    """Somebody else sends a request `after` seconds from now."""

    async def somebody() -> None:
        await fly.clock.sleep(after)
        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=fly.emulator.app)) as raw:
            await raw.request(
                method,
                f"http://fly.test/v1/apps/{APP}/machines/{MACHINE}{path}",
                headers={"authorization": "Bearer somebody"},
            )

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(somebody)
        yield


def _stopping(fly: Fly, after: float = 0.5) -> AbstractAsyncContextManager[None]:
    return _meanwhile(fly, "POST", "/stop", after)


def _destroying(fly: Fly, after: float = 3) -> AbstractAsyncContextManager[None]:
    return _meanwhile(fly, "DELETE", "?force=true", after)
