"""flyUpdateMachineConfig: read under a lease, merged into the whole config, posted, settled (reference 6.3)."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import Image, Lease, World

from .fly import APP, MACHINE, VOLUME, Fly
from .worlds import FLEET, IMAGE, fleet, id_of, machine, mount, web

ONE = {"appName": APP, "machineId": MACHINE}
FIRST = {"appName": FLEET, "machineId": id_of(1)}


async def _post(fly: Fly, **arguments: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The body that was posted, and the answer."""
    bodies: list[dict[str, Any]] = []
    path = f"/machines/{arguments['machineId']}$"
    fly.wire.tap("POST", path, lambda request: bodies.append(json.loads(request.content)))
    answer = await fly.call("flyUpdateMachineConfig", **arguments)
    return bodies[0], answer


class TestMerge:
    """Fly replaces the config whole: what is not sent back is gone (reference 9.18)."""

    async def test_the_rest_of_the_config_is_sent_back(self, fly: Fly) -> None:
        """Reference 6.3: services, mounts, metadata, guest, restart."""
        before = fly.machine()
        body, answer = await _post(fly, **ONE, env={"LOG_LEVEL": "debug"})
        after = fly.machine()

        assert answer["outcome"] == "done"
        assert after.config.env == {**(before.config.env or {}), "LOG_LEVEL": "debug"}
        assert after.config.model_copy(update={"env": before.config.env}) == before.config
        assert after.volume_id == VOLUME
        assert body["current_version"] == before.instance_id
        assert (body["name"], body["region"], body["skip_launch"]) == (before.name, before.region, False)

    async def test_keys_that_we_have_never_heard_of_are_sent_back(self, fly: Fly) -> None:
        """Reference 3: Fly adds fields at will."""

        def novel(_: httpx2.Request) -> httpx2.Response:
            config = {"image": "x", "brand_new": {"a": [1]}, "guest": {"cpu_kind": "shared", "cpus": 1}}
            body = {
                "id": MACHINE,
                "state": "started",
                "instance_id": fly.machine().instance_id,
                "config": config,
            }
            return httpx2.Response(200, json=body)

        fly.wire.replace_answers("GET", f"/machines/{MACHINE}$", novel, times=2)
        body, _ = await _post(fly, **ONE, env={"A": "b"})
        assert body["config"]["brand_new"] == {"a": [1]}

    async def test_null_removes_a_variable_and_the_answer_says_what_became_of_each(self, fly: Fly) -> None:
        """The issue, 3: before and after; values are left out, since an env may hold secrets."""
        answer = await fly.call(
            "flyUpdateMachineConfig",
            **ONE,
            env={"PORT": None, "NODE_ENV": "production", "NEW": "1", "GONE": None},
        )
        assert answer["changed"]["env"] == {
            "PORT": "removed",
            "NODE_ENV": "changed",
            "NEW": "added",
            "GONE": "was not set",
        }
        assert fly.machine().config.env == {"NODE_ENV": "production", "NEW": "1"}
        env = await fly.env()
        assert env["NODE_ENV"] == "production"
        assert "PORT" not in env

    async def test_the_guest_is_told_before_and_after(self, fly: Fly) -> None:
        """The issue, 3."""
        answer = await fly.call("flyUpdateMachineConfig", **ONE, cpus=2)
        assert answer["changed"]["guest"] == {
            "before": {"cpu_kind": "shared", "cpus": 1, "memory_mb": 1024},
            "after": {"cpu_kind": "shared", "cpus": 2, "memory_mb": 1024},
        }

    async def test_all_at_once(self, fly: Fly) -> None:
        """The seeds: env, cpus, memoryMb and autoStop in one call make one version."""
        answer = await fly.call(
            "flyUpdateMachineConfig", **ONE, env={"A": "b"}, cpus=2, memoryMb=2048, autoStop="suspend"
        )
        config = fly.machine().config
        assert config.guest is not None
        assert (config.guest.cpus, config.guest.memory_mb) == (2, 2048)
        assert answer["changed"]["autoStop"] == {"before": "stop", "after": "suspend"}
        assert len(fly.machine().versions) == 2
        assert answer["instance_id"] == fly.machine().instance_id

    async def test_what_is_so_already_sends_nothing(self, fly: Fly) -> None:
        """Ours: an update restarts the machine, for nothing here."""
        answer = await fly.call(
            "flyUpdateMachineConfig", **ONE, env={"PORT": "8080", "X": None}, memoryMb=1024, autoStop="stop"
        )
        assert (answer["outcome"], answer["changed"]["env"]) == (
            "done",
            {"PORT": "unchanged", "X": "was not set"},
        )
        assert fly.writes() == []

    @pytest.mark.parametrize("arguments", [{}, {"env": {}}], ids=["none", "empty-env"])
    async def test_nothing_to_change_changes_nothing(self, fly: Fly, arguments: dict[str, Any]) -> None:
        """Ours."""
        answer = await fly.either("flyUpdateMachineConfig", **ONE, **arguments)
        assert ("error" in answer) is (not arguments)
        assert fly.writes() == []


