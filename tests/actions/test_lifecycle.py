"""flyStartMachine, flyStopMachine, flySuspendMachine: accepted is not done (the issue, 3; reference 5)."""

from __future__ import annotations

import json

import httpx2
import pytest

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.config import MachineConfig
from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import Exit, Image, World
from fly_mcp_emulator.world.machine import State
from tests.virtual_time import LoopClock

from .fly import APP, MACHINE, Fly
from .worlds import FLEET, IMAGE, fleet, id_of, machine

STATES: tuple[State, ...] = ("started", "stopped", "suspended", "failed", "created")
NUMBER: dict[str, int] = {state: number for number, state in enumerate(STATES, 1)}
#: What each action reaches from each state: outcome and state; None: refused.
TABLE: dict[tuple[str, str], tuple[str, str] | None] = {
    ("flyStartMachine", "started"): ("done", "started"),
    ("flyStartMachine", "stopped"): ("done", "started"),
    ("flyStartMachine", "suspended"): ("done", "started"),
    ("flyStartMachine", "failed"): ("done", "started"),
    ("flyStartMachine", "created"): ("done", "started"),
    ("flyStopMachine", "started"): ("done", "stopped"),
    ("flyStopMachine", "stopped"): ("done", "stopped"),
    ("flyStopMachine", "suspended"): ("done", "stopped"),
    ("flyStopMachine", "failed"): ("done", "failed"),
    ("flySuspendMachine", "started"): ("done", "suspended"),
    ("flySuspendMachine", "stopped"): None,
    ("flySuspendMachine", "suspended"): ("done", "suspended"),
    ("flySuspendMachine", "failed"): None,
    ("flyRestartMachine", "started"): ("done", "started"),
    ("flyRestartMachine", "stopped"): ("done", "started"),
    ("flyRestartMachine", "suspended"): ("done", "started"),
    ("flyRestartMachine", "failed"): ("done", "started"),
}
#: What is so already needs no request.
NOTHING_SENT = {
    ("flyStartMachine", "started"),
    ("flyStopMachine", "stopped"),
    ("flyStopMachine", "failed"),
    ("flySuspendMachine", "suspended"),
}
every_action = pytest.mark.parametrize("name", sorted({name for name, _ in TABLE}))


@pytest.fixture
def world() -> World:
    return fleet(*(machine(number, state=state) for number, state in enumerate(STATES, 1)))


@pytest.mark.parametrize(("name", "state"), TABLE)
async def test_each_action_from_each_state(fly: Fly, name: str, state: str) -> None:
    """Reference 5.2 and 5.3: the result gives the state reached."""
    machine_id, wanted = id_of(NUMBER[state]), TABLE[name, state]

    answer = await fly.either(name, appName=FLEET, machineId=machine_id)

    if wanted is None:
        assert answer["error"]["code"] == "wrong_state"
        assert answer["error"]["changed"] == "nothing"
        assert answer["error"]["details"]["state"] == state
        return
    assert (answer["outcome"], answer["state"]) == wanted
    assert answer["previous_state"] == state
    assert fly.machine(machine_id, FLEET).state == wanted[1]
    assert (fly.writes() == []) is ((name, state) in NOTHING_SENT)


@every_action
async def test_a_destroyed_machine_is_not_found(fly: Fly, name: str) -> None:
    """Reference 4.3: it is still shown for a short while."""
    arguments = {"appName": FLEET, "machineId": id_of(1)}
    await fly.call("flyDeleteMachine", **arguments, confirm=True)
    fly.emulator.requests.clear()

    error = await fly.refused(name, arguments)

    assert (error["code"], error["changed"]) == ("not_found", "nothing")
    assert fly.writes() == []


@every_action
async def test_a_machine_of_another_app_is_not_found(fly: Fly, name: str) -> None:
    """The issue, Bad input."""
    error = await fly.refused(name, appName=FLEET, machineId=MACHINE)

    assert (error["code"], error["status"]) == ("not_found", 404)
    assert f"no machine {MACHINE} in {FLEET}" in error["message"]
    assert "List the app's machines" in error["hint"]
    assert fly.changes() == []
    assert fly.machine().state == "started"


async def test_a_start_right_after_a_stop_is_waited_out(fly: Fly) -> None:
    """Reference 5.3: "machine still active, refusing to start", up to 8 s after a stop."""
    fly.edit(lambda world: setattr(world.settings, "still_active_seconds", 8.0))
    await fly.call("flyStopMachine", appName=APP, machineId=MACHINE)

    began = fly.clock.monotonic()
    answer = await fly.call("flyStartMachine", appName=APP, machineId=MACHINE)

    assert answer["outcome"] == "done"
    assert 7 < fly.clock.monotonic() - began < 15
    assert [one.status for one in fly.requests_to("/start")].count(412) >= 5


async def test_a_wait_that_still_sees_the_state_before_is_not_believed_at_once(fly: Fly) -> None:
    """Reference 6.1: 408 early says that the machine ended elsewhere; right after the call, that is the past."""
    fly.emulator.faults.add(FaultRule(method="GET", path="/wait$", status=408, times=2))
    answer = await fly.call("flyStartMachine", appName=FLEET, machineId=id_of(2))
    assert (answer["outcome"], answer["state"]) == ("done", "started")


