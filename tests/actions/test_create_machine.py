"""flyCreateMachine: what a new machine is made of, and what is refused before it is made (the issue, 3)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import Image, Lease, World
from fly_mcp_tools.call import Defaults

from .fly import APP, DEFAULT_IMAGE, FREE_VOLUME, MACHINE, SANDBOX, VOLUME, WEB, Fly
from .worlds import FLEET, IMAGE, fleet, id_of, machine, mount, web


async def _sent(fly: Fly, **arguments: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The body that was sent to create, and the answer."""
    bodies: list[dict[str, Any]] = []
    fly.wire.tap("POST", "/machines$", lambda request: bodies.append(json.loads(request.content)))
    answer = await fly.call("flyCreateMachine", **arguments)
    return bodies[0], answer


class TestTemplate:
    """The app's existing machine is the template (reference 7.3, 7)."""

    @pytest.fixture
    def world(self) -> World:
        return fleet(
            machine(1, group="fly_app_release_command"),
            machine(2, state="stopped", standbys=[id_of(3)], env={"FLY_STANDBY_FOR": id_of(3)}),
            machine(
                3,
                region="ams",
                env={"KEEP": "me", "FLY_STANDBY_FOR": "x"},
                guest={"cpu_kind": "shared", "cpus": 2, "memory_mb": 1024},
                schedule="daily",
                checks={"alive": {"type": "tcp", "port": 8080}},
                restart={"policy": "always"},
                **mount(3, "/data"),
                **web("stop"),
            ),
            machine(4),
        )

    async def test_a_new_machine_is_like_the_first_without_what_is_its_own(self, fly: Fly) -> None:
        """The issue, 3: its whole config without mounts, standbys and schedule; flyctl drops FLY_STANDBY_FOR."""
        body, answer = await _sent(fly, appName=FLEET)
        template = fly.machine(id_of(3), FLEET)

        assert answer["image_from"] == "template"
        assert answer["template_machine_id"] == id_of(3)
        config = body["config"]
        assert not config.keys() & {"mounts", "standbys", "schedule"}
        assert config["env"] == {"KEEP": "me"}
        assert config["image"] == IMAGE
        assert config["guest"] == {"cpu_kind": "shared", "cpus": 2, "memory_mb": 1024}
        assert config["services"][0]["autostop"] is True
        assert config["checks"].keys() == {"alive"}
        assert config["restart"] == {"policy": "always"}
        assert config["metadata"].items() > (template.config.metadata or {}).items()
        assert body["region"] == answer["region"] == "ams"
        # The mark is the name too: Fly refuses a second machine of it.
        assert body["name"] == answer["name"] == f"fly-mcp-{config['metadata']['fly_mcp_mark']}"

    async def test_it_says_that_the_templates_volume_is_not_copied(self, fly: Fly) -> None:
        """Ours: a machine without its data is a surprise."""
        _, answer = await _sent(fly, appName=FLEET)
        assert f"The template {id_of(3)} has a volume; this machine has none" in answer["note"]

    async def test_the_template_itself_is_left_alone(self, fly: Fly) -> None:
        """Ours: reading is all that is done to it."""
        before = fly.machine(id_of(3), FLEET)
        await fly.call("flyCreateMachine", appName=FLEET)
        assert fly.machine(id_of(3), FLEET) == before

    async def test_an_image_of_ones_own_is_another_program(self, fly: Fly) -> None:
        """The issue, 3: the argument first; the template's services and env would be wrong for it."""
        body, answer = await _sent(fly, appName=FLEET, image="nginx:1.27")
        assert answer["image_from"] == "argument"
        assert "template_machine_id" not in answer
        assert body["config"].keys() == {"image", "metadata"}
        assert body["config"]["image"] == "nginx:1.27"
        assert "region" not in body

    async def test_a_name_and_a_region_are_sent_as_given(self, fly: Fly) -> None:
        """The seeds: both optional."""
        body, answer = await _sent(fly, appName=FLEET, name="worker-1", region="lhr")
        assert (body["name"], body["region"]) == ("worker-1", "lhr")
        assert (answer["name"], answer["region"]) == ("worker-1", "lhr")

    async def test_a_name_that_is_taken_is_a_conflict_and_makes_nothing(self, fly: Fly) -> None:
        """Reference 2.1: unique within the app."""
        error = await fly.refused("flyCreateMachine", appName=FLEET, name="fleet-4")
        assert (error["code"], error["changed"]) == ("conflict", "nothing")
        assert "shared by all of Fly" not in error["hint"]
        assert len(fly.alive(FLEET)) == 4


