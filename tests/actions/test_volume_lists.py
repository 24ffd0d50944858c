"""flyListVolumes, flyGetVolume and what flyCreateVolume makes copies of (reference 3.4, 4.6)."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from fly_mcp_emulator.world import Snapshot, Volume, World

from .fly import APP, FREE_VOLUME, MACHINE, SANDBOX, VOLUME, Fly

SHORT = {"id", "name", "size_gb", "region", "state", "attached_machine_id"}


def _changed(world: World, gone: str) -> None:
    """One that was shown goes, and one comes that sorts before all that is still to be shown."""
    volumes = world.apps[APP].volumes
    del volumes[gone]
    volumes[f"vol_a{len(volumes)}"] = Volume(id=f"vol_a{len(volumes)}", name="data", region="fra")


async def test_every_volume_is_on_one_page_also_while_some_come_and_go(fly: Fly) -> None:
    """The issue, Shows 4: each exactly once."""

    def many(world: World) -> None:
        for number in range(120):
            id_ = f"vol_many{number:03d}"
            world.apps[APP].volumes[id_] = Volume(id=id_, name="data", region="fra")

    fly.edit(many)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await fly.call("flyListVolumes", appName=APP, limit=50, **cursor)
        seen += [volume["id"] for volume in answer["volumes"]]
        if "next_cursor" not in answer:
            break
        cursor = {"cursor": answer["next_cursor"]}
        fly.edit(partial(_changed, gone=seen[-1]))
    assert len(seen) == len(set(seen)) == 122


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({"attached": True}, [VOLUME]),
        ({"attached": False}, [FREE_VOLUME, "vol_iad"]),
        ({"region": "iad"}, ["vol_iad"]),
        ({"state": "pending_destroy"}, ["vol_dying"]),
        ({"state": "created", "region": "fra"}, [FREE_VOLUME, VOLUME]),
        ({"state": "hydrating"}, []),
    ],
    ids=str,
)
async def test_filters_choose_the_rows(fly: Fly, filters: dict[str, Any], ids: list[str]) -> None:
    """The issue, 3: by state and region; attached or not."""

    def more(world: World) -> None:
        there = world.apps[APP].volumes
        there["vol_iad"] = Volume(id="vol_iad", name="x", region="iad", state="creating")
        there["vol_dying"] = Volume(id="vol_dying", name="x", region="fra", state="pending_destroy")

    fly.edit(more)
    answer = await fly.call("flyListVolumes", appName=APP, **filters)
    assert [volume["id"] for volume in answer["volumes"]] == ids


@pytest.mark.parametrize("name", ["flyListVolumes", "flyListOrgVolumes"])
@pytest.mark.parametrize("state", ["bogus", "started", "Created", ""])
async def test_a_state_that_is_none_is_refused(fly: Fly, name: str, state: str) -> None:
    """Ours: an empty list would be taken for an answer."""
    where = {"appName": APP} if name == "flyListVolumes" else {}
    error = await fly.refused(name, **where, state=state)
    assert [problem["path"] for problem in error["problems"]] == ["state"]
    assert "created" in error["problems"][0]["message"]
    assert not fly.wire.sent


async def test_a_row_is_short_unless_all_is_asked_for(fly: Fly) -> None:
    """The issue, 3: lists are summaries; and Fly is asked for no more than is shown."""
    short = await fly.call("flyListVolumes", appName=APP)
    full = await fly.call("flyListVolumes", appName=APP, detail="full")
    assert all(volume.keys() == SHORT for volume in short["volumes"])
    assert all(volume.keys() > SHORT | {"zone", "created_at", "used_gb"} for volume in full["volumes"])
    assert [record.query for record in fly.requests_to("/volumes")] == ["summary=true", ""]


async def test_one_volume_says_its_use_and_its_cost(fly: Fly) -> None:
    """The issue: with the date of the price."""
    answer = await fly.call("flyGetVolume", appName=APP, volumeId=VOLUME)
    assert answer["attached_machine_id"] == MACHINE
    assert answer["monthly_cost"] == "0.15 USD a month (estimate; Fly's prices of 2026-08-07)"
    assert (answer["snapshot_retention"], answer["scheduled_snapshots"]) == (5, True)
    assert "host_status" not in answer
    error = await fly.refused("flyGetVolume", appName=APP, volumeId="vol_nothere")
    assert error["code"] == "not_found"


async def test_a_fork_has_the_data_and_the_size_of_its_source(fly: Fly) -> None:
    """Reference 6.7: source_volume_id."""
    fly.edit(lambda world: setattr(world.apps[APP].volumes[VOLUME], "size_gb", 4))
    bodies: list[dict[str, Any]] = []
    fly.wire.tap("POST", "/volumes$", lambda request: bodies.append(json.loads(request.content)))
    answer = await fly.call("flyCreateVolume", appName=APP, name="copy", region="fra", sourceVolumeId=VOLUME)
    assert (answer["outcome"], answer["forked_from"], answer["size_gb"]) == ("done", VOLUME, 4)
    assert answer["monthly_cost"].startswith("+0.60 USD")
    assert fly.volume(answer["id"]).files == fly.volume(VOLUME).files
    (body,) = bodies
    assert (body["source_volume_id"], body["size_gb"]) == (VOLUME, 4)


async def test_a_fork_smaller_than_its_source_is_refused_with_nothing_written(fly: Fly) -> None:
    """Reference 2.2: no volume shrinks."""
    fly.edit(lambda world: setattr(world.apps[APP].volumes[VOLUME], "size_gb", 4))
    error = await fly.refused(
        "flyCreateVolume", appName=APP, name="copy", region="fra", sourceVolumeId=VOLUME, sizeGb=3
    )
    assert (error["code"], error["problems"][0]["path"]) == ("invalid_arguments", "sizeGb")
    assert fly.writes() == []


async def test_two_sources_are_refused_with_nothing_sent(fly: Fly) -> None:
    """Ours: which of them would count is not said anywhere."""
    error = await fly.refused(
        "flyCreateVolume", appName=APP, name="x", region="fra", sourceVolumeId=VOLUME, snapshotId="vs_abc"
    )
    assert [problem["path"] for problem in error["problems"]] == ["sourceVolumeId"]
    assert not fly.wire.sent


async def test_what_is_not_asked_for_is_left_to_fly(fly: Fly) -> None:
    """Fly's defaults: encrypted, and a zone of its own."""
    bodies: list[dict[str, Any]] = []
    fly.wire.tap("POST", "/volumes$", lambda request: bodies.append(json.loads(request.content)), times=2)
    new = {"appName": SANDBOX, "name": "data", "region": "fra"}
    await fly.call("flyCreateVolume", **new)
    answer = await fly.call("flyCreateVolume", **new, uniqueZone=False, encrypted=False)
    assert bodies[0].keys() == {"name", "region", "size_gb", "snapshot_retention"}
    assert (bodies[1]["require_unique_zone"], bodies[1]["encrypted"]) == (False, False)
    assert fly.volume(answer["id"], SANDBOX).encrypted is False


async def test_a_fork_whose_answer_was_lost_is_found_by_its_mark(fly: Fly) -> None:
    """Issue 4: nothing is doubled."""
    fly.wire.lose_answers("POST", "/volumes$", times=1)
    answer = await fly.call("flyCreateVolume", appName=APP, name="copy", region="fra", sourceVolumeId=VOLUME)
    assert (answer["outcome"], answer["state"]) == ("done", "created")
    assert len(fly.app().volumes) == 3


async def test_a_restore_has_its_snapshots_data(fly: Fly) -> None:
    """Reference 6.7: snapshot_id."""

    def with_snapshot(world: World) -> None:
        taken = Snapshot(id="vs_one", created_at=fly.clock.now(), volume_size=2 * 2**30, files={"/a": "b"})
        world.apps[APP].volumes[VOLUME].snapshots = [taken]

    fly.edit(with_snapshot)
    answer = await fly.call("flyCreateVolume", appName=APP, name="old", region="fra", snapshotId="vs_one")
    assert (answer["restored_from"], answer["size_gb"]) == ("vs_one", 2)
    assert fly.volume(answer["id"]).files == {"/a": "b"}
