"""Before a volume is destroyed a snapshot of it is taken, waited for, and named (issue 4, section 6)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from fly_mcp_emulator.default_world import default_world
from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import Snapshot, Volume, World

from .fly import APP, FREE_VOLUME, MACHINE, VOLUME, Fly, Json

DAY = 24 * 3600.0
FREE = {"appName": APP, "volumeId": FREE_VOLUME, "confirm": True}
SNAPSHOTS = f"/volumes/{FREE_VOLUME}/snapshots$"
FILES = {"/records/cat.txt": "a cat", "/records/dog.txt": "a dog"}


@pytest.fixture
def world() -> World:
    world = default_world()
    volume = world.apps[APP].volumes[FREE_VOLUME]
    volume.files, volume.size_gb, volume.formatted = dict(FILES), 3, True
    return world


def snapshots(fly: Fly, volume_id: str = FREE_VOLUME) -> list[Snapshot]:
    """Those of a volume, newest first."""
    return fly.volume(volume_id).snapshots


def taken(fly: Fly) -> int:
    """How often one was asked for."""
    return len(fly.requests_to("/snapshots", "POST"))


def deletes(fly: Fly) -> int:
    """How often the volume's deletion was asked for."""
    return len(fly.requests_to(f"/volumes/{FREE_VOLUME}", "DELETE"))


def minute(moment: float) -> str:
    """As answers write it."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%MZ")


def stuck(fly: Fly, status: str = "pending", number: int = 1) -> None:
    """Let Fly's list show the newest snapshot as not complete, for good; the rest as it is."""

    def answer(_: Any) -> Any:
        shown = [
            {
                "id": one.id,
                "status": status if index < number else one.status,
                "created_at": datetime.fromtimestamp(one.created_at, UTC).isoformat(),
                "retention_days": one.retention_days,
                "volume_size": one.volume_size,
            }
            for index, one in enumerate(snapshots(fly))
        ]
        return httpx2.Response(200, json=shown)

    fly.wire.replace_answers("GET", SNAPSHOTS, answer, times=9999)