class TestSlow:
    """A machine that takes minutes."""

    @pytest.fixture
    def emulator(self, world: World, clock: LoopClock) -> Emulator:
        return Emulator(world, clock=clock, pace=100)

    async def test_an_end_of_long_ago_is_not_told_as_news(self, fly: Fly) -> None:
        """Ours: only what happened since it was told to run."""

        def crashed(world: World) -> None:
            events = world.apps[FLEET].machines[id_of(2)].events
            events.insert(
                0, events[0].model_copy(update={"id": "old", "type": "exit", "exit": Exit(exit_code=5)})
            )

        fly.edit(crashed)
        answer = await fly.call("flyStartMachine", appName=FLEET, machineId=id_of(2))
        assert (answer["outcome"], answer["state"]) == ("pending", "starting")
        assert "exited" not in answer["note"]

    async def test_the_end_of_the_replaced_version_is_not_told_as_the_new_ones(self, fly: Fly) -> None:
        """Reference 5.4: the exit caused by the replacement shows requested_stop: false."""
        answer = await fly.call("flyUpdateMachineConfig", appName=FLEET, machineId=id_of(1), env={"A": "b"})
        assert (answer["outcome"], answer["state"]) == ("pending", "starting")
        assert "exited" not in answer["note"]
        await fly.clock.sleep(200)


async def test_a_refusal_that_does_not_pass_is_told_in_time(fly: Fly) -> None:
    """Ours: waited for twenty seconds, not for ever."""
    text = "failed_precondition: machine getting replaced, refusing to start"
    fly.emulator.faults.add(FaultRule(method="POST", path="/start$", status=412, error=text))
    began = fly.clock.monotonic()

    error = await fly.refused("flyStartMachine", appName=FLEET, machineId=id_of(2))

    assert (error["code"], error["retryable"], error["changed"]) == ("wrong_state", True, "nothing")
    assert 15 < fly.clock.monotonic() - began < 30


async def test_a_refusal_for_good_is_told_at_once(fly: Fly) -> None:
    """Ours: only what passes by itself is waited out."""
    began = fly.clock.monotonic()
    await fly.refused("flySuspendMachine", appName=FLEET, machineId=id_of(2))
    assert fly.clock.monotonic() - began < 2


async def test_a_machine_that_dies_at_its_start_is_an_error(fly: Fly) -> None:
    """The issue, 3: accepted is not done."""
    fly.edit(lambda world: world.images.update({IMAGE: Image(cannot_run=True)}))
    error = await fly.refused("flyStartMachine", appName=FLEET, machineId=id_of(2))
    assert (error["code"], error["changed"]) == ("wrong_state", "something")
    assert "exited with code 127" in error["message"]


async def test_a_machine_that_failed_and_fails_again_is_an_error(fly: Fly) -> None:
    """Ours: failed before and failed now are two different failures."""
    fly.edit(lambda world: world.images.update({IMAGE: Image(cannot_run=True)}))
    error = await fly.refused("flyStartMachine", appName=FLEET, machineId=id_of(4))
    assert (error["code"], error["changed"]) == ("wrong_state", "something")


@pytest.mark.parametrize("name", ["flyStartMachine", "flyRestartMachine"])
async def test_a_job_that_runs_to_its_end_is_done(fly: Fly, name: str) -> None:
    """Ours: it is stopped before and after, and has run."""
    fly.edit(lambda world: world.images.update({IMAGE: Image(crash_after=0, exit_code=0)}))
    answer = await fly.call(name, appName=FLEET, machineId=id_of(2))
    assert (answer["outcome"], answer["state"]) == ("done", "stopped")
    assert "exit code 0" in answer["note"]


@pytest.mark.parametrize("name", ["flyStartMachine", "flyRestartMachine"])
async def test_a_crash_loop_is_not_called_done(fly: Fly, name: str) -> None:
    """Ours."""
    fly.edit(lambda world: world.images.update({IMAGE: Image(crash_after=0, exit_code=9)}))
    text = json.dumps(await fly.either(name, appName=FLEET, machineId=id_of(2)))
    assert "exited with code 9" in text
    assert '"outcome": "done"' not in text


async def test_a_slow_stop_is_pending_and_says_how_to_look(fly: Fly) -> None:
    """Reference 6.4: a kill timeout may be five minutes."""

    def slow(world: World) -> None:
        world.images[IMAGE] = Image(ignores=["SIGINT"])
        config = world.apps[FLEET].machines[id_of(1)].config
        given = config.as_fly_answers() | {"stop_config": {"timeout": "4m"}}
        world.apps[FLEET].machines[id_of(1)].config = MachineConfig.model_validate(given)

    fly.edit(slow)
    answer = await fly.call("flyStopMachine", appName=FLEET, machineId=id_of(1))
    assert (answer["outcome"], answer["state"]) == ("pending", "stopping")
    assert "flyWaitForMachine" in answer["note"]
    assert len(fly.progress) >= 2

    waited = await fly.call(
        "flyWaitForMachine", appName=FLEET, machineId=id_of(1), state="stopped", timeout=300
    )
    assert waited["reached"] is True


