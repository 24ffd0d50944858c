"""flyUpdateVolume, flyExtendVolume, flyListSnapshots and flyCreateSnapshot (reference 4.6, 6.7)."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import Snapshot, World

from .fly import APP, FREE_VOLUME, MACHINE, VOLUME, Fly

ONE = {"appName": APP, "volumeId": VOLUME}
BACKUPS = {**ONE, "snapshotRetention": 14, "scheduledSnapshots": False}
LARGER = {**ONE, "sizeGb": 3}
#: A change, what Fly is sent, and how to see that it was done.
CHANGES: list[tuple[str, dict[str, Any], str]] = [
    ("flyUpdateVolume", BACKUPS, f"/volumes/{VOLUME}$"),
    ("flyExtendVolume", LARGER, "/extend$"),
]
changes = pytest.mark.parametrize(("name", "arguments", "path"), CHANGES, ids=[one[0] for one in CHANGES])


def _like(fly: Fly, name: str) -> bool:
    volume = fly.volume(VOLUME)
    if name == "flyExtendVolume":
        return volume.size_gb == 3
    return (volume.snapshot_retention, volume.auto_backup_enabled) == (14, False)


@changes
async def test_a_change_is_made_and_said(fly: Fly, name: str, arguments: dict[str, Any], path: str) -> None:
    """The issue, 1."""
    answer = await fly.call(name, **arguments)
    assert (answer["outcome"], answer["id"]) == ("done", VOLUME)
    assert _like(fly, name)
    assert len(fly.changes()) == 1


@changes
async def test_what_is_like_that_already_is_not_sent(
    fly: Fly, name: str, arguments: dict[str, Any], path: str
) -> None:
    """Ours: a second time changes nothing."""
    await fly.call(name, **arguments)
    answer = await fly.call(name, **arguments)
    assert "already" in answer["note"]
    assert len(fly.changes()) == 1


@changes
@pytest.mark.parametrize("times", [1, 99])
async def test_a_lost_answer_is_looked_up(
    fly: Fly, name: str, arguments: dict[str, Any], path: str, times: int
) -> None:
    """Issue 4: done, and seen to be done."""
    fly.wire.lose_answers("PUT", path, times)
    answer = await fly.call(name, **arguments)
    assert answer["outcome"] == "done"
    assert _like(fly, name)


@changes
async def test_a_lost_request_is_unclear_and_safe_to_repeat(
    fly: Fly, name: str, arguments: dict[str, Any], path: str
) -> None:
    """Issue 4: what was found when looking."""
    fly.wire.lose_requests("PUT", path)
    answer = await fly.call(name, **arguments, requestId="one")
    assert answer["outcome"] == "unclear"
    assert "Repeating the call is safe" in answer["note"]
    fly.wire.mend()
    assert (await fly.call(name, **arguments, requestId="one"))["outcome"] == "done"
    assert _like(fly, name)


@changes
async def test_a_volume_on_its_way_out_is_not_found(
    fly: Fly, name: str, arguments: dict[str, Any], path: str
) -> None:
    """Reference 4.6: Fly shows it for a day."""
    fly.edit(lambda world: setattr(world.apps[APP].volumes[VOLUME], "state", "pending_destroy"))
    error = await fly.refused(name, **arguments)
    assert (error["code"], error["changed"]) == ("not_found", "nothing")
    assert fly.writes() == []


async def test_nothing_to_change_is_refused_with_nothing_sent(fly: Fly) -> None:
    """Ours."""
    error = await fly.refused("flyUpdateVolume", **ONE)
    assert error["code"] == "invalid_arguments"
    assert not fly.wire.sent


@pytest.mark.parametrize("days", [0, 61, "5"])
async def test_days_that_fly_forbids_are_refused(fly: Fly, days: object) -> None:
    """Reference 2.2: 1 to 60."""
    error = await fly.refused("flyUpdateVolume", **ONE, snapshotRetention=days)
    assert [problem["path"] for problem in error["problems"]] == ["snapshotRetention"]


async def test_shrinking_is_refused_before_anything_is_written(fly: Fly) -> None:
    """Reference 2.2: impossible."""
    await fly.call("flyExtendVolume", **LARGER)
    error = await fly.refused("flyExtendVolume", **ONE, sizeGb=2)
    assert (error["code"], error["changed"]) == ("invalid_arguments", "nothing")
    assert "cannot be made smaller" in error["message"]
    assert len(fly.changes()) == 1


@pytest.mark.parametrize("older", [True, False])
async def test_whether_a_restart_is_needed_is_said(fly: Fly, older: bool) -> None:
    """Reference 6.7: true for older machines, and only then is the machine to be stopped and started."""
    fly.edit(lambda world: setattr(world.apps[APP].machines[MACHINE], "needs_restart_to_extend", older))
    answer = await fly.call("flyExtendVolume", **LARGER)
    assert (answer["needs_restart"], answer["was_gb"], answer["size_gb"]) == (older, 1, 3)
    assert (f"Machine {MACHINE} sees the new size only" in answer.get("note", "")) is older
    assert answer["monthly_cost"] == "+0.30 USD a month (estimate; Fly's prices of 2026-08-07)"


async def test_a_snapshot_is_taken_and_seen_complete(fly: Fly) -> None:
    """Reference 4.6."""
    answer = await fly.call("flyCreateSnapshot", **ONE)
    assert (answer["outcome"], answer["status"], answer["volume_id"]) == ("done", "created", VOLUME)
    (listed,) = (await fly.call("flyListSnapshots", **ONE))["snapshots"]
    assert (listed["id"], listed["kept_until"]) == (answer["id"], answer["kept_until"])
    assert listed["volume_gb"] == 1


@pytest.mark.parametrize(("stored_gb", "cost"), [(None, "unknown for a snapshot"), (50, "+4.00 USD a month")])
async def test_a_snapshot_says_what_it_costs(fly: Fly, stored_gb: int | None, cost: str) -> None:
    """Issue 5: whatever is billed says how much, or that it is not known."""
    size = None if stored_gb is None else stored_gb * 2**30
    done = {"id": "vs_new", "status": "created", "created_at": "2024-01-15T10:00:00Z", "size": size}
    fly.wire.replace_answers("POST", "/snapshots$", lambda _: httpx2.Response(200, json=done))
    answer = await fly.call("flyCreateSnapshot", **ONE)
    assert answer["monthly_cost"].startswith(cost)
    assert answer["monthly_cost"].endswith("first 10 GB are free")


async def test_a_lost_snapshot_is_found_by_being_new(fly: Fly) -> None:
    """Issue 4: taken once."""
    fly.wire.lose_answers("POST", "/snapshots$", times=1)
    answer = await fly.call("flyCreateSnapshot", **ONE)
    assert answer["outcome"] == "done"
    assert len(fly.volume(VOLUME).snapshots) == 1


async def test_one_that_was_being_taken_is_waited_for_since_it_has_not_the_newest(fly: Fly) -> None:
    """Reference 4.6: a second one is refused meanwhile; an attached volume is written to."""
    pending = Snapshot(id="vs_theirs", created_at=fly.clock.now() - 5, status="pending")
    fly.edit(lambda world: world.apps[APP].volumes[VOLUME].snapshots.insert(0, pending))

    def complete(world: World) -> None:
        world.apps[APP].volumes[VOLUME].snapshots[0].status = "created"

    looks = fly.wire.tap("GET", "/snapshots$", lambda _: None, times=3)
    fly.wire.tap("GET", "/snapshots$", lambda _: fly.edit(complete))
    answer = await fly.call("flyCreateSnapshot", **ONE)
    assert looks.struck == 3
    assert answer["outcome"] == "done"
    assert answer["id"] != "vs_theirs"
    assert len(fly.volume(VOLUME).snapshots) == 2


async def test_a_snapshot_that_fails_changes_nothing_and_says_so(fly: Fly) -> None:
    """Ours: taking one is what the call is for, so an unclear end is unclear."""
    fly.wire.lose_requests("POST", "/snapshots$")
    error = await fly.refused("flyCreateSnapshot", **ONE)
    assert (error["code"], error["changed"], error["outcome"]) == ("unclear", "unknown", "unclear")
    fly.wire.mend()
    fly.emulator.faults.add(FaultRule(method="POST", path="/snapshots$", status=422, body='{"error": "no"}'))
    error = await fly.refused("flyCreateSnapshot", **ONE)
    assert (error["changed"], error["outcome"]) == ("nothing", "refused")


async def test_snapshots_come_newest_first_and_in_pages(fly: Fly) -> None:
    """Ours: the newest is the one that is wanted."""
    now = fly.clock.now()
    taken = [Snapshot(id=f"vs_n{number}", created_at=now - number * 86_400) for number in range(5)]
    fly.edit(lambda world: setattr(world.apps[APP].volumes[FREE_VOLUME], "snapshots", list(reversed(taken))))
    free = {"appName": APP, "volumeId": FREE_VOLUME, "limit": 2}
    seen: list[str] = []
    answer = await fly.call("flyListSnapshots", **free)
    assert answer["showing"] == "2 of 5"
    while True:
        seen += [one["id"] for one in answer["snapshots"]]
        if "next_cursor" not in answer:
            break
        answer = await fly.call("flyListSnapshots", **free, cursor=answer["next_cursor"])
    assert seen == [one.id for one in taken]


async def test_a_deleted_volumes_snapshots_are_listed(fly: Fly) -> None:
    """Reference 4.6: by these it can be had back."""
    await fly.call("flyDeleteVolume", appName=APP, volumeId=FREE_VOLUME, confirm=True)
    answer = await fly.call("flyListSnapshots", appName=APP, volumeId=FREE_VOLUME)
    assert len(answer["snapshots"]) == 1