class TestTaken:
    """As it should be."""

    async def test_it_is_complete_before_the_volume_is_deleted(self, fly: Fly) -> None:
        """The issue: taken and waited for."""
        looked: list[str] = []
        fly.wire.tap("DELETE", f"/volumes/{FREE_VOLUME}$", lambda _: looked.append(snapshots(fly)[0].status))
        answer = await fly.call("flyDeleteVolume", **FREE)
        assert looked == ["created"]
        (snapshot,) = snapshots(fly)
        assert answer["undo"]["reference"] == snapshot.id
        assert fly.progress
        assert fly.progress[0][1] == 240.0

    @pytest.mark.parametrize("days", [1, 5, 60])
    async def test_the_answer_names_until_when_and_what_is_lost(self, fly: Fly, days: int) -> None:
        """The issue: Fly keeps it for as many days as the volume says."""
        fly.edit(lambda world: setattr(world.apps[APP].volumes[FREE_VOLUME], "snapshot_retention", days))
        undo = (await fly.call("flyDeleteVolume", **FREE))["undo"]
        (snapshot,) = snapshots(fly)
        assert undo["until"] == minute(snapshot.created_at + days * DAY)
        assert undo["lost"] == "its id"
        assert f"snapshotId: {snapshot.id}" in undo["how"]

    async def test_the_volume_comes_back_with_its_files_and_size(self, fly: Fly) -> None:
        """The issue: flyCreateVolume with snapshotId; a command on a machine sees the files."""
        undo = (await fly.call("flyDeleteVolume", **FREE))["undo"]
        await fly.clock.sleep(2 * DAY)  # the volume itself is listed no more
        words = dict(
            part.split(": ") for part in undo["how"].removeprefix("flyCreateVolume with ").split(", ")
        )
        assert words == {"snapshotId": undo["reference"], "name": "catvet_data", "region": "fra"}
        volume = await fly.call("flyCreateVolume", appName=APP, **words)
        assert (volume["outcome"], volume["state"], volume["size_gb"]) == ("done", "created", 3)
        assert volume["restored_from"] == undo["reference"]
        assert fly.volume(volume["id"]).files == FILES
        assert fly.volume(volume["id"]).snapshot_retention == 5
        one = await fly.call("flyCreateMachine", appName=APP, volumeId=volume["id"], volumePath="/data")
        shown = await fly.call(
            "flyExecCommand", appName=APP, machineId=one["id"], command=["cat", "/data/records/cat.txt"]
        )
        assert shown["stdout"] == "a cat"

    async def test_a_restored_volume_may_be_larger_and_not_smaller(self, fly: Fly) -> None:
        """Reference 6.7: at least the snapshot's size."""
        undo = (await fly.call("flyDeleteVolume", **FREE))["undo"]
        new = {"appName": APP, "name": "data", "region": "fra", "snapshotId": undo["reference"]}
        error = await fly.refused("flyCreateVolume", **new, sizeGb=2)
        assert (error["code"], error["outcome"]) == ("invalid_arguments", "refused")
        assert (await fly.call("flyCreateVolume", **new, sizeGb=4))["size_gb"] == 4

    async def test_a_snapshot_that_is_not_there_is_told(self, fly: Fly) -> None:
        """Bad input."""
        error = await fly.refused(
            "flyCreateVolume", appName=APP, name="data", region="fra", snapshotId="vs_nosuchsnapshot00"
        )
        assert (error["code"], error["changed"]) == ("not_found", "nothing")
        assert len(fly.app().volumes) == 2

    async def test_a_lost_answer_to_a_restore_makes_one_volume(self, fly: Fly) -> None:
        """The issue, 2."""
        undo = (await fly.call("flyDeleteVolume", **FREE))["undo"]
        fly.wire.lose_answers("POST", "/volumes$", times=1)
        new = {"appName": APP, "name": "data", "region": "fra", "snapshotId": undo["reference"]}
        answer = await fly.call("flyCreateVolume", **new, requestId="back")
        assert (answer["outcome"], answer["size_gb"]) == ("done", 3)
        assert [one.name for one in fly.app().volumes.values()].count("data") == 1

    @pytest.mark.parametrize("extra", [{}, {"requestId": "one"}])
    async def test_declined_none_is_taken_and_the_answer_says_what_that_means(
        self, fly: Fly, extra: Json
    ) -> None:
        """The issue: unless told not to."""
        error = await fly.refused("flyDeleteVolume", **{**FREE, "confirm": False}, snapshot=False, **extra)
        assert "No last snapshot would be taken" in error["message"]
        assert error["details"]["would_destroy"]["last_snapshot"] is False
        undo = (await fly.call("flyDeleteVolume", **FREE, snapshot=False, **extra))["undo"]
        assert taken(fly) == 0
        assert undo["how"].startswith("No last snapshot was taken")
        assert "since the newest older snapshot" in undo["lost"]
        assert "reference" not in undo

    async def test_the_preview_says_that_one_would_be_taken(self, fly: Fly) -> None:
        """The issue, 6."""
        error = await fly.refused("flyDeleteVolume", **{**FREE, "confirm": False})
        assert "A last snapshot would be taken first" in error["message"]
        assert error["details"]["would_destroy"]["last_snapshot"] is True
        assert taken(fly) == 0

    async def test_a_repeated_call_gives_the_same_snapshot(self, fly: Fly) -> None:
        """The issue, 2."""
        first = await fly.call("flyDeleteVolume", **FREE, requestId="one")
        again = await fly.call("flyDeleteVolume", **FREE, requestId="one")
        assert again == {**first, "already_done": True}
        assert taken(fly) == 1


