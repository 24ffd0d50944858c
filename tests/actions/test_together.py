"""Several calls at the same time, and calls that are given up (the issue, 5)."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from fly_mcp_emulator.faults import FaultRule

from .fly import APP, MACHINE, SANDBOX, WEB, Fly

ONE = {"appName": APP, "machineId": MACHINE}
both_eras = pytest.mark.parametrize("mode", ["auto", "legacy"])


async def _together(fly: Fly, *calls: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
    answers: dict[int, dict[str, Any]] = {}

    async def one(number: int, name: str, arguments: dict[str, Any]) -> None:
        answers[number] = await fly.either(name, **arguments)

    async with anyio.create_task_group() as tasks:
        for number, (name, arguments) in enumerate(calls):
            tasks.start_soon(one, number, name, arguments)
    return [answers[number] for number in range(len(calls))]


@both_eras
async def test_two_changes_of_one_machine_do_not_mix(fly: Fly) -> None:
    """The issue, 4: one after the other, and both are there."""
    answers = await _together(
        fly,
        ("flyUpdateMachineConfig", {**ONE, "env": {"A": "1"}}),
        ("flyUpdateMachineConfig", {**ONE, "env": {"B": "2"}}),
    )
    assert [answer["outcome"] for answer in answers] == ["done", "done"]
    env = fly.machine().config.env or {}
    assert (env["A"], env["B"]) == ("1", "2")
    assert len(fly.machine().versions) == 3


@both_eras
async def test_a_delete_waits_for_the_update_before_it(fly: Fly) -> None:
    """Ours: whatever changes a machine stands in its line."""
    updated, deleted = await _together(
        fly,
        ("flyUpdateMachineConfig", {**ONE, "env": {"A": "1"}}),
        ("flyDeleteMachine", {**ONE, "confirm": True}),
    )
    assert (updated["outcome"], deleted["outcome"]) == ("done", "done")
    assert not fly.machine().alive


async def test_many_reads_at_once_stay_below_flys_rate(fly: Fly) -> None:
    """Reference 1.6: waited for on our side. The fixture looks for any 429."""
    answers = await _together(
        fly,
        *([("flyGetMachine", ONE)] * 40),
        *([("flyListMachines", {"appName": APP})] * 12),
        *([("flyListVolumes", {"appName": WEB})] * 6),
    )
    assert not [answer for answer in answers if "error" in answer]


async def test_more_than_can_wait_is_refused_at_once(fly: Fly) -> None:
    """Ours: told now, instead of after a minute in line; nothing was sent for those."""
    answers = await _together(fly, *([("flyListSecrets", {"appName": APP})] * 100))
    refused = [answer["error"] for answer in answers if "error" in answer]
    assert refused
    assert {(error["code"], error["retryable"], error["changed"]) for error in refused} == {
        ("rate_limited", True, "nothing")
    }
    assert len(fly.requests_to("/secrets")) == 100 - len(refused)


async def test_creates_at_once_are_each_their_own(fly: Fly) -> None:
    """Ours: marks are not mixed up."""
    fly.wire.lose_answers("POST", f"{WEB}/machines$", times=2)
    answers = await _together(fly, *([("flyCreateMachine", {"appName": WEB})] * 4))
    assert {answer["outcome"] for answer in answers} == {"done"}
    assert len({answer["id"] for answer in answers}) == 4
    assert len(fly.alive(WEB)) == 5


@both_eras
@pytest.mark.parametrize("seconds", [0.3, 1.0, 1.7])
async def test_a_call_given_up_ends_and_leaves_no_lease(fly: Fly, seconds: float) -> None:
    """The issue, 5: cancellation stops the work, but never cuts between a request sent and its answer."""
    fly.emulator.faults.add(FaultRule(path="/v1/", latency=0.25))
    with anyio.move_on_after(seconds) as scope:
        await fly.client.call_tool("flyUpdateMachineConfig", {**ONE, "env": {"A": "b"}})
    assert scope.cancelled_caught
    await fly.clock.sleep(5)

    lease = fly.machine().lease
    assert lease is None or lease.expires_at < fly.clock.now()
    assert all(record.status for record in fly.writes())
    sent = len(fly.emulator.requests)
    await fly.clock.sleep(30)
    assert len(fly.emulator.requests) == sent, "the work went on"


@both_eras
async def test_a_wait_given_up_ends(fly: Fly) -> None:
    """Ours: five minutes of polling for nobody would eat the rate of others."""
    with anyio.move_on_after(20):
        await fly.client.call_tool("flyWaitForMachine", {**ONE, "state": "stopped", "timeout": 300})
    sent = len(fly.emulator.requests)
    await fly.clock.sleep(100)
    assert len(fly.emulator.requests) == sent


async def test_a_scaling_given_up_starts_nothing_more(fly: Fly) -> None:
    """Ours: what was begun is there, and no more comes."""
    with anyio.move_on_after(4):
        await fly.client.call_tool("flyScaleMachines", {"appName": WEB, "count": 30})
    await fly.clock.sleep(10)
    made = len(fly.alive(WEB))
    assert 1 < made < 15
    await fly.clock.sleep(60)
    assert len(fly.alive(WEB)) == made


@both_eras
async def test_a_server_that_is_draining_refuses_new_work(fly: Fly) -> None:
    """The issue, 5: no new request on the way to the end."""
    await fly.tools.client.drain(1)
    error = await fly.refused("flyCreateMachine", appName=SANDBOX)
    assert (error["changed"], error["retryable"]) == ("nothing", True)
    assert "shutting down" in error["message"]
    assert not fly.wire.sent