class TestAutoStop:
    """autoStop is a property of a service (reference 3.3)."""

    @pytest.fixture
    def world(self) -> World:
        service = web("stop")["services"][0]
        return fleet(
            machine(1, services=[service, {**service, "internal_port": 9090, "autostop": "off"}]), machine(2)
        )

    async def test_every_service_is_changed(self, fly: Fly) -> None:
        """Ours: also where only the second differs."""
        answer = await fly.call("flyUpdateMachineConfig", **FIRST, autoStop="stop")
        assert answer["changed"]["autoStop"] == {"before": "mixed", "after": "stop"}
        services = fly.machine(id_of(1), FLEET).config.services or []
        assert [one.autostop for one in services] == ["stop", "stop"]

    async def test_off_leaves_autostart_as_it_is(self, fly: Fly) -> None:
        """Ours: what wakes a machine is another matter."""
        await fly.call("flyUpdateMachineConfig", **FIRST, autoStop="off")
        services = fly.machine(id_of(1), FLEET).config.services or []
        assert [one.autostart for one in services] == [True, True]

    async def test_without_a_service_it_is_refused(self, fly: Fly) -> None:
        """Reference 9.35: it cannot be expressed."""
        error = await fly.refused(
            "flyUpdateMachineConfig", appName=FLEET, machineId=id_of(2), autoStop="suspend"
        )
        assert error["code"] == "invalid_arguments"
        assert [problem["path"] for problem in error["problems"]] == ["autoStop"]
        assert fly.writes() == []


class TestSizes:
    """Sizes that Fly does not sell are answered before anything is sent (reference 2.4)."""

    @pytest.fixture
    def world(self) -> World:
        small = {"cpu_kind": "shared", "cpus": 1, "memory_mb": 256}
        large = {"cpu_kind": "performance", "cpus": 2, "memory_mb": 4096}
        return fleet(machine(1, guest=small), machine(2, guest=large))

    @pytest.mark.parametrize(
        ("number", "arguments", "path", "words"),
        [
            (1, {"cpus": 2}, "memoryMb", "send memoryMb 512"),
            (1, {"cpus": 8}, "memoryMb", "send memoryMb 2048"),
            (1, {"cpus": 3}, "cpus", "1, 2, 4, 6, 8 cpus, not 3"),
            (1, {"cpus": 10}, "cpus", "1, 2, 4, 6, 8"),
            (1, {"memoryMb": 4096}, "memoryMb", "at most 2048 MB"),
            (1, {"memoryMb": 300}, "memoryMb", "send 256 or 512"),
            (1, {"cpus": 2, "memoryMb": 256}, "memoryMb", "memoryMb 256 is too little"),
            (2, {"memoryMb": 2048}, "memoryMb", "send memoryMb 4096"),
            (2, {"memoryMb": 5000}, "memoryMb", "send 4096 or 5120"),
            (2, {"cpus": 3}, "cpus", "performance"),
        ],
    )
    async def test_a_size_that_is_not_sold(
        self, fly: Fly, number: int, arguments: dict[str, Any], path: str, words: str
    ) -> None:
        """The issue, 3: `cpus: 2` on 256 MB is answered with the memory that would be needed."""
        error = await fly.refused(
            "flyUpdateMachineConfig", appName=FLEET, machineId=id_of(number), **arguments
        )
        (problem,) = error["problems"]
        assert error["code"] == "invalid_arguments"
        assert problem["path"] == path
        assert words in problem["message"]
        assert fly.writes() == []

    @pytest.mark.parametrize("value", [-1, 0, 10**9, 10**400, 1e300, 0.5, "2", True, None, [2]], ids=repr)
    @pytest.mark.parametrize("name", ["cpus", "memoryMb"])
    async def test_a_number_that_is_no_size(self, fly: Fly, name: str, value: object) -> None:
        """The issue, Bad input: wrong types, negative counts; and numbers of any length."""
        error = await fly.refused("flyUpdateMachineConfig", FIRST, **{name: value})
        assert error["code"] == "invalid_arguments"
        assert fly.writes() == []
        assert len(fly.said[-1]) < 2_000

    async def test_a_preset_becomes_a_guest(self, fly: Fly) -> None:
        """Reference 2.4: `size` and `guest` together are an error."""
        config = {"image": IMAGE, "size": "performance-2x"}
        body = {"id": id_of(1), "state": "started", "config": config}
        body["instance_id"] = fly.machine(id_of(1), FLEET).instance_id
        fly.wire.replace_answers("GET", f"{id_of(1)}$", lambda _: httpx2.Response(200, json=body), times=2)
        sent, answer = await _post(fly, **FIRST, memoryMb=8192)
        assert sent["config"]["guest"] == {"cpu_kind": "performance", "cpus": 2, "memory_mb": 8192}
        assert "size" not in sent["config"]
        assert answer["changed"]["guest"]["before"]["memory_mb"] == 4096


