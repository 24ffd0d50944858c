"""The connection broke after a write: it may or may not have happened, and an answer must not pretend.

Each case comes twice: the request was carried out and its answer lost, and the request never arrived. From
outside the two look the same.
"""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import Volume, World

from .fly import APP, FREE_VOLUME, MACHINE, SANDBOX, WEB, Fly

ONE = {"appName": APP, "machineId": MACHINE}
NEW = {"appName": SANDBOX, "name": "data", "region": "fra"}
DELETES: list[tuple[str, dict[str, Any], str]] = [
    ("flyDeleteMachine", ONE, f"/machines/{MACHINE}$"),
    ("flyDeleteVolume", {"appName": APP, "volumeId": FREE_VOLUME}, f"/volumes/{FREE_VOLUME}$"),
    ("flyDeleteApp", {"appName": APP}, f"/v1/apps/{APP}$"),
]
deletes = pytest.mark.parametrize(
    ("name", "arguments", "path"), DELETES, ids=[name for name, _, _ in DELETES]
)


class TestCreateMachine:
    """Nothing is ever created twice to be on the safe side (reference 9.21)."""

    async def test_it_is_found_by_its_mark_and_not_doubled(self, fly: Fly) -> None:
        """Ours: a create carries a mark in the machine's metadata."""
        rule = fly.wire.lose_answers("POST", "/machines$")
        answer = await fly.call("flyCreateMachine", appName=WEB)
        made = [one for one in fly.alive(WEB) if one.id != "2874d1ea0f5e38"]
        assert [one.id for one in made] == [answer["id"]]
        assert answer["outcome"] == "done"
        assert "Fly's answer was lost; the machine was found by its mark." in answer["note"]
        assert rule.struck == 1

    async def test_somebody_elses_new_machine_is_not_taken_for_ours(self, fly: Fly) -> None:
        """Ours: only the mark counts, not being new."""

        def theirs(world: World) -> None:
            machines = world.apps[WEB].machines
            copy = machines["2874d1ea0f5e38"].model_copy(update={"id": "d0000000000001", "name": "theirs"})
            machines[copy.id] = copy

        fly.wire.lose_requests("POST", "/machines$")
        fly.wire.tap("GET", f"{WEB}/machines$", lambda _: None)
        fly.wire.tap("GET", f"{WEB}/machines$", lambda _: fly.edit(theirs))
        error = await fly.refused("flyCreateMachine", appName=WEB)
        assert (error["code"], error["changed"]) == ("unclear", "unknown")
        assert len(fly.alive(WEB)) == 2

    async def test_one_that_never_arrived_is_not_sent_again(self, fly: Fly) -> None:
        """Ours: probably not created, and it says where to look."""
        rule = fly.wire.lose_requests("POST", "/machines$")
        error = await fly.refused("flyCreateMachine", appName=SANDBOX)
        assert (error["code"], error["changed"], error["retryable"]) == ("unclear", "unknown", False)
        assert "no machine with its mark is there" in error["message"]
        assert "flyListMachines" in error["hint"]
        assert rule.struck == 1
        assert fly.alive(SANDBOX) == []

    async def test_408_on_create_is_as_unclear(self, fly: Fly) -> None:
        """Reference 9.21: 408 on create is ambiguous."""
        fly.emulator.faults.add(FaultRule(method="POST", path="/machines$", status=408, after=True))
        answer = await fly.call("flyCreateMachine", appName=SANDBOX)
        assert answer["outcome"] == "done"
        assert len(fly.alive(SANDBOX)) == 1

    async def test_looking_for_it_may_fail_as_well(self, fly: Fly) -> None:
        """Ours: then it is still unclear, and not an error of the list."""
        fly.wire.lose_answers("POST", "/machines$")
        lists = fly.wire.lose_requests("GET", "/machines$")
        lists.times = 0

        def then(_: object) -> None:
            lists.times = 999

        fly.wire.tap("GET", f"{SANDBOX}/machines$", then)
        error = await fly.refused("flyCreateMachine", appName=SANDBOX)
        assert (error["code"], error["changed"]) == ("unclear", "unknown")