class TestRefused:
    """Where none can be taken, nothing is deleted."""

    @pytest.mark.parametrize(
        ("status", "text", "code"),
        [
            (403, "permission_denied: no", "forbidden"),
            (412, "failed_precondition: the volume's host is busy", "wrong_state"),
            (422, "invalid: no", "invalid_arguments"),
            (404, "not_found: volume not found", "not_found"),
        ],
    )
    async def test_a_refusal_is_told_with_the_way_without(
        self, fly: Fly, status: int, text: str, code: str
    ) -> None:
        """Ours."""
        fly.emulator.faults.add(FaultRule(method="POST", path="/snapshots$", status=status, error=text))
        error = await fly.refused("flyDeleteVolume", **FREE, requestId="one")
        assert (error["code"], error["outcome"], error["changed"]) == (code, "refused", "nothing")
        assert "nothing was deleted" in error["message"]
        assert "snapshot: false" in error["hint"]
        assert deletes(fly) == 0
        fly.emulator.faults.clear()
        assert (await fly.call("flyDeleteVolume", **FREE, requestId="one"))["outcome"] == "done"

    @pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
    @pytest.mark.parametrize("after", [False, True], ids=["not-done", "done"])
    async def test_an_unclear_answer_is_looked_up(self, fly: Fly, status: int, after: bool) -> None:
        """Ours: one that is there is taken up; else it is asked for again."""
        rule = FaultRule(method="POST", path="/snapshots$", status=status, error="x", after=after, times=1)
        fly.emulator.faults.add(rule)
        answer = await fly.call("flyDeleteVolume", **FREE)
        assert answer["outcome"] == "done"
        assert [one.id for one in snapshots(fly)] == [answer["undo"]["reference"]]
        assert taken(fly) == (1 if after else 2)

    async def test_requests_that_never_arrive_end_unclear_and_delete_nothing(self, fly: Fly) -> None:
        """Ours: three tries, then it is said what is known."""
        fly.wire.lose_requests("POST", "/snapshots$")
        error = await fly.refused("flyDeleteVolume", **FREE, requestId="one")
        assert (error["code"], error["outcome"], error["changed"]) == ("unclear", "unclear", "unknown")
        assert "nothing was deleted" in error["message"]
        assert deletes(fly) == 0
        assert len([one for one in fly.wire.sent if one.startswith("POST")]) == 3
        fly.wire.mend()
        assert (await fly.call("flyDeleteVolume", **FREE, requestId="one"))["outcome"] == "done"
        assert len(snapshots(fly)) == 1

    @pytest.mark.parametrize("body", ["{}", '{"Msg": {}}', '{"Msg": {"backup": null}}', "[]", ""])
    async def test_an_answer_that_does_not_say_which_is_looked_up(self, fly: Fly, body: str) -> None:
        """Reference 4.6: the docs and the API's own description differ."""
        fly.emulator.faults.add(
            FaultRule(method="POST", path="/snapshots$", status=200, body=body, after=True, times=1)
        )
        answer = await fly.call("flyDeleteVolume", **FREE)
        assert [one.id for one in snapshots(fly)] == [answer["undo"]["reference"]]
        assert taken(fly) == 1

    async def test_a_list_that_cannot_be_read_deletes_nothing(self, fly: Fly) -> None:
        """Ours: a snapshot that cannot be seen is none."""
        fly.emulator.faults.add(FaultRule(method="GET", path="/snapshots$", status=403, error="no"))
        error = await fly.refused("flyDeleteVolume", **FREE)
        assert (error["code"], error["changed"]) == ("forbidden", "nothing")
        assert (taken(fly), deletes(fly)) == (0, 0)

    async def test_looks_that_fail_for_a_while_are_waited_out(self, fly: Fly) -> None:
        """Ours: the snapshot goes on meanwhile."""
        fly.emulator.faults.add(FaultRule(method="GET", path="/snapshots$", status=500, nth=2))
        answer = await fly.call("flyDeleteVolume", **FREE)
        assert answer["outcome"] == "done"
        assert len(snapshots(fly)) == 1