class TestStates:
    """A running machine runs again, a stopped one stays stopped (reference 6.3)."""

    @pytest.fixture
    def world(self) -> World:
        return fleet(
            machine(1),
            machine(2, state="stopped", **mount(2)),
            machine(3, state="suspended"),
            machine(4, state="failed"),
            machine(5, state="created"),
        )

    @pytest.mark.parametrize(
        ("number", "skip", "state"),
        [(1, False, "started"), (2, True, "stopped"), (3, True, "stopped"), (4, False, "started")],
        ids=["started", "stopped", "suspended", "failed"],
    )
    async def test_what_runs_runs_and_what_rests_rests(
        self, fly: Fly, number: int, skip: bool, state: str
    ) -> None:
        """Reference 6.3: flyctl's rule, started, starting and failed ones are launched."""
        body, answer = await _post(fly, appName=FLEET, machineId=id_of(number), env={"A": "b"})
        assert body["skip_launch"] is skip
        assert (answer["outcome"], answer["state"]) == ("done", state)
        assert fly.machine(id_of(number), FLEET).state == state

    async def test_a_suspended_machine_loses_its_memory_and_that_is_said(self, fly: Fly) -> None:
        """Ours: a new version boots cold."""
        answer = await fly.call("flyUpdateMachineConfig", appName=FLEET, machineId=id_of(3), env={"A": "b"})
        assert "its memory is lost" in answer["note"]

    async def test_a_stopped_machine_may_rest_in_created(self, fly: Fly) -> None:
        """Reference 5.1: docs say a machine not launched may stay in created."""
        fly.edit(lambda world: setattr(world.settings, "skip_launch_rests_in_created", True))
        answer = await fly.call("flyUpdateMachineConfig", appName=FLEET, machineId=id_of(2), env={"A": "b"})
        assert (answer["outcome"], answer["state"]) == ("done", "created")

    async def test_a_version_that_does_not_come_up_is_an_error(self, fly: Fly) -> None:
        """The issue, 3: accepted is not done."""
        fly.edit(lambda world: world.images.update({IMAGE: Image(cannot_run=True)}))
        error = await fly.refused("flyUpdateMachineConfig", **FIRST, env={"A": "b"})
        assert (error["code"], error["changed"]) == ("wrong_state", "something")
        assert "exited with code 127" in error["message"]
        assert error["details"]["state"] == "failed"

    async def test_a_crash_loop_is_not_called_done(self, fly: Fly) -> None:
        """Ours: it is started for a moment, again and again."""
        fly.edit(lambda world: world.images.update({IMAGE: Image(crash_after=0, exit_code=2)}))
        text = json.dumps(await fly.either("flyUpdateMachineConfig", **FIRST, env={"A": "b"}))
        assert "exited with code 2" in text
        assert '"outcome": "done"' not in text

    async def test_a_host_that_does_not_answer_is_told_and_nothing_is_sent(self, fly: Fly) -> None:
        """Reference 3.2: no config then; posting a half one would wipe it."""

        def hide(world: World) -> None:
            world.apps[FLEET].machines[id_of(1)].host_status = "unreachable"

        fly.edit(hide)
        error = await fly.refused("flyUpdateMachineConfig", **FIRST, env={"A": "b"})
        assert error["code"] == "wrong_state"
        assert error["details"] == {"host_status": "unreachable"}
        assert fly.writes() == []

    async def test_a_full_host_leaves_the_old_version_running(self, fly: Fly) -> None:
        """Reference 6.3 and 11: 409, about this host."""
        fly.edit(lambda world: setattr(world.settings, "full_regions", ["fra"]))
        error = await fly.refused("flyUpdateMachineConfig", **FIRST, memoryMb=2048)
        assert (error["code"], error["changed"]) == ("no_capacity", "nothing")
        assert error["details"] == {"full": "host"}
        assert fly.machine(id_of(1), FLEET).state == "started"


