"""flyCloneMachine: like another, elsewhere, with a volume of its own (reference 7.4)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import Snapshot, World

from .fly import APP, MACHINE, VOLUME, WEB, Fly
from .worlds import FLEET, fleet, id_of, machine

ONE = {"appName": APP, "machineId": MACHINE}
CLONE = "flyCloneMachine"


def _snapshot(world: World, *, complete: bool = True) -> None:
    volume = world.apps[APP].volumes[VOLUME]
    for number in (1, 2):
        snapshot = Snapshot(
            id=f"vs_{number}{number}", created_at=1e9 + number, volume_size=2**30, files={"/old": str(number)}
        )
        snapshot.status = "created" if complete else "pending"
        volume.snapshots.append(snapshot)


async def test_into_another_region_with_an_empty_volume(fly: Fly) -> None:
    """The issue: into another region, with a new volume."""
    source = fly.machine()
    bodies: list[dict[str, Any]] = []
    fly.wire.tap("POST", "/machines$", lambda request: bodies.append(json.loads(request.content)))
    answer = await fly.call(CLONE, **ONE, region="lhr")
    made = fly.machine(answer["id"])
    volume = fly.volume(str(answer["volume_id"]))
    assert (answer["outcome"], answer["state"], answer["region"]) == ("done", "started", "lhr")
    assert (answer["cloned_from"], answer["volume_from"]) == (MACHINE, "empty")
    assert answer["monthly_cost"].startswith("+5.")
    assert (volume.region, volume.name, volume.attached_machine_id) == ("lhr", "catvet_data", made.id)
    assert volume.snapshot_retention == 5
    assert volume.files == {}
    assert bodies[0]["config"]["mounts"] == [{"volume": volume.id, "path": "/data"}]
    same = {"mounts": None, "metadata": None}
    assert made.config.model_copy(update=same) == source.config.model_copy(update=same)
    assert fly.machine() == source


async def test_one_without_a_volume(fly: Fly) -> None:
    """Ours: there is nothing to copy then."""
    (source,) = fly.alive(WEB)
    answer = await fly.call(CLONE, appName=WEB, machineId=source.id, name="web-2")
    assert (answer["name"], answer["region"], "volume_id" in answer) == ("web-2", "fra", False)
    error = await fly.refused(CLONE, appName=WEB, machineId=source.id, volume="fork")
    assert [one["path"] for one in error["problems"]] == ["volume"]


@pytest.mark.parametrize(
    ("more", "origin", "files"),
    [
        ({"volume": "snapshot"}, "vs_22", {"/old": "2"}),
        ({"snapshotId": "vs_11"}, "vs_11", {"/old": "1"}),
        ({"volume": "fork"}, VOLUME, None),
    ],
    ids=["newest", "named", "fork"],
)
async def test_with_the_data_of_a_snapshot_or_of_the_volume(
    fly: Fly, more: dict[str, Any], origin: str, files: dict[str, str] | None
) -> None:
    """The issue: a snapshot's, or a fork."""
    fly.edit(_snapshot)
    wanted = fly.volume(VOLUME).files if files is None else files
    answer = await fly.call(CLONE, **ONE, **more)
    assert (answer["outcome"], answer["volume_from"]) == ("done", origin)
    assert fly.volume(answer["volume_id"]).files == wanted


@pytest.mark.parametrize("app", [APP, WEB])
async def test_while_its_host_does_not_answer_the_clone_is_told_as_it_was_sent(fly: Fly, app: str) -> None:
    """Found by the chaos run: Fly leaves the config out, and with it went image, volume and what they cost."""
    (source,) = fly.alive(app)
    one = {"appName": app, "machineId": source.id, "region": "fra"}
    usual = await fly.call(CLONE, **one)
    fly.begin_again()
    fly.emulator.faults.add(
        FaultRule(kind="unreachable_host", method="GET", path=r"/machines/\w+/wait$", seconds=3600, times=1)
    )
    answer = await fly.call(CLONE, **one)
    made = fly.machine(answer["id"], app)
    assert made.host_status == "unreachable"
    assert answer["image"] == source.config.image
    assert answer["monthly_cost"] == usual["monthly_cost"]
    assert answer.get("volume_id") == made.volume_id