def pending(fly: Fly, seconds: float) -> str:
    """Somebody's snapshot that was begun before, and its id; it is complete after `seconds`."""
    id_ = "vs_somebodys0000000"
    one = Snapshot(id=id_, created_at=fly.clock.now() - 30, status="pending", volume_size=3 * 2**30)

    def add(world: World) -> None:
        world.apps[APP].volumes[FREE_VOLUME].snapshots.insert(0, one)

    fly.edit(add)
    began = fly.clock.now()

    def end(_: object) -> None:
        if fly.clock.now() - began >= seconds:
            fly.edit(lambda world: setattr(_find(world, id_), "status", "created"))

    for method in ("GET", "POST"):
        fly.wire.tap(method, "/snapshots$", end, times=9999)
    return id_


def _find(world: World, id_: str) -> Snapshot:
    return next(one for one in world.apps[APP].volumes[FREE_VOLUME].snapshots if one.id == id_)


class TestAlreadyScheduled:
    """Reference 4.6: a second one while the first is pending is refused."""

    @pytest.mark.parametrize("seconds", [1.0, 20.0, 200.0])
    async def test_one_that_was_begun_before_is_waited_for_and_does_not_do(
        self, fly: Fly, seconds: float
    ) -> None:
        """Ours: it may be from when a machine still wrote to the volume."""
        theirs = pending(fly, seconds)
        answer = await fly.call("flyDeleteVolume", **FREE)
        assert answer["outcome"] == "done"
        assert answer["undo"]["reference"] != theirs
        assert len(snapshots(fly)) == 2

    async def test_one_that_does_not_end_leaves_the_volume(self, fly: Fly) -> None:
        """Ours: pending; and repeating goes on, without the id too."""
        theirs = pending(fly, 400.0)
        for more in ({}, {"requestId": "one"}):
            began = fly.clock.monotonic()
            answer = await fly.call("flyDeleteVolume", **FREE, **more)
            assert answer["outcome"] == ("pending" if not more else "done")
            if not more:
                assert theirs in answer["note"]
                assert "Nothing is deleted yet" in answer["note"]
                assert deletes(fly) == 0
                assert fly.clock.monotonic() - began < 260
        assert answer["undo"]["reference"] != theirs

    async def test_one_begun_between_the_look_and_the_request_will_do(self, fly: Fly) -> None:
        """Ours: the volume was unattached by then, so nothing has changed since."""
        struck: list[bool] = []

        def begin(_: object) -> None:
            if not struck:
                struck.append(True)
                one = Snapshot(
                    id="vs_between00000000",
                    created_at=fly.clock.now(),
                    status="pending",
                    volume_size=3 * 2**30,
                )
                fly.edit(lambda world: world.apps[APP].volumes[FREE_VOLUME].snapshots.insert(0, one))

        def end(_: object) -> None:
            fly.edit(lambda world: setattr(_find(world, "vs_between00000000"), "status", "created"))

        fly.wire.tap("POST", "/snapshots$", begin)
        rule = fly.wire.tap("GET", "/snapshots$", end, times=0)
        fly.wire.tap("GET", "/snapshots$", lambda _: setattr(rule, "times", 99), times=2)
        answer = await fly.call("flyDeleteVolume", **FREE)
        assert answer["undo"]["reference"] == "vs_between00000000"
        assert len(snapshots(fly)) == 1

    async def test_an_old_one_that_never_became_complete_stops_nothing(self, fly: Fly) -> None:
        """Ours: what Fly is not at work on is not waited for."""
        old = Snapshot(id="vs_failed000000000", created_at=fly.clock.now() - 9 * DAY, volume_size=2**30)
        fly.edit(lambda world: world.apps[APP].volumes[FREE_VOLUME].snapshots.append(old))
        shown = fly.wire.handle_async_request

        async def failed(request: Any) -> Any:
            answer = await shown(request)
            if request.method == "GET" and request.url.path.endswith("/snapshots"):
                await answer.aread()
                listed = json.loads(answer.content)
                for one in listed:
                    if one["id"] == old.id:
                        one["status"] = "failed"
                return httpx2.Response(200, json=listed)
            return answer

        fly.wire.handle_async_request = failed  # type: ignore[method-assign]  # no tap changes an answer
        began = fly.clock.monotonic()
        answer = await fly.call("flyDeleteVolume", **FREE)
        assert answer["outcome"] == "done"
        assert fly.clock.monotonic() - began < 60