class TestCreateVolume:
    """A name is a label that many volumes may share (reference 9.24)."""

    async def test_it_is_found_by_being_new(self, fly: Fly) -> None:
        """Ours: only the ids of before tell."""
        rule = fly.wire.lose_answers("POST", "/volumes$")
        answer = await fly.call("flyCreateVolume", **NEW)
        assert answer["outcome"] == "done"
        assert answer["id"] != "vol_xxx"
        assert "is new since" in answer["note"]
        assert len(fly.app(SANDBOX).volumes) == 2
        assert rule.struck == 1

    async def test_one_that_never_arrived_is_not_sent_again(self, fly: Fly) -> None:
        """Ours: each one is billed."""
        rule = fly.wire.lose_requests("POST", "/volumes$")
        error = await fly.refused("flyCreateVolume", **NEW)
        assert (error["code"], error["changed"]) == ("unclear", "unknown")
        assert "no new volume is there" in error["message"]
        assert rule.struck == 1
        assert len(fly.app(SANDBOX).volumes) == 1

    async def test_looking_for_it_may_fail_as_well(self, fly: Fly) -> None:
        """Ours: a read that fails after an unclear write does not make it clear."""
        fly.wire.lose_answers("POST", "/volumes$")
        lists = fly.wire.lose_requests("GET", "/volumes$", times=0)

        def then(_: object) -> None:
            lists.times = 999

        fly.wire.tap("GET", f"{SANDBOX}/volumes$", then)
        error = await fly.refused("flyCreateVolume", **NEW)
        assert error["changed"] == "unknown"

    async def test_somebody_elses_new_volume_is_not_taken_for_ours(self, fly: Fly) -> None:
        """Ours: made at the same moment with the same name, region and size; it does not have our mark."""
        fly.wire.lose_answers("POST", "/volumes$", times=1)

        def theirs(_: object) -> None:
            other = Volume(id="vol_theirs", name="data", region="fra", size_gb=1)
            fly.edit(lambda world: world.apps[SANDBOX].volumes.update(vol_theirs=other))

        lists = fly.wire.tap("GET", f"{SANDBOX}/volumes$", lambda _: None)
        fly.wire.tap("GET", f"{SANDBOX}/volumes$", theirs)
        answer = await fly.call("flyCreateVolume", **NEW)
        assert lists.struck == 1
        assert answer["outcome"] == "done"
        assert answer["id"] not in ("vol_theirs", "vol_xxx")
        assert fly.volume(answer["id"], SANDBOX).snapshot_retention == 5, "the mark is taken off"

    async def test_only_somebody_elses_is_there(self, fly: Fly) -> None:
        """Ours: it is not claimed, and what was asked for stays unclear."""
        fly.wire.lose_requests("POST", "/volumes$", times=1)

        def theirs(_: object) -> None:
            other = Volume(id="vol_theirs", name="data", region="fra", size_gb=1)
            fly.edit(lambda world: world.apps[SANDBOX].volumes.update(vol_theirs=other))

        fly.wire.tap("GET", f"{SANDBOX}/volumes$", lambda _: None)
        fly.wire.tap("GET", f"{SANDBOX}/volumes$", theirs)
        error = await fly.refused("flyCreateVolume", **NEW)
        assert (error["code"], error["outcome"]) == ("unclear", "unclear")
        assert error["details"]["found"] == "nothing"


class TestCreateApp:
    """A name exists once in all of Fly (reference 2.1)."""

    async def test_it_is_found_by_its_name(self, fly: Fly) -> None:
        """Ours."""
        fly.wire.lose_answers("POST", "/v1/apps$")
        answer = await fly.call("flyCreateApp", appName="shop")
        assert answer["outcome"] == "done"
        assert "Fly's answer was lost" in answer["note"]

    async def test_an_app_that_was_there_is_not_taken_for_a_new_one(self, fly: Fly) -> None:
        """Ours: it has machines, so the name was taken."""
        fly.wire.lose_requests("POST", "/v1/apps$")
        error = await fly.refused("flyCreateApp", appName=APP)
        assert error["code"] == "conflict"
        assert "the name is taken" in error["message"]

    async def test_one_that_never_arrived_says_that_trying_again_is_safe(self, fly: Fly) -> None:
        """Ours."""
        rule = fly.wire.lose_requests("POST", "/v1/apps$")
        error = await fly.refused("flyCreateApp", appName="shop")
        assert (error["code"], error["changed"]) == ("unclear", "unknown")
        assert "with the same requestId is safe" in error["hint"]
        assert rule.struck == 1


#: Calls that change a machine's state: name, arguments before, the write's path, the state reached.
MOVES = [
    ("flyStopMachine", None, "/stop$", "stopped"),
    ("flySuspendMachine", None, "/suspend$", "suspended"),
    ("flyStartMachine", "flyStopMachine", "/start$", "started"),
    ("flyStartMachine", "flySuspendMachine", "/start$", "started"),
]
moves = pytest.mark.parametrize(
    ("name", "first", "path", "goal"), MOVES, ids=[f"{name}-{first}" for name, first, _, _ in MOVES]
)