class TestRefused:
    """Everything that can be refused is refused before anything exists, and is billed."""

    @pytest.mark.parametrize(
        ("more", "code"),
        [
            ({"region": "xyz"}, "invalid_arguments"),
            ({"volume": "fork", "snapshotId": "vs_11"}, "invalid_arguments"),
            ({"volume": "snapshot"}, "wrong_state"),
            ({"name": "young-sound-9626"}, "conflict"),
        ],
        ids=["region", "two-sources", "no-snapshot", "name"],
    )
    async def test_nothing_is_made(self, fly: Fly, more: dict[str, Any], code: str) -> None:
        """Ours."""
        error = await fly.refused(CLONE, **ONE, **more)
        assert (error["code"], error["changed"]) == (code, "nothing")
        assert fly.writes() == []

    async def test_a_snapshot_that_is_not_complete_is_none(self, fly: Fly) -> None:
        """Ours: no volume can be made from it yet."""
        fly.edit(lambda world: _snapshot(world, complete=False))
        error = await fly.refused(CLONE, **ONE, volume="snapshot")
        assert "flyCreateSnapshot" in error["hint"]

    async def test_a_host_that_does_not_answer(self, fly: Fly) -> None:
        """Reference 7.4: the host must be ok."""
        fly.edit(lambda world: setattr(world.apps[APP].machines[MACHINE], "host_status", "unreachable"))
        assert (await fly.refused(CLONE, **ONE))["code"] == "wrong_state"
        assert fly.writes() == []

    async def test_a_volume_made_for_nothing_is_told(self, fly: Fly) -> None:
        """Ours: it is billed."""
        fly.wire.tap(
            "POST", "/machines$", lambda _: fly.edit(lambda w: setattr(w.settings, "full_regions", ["fra"]))
        )
        error = await fly.refused(CLONE, **ONE)
        assert error["changed"] == "something"
        assert "stays, unattached" in error["message"]


class TestTemplate:
    """What belongs to the one machine alone is not copied (the rules of scaling)."""

    @pytest.fixture
    def world(self) -> World:
        return fleet(
            machine(1, standbys=[id_of(2)], schedule="daily", env={"FLY_STANDBY_FOR": "x", "A": "b"})
        )

    async def test_no_standby_and_no_schedule(self, fly: Fly) -> None:
        """Reference 7.3."""
        answer = await fly.call(CLONE, appName=FLEET, machineId=id_of(1))
        config = fly.machine(answer["id"], FLEET).config
        assert (config.standbys, config.schedule, config.env) == (None, None, {"A": "b"})


@pytest.mark.parametrize("path", ["/machines$", "/volumes$"])
@pytest.mark.parametrize("carried_out", [True, False], ids=["carried-out", "lost"])
async def test_a_lost_answer_is_finished_and_never_doubled(fly: Fly, path: str, carried_out: bool) -> None:
    """The issue: mark, requestId resume and lost answers."""
    volumes = len(fly.app().volumes)
    lose = fly.wire.lose_answers if carried_out else fly.wire.lose_requests
    lose("POST", path, times=1)
    answer = await fly.either(CLONE, **ONE, region="lhr", requestId="once")
    fly.wire.mend()
    for _ in range(3):
        if answer.get("outcome") == "done":
            break
        assert answer["error"]["outcome"] == "unclear"
        answer = await fly.either(CLONE, **ONE, region="lhr", requestId="once")
    assert answer["outcome"] == "done"
    assert (len(fly.alive()), len(fly.app().volumes)) == (2, volumes + 1)
    assert fly.volume(answer["volume_id"]).attached_machine_id == answer["id"]
    assert answer["volume_from"] == "empty"
