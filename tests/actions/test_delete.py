"""flyDeleteMachine, flyDeleteVolume and flyDeleteApp, confirmed (the issue, 3; reference 6.4)."""

from __future__ import annotations

import json

import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import Lease, World

from .fly import APP, FREE_VOLUME, MACHINE, SANDBOX, VOLUME, WEB, Fly
from .worlds import FLEET, fleet, id_of, machine

ONE = {"appName": APP, "machineId": MACHINE, "confirm": True}
FREE = {"appName": APP, "volumeId": FREE_VOLUME, "confirm": True}


class TestMachine:
    """flyDeleteMachine."""

    async def test_a_running_machine_goes_with_force_and_is_seen_gone(self, fly: Fly) -> None:
        """The issue, 3: the refusal said that it runs."""
        answer = await fly.call("flyDeleteMachine", **ONE)
        assert answer.pop("undo").keys() == {"how", "reference", "until", "lost"}
        assert answer == {
            "outcome": "done",
            "id": MACHINE,
            "name": "young-sound-9626",
            "state": "destroyed",
            "volume_kept": VOLUME,
            "monthly_cost": answer["monthly_cost"],
        }
        assert answer["monthly_cost"].startswith("-5.80 USD a month")
        (delete,) = [one for one in fly.writes() if one.path.endswith(MACHINE)]
        assert (delete.method, delete.query) == ("DELETE", "force=true")
        assert fly.volume(VOLUME).state == "created"

    @pytest.mark.parametrize("name", ["flyStopMachine", "flySuspendMachine"])
    async def test_one_that_is_down_goes_without_force(self, fly: Fly, name: str) -> None:
        """Reference 4.3: allowed without force in stopped and suspended."""
        await fly.call(name, appName=APP, machineId=MACHINE)
        assert (await fly.call("flyDeleteMachine", **ONE))["outcome"] == "done"
        (delete,) = [one for one in fly.writes() if one.method == "DELETE" and one.path.endswith(MACHINE)]
        assert delete.query == ""

    async def test_a_machine_woken_since_it_was_read_is_not_killed(self, fly: Fly) -> None:
        """Ours: consent was given for one that is stopped; Fly's own refusal keeps it."""
        await fly.call("flyStopMachine", appName=APP, machineId=MACHINE)

        def wake(world: World) -> None:
            world.apps[APP].machines[MACHINE].state = "started"

        fly.wire.tap("POST", "/lease$", lambda _: fly.edit(wake))
        error = await fly.refused("flyDeleteMachine", **ONE)
        assert (error["code"], error["changed"]) == ("wrong_state", "nothing")
        assert fly.machine().state == "started"

    async def test_one_gone_already_is_not_found(self, fly: Fly) -> None:
        """Ours: while it is still shown, and after."""
        await fly.call("flyDeleteMachine", **ONE)
        for seconds in (0, 30):
            await fly.clock.sleep(seconds)
            error = await fly.refused("flyDeleteMachine", **ONE)
            assert (error["code"], error["changed"]) == ("not_found", "nothing")

    async def test_a_slow_end_is_pending(self, fly: Fly) -> None:
        """Ours."""
        body = json.dumps({"id": MACHINE, "state": "destroying"})
        path = f"/machines/{MACHINE}$"
        fly.emulator.faults.add(FaultRule(method="GET", path="/wait$", status=408, latency=15.0))
        fly.emulator.faults.add(FaultRule(method="GET", path=path, nth=3, status=200, body=body))
        answer = await fly.call("flyDeleteMachine", **ONE)
        assert (answer["outcome"], answer["state"]) == ("pending", "destroying")
        assert "flyWaitForMachine" in answer["note"]

    async def test_a_look_that_fails_is_pending_too(self, fly: Fly) -> None:
        """Ours: Fly accepted it."""
        fly.emulator.faults.add(FaultRule(method="GET", path="/wait$", status=403, error="no"))
        answer = await fly.call("flyDeleteMachine", **ONE)
        assert (answer["outcome"], answer["state"]) == ("pending", "unknown")
        assert "looking at what came of it failed" in answer["note"]

    async def test_nothing_of_another_app_is_touched(self, fly: Fly) -> None:
        """The issue, Bad input: a machine of another app."""
        error = await fly.refused("flyDeleteMachine", appName=WEB, machineId=MACHINE, confirm=True)
        assert error["code"] == "not_found"
        assert fly.writes() == []
        assert fly.machine().state == "started"