class TestMoves:
    """Start, stop, suspend: repeating is safe, so the client repeats; what counts is the state seen."""

    @moves
    @pytest.mark.parametrize("times", [1, 99])
    async def test_carried_out_it_is_done(
        self, fly: Fly, name: str, first: str | None, path: str, goal: str, times: int
    ) -> None:
        """The issue, 3: the result gives the state reached. Also where a repetition is refused."""
        if first:
            await fly.call(first, **ONE)
        fly.wire.lose_answers("POST", path, times)
        answer = await fly.call(name, **ONE)
        assert (answer["outcome"], answer["state"]) == ("done", goal)
        assert fly.machine().state == goal

    @moves
    async def test_lost_on_the_way_it_is_unclear(
        self, fly: Fly, name: str, first: str | None, path: str, goal: str
    ) -> None:
        """Ours: not done, and not an error either: the state now is told."""
        if first:
            await fly.call(first, **ONE)
        before = fly.machine().state
        fly.wire.lose_requests("POST", path)
        answer = await fly.call(name, **ONE)
        assert (answer["outcome"], answer["state"]) == ("unclear", before)
        assert before != goal
        assert "The answer to the request was lost" in answer["note"]
        assert "Repeating the call is safe" in answer["note"]

    @moves
    async def test_lost_once_on_the_way_it_is_sent_again(
        self, fly: Fly, name: str, first: str | None, path: str, goal: str
    ) -> None:
        """House rule 12: idempotent, within a budget."""
        if first:
            await fly.call(first, **ONE)
        fly.wire.lose_requests("POST", path, times=1)
        answer = await fly.call(name, **ONE)
        assert (answer["outcome"], answer["state"]) == ("done", goal)

    async def test_a_restart_is_proven_by_an_event(self, fly: Fly) -> None:
        """Ours: it must not be sent twice, and the state alone proves nothing."""
        rule = fly.wire.lose_answers("POST", "/restart$")
        answer = await fly.call("flyRestartMachine", **ONE)
        assert (answer["outcome"], rule.struck) == ("done", 1)
        assert fly.machine().booted == 2

    async def test_a_restart_that_never_arrived_is_unclear(self, fly: Fly) -> None:
        """Ours."""
        rule = fly.wire.lose_requests("POST", "/restart$")
        answer = await fly.call("flyRestartMachine", **ONE)
        assert (answer["outcome"], rule.struck) == ("unclear", 1)
        assert "The answer to the restart was lost" in answer["note"]
        assert fly.machine().booted == 1


class TestUpdate:
    """Each update makes a new version and restarts the machine: sent with the version read, Fly takes one at most."""

    async def test_carried_out_it_is_told_by_the_version(self, fly: Fly) -> None:
        """The issue, 4: a new version that has what was asked for."""
        rule = fly.wire.lose_answers("POST", f"/machines/{MACHINE}$")
        answer = await fly.call("flyUpdateMachineConfig", **ONE, env={"A": "b"})
        assert (answer["outcome"], rule.struck) == ("done", 1)
        assert answer["changed"]["env"] == {"A": "added"}
        assert len(fly.machine().versions) == 2

    async def test_lost_on_the_way_it_says_that_the_version_is_the_old_one(self, fly: Fly) -> None:
        """The issue, 4: looked for, sent again with the same version, and then the truth."""
        rule = fly.wire.lose_requests("POST", f"/machines/{MACHINE}$")
        error = await fly.refused("flyUpdateMachineConfig", **ONE, env={"A": "b"})
        assert (error["code"], error["changed"], rule.struck) == ("unclear", "unknown", 3)
        assert "still has its old version" in error["message"]
        assert len(fly.machine().versions) == 1