class TestStandbyAlone:
    """An app of which only a standby is left."""

    @pytest.fixture
    def world(self) -> World:
        return fleet(machine(1, state="stopped", standbys=[id_of(9)], env={"FLY_STANDBY_FOR": id_of(9)}))

    async def test_a_copy_of_a_standby_stands_by_for_nobody(self, fly: Fly) -> None:
        """The issue, 3: without standbys; it runs."""
        body, answer = await _sent(fly, appName=FLEET)
        assert "standbys" not in body["config"]
        assert body["config"].get("env", {}) == {}
        assert answer["state"] == "started"


class TestImage:
    """Without a machine to copy: the operator's default, else an error that says so (the issue, 3)."""

    async def test_an_empty_app_gets_the_operators_default(self, fly: Fly) -> None:
        """FLY_MCP_DEFAULT_IMAGE."""
        answer = await fly.call("flyCreateMachine", appName=SANDBOX)
        assert (answer["image"], answer["image_from"]) == (DEFAULT_IMAGE, "default")
        assert (answer["outcome"], answer["state"]) == ("done", "started")

    @pytest.mark.parametrize("defaults", [Defaults()])
    async def test_without_a_default_the_error_names_both_ways_out(self, fly: Fly) -> None:
        """The issue, 3."""
        error = await fly.refused("flyCreateMachine", appName=SANDBOX)
        assert error["code"] == "not_configured"
        assert "`image`" in error["hint"]
        assert "FLY_MCP_DEFAULT_IMAGE" in error["hint"]
        assert fly.writes() == []

    @pytest.mark.parametrize("defaults", [Defaults()])
    async def test_an_image_named_needs_no_default(self, fly: Fly) -> None:
        """The issue, 2: `image` is what the job can't be done without."""
        answer = await fly.call("flyCreateMachine", appName=SANDBOX, image="nginx")
        assert answer["image_from"] == "argument"

    async def test_machines_on_hosts_that_do_not_answer_are_no_reason_for_another_program(
        self, fly: Fly
    ) -> None:
        """Reference 3.2: no config then. A default image would not be the app's."""

        def hide(world: World) -> None:
            world.apps[APP].machines[MACHINE].host_status = "unreachable"

        fly.edit(hide)
        error = await fly.refused("flyCreateMachine", appName=APP)
        assert error["code"] == "wrong_state"
        assert error["details"] == {"machines": [MACHINE]}
        assert fly.writes() == []

    async def test_an_image_that_the_registry_does_not_have_is_refused(self, fly: Fly) -> None:
        """Reference 6.3: MANIFEST_UNKNOWN, and nothing changes."""
        fly.edit(lambda world: world.images.update({"nginx:none": Image(missing=True)}))
        error = await fly.refused("flyCreateMachine", appName=SANDBOX, image="nginx:none")
        assert error["code"] == "invalid_arguments"
        assert "MANIFEST_UNKNOWN" in error["message"]
        assert error["changed"] == "nothing"
        assert fly.alive(SANDBOX) == []


