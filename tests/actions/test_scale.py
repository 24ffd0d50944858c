"""flyScaleMachines and flyScaleWithVolumes: a plan first, then each machine for itself (the issue, 3)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fly_mcp_emulator.world import Volume, World

from .fly import APP, FREE_VOLUME, MACHINE, SANDBOX, VOLUME, WEB, Fly
from .worlds import FLEET, fleet, id_of, machine, mount, volume_of, web


async def _bodies(fly: Fly, path: str) -> list[dict[str, Any]]:
    """What will be posted to `path`."""
    bodies: list[dict[str, Any]] = []
    fly.wire.tap("POST", path, lambda request: bodies.append(json.loads(request.content)), times=99)
    return bodies


class TestWithoutVolumes:
    """flyScaleMachines."""

    @pytest.fixture
    def world(self) -> World:
        return fleet(
            machine(1, env={"A": "b"}, **web("stop")),
            machine(2, region="ams", state="stopped"),
            machine(3, group="worker"),
            machine(4, group="fly_app_release_command"),
        )

    async def test_more_machines_are_like_the_first_and_go_round_the_regions(self, fly: Fly) -> None:
        """Reference 7.3.6 and 7.3.7; started, because accepted is not done."""
        bodies = await _bodies(fly, f"/{FLEET}/machines$")
        answer = await fly.call("flyScaleMachines", appName=FLEET, count=5)

        assert (answer["outcome"], answer["before"], answer["count"]) == ("done", 2, 5)
        assert [step["did"] for step in answer["machines"]] == ["created"] * 3
        assert sorted(body["region"] for body in bodies) == ["ams", "fra", "fra"]
        for body in bodies:
            assert body["config"]["env"] == {"A": "b"}
            assert body["config"]["services"]
            assert body["name"] == f"fly-mcp-{body['config']['metadata']['fly_mcp_mark']}"
            assert "skip_launch" not in body
        made = [fly.machine(step["id"], FLEET) for step in answer["machines"]]
        assert {one.state for one in made} == {"started"}

    async def test_only_the_templates_group_is_counted_and_the_rest_is_told(self, fly: Fly) -> None:
        """The issue, 3: the app's total, of the template's process group."""
        answer = await fly.call("flyScaleMachines", appName=FLEET, count=2)
        assert "has that many already" in answer["note"]
        assert "Not counted: 2 of other process groups" in answer["note"]
        assert fly.writes() == []

    async def test_fewer_asks_and_says_which_would_go(self, fly: Fly) -> None:
        """The issue, 3: the refusal says which machines would go and which volumes stay."""
        error = await fly.refused("flyScaleMachines", appName=FLEET, count=1)
        assert error["code"] == "confirmation_required"
        assert error["details"]["would_destroy"] == [
            {"id": id_of(2), "state": "stopped", "region": "ams", "volume_kept": None}
        ]
        assert "from 2 to 1 would destroy 1 machine(s) (0 running)" in error["message"]
        assert "volume" not in error["message"]

    async def test_fewer_confirmed_destroys_what_was_said_and_sees_it_gone(self, fly: Fly) -> None:
        """Reference 7.3.9."""
        answer = await fly.call("flyScaleMachines", appName=FLEET, count=1, confirm=True)
        assert (answer["outcome"], answer["before"], answer["count"]) == ("done", 2, 1)
        (step,) = answer["machines"]
        assert step.pop("undo").startswith("undo_")
        assert step == {"id": id_of(2), "did": "destroyed", "region": "ams", "state": "destroyed"}
        assert [one.id for one in fly.alive(FLEET)] == [id_of(1), id_of(3), id_of(4)]

    async def test_to_zero_warns_that_the_template_goes(self, fly: Fly) -> None:
        """The issue, 3: before it is done, and after."""
        error = await fly.refused("flyScaleMachines", appName=FLEET, count=0)
        assert "No machine would be left to copy" in error["message"]
        answer = await fly.call("flyScaleMachines", appName=FLEET, count=0, confirm=True)
        assert "No machine is left to copy" in answer["note"]
        assert answer["count"] == 0

    async def test_an_app_without_a_machine_is_told_what_to_do(self, fly: Fly) -> None:
        """Reference 7.3: require the group to have a machine."""
        error = await fly.refused("flyScaleMachines", appName=SANDBOX, count=2)
        assert error["code"] == "wrong_state"
        assert "flyCreateMachine" in error["hint"]
        assert fly.writes() == []

    async def test_an_app_with_volumes_is_sent_to_the_other_action(self, fly: Fly) -> None:
        """The issue, 3; reference 9.39. Confirmed or not, up or down."""
        for extra in ({"count": 3}, {"count": 0}, {"count": 0, "confirm": True}):
            error = await fly.refused("flyScaleMachines", appName=APP, **extra)
            assert error["code"] == "wrong_state"
            assert "flyScaleWithVolumes" in error["hint"]
        assert fly.writes() == []

    async def test_a_volume_anywhere_in_the_group_counts(self, fly: Fly) -> None:
        """Ours: the first machine is not the only one that could be destroyed."""

        def second(world: World) -> None:
            world.apps[FLEET].machines[id_of(2)].config.mounts = (
                world.apps[APP].machines[MACHINE].config.mounts
            )

        fly.edit(second)
        error = await fly.refused("flyScaleMachines", appName=FLEET, count=0, confirm=True)
        assert f"as {id_of(2)} has" in error["message"]
        assert fly.writes() == []

    async def test_hosts_that_do_not_answer_are_told_of(self, fly: Fly) -> None:
        """Reference 7.3.2: machines without a config are dropped; an agent should know of them."""

        def hide(world: World) -> None:
            world.apps[FLEET].machines[id_of(2)].host_status = "unreachable"

        fly.edit(hide)
        answer = await fly.call("flyScaleMachines", appName=FLEET, count=1)
        assert "1 on hosts that do not answer" in answer["note"]

    async def test_all_hosts_silent_is_not_an_app_without_machines(self, fly: Fly) -> None:
        """Ours: "create the first" would be wrong advice."""

        def hide(world: World) -> None:
            for one in world.apps[FLEET].machines.values():
                one.host_status = "unreachable"

        fly.edit(hide)
        error = await fly.refused("flyScaleMachines", appName=FLEET, count=1)
        assert "do not answer" in error["message"]
        assert "flyCreateMachine" not in error["hint"]

    @pytest.mark.parametrize("count", [-1, 101, 10**9, 1.5, "2", None, True])
    async def test_other_counts_are_refused(self, fly: Fly, count: object) -> None:
        """The issue, Bad input: negative counts; and a typing error must not become a bill."""
        error = await fly.refused("flyScaleMachines", appName=FLEET, count=count, confirm=True)
        assert [problem["path"] for problem in error["problems"]] == ["count"]
        assert not fly.wire.sent

    async def test_a_region_that_is_none_is_refused_with_near_ones(self, fly: Fly) -> None:
        """The issue, Bad input: nearest ones named."""
        error = await fly.refused("flyScaleMachines", appName=FLEET, count=5, region="frq")
        assert "fra (Frankfurt" in error["problems"][0]["message"]
        assert fly.writes() == []

    async def test_many_at_once_stay_below_flys_rate(self, fly: Fly) -> None:
        """Reference 9.29: a create a second. The fixture looks for any 429."""
        began = fly.clock.monotonic()
        answer = await fly.call("flyScaleMachines", appName=FLEET, count=22)
        assert answer["count"] == 22
        assert fly.clock.monotonic() - began < 40
        assert [at for at, _, _ in fly.progress if at == 20]


class TestWithVolumes:
    """flyScaleWithVolumes."""

    async def test_an_unattached_volume_is_reused_then_new_ones_are_made(self, fly: Fly) -> None:
        """Reference 7.3.8."""
        bodies = await _bodies(fly, "/volumes$")
        answer = await fly.call("flyScaleWithVolumes", appName=APP, count=3)

        assert {step["volume"] for step in answer["machines"]} == {"reused", "created"}
        reused = next(step for step in answer["machines"] if step["volume"] == "reused")
        assert reused["volume_id"] == FREE_VOLUME
        (body,) = bodies
        assert (body["name"], body["region"], body["size_gb"]) == ("catvet_data", "fra", 1)
        assert body["require_unique_zone"] is True
        assert body["compute"]["memory_mb"] == 1024
        assert body["compute_image"] == fly.machine().config.image
        for step in answer["machines"]:
            assert fly.volume(step["volume_id"]).attached_machine_id == step["id"]
            mounts = fly.machine(step["id"]).config.mounts or []
            assert [(one.volume, one.path) for one in mounts] == [(step["volume_id"], "/data")]

    async def test_a_region_named_is_where_machines_and_volumes_go(self, fly: Fly) -> None:
        """The seeds: region for new machines and volumes. The unattached one in fra stays."""
        answer = await fly.call("flyScaleWithVolumes", appName=APP, count=2, region="lhr")
        (step,) = answer["machines"]
        assert (step["region"], step["volume"]) == ("lhr", "created")
        assert fly.volume(step["volume_id"]).region == "lhr"
        assert fly.volume(FREE_VOLUME).attached_machine_id is None

    async def test_a_size_is_for_new_volumes(self, fly: Fly) -> None:
        """The seeds: volumeSizeGb, size for new volumes."""
        answer = await fly.call("flyScaleWithVolumes", appName=APP, count=3, volumeSizeGb=10)
        sizes = {step["volume"]: fly.volume(step["volume_id"]).size_gb for step in answer["machines"]}
        assert sizes == {"reused": 1, "created": 10}

    async def test_a_size_below_the_templates_is_refused(self, fly: Fly) -> None:
        """The issue, 3."""

        def grow(world: World) -> None:
            world.apps[APP].volumes[VOLUME].size_gb = 5
            (world.apps[APP].machines[MACHINE].config.mounts or [])[0].size_gb = 5

        fly.edit(grow)
        error = await fly.refused("flyScaleWithVolumes", appName=APP, count=3, volumeSizeGb=4)
        assert [problem["path"] for problem in error["problems"]] == ["volumeSizeGb"]
        assert "send 5 or more" in error["problems"][0]["message"]
        assert fly.writes() == []

        answer = await fly.call("flyScaleWithVolumes", appName=APP, count=3)
        created = next(step for step in answer["machines"] if step["volume"] == "created")
        assert fly.volume(created["volume_id"]).size_gb == 5

    @pytest.mark.parametrize("size", [0, -1, 501, "5", 1.5])
    async def test_other_sizes_are_refused(self, fly: Fly, size: object) -> None:
        """Reference 2.2: 1 to 500 GB."""
        error = await fly.refused("flyScaleWithVolumes", appName=APP, count=2, volumeSizeGb=size)
        assert [problem["path"] for problem in error["problems"]] == ["volumeSizeGb"]

    async def test_an_app_without_volumes_is_sent_to_the_other_action(self, fly: Fly) -> None:
        """Ours: each action for its kind."""
        error = await fly.refused("flyScaleWithVolumes", appName=WEB, count=2)
        assert "flyScaleMachines" in error["hint"]
        assert fly.writes() == []

    async def test_fewer_keeps_the_volumes_and_they_are_used_again(self, fly: Fly) -> None:
        """Reference 7.3.9: the volumes stay, unattached, and are picked up again by the next scale up."""
        await fly.call("flyScaleWithVolumes", appName=APP, count=2)
        error = await fly.refused("flyScaleWithVolumes", appName=APP, count=1)
        (going,) = error["details"]["would_destroy"]
        assert going["volume_kept"] in (VOLUME, FREE_VOLUME)
        assert "1 volume(s) would stay" in error["message"]

        answer = await fly.call("flyScaleWithVolumes", appName=APP, count=1, confirm=True)
        (step,) = answer["machines"]
        assert (step["did"], step["volume"], step["volume_id"]) == ("destroyed", "kept", going["volume_kept"])
        await fly.clock.sleep(5)
        assert fly.volume(going["volume_kept"]).attached_machine_id is None

        again = await fly.call("flyScaleWithVolumes", appName=APP, count=2)
        assert again["machines"][0]["volume_id"] == going["volume_kept"]

    async def test_a_running_machine_goes_with_force(self, fly: Fly) -> None:
        """The issue, 3: the refusal said that it runs."""
        await fly.call("flyScaleWithVolumes", appName=APP, count=0, confirm=True)
        (delete,) = [one for one in fly.writes() if one.method == "DELETE" and "/lease" not in one.path]
        assert delete.query == "force=true"


class TestMixed:
    """Machines with and without a volume in one group."""

    @pytest.fixture
    def world(self) -> World:
        return fleet(machine(1), machine(2, **mount(2, "/srv")))

    async def test_the_first_with_a_volume_is_the_template(self, fly: Fly) -> None:
        """Ours: each new machine has a volume, as asked for; all of the group are counted."""
        answer = await fly.call("flyScaleWithVolumes", appName=FLEET, count=3)
        (step,) = answer["machines"]
        mounts = fly.machine(step["id"], FLEET).config.mounts or []
        assert [(one.volume, one.path) for one in mounts] == [(step["volume_id"], "/srv")]
        assert answer["before"] == 2


class TestSizeUnknown:
    """A mount that does not say its size, and a volume that does not either."""

    @pytest.fixture
    def world(self) -> World:
        return fleet(
            machine(1, **mount(1)),
            volumes=(Volume(id=volume_of(1), name="logs", region="fra", size_gb=7, encrypted=False),),
        )

    async def test_size_name_and_encryption_are_the_templates_volumes(self, fly: Fly) -> None:
        """The issue, 3: default the template's size (1 where unknown)."""

        def forget(world: World) -> None:
            (own,) = world.apps[FLEET].machines[id_of(1)].config.mounts or []
            own.size_gb = own.name = own.encrypted = None

        fly.edit(forget)
        bodies = await _bodies(fly, "/volumes$")
        await fly.call("flyScaleWithVolumes", appName=FLEET, count=2)
        assert [(body["size_gb"], body["name"], body["encrypted"]) for body in bodies] == [(7, "logs", False)]
