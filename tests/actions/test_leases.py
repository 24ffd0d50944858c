"""A lease is released whatever happens (the issue, 3). The fixture `fly` also looks after every test."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import Lease, World
from fly_mcp_tools import endpoints
from fly_mcp_tools.action import AnyAction
from fly_mcp_tools.catalogue import ACTIONS

from .fly import APP, MACHINE, Fly

LEASING = [action for action in ACTIONS.values() if endpoints.ACQUIRE_LEASE in action.calls]
#: What each of them writes besides leases, as regular expressions of method and path.
_WRITES = [
    (one.method, one.path.removeprefix("/v1/apps/{app_name}").replace("{machine_id}", "[0-9a-f]+") + "$")
    for one in endpoints.ENDPOINTS
    if one.writes and not one.passing and "{machine_id}" in one.path
]
leasing = pytest.mark.parametrize("action", LEASING, ids=lambda action: str(action.name))


def _arguments(action: AnyAction) -> dict[str, Any]:
    """A call that takes a lease."""
    special: dict[str, dict[str, Any]] = {
        "flyStartMachine": {"appName": "lab-batch", "machineId": "3d8d9a2b64e189"},
        "flyScaleMachines": {"appName": "catvet-web", "count": 0, "confirm": True},
        "flyScaleWithVolumes": {"appName": APP, "count": 0, "confirm": True},
    }
    return special.get(action.name, dict(action.examples[0].arguments))


@leasing
async def test_the_lease_is_taken_before_the_write_and_given_back_after(fly: Fly, action: AnyAction) -> None:
    """Reference 7.2: every machine command of flyctl takes one, and all mutations carry the nonce."""
    await fly.call(action.name, **_arguments(action))

    writes = [(one.method, one.path.rpartition("/")[2] == "lease") for one in fly.writes()]
    leases = [one.method for one in fly.requests_to("/lease")]
    assert leases.count("POST") >= 1
    assert leases.count("DELETE") == leases.count("POST")
    first_lease = next(number for number, (_, lease) in enumerate(writes) if lease)
    on_machines = [
        number
        for number, one in enumerate(fly.writes())
        if "/machines/" in one.path and not one.path.endswith("/lease")
    ]
    assert first_lease < min(on_machines)


@leasing
async def test_the_lease_is_given_back_when_the_write_is_refused(
    fly: Fly, action: AnyAction, subtests: pytest.Subtests
) -> None:
    """The issue, 3: whatever happens."""
    for status in (400, 403, 404, 408, 409, 412, 422, 500, 503):
        fly.begin_again()
        for method, path in _WRITES:
            fly.emulator.faults.add(FaultRule(method=method, path=path, status=status, error="no"))
        with subtests.test(status=status):
            await fly.either(action.name, **_arguments(action))
            assert fly.requests_to("/lease")
            assert fly.leases() == []


@leasing
async def test_the_lease_is_given_back_when_the_answer_is_lost(
    fly: Fly, action: AnyAction, subtests: pytest.Subtests
) -> None:
    """The issue, 3: carried out or not."""
    for lose in (fly.wire.lose_answers, fly.wire.lose_requests):
        fly.begin_again()
        for method, path in _WRITES:
            lose(method, path)
        with subtests.test(lose=lose.__name__):
            await fly.either(action.name, **_arguments(action))
            assert fly.requests_to("/lease")
            assert fly.leases() == []


@leasing
async def test_the_lease_is_given_back_when_the_caller_goes_away(fly: Fly, action: AnyAction) -> None:
    """The issue, 5: cancellation stops the work, and never cuts between a request sent and its answer."""
    for seconds in (0.0, 0.01, 0.3, 0.7, 1.1, 2.0):
        fly.begin_again()
        fly.emulator.faults.add(FaultRule(path="/v1/", latency=0.2))
        with anyio.move_on_after(seconds):
            await fly.client.call_tool(action.name, _arguments(action))
        await fly.clock.sleep(10)
        assert fly.leases() == [], seconds
        assert all(record.status for record in fly.writes()), "a write was cut off from its answer"


@leasing
async def test_a_lease_of_somebody_else_is_answered_quickly_and_nothing_is_written(
    fly: Fly, action: AnyAction
) -> None:
    """Reference 9.25: stop and delete would hang until it expires; so the lease is asked for first."""
    until = fly.clock.now() + 600

    def lease(world: World) -> None:
        for app in world.apps.values():
            for machine in app.machines.values():
                machine.lease = Lease(nonce="a", owner="ada@x.io", expires_at=until)

    fly.edit(lease)
    began = fly.clock.monotonic()
    arguments = {key: value for key, value in _arguments(action).items() if key != "secrets"}
    if "secrets" in _arguments(action):
        arguments["secrets"] = {"A": "b"}
    error = await fly.refused(action.name, arguments)

    assert error["code"] == "lease_held"
    assert fly.clock.monotonic() - began < 5
    on_machines = [one for one in fly.changes() if "/machines/" in one]
    assert on_machines == []


async def test_a_lost_lease_changes_nothing_and_says_when_to_come_back(fly: Fly) -> None:
    """Ours: it may be held by us, unknown to us, until it ends by itself."""
    rule = fly.wire.lose_answers("POST", "/lease$")

    error = await fly.refused("flyStopMachine", appName=APP, machineId=MACHINE)

    assert (error["code"], error["changed"], error["retryable"]) == ("fly_unavailable", "nothing", True)
    assert "30 s" in error["hint"]
    assert rule.struck == 1
    assert fly.changes() == []
    await fly.clock.sleep(31)


async def test_a_lease_that_cannot_be_refreshed_does_not_end_a_wait(fly: Fly) -> None:
    """Ours: what was sent under it is sent."""
    fly.emulator.faults.add(
        FaultRule(method="GET", path="/wait$", status=408, error="deadline_exceeded", latency=15.0, times=2)
    )
    fly.emulator.faults.add(FaultRule(method="POST", path="/lease$", nth=2, status=500))

    answer = await fly.call("flyUpdateMachineConfig", appName=APP, machineId=MACHINE, env={"A": "b"})

    assert answer["outcome"] == "done"
    await fly.clock.sleep(31)


async def test_a_release_that_fails_is_no_failure(fly: Fly) -> None:
    """Ours: the lease ends by itself, and what was asked for is done."""
    fly.emulator.faults.add(FaultRule(method="DELETE", path="/lease$", status=500))

    answer = await fly.call("flyStopMachine", appName=APP, machineId=MACHINE)

    assert answer["outcome"] == "done"
    fly.emulator.faults.clear()
    await fly.clock.sleep(31)