class TestSlow:
    """A snapshot that takes its time."""

    async def test_never_complete_is_pending_and_the_same_id_goes_on_with_the_same_one(
        self, fly: Fly
    ) -> None:
        """The issue: nothing is deleted, and none is taken twice."""
        stuck(fly)
        id_ = ""
        for _ in range(3):
            began = fly.clock.monotonic()
            answer = await fly.call("flyDeleteVolume", **FREE, requestId="one")
            (snapshot,) = snapshots(fly)
            assert answer["outcome"] == "pending"
            id_ = snapshot.id
            assert id_ in answer["note"]
            assert "snapshot: false" in answer["note"]
            assert "undo" not in answer
            assert (taken(fly), deletes(fly)) == (1, 0)
            assert 235 < fly.clock.monotonic() - began < 260
        fly.wire.mend()
        answer = await fly.call("flyDeleteVolume", **FREE, requestId="one")
        assert (answer["outcome"], answer["undo"]["reference"]) == ("done", id_)
        assert taken(fly) == 1

    async def test_one_of_hours_ago_is_not_taken_for_one_of_now(self, fly: Fly) -> None:
        """Ours: a machine may have had the volume in between; within the day the same id goes on."""
        stuck(fly)
        await fly.call("flyDeleteVolume", **FREE, requestId="one")
        fly.wire.mend()
        await fly.clock.sleep(5 * 3600)
        fly.edit(lambda world: world.apps[APP].volumes[FREE_VOLUME].files.update({"/new.txt": "new"}))
        answer = await fly.call("flyDeleteVolume", **FREE, requestId="one")
        newest, _ = snapshots(fly)
        assert answer["undo"]["reference"] == newest.id
        assert newest.files["/new.txt"] == "new"

    async def test_without_it_after_all_is_another_intent(self, fly: Fly) -> None:
        """The issue, 2: other arguments."""
        stuck(fly)
        await fly.call("flyDeleteVolume", **FREE, requestId="one")
        error = await fly.refused("flyDeleteVolume", **FREE, snapshot=False, requestId="one")
        assert error["code"] == "conflict"
        answer = await fly.call("flyDeleteVolume", **FREE, snapshot=False, requestId="two")
        assert answer["outcome"] == "done"


def _delete(world: World) -> None:
    world.apps[APP].volumes[FREE_VOLUME].state = "pending_destroy"


def _attach(world: World) -> None:
    app = world.apps[APP]
    app.volumes[FREE_VOLUME].attached_machine_id = MACHINE
    app.volumes[VOLUME].attached_machine_id = None
    mounts = app.machines[MACHINE].config.mounts or []
    mounts[0].volume = FREE_VOLUME