async def test_a_machine_woken_again_is_not_called_stopped(fly: Fly) -> None:
    """Ours: autostart, or somebody else, was faster than our look."""
    fly.emulator.faults.add(FaultRule(method="POST", path="/stop$", status=200, body='{"ok":true}'))
    answer = await fly.call("flyStopMachine", appName=FLEET, machineId=id_of(1))
    assert (answer["outcome"], answer["state"]) == ("unclear", "started")
    assert "Repeating the call is safe" in answer["note"]


async def test_a_suspend_that_falls_back_to_a_stop_says_so(fly: Fly) -> None:
    """Reference 5.2: falls to stopped when impossible."""

    def stopped_instead(_: object) -> None:
        def change(world: World) -> None:
            world.apps[FLEET].machines[id_of(1)].state = "stopped"
            world.tasks.clear()

        fly.edit(change)

    fly.wire.tap("GET", "/wait$", stopped_instead)
    answer = await fly.call("flySuspendMachine", appName=FLEET, machineId=id_of(1))
    assert (answer["outcome"], answer["state"]) == ("done", "stopped")
    assert "not suspended" in answer["note"]


@every_action
async def test_a_look_that_fails_does_not_undo_what_was_accepted(fly: Fly, name: str) -> None:
    """Ours: the write is done; only what came of it is not known."""
    number = 2 if name == "flyStartMachine" else 1
    fly.emulator.faults.add(FaultRule(method="GET", path="/wait$", status=500))
    # What ends a process is preceded by a second look, under the lease.
    for nth in range(2 if name == "flyStartMachine" else 3, 200):
        fly.emulator.faults.add(
            FaultRule(method="GET", path=f"/machines/{id_of(number)}$", nth=nth, status=500)
        )
    answer = await fly.call(name, appName=FLEET, machineId=id_of(number))
    assert answer["outcome"] == "pending"
    assert "looking at what came of it failed" in answer["note"]
    assert len(fly.changes()) == 1


async def test_lost_and_not_to_be_seen_it_is_unclear(fly: Fly) -> None:
    """Ours: "Fly accepted it" would be made up."""
    fly.wire.lose_requests("POST", "/stop$")
    fly.emulator.faults.add(FaultRule(method="GET", path="/wait$", status=403, error="no"))
    answer = await fly.call("flyStopMachine", appName=APP, machineId=MACHINE)
    assert answer["outcome"] == "unclear"
    assert "Fly's answer was lost" in answer["note"]


async def test_a_machine_that_starts_slowly_by_itself_is_pending(fly: Fly) -> None:
    """Ours: starting before and starting now is not "not carried out"."""
    body = {"id": MACHINE, "state": "starting"}
    fly.emulator.faults.add(FaultRule(method="GET", path="/wait$", status=408, latency=15.0))
    fly.wire.replace_answers("GET", f"/machines/{MACHINE}$", lambda _: httpx2.Response(200, json=body))
    answer = await fly.call("flyStartMachine", appName=APP, machineId=MACHINE)
    assert (answer["outcome"], answer["state"]) == ("pending", "starting")


async def test_memory_survives_a_suspend_and_not_a_stop(fly: Fly) -> None:
    """Reference 6.4: a stopped machine's root file system is reset on start; a suspended one's is not."""
    one = {"appName": APP, "machineId": MACHINE}
    write = {"command": ["sh", "-c", "echo hi > /tmp/mark"]}
    read = {"command": ["cat", "/tmp/mark"]}
    await fly.call("flyExecCommand", **one, **write)
    await fly.call("flySuspendMachine", **one)
    await fly.call("flyStartMachine", **one)
    assert (await fly.call("flyExecCommand", **one, **read))["stdout"] == "hi\n"
    await fly.call("flyStopMachine", **one)
    await fly.call("flyStartMachine", **one)
    assert (await fly.call("flyExecCommand", **one, **read))["exit_code"] == 1


async def test_a_restart_boots_the_same_version_again(fly: Fly) -> None:
    """Reference 6.4: stop and start, no new instance id; proven by an event, not by the state alone."""
    before = fly.machine()
    answer = await fly.call("flyRestartMachine", appName=APP, machineId=MACHINE)
    after = fly.machine()
    assert (answer["outcome"], answer["how"], answer["applied_secrets"]) == ("done", "restart", [])
    assert after.instance_id == before.instance_id
    assert after.booted == before.booted + 1


async def test_a_restart_that_nothing_proves_is_unclear(fly: Fly) -> None:
    """Ours: Fly said yes, and the machine runs as it did before."""
    fly.emulator.faults.add(FaultRule(method="POST", path="/restart$", status=200, body='{"ok":true}'))
    answer = await fly.call("flyRestartMachine", appName=APP, machineId=MACHINE)
    assert (answer["outcome"], answer["state"]) == ("unclear", "started")
    assert "no event says" in answer["note"]
