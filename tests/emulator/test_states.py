"""States and transitions of machines (reference 5, 6.4)."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.world import Image, Settings
from tests.emulator.caller import MACHINES, Caller


def settings(emu: Emulator, **changes: Any) -> None:
    world = emu.dump()
    world.settings = Settings.model_validate(world.settings.model_dump() | changes)
    emu.load(world)


def behave(emu: Emulator, **image: Any) -> None:
    """Let `nginx` behave as told."""
    world = emu.dump()
    world.images["nginx"] = Image(**image)
    emu.load(world)


async def test_start_says_what_the_state_was(fly: Caller) -> None:
    """Reference 4.3, 5.3: and starting a started machine is a 200."""
    machine = await fly.stopped()
    path = f"{MACHINES}/{machine['id']}/start"
    assert await fly.post(path) == {"previous_state": "stopped", "migrated": False, "new_host": ""}
    assert await fly.state(machine) == "starting"
    await fly.wait(machine)
    assert (await fly.post(path))["previous_state"] == "started"


async def test_stop_answers_at_once_and_takes_a_moment(fly: Caller) -> None:
    """Reference 6.4: stopping, stopped; marked as requested, so that no policy revives it."""
    machine = await fly.started({"restart": {"policy": "always"}})
    assert await fly.post(f"{MACHINES}/{machine['id']}/stop", json={}) == {"ok": True}
    assert await fly.state(machine) == "stopping"
    text = await fly.error("POST", f"{MACHINES}/{machine['id']}/start", 412)
    assert text == "failed_precondition: unable to start machine from current state: 'stopping'"
    await fly.wait(machine, "stopped")
    newest = (await fly.machine(machine))["events"][0]
    assert (newest["type"], newest["status"], newest["source"]) == ("exit", "stopped", "flyd")
    assert newest["request"]["exit_event"]["requested_stop"] is True
    await anyio.sleep(60)
    assert await fly.state(machine) == "stopped"


async def test_stopping_twice_is_fine(fly: Caller) -> None:
    """Reference 5.3 [L]."""
    machine = await fly.stopped()
    assert await fly.post(f"{MACHINES}/{machine['id']}/stop") == {"ok": True}


async def test_stopping_a_machine_on_its_way_up_calls_the_launch_off(fly: Caller) -> None:
    """Reference 5.2; what Fly does in `created` is not known [I]."""
    for seconds in (0.1, 0.9):
        machine = await fly.create()
        await anyio.sleep(seconds)
        await fly.post(f"{MACHINES}/{machine['id']}/stop")
        await fly.wait(machine, "stopped")
        await anyio.sleep(30)
        assert await fly.state(machine) == "stopped"
        await fly.post(f"{MACHINES}/{machine['id']}/start")
        await fly.wait(machine)


async def test_a_deaf_process_is_killed_after_the_timeout(emu: Emulator, fly: Caller) -> None:
    """Reference 6.4: SIGINT by default, SIGKILL after 5 s, or after what config or call say."""
    behave(emu, ignores=["SIGINT", "SIGTERM"])
    machine = await fly.started()
    for body, seconds in (
        ({}, 5.0),
        ({"signal": "SIGTERM", "timeout": "12s"}, 12.0),
        ({"timeout": "0s"}, 5.0),
    ):
        before = anyio.current_time()
        await fly.post(f"{MACHINES}/{machine['id']}/stop", json=body)
        await fly.wait(machine, "stopped")
        assert anyio.current_time() - before == pytest.approx(seconds)
        how = (await fly.machine(machine))["events"][0]["request"]["exit_event"]
        assert (how["exit_code"], how["guest_signal"]) == (137, 9)
        await fly.post(f"{MACHINES}/{machine['id']}/start")
        await fly.wait(machine)


async def test_a_bare_number_as_stop_timeout_is_nanoseconds(emu: Emulator, fly: Caller) -> None:
    """Reference 9, trap 7: `timeout: 30` is 30 ns."""
    behave(emu, ignores=["SIGINT"])
    machine = await fly.started()
    before = anyio.current_time()
    await fly.post(f"{MACHINES}/{machine['id']}/stop", json={"timeout": 30})
    await fly.wait(machine, "stopped")
    assert anyio.current_time() - before < 0.001


async def test_the_still_active_window_after_a_stop(emu: Emulator, fly: Caller) -> None:
    """Reference 5.3 [L]: stopped, but the runtime not torn down yet."""
    settings(emu, still_active_seconds=8)
    machine = await fly.stopped()
    path = f"{MACHINES}/{machine['id']}/start"
    text = await fly.error("POST", path, 412)
    assert text == "failed_precondition: machine still active, refusing to start"
    await anyio.sleep(8)
    await fly.post(path)


async def test_suspend_and_resume_keep_the_root_file_system(fly: Caller) -> None:
    """Reference 6.4 [D]: a suspended machine's files stay, a stopped one's are reset."""
    machine = await fly.started()
    await fly.run(machine, "sh", "-c", "echo kept > /tmp/note")
    await fly.post(f"{MACHINES}/{machine['id']}/suspend")
    assert await fly.state(machine) == "suspending"
    await fly.wait(machine, "suspended")
    before = anyio.current_time()
    assert (await fly.post(f"{MACHINES}/{machine['id']}/start"))["previous_state"] == "suspended"
    await fly.wait(machine)
    assert anyio.current_time() - before < 0.5
    assert (await fly.run(machine, "cat", "/tmp/note"))["stdout"] == "kept\n"
    await fly.post(f"{MACHINES}/{machine['id']}/stop")
    await fly.wait(machine, "stopped")
    await fly.post(f"{MACHINES}/{machine['id']}/start")
    await fly.wait(machine)
    assert (await fly.run(machine, "cat", "/tmp/note"))["exit_code"] != 0


async def test_suspending_what_does_not_run_is_a_412(fly: Caller) -> None:
    """Reference 5.3 [I]."""
    machine = await fly.stopped()
    await fly.post(f"{MACHINES}/{machine['id']}/suspend", 412)


async def test_stopping_a_suspended_machine_throws_the_snapshot_away(fly: Caller) -> None:
    """Reference 5.2 [D]."""
    machine = await fly.started()
    await fly.post(f"{MACHINES}/{machine['id']}/suspend")
    await fly.wait(machine, "suspended")
    await fly.post(f"{MACHINES}/{machine['id']}/stop")
    assert await fly.state(machine) == "stopped"


async def test_restart_keeps_the_version(fly: Caller) -> None:
    """Reference 6.4: no new instance_id."""
    machine = await fly.started()
    assert await fly.post(f"{MACHINES}/{machine['id']}/restart?force_stop=false&timeout=5s") == {"ok": True}
    assert await fly.state(machine) == "restarting"
    await fly.wait(machine)
    after = await fly.machine(machine)
    assert after["instance_id"] == machine["instance_id"]
    assert [event["type"] for event in after["events"][:3]] == ["start", "exit", "restart"]


async def test_restarting_a_stopped_machine_starts_it(fly: Caller) -> None:
    """Reference 5.3 [I]."""
    machine = await fly.stopped()
    await fly.post(f"{MACHINES}/{machine['id']}/restart")
    await fly.wait(machine)


async def test_force_stop_skips_the_graceful_signal(emu: Emulator, fly: Caller) -> None:
    """Reference 6.4."""
    behave(emu, ignores=["SIGINT"])
    machine = await fly.started()
    before = anyio.current_time()
    await fly.post(f"{MACHINES}/{machine['id']}/restart?force_stop=true")
    await fly.wait(machine)
    assert anyio.current_time() - before == pytest.approx(1.0)


@pytest.mark.parametrize("path", ["restart?timeout=soon", "restart?signal=SIGWHAT", "restart?timeout=-3s"])
async def test_bad_restart_parameters_are_a_400(fly: Caller, path: str) -> None:
    """Reference 4.3."""
    machine = await fly.started()
    await fly.post(f"{MACHINES}/{machine['id']}/{path}", 400)


async def test_signals_are_delivered_and_the_policy_decides(fly: Caller) -> None:
    """Reference 6.4: `signal` just delivers; a crash restarts by the default policy on-failure."""
    machine = await fly.started()
    path = f"{MACHINES}/{machine['id']}/signal"
    assert await fly.post(path, json={"signal": "SIGUSR1"}) == {"ok": True}
    assert await fly.state(machine) == "started"
    await fly.post(path, json={"signal": 9})
    assert await fly.state(machine) == "starting"
    await fly.wait(machine)
    exits = [event for event in (await fly.machine(machine))["events"] if event["type"] == "exit"]
    assert exits[0]["request"]["exit_event"]["guest_signal"] == 9
    assert exits[0]["request"]["exit_event"]["restarting"] is True
    assert exits[0]["request"]["restart_count"] == 1
    await fly.post(path, 400, json={"signal": "SIGWHAT"})
    await fly.post(path, 400, json={})


async def test_policy_no_leaves_a_killed_machine_stopped(fly: Caller) -> None:
    """Reference 3.3, 5.2."""
    machine = await fly.started({"restart": {"policy": "no"}})
    await fly.post(f"{MACHINES}/{machine['id']}/signal", json={"signal": "SIGKILL"})
    assert await fly.state(machine) == "stopped"
    await fly.post(f"{MACHINES}/{machine['id']}/signal", 412, json={"signal": "SIGKILL"})


async def test_a_crash_loop_ends_after_the_retries(emu: Emulator, fly: Caller) -> None:
    """Reference 2.2 [D]: on-failure retries max_retries times, then stops."""
    behave(emu, crash_after=0.0, exit_code=3)
    machine = await fly.create({"restart": {"policy": "on-failure", "max_retries": 3}})
    await fly.wait(machine, "stopped")
    exits = [event for event in (await fly.machine(machine))["events"] if event["type"] == "exit"]
    assert [event["request"]["exit_event"]["exit_code"] for event in exits] == [3, 3, 3, 3]
    assert exits[0]["request"]["restart_count"] == 3


async def test_a_process_that_ends_well_rests_or_goes(emu: Emulator, fly: Caller) -> None:
    """Reference 5.2: exit 0 under on-failure: stopped; with auto_destroy: destroyed."""
    behave(emu, crash_after=10.0, exit_code=0)
    machine = await fly.started()
    await fly.wait(machine, "stopped")
    job = await fly.started({"auto_destroy": True})
    await fly.wait(job, "destroyed")


async def test_an_out_of_memory_kill_shows_in_the_exit_event(emu: Emulator, fly: Caller) -> None:
    """Reference 5.4: `oom_killed`."""
    behave(emu, crash_after=1.0, out_of_memory=True)
    machine = await fly.started({"restart": {"policy": "no"}})
    await fly.wait(machine, "stopped")
    assert (await fly.machine(machine))["events"][0]["request"]["exit_event"]["oom_killed"] is True


async def test_an_image_that_cannot_run_fails(emu: Emulator, fly: Caller) -> None:
    """Reference 5.2: failed when the image cannot run; a failed machine can be started and deleted."""
    behave(emu, cannot_run=True)
    machine = await fly.create()
    await fly.wait(machine, "failed")
    await fly.post(f"{MACHINES}/{machine['id']}/start")
    await fly.wait(machine, "failed")
    await fly.delete(f"{MACHINES}/{machine['id']}")


async def test_deleting_a_running_machine_needs_force(fly: Caller) -> None:
    """Reference 4.3 [L]: `force` and `kill` are the same."""
    for flag in ("force", "kill"):
        machine = await fly.started()
        text = await fly.error("DELETE", f"{MACHINES}/{machine['id']}", 412)
        assert text == "failed_precondition: unable to destroy machine, not currently stopped"
        assert await fly.delete(f"{MACHINES}/{machine['id']}?{flag}=false", 412)
        assert await fly.delete(f"{MACHINES}/{machine['id']}?{flag}=true") == {"ok": True}
        assert await fly.state(machine) == "destroying"


async def test_a_destroyed_machine_is_readable_for_a_while_then_gone(fly: Caller) -> None:
    """Reference 4.3 [L], trap 22."""
    machine = await fly.stopped()
    await fly.delete(f"{MACHINES}/{machine['id']}")
    await fly.wait(machine, "destroyed")
    assert await fly.state(machine) == "destroyed"
    await fly.post(f"{MACHINES}/{machine['id']}/start", 404)
    await anyio.sleep(10)
    text = await fly.error("GET", f"{MACHINES}/{machine['id']}", 404)
    assert text == "not_found: machine not found"
    assert await fly.get(MACHINES) == []


async def test_cordon_and_uncordon(fly: Caller) -> None:
    """Reference 4.3."""
    machine = await fly.started()
    assert await fly.post(f"{MACHINES}/{machine['id']}/cordon") == {"ok": True}
    assert (await fly.machine(machine))["cordoned"] is True
    assert await fly.post(f"{MACHINES}/{machine['id']}/uncordon") == {"ok": True}
    assert (await fly.machine(machine))["cordoned"] is False


async def test_an_unknown_machine_is_a_404_everywhere(fly: Caller) -> None:
    """Reference 5.3; a machine of another app is unknown too."""
    for machine in ("00000000000000", "7846e45f27e218"):
        for method, rest in (
            ("GET", ""),
            ("POST", "/start"),
            ("DELETE", ""),
            ("GET", "/wait"),
            ("GET", "/lease"),
        ):
            text = await fly.error(method, f"{MACHINES}/{machine}{rest}", 404)
            assert text == "not_found: machine not found"


async def test_events_are_newest_first_and_limited(fly: Caller) -> None:
    """Reference 2.2 [S]: 20 unless told otherwise, at most 50."""
    machine = await fly.started()
    for _ in range(15):
        await fly.post(f"{MACHINES}/{machine['id']}/restart")
        await fly.wait(machine)
    path = f"{MACHINES}/{machine['id']}/events"
    events = await fly.get(path)
    assert len(events) == 20
    assert [event["timestamp"] for event in events] == sorted((e["timestamp"] for e in events), reverse=True)
    assert [event["id"] for event in events] == sorted((e["id"] for e in events), reverse=True)
    assert len(await fly.get(f"{path}?limit=3")) == 3
    assert len(await fly.get(f"{path}?limit=500")) == 47
    await fly.get(f"{path}?limit=0", 400)
    await fly.get(f"{path}?limit=many", 400)


async def test_pace_zero_makes_transitions_instant(emu: Emulator) -> None:
    """Issue 2: the emulator's pace."""
    from tests.emulator.caller import client
    from tests.virtual_time import LoopClock

    instant = Emulator(clock=LoopClock(), limits=False, pace=0)
    async with client(instant) as http:
        fly = Caller(http)
        machine = await fly.create()
        assert await fly.state(machine) == "started"
        await fly.post(f"{MACHINES}/{machine['id']}/stop")
        assert await fly.state(machine) == "stopped"