class TestVolume:
    """A machine must be where its volume is, and a volume has one machine (reference 4.2)."""

    async def test_the_region_is_the_volumes(self, fly: Fly) -> None:
        """The issue, 3: also where the template runs elsewhere."""
        fly.edit(lambda world: setattr(world.apps[APP].volumes[FREE_VOLUME], "region", "lhr"))
        body, answer = await _sent(fly, appName=APP, volumeId=FREE_VOLUME)
        assert body["region"] == answer["region"] == "lhr"
        assert body["config"]["mounts"] == [{"volume": FREE_VOLUME, "path": "/data"}]
        assert answer["volume_id"] == FREE_VOLUME
        assert fly.volume(FREE_VOLUME).attached_machine_id == answer["id"]

    async def test_the_path_is_the_callers_or_data(self, fly: Fly) -> None:
        """The seeds: default /data."""
        body, _ = await _sent(fly, appName=APP, volumeId=FREE_VOLUME, volumePath="/var/lib/cats")
        assert body["config"]["mounts"] == [{"volume": FREE_VOLUME, "path": "/var/lib/cats"}]

    async def test_a_volume_in_another_region_is_refused(self, fly: Fly) -> None:
        """The issue, 3: before anything is created."""
        error = await fly.refused("flyCreateMachine", appName=APP, volumeId=FREE_VOLUME, region="lhr")
        assert error["code"] == "invalid_arguments"
        assert error["problems"] == [{"path": "region", "message": "send fra, or leave it out"}]
        assert fly.writes() == []

    async def test_an_attached_volume_is_refused_with_its_machine(self, fly: Fly) -> None:
        """The issue, 3."""
        error = await fly.refused("flyCreateMachine", appName=APP, volumeId=VOLUME)
        assert error["code"] == "wrong_state"
        assert error["details"] == {"volume_id": VOLUME, "attached_machine_id": MACHINE}
        assert fly.writes() == []

    async def test_a_volume_being_destroyed_is_refused(self, fly: Fly) -> None:
        """Reference 9.22: it is listed for another day."""
        await fly.call("flyDeleteVolume", appName=APP, volumeId=FREE_VOLUME, confirm=True)
        fly.emulator.requests.clear()
        error = await fly.refused("flyCreateMachine", appName=APP, volumeId=FREE_VOLUME)
        assert error["code"] == "wrong_state"
        assert "pending_destroy" in error["message"]
        assert fly.writes() == []

    async def test_a_path_without_a_volume_is_refused(self, fly: Fly) -> None:
        """Ours: a path that would be ignored is a misunderstanding."""
        error = await fly.refused("flyCreateMachine", appName=APP, volumePath="/x")
        assert [problem["path"] for problem in error["problems"]] == ["volumeId"]
        assert not fly.wire.sent

    async def test_the_volume_of_a_machine_just_destroyed_is_waited_for(self, fly: Fly) -> None:
        """Reference 6.4 and 9.23: it stays bound for a while after its machine is gone."""
        fly.edit(lambda world: setattr(world.settings, "volume_release_seconds", 20.0))
        await fly.call("flyDeleteMachine", appName=APP, machineId=MACHINE, confirm=True)
        answer = await fly.call("flyCreateMachine", appName=APP, volumeId=VOLUME, image="nginx")
        assert answer["outcome"] == "done"
        assert fly.volume(VOLUME).attached_machine_id == answer["id"]

    async def test_a_volume_that_is_not_let_go_of_says_that_it_will_be(self, fly: Fly) -> None:
        """Reference 6.4: up to minutes; that is longer than a call should hang."""
        fly.edit(lambda world: setattr(world.settings, "volume_release_seconds", 300.0))
        await fly.call("flyDeleteMachine", appName=APP, machineId=MACHINE, confirm=True)
        fly.emulator.requests.clear()
        error = await fly.refused("flyCreateMachine", appName=APP, volumeId=VOLUME, image="nginx")
        assert (error["code"], error["retryable"], error["changed"]) == ("wrong_state", True, "nothing")
        assert fly.writes() == []

    async def test_an_owner_of_nuls_is_waited_out(self, fly: Fly) -> None:
        """Reference 11: the volume looks free, and Fly names an owner of NUL characters."""
        text = "failed_precondition: volume already claimed by machine " + "\x00" * 14
        rule = FaultRule(method="POST", path="/machines$", status=412, error=text, times=3)
        fly.emulator.faults.add(rule)
        answer = await fly.call("flyCreateMachine", appName=APP, volumeId=FREE_VOLUME)
        assert answer["outcome"] == "done"

    async def test_an_owner_with_a_name_is_an_answer(self, fly: Fly) -> None:
        """Ours: somebody was faster; waiting would not help."""
        text = "failed_precondition: volume already claimed by machine 7846e45f27e218"
        fly.emulator.faults.add(FaultRule(method="POST", path="/machines$", status=412, error=text))
        began = fly.clock.monotonic()
        error = await fly.refused("flyCreateMachine", appName=APP, volumeId=FREE_VOLUME)
        assert error["code"] == "wrong_state"
        assert error["details"]["machine_id"] == MACHINE
        assert fly.clock.monotonic() - began < 5