class TestMeanwhile:
    """Somebody else, while the snapshot is being taken."""

    def _during(self, fly: Fly, change: Callable[[World], None]) -> None:
        fly.wire.tap("GET", "/snapshots$", lambda _: None)  # the first look
        fly.wire.tap("GET", "/snapshots$", lambda _: fly.edit(change))

    async def test_a_volume_that_somebody_deletes_is_gone_and_can_be_restored(self, fly: Fly) -> None:
        """Ours: what was asked for came about; Fly lists its snapshots for as long as it keeps them."""
        self._during(fly, _delete)
        answer = await fly.call("flyDeleteVolume", **FREE)
        assert (answer["outcome"], answer["state"]) == ("done", "pending_destroy")
        assert answer["undo"]["reference"] == snapshots(fly)[0].id

    async def test_a_volume_that_is_not_there_any_more_is_not_called_refused(self, fly: Fly) -> None:
        """Ours: a snapshot was taken, and it is named."""
        fly.emulator.faults.add(
            FaultRule(method="DELETE", path="/volumes/", status=404, error="not_found: volume not found")
        )
        answer = await fly.either("flyDeleteVolume", **FREE)
        snapshot = snapshots(fly)[0].id
        if "error" in answer:
            assert answer["error"]["outcome"] == "unclear"
            assert answer["error"]["details"]["snapshot_id"] == snapshot
        else:
            assert answer["undo"]["reference"] == snapshot

    async def test_a_volume_that_a_machine_takes_stays(self, fly: Fly) -> None:
        """Ours: Fly itself refuses; the snapshot goes away by itself, and is named."""
        self._during(fly, _attach)
        error = await fly.refused("flyDeleteVolume", **FREE)
        assert error["code"] == "wrong_state"
        assert error["details"]["snapshot_id"] == snapshots(fly)[0].id
        assert fly.volume(FREE_VOLUME).state == "created"


class TestResumed:
    """A deletion that was cut or lost, with its id."""

    async def test_a_lost_deletion_is_told_with_its_snapshot(self, fly: Fly) -> None:
        """The issue, 7: it was deleted, and nobody heard."""
        fly.wire.lose_answers("DELETE", "/volumes/")
        first = await fly.call("flyDeleteVolume", **FREE, requestId="one")
        fly.wire.mend()
        again = await fly.call("flyDeleteVolume", **FREE, requestId="one")
        for answer in (first, again):
            assert answer["outcome"] == "done"
            assert answer["undo"]["reference"] == snapshots(fly)[0].id
            assert answer["undo"]["until"]
        assert taken(fly) == 1

    async def test_a_deletion_that_nobody_could_look_at_is_finished_by_its_id(self, fly: Fly) -> None:
        """The issue, 7: a day later Fly does not list it any more, and its snapshot still is told."""
        fly.wire.lose_answers("DELETE", "/volumes/")
        looks = fly.wire.lose_requests("GET", f"/volumes/{FREE_VOLUME}$", times=0)
        carry = fly.wire.handle_async_request

        async def then_silent(request: Any) -> Any:
            if request.method == "DELETE":
                looks.times = 999
            return await carry(request)

        fly.wire.handle_async_request = then_silent  # type: ignore[method-assign]  # no tap changes an answer
        first = await fly.call("flyDeleteVolume", **FREE, requestId="one")
        assert first["outcome"] == "unclear"
        assert first["undo"]["reference"] == snapshots(fly)[0].id
        fly.wire.mend()
        answer = await fly.call("flyDeleteVolume", **FREE, requestId="one")
        assert (answer["outcome"], answer["name"]) == ("done", "catvet_data")
        assert answer["undo"]["reference"] == snapshots(fly)[0].id
        assert "An earlier call with this requestId had deleted it" in answer["note"]

    async def test_another_volume_of_the_same_intent_is_a_conflict(self, fly: Fly) -> None:
        """The issue, 2."""
        fly.edit(
            lambda world: world.apps[APP].volumes.update(vol_b0=Volume(id="vol_b0", name="b", region="fra"))
        )
        await fly.call("flyDeleteVolume", **FREE, requestId="one")
        error = await fly.refused("flyDeleteVolume", **{**FREE, "volumeId": "vol_b0"}, requestId="one")
        assert (error["code"], error["outcome"]) == ("conflict", "refused")
        assert fly.volume("vol_b0").state == "created"
