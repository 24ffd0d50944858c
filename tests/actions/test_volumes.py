"""flyListVolumes and flyCreateVolume (reference 4.6)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import Volume, World

from .fly import APP, SANDBOX, Fly

NEW = {"appName": SANDBOX, "name": "data", "region": "fra"}


async def test_the_size_is_always_sent(fly: Fly) -> None:
    """Reference 9.9: docs 3 GB, flyctl and the seeds 1 GB."""
    bodies: list[dict[str, Any]] = []
    fly.wire.tap("POST", "/volumes$", lambda request: bodies.append(json.loads(request.content)))
    answer = await fly.call("flyCreateVolume", **NEW)
    (body,) = bodies
    assert 6 <= body.pop("snapshot_retention") <= 60, "the mark"
    assert body == {"name": "data", "region": "fra", "size_gb": 1}
    assert (answer["outcome"], answer["size_gb"], answer["attached_machine_id"]) == ("done", 1, None)


async def test_a_second_of_the_same_name_is_a_second_volume(fly: Fly) -> None:
    """Reference 9.24."""
    first = await fly.call("flyCreateVolume", **NEW)
    second = await fly.call("flyCreateVolume", **NEW, sizeGb=3.0)
    assert first["id"] != second["id"]
    assert second["size_gb"] == 3
    assert len(fly.app(SANDBOX).volumes) == 3


@pytest.mark.parametrize("size", [0, -3, 501, "1", 1.5, True, 10**30])
async def test_other_sizes_are_refused(fly: Fly, size: object) -> None:
    """Reference 2.2: 1 to 500 GB."""
    error = await fly.refused("flyCreateVolume", **NEW, sizeGb=size)
    assert [problem["path"] for problem in error["problems"]] == ["sizeGb"]
    assert not fly.wire.sent


@pytest.mark.parametrize("name", ["my-data", "Data", "", "x" * 31, "a b", "a.b", "../x", "d\x00"])
async def test_names_that_fly_forbids_are_refused(fly: Fly, name: str) -> None:
    """Reference 2.1: letters, digits, underscore, no dash, at most 30."""
    error = await fly.refused("flyCreateVolume", {**NEW, "name": name})
    assert [problem["path"] for problem in error["problems"]] == ["name"]
    assert not fly.wire.sent


@pytest.mark.parametrize(
    ("region", "near"),
    [("frq", "fra"), ("lhx", "lhr"), ("xyz", ""), ("tok", ""), ("fra ", None), ("FRA", None), ("eu", None)],
)
async def test_regions_that_do_not_exist_are_refused_with_near_ones(
    fly: Fly, region: str, near: str | None
) -> None:
    """The issue, Bad input: nearest ones named."""
    error = await fly.refused("flyCreateVolume", {**NEW, "region": region})
    (problem,) = error["problems"]
    assert (error["code"], problem["path"]) == ("invalid_arguments", "region")
    assert near is None or near in problem["message"]
    assert fly.writes() == []


async def test_a_region_that_is_closed_is_refused(fly: Fly) -> None:
    """Reference 2.3: deprecated codes."""
    regions = {
        "Regions": [
            {"code": "fra", "name": "Frankfurt"},
            {"code": "mad", "name": "Madrid", "deprecated": True},
        ]
    }
    fly.emulator.faults.add(FaultRule(path="/platform/regions$", status=200, body=json.dumps(regions)))
    error = await fly.refused("flyCreateVolume", {**NEW, "region": "mad"})
    assert "takes no new machines or volumes" in error["message"]
    assert "fra (Frankfurt)" in error["problems"][0]["message"]


async def test_regions_that_cannot_be_read_are_left_to_fly(fly: Fly) -> None:
    """Ours: a list that is not there refuses nothing."""
    fly.emulator.faults.add(FaultRule(path="/platform/regions$", status=500))
    assert (await fly.call("flyCreateVolume", **NEW))["outcome"] == "done"
    error = await fly.refused("flyCreateVolume", {**NEW, "region": "xyz"})
    assert (error["code"], error["changed"]) == ("invalid_arguments", "nothing")


async def test_regions_are_read_once_an_hour(fly: Fly) -> None:
    """Ours: the list is the same for everybody."""
    for _ in range(3):
        await fly.call("flyCreateVolume", **NEW)
    assert len(fly.requests_to("/platform/regions")) == 1
    await fly.clock.sleep(3_601)
    await fly.call("flyCreateVolume", **NEW)
    assert len(fly.requests_to("/platform/regions")) == 2


async def test_a_volume_on_its_way_is_waited_for(fly: Fly) -> None:
    """Reference 4.6: state creating, restoring, hydrating."""
    looks: list[int] = []

    def look(_: object) -> None:
        looks.append(1)
        state = "creating" if len(looks) < 3 else "created"
        fly.edit(lambda world: setattr(list(world.apps[SANDBOX].volumes.values())[-1], "state", state))

    body = {"id": "vol_slow", "name": "data", "region": "fra", "size_gb": 1, "state": "creating"}
    slow = Volume(id="vol_slow", name="data", region="fra")
    fly.edit(lambda world: world.apps[SANDBOX].volumes.update(vol_slow=slow))
    fly.emulator.faults.add(FaultRule(method="POST", path="/volumes$", status=200, body=json.dumps(body)))
    fly.wire.tap("GET", "/volumes/vol_slow$", look, times=99)
    answer = await fly.call("flyCreateVolume", **NEW)
    assert (answer["outcome"], answer["state"]) == ("done", "created")
    assert len(looks) == 3


async def test_a_look_that_fails_does_not_hide_the_volume(fly: Fly) -> None:
    """Ours: each volume is billed; its id is what an agent needs next."""
    body = {"id": "vol_slow", "name": "data", "region": "fra", "size_gb": 1, "state": "creating"}
    fly.emulator.faults.add(FaultRule(method="POST", path="/volumes$", status=200, body=json.dumps(body)))
    fly.emulator.faults.add(FaultRule(method="GET", path="/volumes/vol_slow$", status=500))
    answer = await fly.call("flyCreateVolume", **NEW)
    assert (answer["outcome"], answer["id"], answer["state"]) == ("pending", "vol_slow", "creating")
    assert "flyGetVolume" in answer["note"]


async def test_no_room_is_told_and_makes_nothing(fly: Fly) -> None:
    """Reference 11: 409 no capacity is about the region."""
    fly.edit(lambda world: setattr(world.settings, "full_regions", ["fra"]))
    error = await fly.refused("flyCreateVolume", **NEW)
    assert (error["code"], error["changed"]) == ("no_capacity", "nothing")
    assert error["details"] == {"full": "region"}


async def test_a_long_list_is_cut_visibly(fly: Fly) -> None:
    """The architecture."""

    def many(world: World) -> None:
        for number in range(200):
            id_ = f"vol_many{number:03d}"
            world.apps[APP].volumes[id_] = Volume(id=id_, name="data", region="fra")

    fly.edit(many)
    answer = await fly.call("flyListVolumes", appName=APP)
    assert (len(answer["volumes"]), answer["total"], answer["showing"]) == (50, 202, "50 of 202")


@pytest.mark.parametrize(
    ("name", "id_", "missing"),
    [
        ("snapshotId", "vs_nosuch123", f"no such snapshot in {APP}"),
        ("sourceVolumeId", "vol_nosuch123", f"no volume vol_nosuch123 in {APP}"),
    ],
)
async def test_a_source_that_is_nowhere_is_said_to_be_what_is_missing(
    fly: Fly, name: str, id_: str, missing: str
) -> None:
    """Reference 4.6: 404, and it is not the app that is nowhere."""
    source = {name: id_}
    error = await fly.refused("flyCreateVolume", appName=APP, name="copy", region="fra", **source)
    assert error["code"] == "not_found"
    assert missing in error["message"]
    assert "no app" not in error["message"]