class TestOthers:
    """Somebody else changes the machine too."""

    async def test_an_update_between_read_and_write_is_read_again(self, fly: Fly) -> None:
        """Reference 6.3: `current_version` makes it conditional; a clash is 409 concurrent update."""

        def elsewhere(world: World) -> None:
            machine = world.apps[APP].machines[MACHINE]
            machine.instance_id = "01KSR49200000015PY34DSRD9V"
            machine.config.env = {**(machine.config.env or {}), "THEIRS": "1"}
            machine.versions.append(machine.versions[-1].model_copy(update={"id": machine.instance_id}))

        fly.wire.tap("POST", f"/machines/{MACHINE}$", lambda _: fly.edit(elsewhere))
        answer = await fly.call("flyUpdateMachineConfig", **ONE, env={"OURS": "1"})

        assert answer["outcome"] == "done"
        assert fly.machine().config.env == {
            "NODE_ENV": "development",
            "PORT": "8080",
            "THEIRS": "1",
            "OURS": "1",
        }

    async def test_an_update_before_the_lease_is_read_again(self, fly: Fly) -> None:
        """Reference 7.2: where the lease tells of another version, the machine is read again."""

        def elsewhere(world: World) -> None:
            machine = world.apps[APP].machines[MACHINE]
            machine.instance_id = "01KSR49200000015PY34DSRD9V"
            machine.config.env = {"THEIRS": "1"}
            machine.versions.append(machine.versions[-1].model_copy(update={"id": machine.instance_id}))

        fly.wire.tap("POST", "/lease$", lambda _: fly.edit(elsewhere))
        await fly.call("flyUpdateMachineConfig", **ONE, env={"OURS": "1"})

        assert fly.machine().config.env == {"THEIRS": "1", "OURS": "1"}
        posts = [one for one in fly.requests_to(f"/machines/{MACHINE}", "POST") if one.path.endswith(MACHINE)]
        assert [one.status for one in posts] == [200]

    async def test_conflict_upon_conflict_is_an_error_in_the_end(self, fly: Fly) -> None:
        """Ours: three tries, then the truth."""
        text = "aborted: machine update failed due to concurrent update"
        fly.emulator.faults.add(
            FaultRule(method="POST", path=f"/machines/{MACHINE}$", status=409, error=text)
        )
        began = fly.clock.monotonic()
        error = await fly.refused("flyUpdateMachineConfig", **ONE, env={"A": "b"})
        assert (error["code"], error["retryable"], error["changed"]) == ("conflict", True, "nothing")
        assert 4 <= fly.clock.monotonic() - began < 10, "somebody's update takes a second or two"
        assert len([one for one in fly.emulator.requests if one.fault]) == 3

    async def test_a_lease_of_somebody_else_is_told_at_once(self, fly: Fly) -> None:
        """Reference 6.6: owner and expiry, without waiting for it."""
        until = fly.clock.now() + 600

        def lease(world: World) -> None:
            world.apps[APP].machines[MACHINE].lease = Lease(nonce="a", owner="ada@x.io", expires_at=until)

        fly.edit(lease)
        began = fly.clock.monotonic()
        error = await fly.refused("flyUpdateMachineConfig", **ONE, env={"A": "b"})
        assert error["code"] == "lease_held"
        assert error["retryable"] is True
        assert error["changed"] == "nothing"
        assert error["details"] == {"owner": "ada@x.io", "expires_at": "2026-05-28T20:36:40Z"}
        assert fly.clock.monotonic() - began < 1

    async def test_a_slow_update_keeps_its_lease(self, fly: Fly) -> None:
        """Ours: a lease lives 30 s and is refreshed, so that nobody comes between meanwhile."""
        fly.edit(lambda world: world.images.update({"slow": Image(stop_seconds=5)}))
        held: list[bool] = []

        def look(_: object) -> None:
            lease = fly.machine().lease
            held.append(lease is not None and lease.expires_at > fly.clock.now())

        fly.wire.tap("GET", "/wait$", look, times=99)
        fly.emulator.faults.add(
            FaultRule(
                method="GET", path="/wait$", status=408, error="deadline_exceeded", latency=15.0, times=5
            )
        )
        answer = await fly.call("flyUpdateMachineConfig", **ONE, env={"A": "b"})
        assert answer["outcome"] == "done"
        assert len(held) == 6
        assert all(held)
        assert [words for _, _, words in fly.progress]