class TestVolume:
    """flyDeleteVolume."""

    async def test_an_unattached_volume_goes(self, fly: Fly) -> None:
        """Reference 6.7: it stays listed for a day, by Fly and not by us."""
        answer = await fly.call("flyDeleteVolume", **FREE)
        assert answer.pop("undo").keys() == {"how", "reference", "until", "lost"}
        assert answer == {
            "outcome": "done",
            "id": FREE_VOLUME,
            "name": "catvet_data",
            "state": "pending_destroy",
            "monthly_cost": "-0.15 USD a month (estimate; Fly's prices of 2026-08-07)",
        }
        listed = (await fly.call("flyListVolumes", appName=APP))["volumes"]
        assert [volume["id"] for volume in listed] == [VOLUME]

    async def test_deleted_twice_is_not_found(self, fly: Fly) -> None:
        """Ours: confirmed or not."""
        await fly.call("flyDeleteVolume", **FREE)
        for arguments in (FREE, {**FREE, "confirm": False}):
            error = await fly.refused("flyDeleteVolume", arguments)
            assert (error["code"], error["changed"]) == ("not_found", "nothing")

    @pytest.mark.parametrize("seconds", [2.0, 30.0])
    async def test_the_volume_of_a_machine_just_destroyed_is_waited_for(
        self, fly: Fly, seconds: float
    ) -> None:
        """Reference 6.4: deleted straight after its machine it was refused in 3 of 6 tries."""
        fly.edit(lambda world: setattr(world.settings, "volume_release_seconds", seconds))
        await fly.call("flyDeleteMachine", **ONE)

        unconfirmed = await fly.refused("flyDeleteVolume", appName=APP, volumeId=VOLUME)
        assert unconfirmed["code"] == "confirmation_required"
        answer = await fly.call("flyDeleteVolume", appName=APP, volumeId=VOLUME, confirm=True)

        assert (answer["outcome"], answer["state"]) == ("done", "pending_destroy")

    async def test_its_machine_may_be_forgotten_before_it_is_let_go_of(self, fly: Fly) -> None:
        """Reference 6.4: minutes; by then the machine it names is 404."""
        fly.edit(lambda world: setattr(world.settings, "volume_release_seconds", 40.0))
        await fly.call("flyDeleteMachine", **ONE)
        await fly.clock.sleep(15)
        answer = await fly.call("flyDeleteVolume", appName=APP, volumeId=VOLUME, confirm=True)
        assert (answer["outcome"], answer["state"]) == ("done", "pending_destroy")

    async def test_a_volume_bound_behind_our_back_is_refused_by_fly(self, fly: Fly) -> None:
        """Reference 4.6: 412, waited for and then told."""
        text = f"failed_precondition: volume is currently bound to machine: {MACHINE}"
        fly.emulator.faults.add(FaultRule(method="DELETE", path="/volumes/", status=412, error=text))
        error = await fly.refused("flyDeleteVolume", **FREE)
        # The last snapshot was taken, so not nothing was changed; it goes away by itself.
        assert (error["code"], error["changed"], error["outcome"]) == ("wrong_state", "something", "unclear")
        assert error["details"]["snapshot_id"].startswith("vs_")
        assert error["details"]["machine_id"] == MACHINE


class TestApp:
    """flyDeleteApp."""

    async def test_an_app_goes_with_all_it_holds(self, fly: Fly) -> None:
        """Reference 4.1: machines and volumes go too; force, since machines run."""
        answer = await fly.call("flyDeleteApp", appName=APP, confirm=True)
        assert (answer["outcome"], answer["name"], answer["state"]) == ("done", APP, "destroyed")
        assert "its volumes and their data" in answer["undo"]["lost"]
        assert len(answer["machines"]) == 1
        assert APP not in fly.emulator.dump().apps
        (delete,) = fly.writes()
        assert (delete.method, delete.path, delete.query) == ("DELETE", f"/v1/apps/{APP}", "force=true")

    async def test_an_app_still_there_is_pending(self, fly: Fly) -> None:
        """Ours: accepted is not done."""
        fly.emulator.faults.add(FaultRule(method="DELETE", path="/apps/", status=202, body=""))
        began = fly.clock.monotonic()
        answer = await fly.call("flyDeleteApp", appName=SANDBOX, confirm=True)
        assert answer["outcome"] == "pending"
        assert fly.clock.monotonic() - began < 70

    async def test_an_app_of_somebody_else_is_forbidden(self, fly: Fly) -> None:
        """Reference 1.3: 403 for an app in another organisation."""
        fly.emulator.faults.add(
            FaultRule(method="GET", path="/apps/theirs$", status=403, error="permission_denied")
        )
        for extra in ({}, {"confirm": True}):
            error = await fly.refused("flyDeleteApp", appName="theirs", **extra)
            assert (error["code"], error["status"]) == ("forbidden", 403)
        assert fly.writes() == []


class TestBounds:
    """No result grows without bound, a refusal neither (the architecture)."""

    @pytest.fixture
    def world(self) -> World:
        return fleet(*(machine(number) for number in range(1, 300)))

    async def test_a_preview_of_hundreds_names_some_and_counts_the_rest(self, fly: Fly) -> None:
        """Ours: fifty names, then how many more."""
        error = await fly.refused("flyDeleteApp", appName=FLEET)
        machines = error["details"]["would_destroy"]["machines"]
        assert len(machines) == 51
        assert machines[-1] == "and 249 more"
        assert "with 299 machine(s)" in error["message"]

    async def test_a_plan_of_hundreds_names_some_and_counts_the_rest(self, fly: Fly) -> None:
        """Ours."""
        error = await fly.refused("flyScaleMachines", appName=FLEET, count=1)
        going = error["details"]["would_destroy"]
        assert len(going) == 51
        assert going[-1] == "and 248 more"
        assert going[0]["id"] == id_of(1)
        assert len(fly.said[-1]) < 20_000


async def test_a_lease_of_somebody_else_protects_a_machine(fly: Fly) -> None:
    """Reference 6.6: told at once with owner and expiry, instead of hanging until it expires."""
    until = fly.clock.now() + 900

    def lease(world: World) -> None:
        world.apps[APP].machines[MACHINE].lease = Lease(nonce="a", owner="ada@x.io", expires_at=until)

    fly.edit(lease)
    error = await fly.refused("flyDeleteMachine", **ONE)
    assert error["code"] == "lease_held"
    assert error["details"]["owner"] == "ada@x.io"
    assert fly.machine().state == "started"
