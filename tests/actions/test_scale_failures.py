"""Scaling that does not work out for every machine: each is told of, none is made twice (reference 7.3.10)."""

from __future__ import annotations

import json

import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import Image, World

from .fly import Fly
from .worlds import FLEET, IMAGE, fleet, id_of, machine, mount


class TestPartialFailure:
    """Failures do not cancel the others, nothing is rolled back, each is reported (reference 7.3.10)."""

    @pytest.fixture
    def world(self) -> World:
        return fleet(*(machine(number, **mount(number)) for number in (1, 2, 3)))

    async def test_one_of_three_creates_fails(self, fly: Fly) -> None:
        """The issue, 3: partial failure is reported machine by machine."""
        fly.emulator.faults.add(
            FaultRule(
                method="POST", path="/machines$", nth=2, status=422, error="could not find a candidate host"
            )
        )
        error = await fly.refused("flyScaleWithVolumes", appName=FLEET, count=6)

        assert (error["code"], error["changed"]) == ("no_capacity", "something")
        assert error["message"].startswith("1 of 3 machines failed; the group has 5 machines now")
        steps = error["details"]["machines"]
        assert sorted(step["did"] for step in steps) == ["created", "created", "failed"]
        (failed,) = [step for step in steps if step["did"] == "failed"]
        assert "no_capacity" in failed["note"]
        assert "stays, unattached" in failed["note"]
        assert len(fly.alive(FLEET)) == 5

    async def test_the_same_call_again_goes_on_and_takes_the_volume(self, fly: Fly) -> None:
        """The error's hint, taken at its word: no second volume is made."""
        fly.emulator.faults.add(
            FaultRule(
                method="POST", path="/machines$", nth=2, status=422, error="could not find a candidate host"
            )
        )
        await fly.refused("flyScaleWithVolumes", appName=FLEET, count=6)
        volumes = set(fly.app(FLEET).volumes)

        answer = await fly.call("flyScaleWithVolumes", appName=FLEET, count=6)

        assert (answer["before"], answer["count"]) == (5, 6)
        assert [step["volume"] for step in answer["machines"]] == ["reused"]
        assert set(fly.app(FLEET).volumes) == volumes

    async def test_all_of_them_fail(self, fly: Fly) -> None:
        """Ours: volumes were made all the same."""
        fly.emulator.faults.add(FaultRule(method="POST", path="/machines$", status=422, error="no"))
        error = await fly.refused("flyScaleWithVolumes", appName=FLEET, count=5)
        assert error["changed"] == "something"
        assert error["details"]["count"] == 3
        assert len(fly.app(FLEET).volumes) == 5

    async def test_no_room_for_volumes_makes_nothing(self, fly: Fly) -> None:
        """Reference 6.7: 409 no capacity."""
        fly.edit(lambda world: setattr(world.settings, "full_regions", ["fra"]))
        error = await fly.refused("flyScaleWithVolumes", appName=FLEET, count=5)
        assert (error["code"], error["changed"]) == ("no_capacity", "nothing")
        assert len(fly.app(FLEET).volumes) == 3

    async def test_a_machine_that_does_not_run_is_there_and_counted(self, fly: Fly) -> None:
        """Ours: made and failed is not "not made"; the next call must not make another in its place."""
        fly.edit(lambda world: world.images.update({IMAGE: Image(cannot_run=True)}))
        error = await fly.refused("flyScaleWithVolumes", appName=FLEET, count=4)
        (step,) = error["details"]["machines"]
        assert (step["did"], step["state"]) == ("failed", "failed")
        assert step["id"] in {one.id for one in fly.alive(FLEET)}
        assert error["details"]["count"] == 4
        assert "unattached" not in step["note"]

    async def test_one_of_two_destroys_fails(self, fly: Fly) -> None:
        """The issue, 3: leases; somebody else holds one."""
        fly.emulator.faults.add(
            FaultRule(
                method="POST",
                path=f"/machines/{id_of(2)}/lease$",
                status=409,
                error=f"machine ID {id_of(2)} lease currently held by ada@x, expires at 2030-01-01T00:00:00Z",
            )
        )
        error = await fly.refused("flyScaleWithVolumes", appName=FLEET, count=1, confirm=True)
        assert (error["code"], error["changed"]) == ("lease_held", "something")
        fates = {step["id"]: step["did"] for step in error["details"]["machines"]}
        assert fates == {id_of(1): "destroyed", id_of(2): "failed"}
        assert error["details"]["count"] == 2

    async def test_a_machine_gone_meanwhile_is_what_was_asked_for(self, fly: Fly) -> None:
        """Ours: somebody was faster."""

        def vanish(world: World) -> None:
            machine = world.apps[FLEET].machines[id_of(1)]
            machine.state, machine.readable = "destroyed", False

        fly.wire.tap("POST", f"/machines/{id_of(1)}/lease$", lambda _: fly.edit(vanish))
        answer = await fly.call("flyScaleWithVolumes", appName=FLEET, count=2, confirm=True)
        assert (answer["outcome"], answer["count"]) == ("done", 2)
        assert answer["machines"][0]["note"] == "it was gone already"

    async def test_what_is_slow_to_go_is_pending_and_no_longer_counted(self, fly: Fly) -> None:
        """Ours: on the way down is not one more."""
        fly.emulator.faults.add(FaultRule(method="GET", path="/wait$", status=408, latency=15.0))
        body = json.dumps({"id": id_of(1), "state": "destroying"})
        path = f"/machines/{id_of(1)}$"
        fly.emulator.faults.add(FaultRule(method="GET", path=path, nth=2, status=200, body=body))
        answer = await fly.call("flyScaleWithVolumes", appName=FLEET, count=2, confirm=True)
        assert (answer["outcome"], answer["count"]) == ("pending", 2)
        assert [step["did"] for step in answer["machines"]] == ["pending"]


class TestMany:
    """No result grows without bound (the architecture)."""

    @pytest.fixture
    def world(self) -> World:
        return fleet(*(machine(number, state="stopped") for number in range(1, 132)))

    async def test_a_hundred_steps_are_shown_and_all_are_counted(self, fly: Fly) -> None:
        """Ours."""
        answer = await fly.call("flyScaleMachines", appName=FLEET, count=1, confirm=True)
        assert (answer["outcome"], answer["before"], answer["count"]) == ("done", 131, 1)
        assert (len(answer["machines"]), answer["total"]) == (100, 130)

    async def test_failures_are_shown_first(self, fly: Fly) -> None:
        """Ours: what did not work out must not be among those left out."""
        last = FaultRule(method="POST", path=f"/machines/{id_of(130)}/lease$", status=403, error="no")
        fly.emulator.faults.add(last)
        error = await fly.refused("flyScaleMachines", appName=FLEET, count=1, confirm=True)
        steps = error["details"]["machines"]
        assert (steps[0]["id"], steps[0]["did"]) == (id_of(130), "failed")
        assert len(steps) > 70
        assert "entries of lists left out" in error["details"]["left_out"]
