"""A lease is released whatever happens (the issue, 3). The fixture `fly` also looks after every test."""

from __future__ import annotations

import re
from typing import Any

import anyio
import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import Lease, World
from fly_mcp_tools import endpoints
from fly_mcp_tools.action import AnyAction
from fly_mcp_tools.catalogue import ACTIONS

from .fly import APP, MACHINE, Fly

ONE = {"appName": APP, "machineId": MACHINE}
#: Actions that take a lease as a means; one that is for a lease leaves it to the caller.
LEASING = [
    action
    for action in ACTIONS.values()
    if endpoints.ACQUIRE_LEASE in action.calls and action.purpose != endpoints.ACQUIRE_LEASE
]
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


async def test_it_is_known_by_its_description(fly: Fly) -> None:
    """The issue, 4: by which it is found again, and by which other processes know whom they wait for."""
    seen: list[str] = []
    fly.wire.tap("POST", "/stop$", lambda _: seen.extend(lease.description for lease in fly.leases()))
    await fly.call("flyStopMachine", **ONE)
    assert re.fullmatch("fly-mcp flyStopMachine [0-9a-f]{16}", seen[0])


@pytest.mark.parametrize("arrives", [True, False], ids=["carried-out", "lost"])
@leasing
async def test_a_lease_whose_answer_is_lost_is_found_or_taken_again(
    fly: Fly, action: AnyAction, arrives: bool
) -> None:
    """The issue, 4: it is looked for by its mark, and the work goes on."""
    rule = (fly.wire.lose_answers if arrives else fly.wire.lose_requests)("POST", "/lease$", times=1)

    answer = await fly.call(action.name, **_arguments(action))

    assert (answer["outcome"], rule.struck) == ("done", 1)
    assert fly.leases() == []


async def test_an_adopted_lease_is_refreshed(fly: Fly) -> None:
    """Ours: its answer may have been waited for while it ran."""
    fly.wire.lose_answers("POST", "/lease$", times=1)
    await fly.call("flyStopMachine", **ONE)
    first, second = fly.requests_to("/lease", "POST")
    assert (first.status, second.status) == (201, 201)
    assert len(fly.requests_to("/lease", "GET")) == 1


async def test_a_lease_that_nobody_answers_for_changes_nothing(fly: Fly) -> None:
    """Ours: a few tries, then the truth; nothing was sent."""
    rule = fly.wire.lose_requests("POST", "/lease$")
    began = fly.clock.monotonic()

    error = await fly.refused("flyStopMachine", **ONE)

    assert (error["code"], error["changed"], error["retryable"]) == ("fly_unavailable", "nothing", True)
    assert "30 s" in error["hint"]
    assert rule.struck == 4
    assert fly.clock.monotonic() - began < 20
    assert fly.changes() == []


async def test_a_lost_lease_that_nobody_can_look_for_changes_nothing(fly: Fly) -> None:
    """Ours: not even a look is answered. What may be there ends by itself."""
    fly.wire.lose_answers("POST", "/lease$")
    fly.wire.lose_requests("GET", "/lease$")

    error = await fly.refused("flyStopMachine", **ONE)

    assert (error["code"], error["changed"]) == ("fly_unavailable", "nothing")
    assert fly.changes() == []
    await fly.clock.sleep(31)


async def test_a_call_given_up_while_its_lease_is_not_known_gives_it_back(fly: Fly) -> None:
    """The issue, 7: held leases are released, those that we do not know of too."""
    fly.emulator.faults.add(FaultRule(method="GET", path="/lease$", latency=0.7, times=1))
    fly.wire.lose_answers("POST", "/lease$", times=1)
    with anyio.move_on_after(0.5) as scope:
        await fly.client.call_tool("flyStopMachine", ONE)
    assert scope.cancelled_caught
    await fly.clock.sleep(3)
    assert fly.leases() == []
    assert fly.changes() == []


@pytest.mark.parametrize("arrives", [True, False], ids=["carried-out", "lost"])
async def test_a_release_whose_answer_is_lost_is_repeated(fly: Fly, arrives: bool) -> None:
    """The issue, 4: always released, or short."""
    rule = (fly.wire.lose_answers if arrives else fly.wire.lose_requests)("DELETE", "/lease$", times=2)
    answer = await fly.call("flyStopMachine", **ONE)
    assert (answer["outcome"], rule.struck) == ("done", 2)
    assert fly.leases() == []


async def test_the_same_request_id_goes_on_with_the_lease_it_left(fly: Fly) -> None:
    """The issue, 7: a killed call leaves its lease; whoever goes on does not wait for it."""
    cut = fly.wire.lose_requests("DELETE", "/lease$")
    fly.emulator.faults.add(FaultRule(method="POST", path=f"{MACHINE}$", latency=0.5))
    with anyio.move_on_after(0.2):
        await fly.client.call_tool("flyUpdateMachineConfig", {**ONE, "env": {"A": "b"}, "requestId": "one"})
    await fly.clock.sleep(6)
    (left,) = fly.leases()
    cut.times = 0

    began = fly.clock.monotonic()
    answer = await fly.call("flyUpdateMachineConfig", **ONE, env={"A": "b"}, requestId="one")

    assert answer["outcome"] == "done"
    assert fly.clock.monotonic() - began < 10 < left.expires_at - fly.clock.now()
    assert (fly.machine().config.env or {})["A"] == "b"
    assert len(fly.machine().versions) == 2


async def test_a_lease_that_cannot_be_refreshed_does_not_end_a_wait(fly: Fly) -> None:
    """Ours: what was sent under it is sent."""
    fly.emulator.faults.add(
        FaultRule(method="GET", path="/wait$", status=408, error="deadline_exceeded", latency=15.0, times=2)
    )
    fly.emulator.faults.add(FaultRule(method="POST", path="/lease$", nth=2, status=500))

    answer = await fly.call("flyUpdateMachineConfig", appName=APP, machineId=MACHINE, env={"A": "b"})

    assert answer["outcome"] == "done"
    await fly.clock.sleep(31)


async def test_a_refresh_whose_answer_is_lost_is_repeated(fly: Fly) -> None:
    """Ours: a refresh twice is a refresh."""
    fly.emulator.faults.add(
        FaultRule(method="GET", path="/wait$", status=408, error="deadline_exceeded", latency=15.0, times=4)
    )
    fly.emulator.faults.add(FaultRule(kind="internal_error_after", method="POST", path="/lease$", nth=2))

    answer = await fly.call("flyUpdateMachineConfig", **ONE, env={"A": "b"})

    assert answer["outcome"] == "done"
    assert [one.status for one in fly.requests_to("/lease", "POST")][:3] == [201, 500, 201]


async def test_a_release_that_fails_is_no_failure(fly: Fly) -> None:
    """Ours: the lease ends by itself, and what was asked for is done."""
    fly.emulator.faults.add(FaultRule(method="DELETE", path="/lease$", status=500))

    answer = await fly.call("flyStopMachine", appName=APP, machineId=MACHINE)

    assert answer["outcome"] == "done"
    fly.emulator.faults.clear()
    await fly.clock.sleep(31)