class TestSecrets:
    """The same values again: only Fly's counter moves once more."""

    async def test_lost_once_it_is_sent_again(self, fly: Fly) -> None:
        """House rule 12: idempotent."""
        rule = fly.wire.lose_answers("POST", "/secrets$", times=1)
        answer = await fly.call("flySetSecrets", appName=APP, secrets={"A": "b"}, restartMachines=True)
        assert (answer["outcome"], rule.struck) == ("done", 1)
        assert (await fly.env())["A"] == "b"

    @pytest.mark.parametrize("arrives", [True, False], ids=["carried-out", "lost"])
    async def test_lost_every_time_it_is_unclear_and_no_machine_is_touched(
        self, fly: Fly, arrives: bool
    ) -> None:
        """Ours: which values a machine would be given is not known."""
        (fly.wire.lose_answers if arrives else fly.wire.lose_requests)("POST", "/secrets$")
        secrets = {"A": "c4n4ry"}
        error = await fly.refused("flySetSecrets", appName=APP, secrets=secrets, restartMachines=True)
        assert (error["code"], error["changed"]) == ("unclear", "unknown")
        assert "c4n4ry" not in fly.said[-1]
        assert not [one for one in fly.changes() if "/machines/" in one]


class TestDelete:
    """What is gone is gone, whoever's answer was lost."""

    @deletes
    @pytest.mark.parametrize("times", [1, 99])
    async def test_carried_out_it_is_done(
        self, fly: Fly, name: str, arguments: dict[str, Any], path: str, times: int
    ) -> None:
        """Ours: also where the repetition is answered with 404, since it is gone."""
        fly.wire.lose_answers("DELETE", path, times)
        answer = await fly.call(name, **arguments, confirm=True)
        assert answer["outcome"] == "done"
        assert answer["state"] in ("destroyed", "pending_destroy")

    @deletes
    async def test_lost_on_the_way_it_is_unclear(
        self, fly: Fly, name: str, arguments: dict[str, Any], path: str
    ) -> None:
        """Ours: it is still there, and repeating is safe."""
        began = fly.clock.monotonic()
        fly.wire.lose_requests("DELETE", path)
        answer = await fly.call(name, **arguments, confirm=True)
        assert answer["outcome"] == "unclear"
        assert "Repeating the call is safe" in answer["note"]
        assert fly.clock.monotonic() - began < 60
        assert fly.machine().state == "started"

    async def test_a_volume_that_is_gone_at_the_second_try_is_deleted(self, fly: Fly) -> None:
        """Ours: the first, whose answer was lost, did it."""
        path = f"/volumes/{FREE_VOLUME}$"
        fly.wire.lose_answers("DELETE", path, times=1)
        gone = httpx2.Response(404, json={"error": "not_found: volume not found"})
        fly.wire.replace_answers("DELETE", path, lambda _: gone)
        answer = await fly.call("flyDeleteVolume", appName=APP, volumeId=FREE_VOLUME, confirm=True)
        assert (answer["outcome"], answer["state"]) == ("done", "destroyed")

    async def test_one_machine_of_a_scaling_down(self, fly: Fly) -> None:
        """The issue, 3: partial failure is reported machine by machine."""
        await fly.call("flyScaleMachines", appName=WEB, count=2)
        fly.wire.lose_requests("DELETE", "/machines/2874d1ea0f5e38$")
        error = await fly.refused("flyScaleMachines", appName=WEB, count=0, confirm=True)
        assert (error["code"], error["changed"]) == ("unclear", "unknown")
        fates = {step["id"]: step["did"] for step in error["details"]["machines"]}
        assert fates["2874d1ea0f5e38"] == "failed"
        assert sorted(fates.values()) == ["destroyed", "failed"]

    async def test_one_machine_of_a_scaling_up(self, fly: Fly) -> None:
        """Ours: found by its mark, each by its own."""
        fly.wire.lose_answers("POST", "/machines$")
        answer = await fly.call("flyScaleMachines", appName=WEB, count=4)
        assert (answer["outcome"], answer["count"]) == ("done", 4)
        assert len(fly.alive(WEB)) == 4
        assert len({step["id"] for step in answer["machines"]}) == 3


async def test_a_request_that_surely_did_not_leave_is_sent_again(fly: Fly) -> None:
    """House rule 12: surely not sent, so any call may be repeated."""

    def refuse(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    rule = fly.wire.replace_answers("POST", "/machines$", refuse, times=2)
    answer = await fly.call("flyCreateMachine", appName=SANDBOX)
    assert (answer["outcome"], rule.struck) == ("done", 2)
    assert len(fly.alive(SANDBOX)) == 1


async def test_a_fly_that_cannot_be_reached_changes_nothing(fly: Fly) -> None:
    """Ours: and says so."""

    def refuse(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    fly.wire.replace_answers("POST", ".*", refuse)
    fly.wire.replace_answers("GET", ".*", refuse)
    error = await fly.refused("flyCreateVolume", appName=SANDBOX, name="data", region="fra")
    assert (error["code"], error["changed"], error["retryable"]) == ("fly_unavailable", "nothing", True)