class TestAutoStop:
    """autoStop is a property of a service (reference 3.3)."""

    @pytest.mark.parametrize(("autostop", "answered"), [("suspend", "suspend"), ("stop", True)])
    async def test_without_a_service_one_is_added_and_said(
        self, fly: Fly, autostop: str, answered: object
    ) -> None:
        """The issue, 3."""
        body, answer = await _sent(fly, appName=SANDBOX, autoStop=autostop)
        (service,) = body["config"]["services"]
        assert service["autostop"] == autostop
        assert service["autostart"] is True
        assert {port["port"] for port in service["ports"]} == {80, 443}
        assert answer["service_added"] is True
        assert "web service" in answer["note"]
        seen = await fly.call("flyGetMachine", appName=SANDBOX, machineId=answer["id"])
        assert seen["auto_stop"] == autostop
        assert seen["services"][0]["autostop"] == answered

    async def test_off_needs_no_service(self, fly: Fly) -> None:
        """Ours: what has no service is never stopped when idle."""
        body, answer = await _sent(fly, appName=SANDBOX, autoStop="off")
        assert "services" not in body["config"]
        assert "service_added" not in answer
        assert "nothing stops it" in answer["note"]

    async def test_a_templates_service_is_used(self, fly: Fly) -> None:
        """Ours: and woken by traffic, or it would sleep for ever."""
        body, answer = await _sent(fly, appName=WEB, autoStop="stop")
        (service,) = body["config"]["services"]
        assert (service["autostop"], service["autostart"]) == ("stop", True)
        assert "service_added" not in answer

    async def test_left_out_it_stays_as_the_template_has_it(self, fly: Fly) -> None:
        """Ours: no default of our own."""
        body, _ = await _sent(fly, appName=WEB)
        assert body["config"]["services"][0]["autostop"] == "suspend"


class TestOutcome:
    """Accepted is not done (the issue, 3)."""

    async def test_a_machine_that_cannot_run_is_an_error_with_its_id(self, fly: Fly) -> None:
        """Reference 5.2: failed."""
        fly.edit(lambda world: world.images.update({"broken": Image(cannot_run=True)}))
        error = await fly.refused("flyCreateMachine", appName=SANDBOX, image="broken")
        (made,) = fly.alive(SANDBOX)
        assert (error["code"], error["changed"]) == ("wrong_state", "something")
        assert error["details"]["machine_id"] == made.id
        assert "exited with code 127" in error["message"]

    async def test_a_machine_that_crashes_at_once_is_not_called_done(self, fly: Fly) -> None:
        """Ours: it starts, dies, is started again by its policy."""
        fly.edit(lambda world: world.images.update({"crashing": Image(crash_after=0, exit_code=3)}))
        text = json.dumps(await fly.either("flyCreateMachine", appName=SANDBOX, image="crashing"))
        assert "exited with code 3" in text
        assert '"outcome": "done"' not in text

    async def test_a_machine_killed_for_memory_says_so(self, fly: Fly) -> None:
        """Reference 5.4: oom_killed."""
        fly.edit(lambda world: world.images.update({"greedy": Image(crash_after=0, out_of_memory=True)}))
        answer = await fly.either("flyCreateMachine", appName=SANDBOX, image="greedy")
        assert "killed for lack of memory" in json.dumps(answer)

    async def test_a_job_that_ends_well_is_done(self, fly: Fly) -> None:
        """Ours: exit code 0 is how a job ends."""
        fly.edit(lambda world: world.images.update({"job": Image(crash_after=0, exit_code=0)}))
        answer = await fly.call("flyCreateMachine", appName=SANDBOX, image="job")
        assert (answer["outcome"], answer["state"]) == ("done", "stopped")
        assert "exit code 0" in answer["note"]

    async def test_a_machine_that_destroys_itself_is_told_of(self, fly: Fly) -> None:
        """Reference 5.2: auto_destroy."""

        def job(world: World) -> None:
            world.images["job"] = Image(crash_after=0, exit_code=0)
            config = world.apps[WEB].machines["2874d1ea0f5e38"].config
            config.image, config.auto_destroy = "job", True
            world.settings.gone_seconds = 0.0

        fly.edit(job)
        error = await fly.refused("flyCreateMachine", appName=WEB)
        assert error["changed"] == "something"
        assert error["details"]["machine_id"] not in {one.id for one in fly.alive(WEB)}

    async def test_a_slow_image_is_pending_and_says_how_to_look(self, fly: Fly) -> None:
        """Reference 5.3: a large image can take more than a minute."""
        fly.emulator.faults.add(FaultRule(method="GET", path="/wait$", status=408, latency=15.0))
        fly.emulator.faults.add(
            FaultRule(
                method="GET",
                path="/machines/[0-9a-f]+$",
                status=200,
                body=json.dumps({"id": "d1234567890abc", "state": "created"}),
            )
        )
        began = fly.clock.monotonic()
        answer = await fly.call("flyCreateMachine", appName=SANDBOX)
        assert (answer["outcome"], answer["state"]) == ("pending", "created")
        assert "flyWaitForMachine" in answer["note"]
        assert 85 < fly.clock.monotonic() - began < 130
        assert fly.progress

    async def test_a_look_that_fails_does_not_hide_the_machine(self, fly: Fly) -> None:
        """Ours: the id is what an agent needs next, and a second machine is what it must not make."""
        fly.emulator.faults.add(FaultRule(method="GET", path="/(wait|machines/[0-9a-f]+)$", status=500))
        answer = await fly.call("flyCreateMachine", appName=SANDBOX)
        (made,) = fly.alive(SANDBOX)
        assert (answer["outcome"], answer["id"]) == ("pending", made.id)
        assert "looking at what came of it failed" in answer["note"]

    async def test_no_room_in_the_region_is_told_and_makes_nothing(self, fly: Fly) -> None:
        """Reference 11: 422 insufficient_capacity is about the region."""
        fly.edit(lambda world: setattr(world.settings, "full_regions", ["fra"]))
        error = await fly.refused("flyCreateMachine", appName=SANDBOX, region="fra")
        assert (error["code"], error["changed"]) == ("no_capacity", "nothing")
        assert error["details"] == {"full": "region"}
        assert "another region" in error["hint"]

    async def test_the_mark_is_not_shown(self, fly: Fly) -> None:
        """Ours: by it a create whose answer was lost is found again; it is nobody else's business."""
        answer = await fly.call("flyCreateMachine", appName=WEB)
        seen = await fly.call("flyGetMachine", appName=WEB, machineId=answer["id"])
        assert "fly_mcp_mark" in (fly.machine(answer["id"], WEB).config.metadata or {})
        assert "fly_mcp_mark" not in seen["metadata"]


async def test_no_lease_is_needed_to_create(fly: Fly) -> None:
    """Ours: somebody else's lease on the template is no obstacle."""
    until = fly.clock.now() + 600

    def lease(world: World) -> None:
        world.apps[WEB].machines["2874d1ea0f5e38"].lease = Lease(nonce="a", owner="ada@x", expires_at=until)

    fly.edit(lease)
    assert (await fly.call("flyCreateMachine", appName=WEB))["outcome"] == "done"
