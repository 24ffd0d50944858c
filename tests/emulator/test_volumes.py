"""Volumes and snapshots (reference 3.4, 4.6, 6.7)."""

from __future__ import annotations

import re
from typing import Any

import anyio
import pytest

from fly_mcp_emulator import Emulator
from tests.emulator.caller import MACHINES, VOLUMES, Caller

MOUNT = {"mounts": [{"volume": "vol_xxx", "path": "/data"}]}


async def test_a_new_volume_has_flys_defaults(fly: Caller) -> None:
    """Reference 3.4, 4.6: 3 GB when no size is given (trap 9), encrypted, no blocks until mounted."""
    nothing = {"size_gb": None, "encrypted": None, "compute": None, "snapshot_id": None, "fstype": None}
    volume = await fly.post(VOLUMES, json={"name": "cache", "region": "ams"} | nothing)
    assert re.fullmatch(r"vol_[0-9a-z]{16}", volume["id"])
    assert re.fullmatch(r"[0-9a-f]{4}", volume["zone"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", volume["created_at"])
    assert volume["attached_machine_id"] is None
    assert volume["attached_alloc_id"] is None
    expected = {"state": "created", "size_gb": 3, "encrypted": True, "snapshot_retention": 5, "region": "ams"}
    assert volume.items() >= expected.items()
    assert (volume["blocks"], volume["fstype"], volume["auto_backup_enabled"]) == (0, "", True)
    assert await fly.get(f"{VOLUMES}/{volume['id']}") == volume


async def test_a_mounted_volume_is_formatted(fly: Caller) -> None:
    """Reference 3.4 [D]."""
    volume = await fly.post(VOLUMES, json={"name": "cache", "region": "fra", "size_gb": 1})
    await fly.started({"mounts": [{"volume": volume["id"], "path": "/cache"}]})
    after = await fly.get(f"{VOLUMES}/{volume['id']}")
    assert after["fstype"] == "ext4"
    assert after["blocks"] > 0
    assert after["block_size"] == 4096


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "with-dash", "region": "fra"},
        {"name": "Upper", "region": "fra"},
        {"name": "a" * 31, "region": "fra"},
        {"name": "data", "region": "fra", "size_gb": 0},
        {"name": "data", "region": "fra", "size_gb": 501},
        {"name": "data", "region": "fra", "size_gb": 1.5},
        {"name": "data", "region": "atlantis"},
        {"name": "data", "region": "fra", "snapshot_retention": 61},
        {"name": "data", "region": "fra", "fstype": "fat"},
    ],
)
async def test_bad_names_sizes_and_regions_are_a_400(fly: Caller, body: dict[str, Any]) -> None:
    """Reference 2.1, 2.2; the texts are not known (12)."""
    await fly.post(VOLUMES, 400, json=body)
    assert len(await fly.get(VOLUMES)) == 1


async def test_one_name_may_be_many_volumes_on_different_hardware(fly: Caller) -> None:
    """Reference 2.1, 6.7: a name is a label; require_unique_zone looks at the same name."""
    volumes = [await fly.post(VOLUMES, json={"name": "shards", "region": "fra"}) for _ in range(3)]
    assert len({volume["id"] for volume in volumes}) == 3
    assert len({volume["zone"] for volume in volumes}) == 3


async def test_unique_zones_run_out(emu: Emulator, fly: Caller) -> None:
    """Reference 6.7, 11: 409 no capacity; without the wish for a zone of its own there is room."""
    world = emu.dump()
    world.settings.zones_per_region = 1
    emu.load(world)
    body = {"name": "shards", "region": "ams"}
    await fly.post(VOLUMES, json=body)
    assert await fly.error("POST", VOLUMES, 409, json=body) == "aborted: no capacity"
    await fly.post(VOLUMES, 200, json=body | {"name": "other"})
    await fly.post(VOLUMES, 409, json=body | {"name": "third", "unique_zone_app_wide": True})
    await fly.post(VOLUMES, 200, json=body | {"require_unique_zone": False})


async def test_a_full_region_has_no_capacity(emu: Emulator, fly: Caller) -> None:
    """Reference 11 [C test]."""
    world = emu.dump()
    world.settings.full_regions = ["ams"]
    emu.load(world)
    text = await fly.error("POST", VOLUMES, 409, json={"name": "data", "region": "ams"})
    assert text == "aborted: no capacity"


async def test_a_bound_volume_cannot_be_deleted(fly: Caller) -> None:
    """Reference 4.6 [L]."""
    machine = await fly.started(MOUNT)
    text = await fly.error("DELETE", f"{VOLUMES}/vol_xxx", 412)
    assert text == f"failed_precondition: volume is currently bound to machine: {machine['id']}"


async def test_a_volume_stays_bound_a_moment_after_its_machine_is_destroyed(fly: Caller) -> None:
    """Reference 6.4 [L], trap 23: refused to delete and to reuse, with an owner of NULs."""
    machine = await fly.stopped(MOUNT)
    await fly.delete(f"{MACHINES}/{machine['id']}")
    await fly.wait(machine, "destroyed")
    await fly.delete(f"{VOLUMES}/vol_xxx", 412)
    text = await fly.error("POST", MACHINES, 412, json={"config": {"image": "nginx"} | MOUNT})
    assert text == "failed_precondition: volume already claimed by machine " + "\0" * 14
    await anyio.sleep(2)
    assert (await fly.get(f"{VOLUMES}/vol_xxx"))["attached_machine_id"] is None
    await fly.create(MOUNT)


async def test_a_deleted_volume_is_listed_for_a_day(fly: Caller) -> None:
    """Reference 4.6, trap 22: pending_destroy for 24 h; no machine can have it."""
    assert (await fly.delete(f"{VOLUMES}/vol_xxx"))["state"] == "pending_destroy"
    await anyio.sleep(23 * 3600)
    assert [volume["state"] for volume in await fly.get(VOLUMES)] == ["pending_destroy"]
    await fly.post(MACHINES, 404, json={"config": {"image": "nginx"} | MOUNT})
    await anyio.sleep(3600)
    assert await fly.get(VOLUMES) == []
    assert await fly.error("GET", f"{VOLUMES}/vol_xxx", 404) == "not_found: volume not found"


async def test_extending_takes_the_new_total_and_never_shrinks(fly: Caller) -> None:
    """Reference 4.6, 6.7."""
    answer = await fly.put(f"{VOLUMES}/vol_xxx/extend", json={"size_gb": 10})
    assert answer["volume"]["size_gb"] == 10
    assert answer["needs_restart"] is False
    for size in (9, 0, 501, "20"):
        await fly.put(f"{VOLUMES}/vol_xxx/extend", 400, json={"size_gb": size})


async def test_an_old_machine_needs_a_restart_to_see_the_space(emu: Emulator, fly: Caller) -> None:
    """Reference 6.7."""
    machine = await fly.started(MOUNT)
    world = emu.dump()
    world.apps["my-sandbox"].machines[machine["id"]].needs_restart_to_extend = True
    emu.load(world)
    assert (await fly.put(f"{VOLUMES}/vol_xxx/extend", json={"size_gb": 2}))["needs_restart"] is True


async def test_backups_can_be_changed(fly: Caller) -> None:
    """Reference 4.6."""
    body = {"snapshot_retention": 9, "auto_backup_enabled": False}
    volume = await fly.put(f"{VOLUMES}/vol_xxx", json=body)
    assert volume.items() >= body.items()
    await fly.put(f"{VOLUMES}/vol_xxx", 400, json={"snapshot_retention": 0})


async def test_a_summary_drops_the_block_counts(fly: Caller) -> None:
    """Reference 4.6."""
    (volume,) = await fly.get(VOLUMES, params={"summary": "true"})
    assert not {"blocks", "blocks_free", "bytes_used"} & volume.keys()


async def test_snapshots_are_taken_one_at_a_time(fly: Caller) -> None:
    """Reference 4.6: the answer's odd shape [D]; a second one while pending is a 412 [L]."""
    taken = await fly.post(f"{VOLUMES}/vol_xxx/snapshots")
    assert taken["Msg"]["backup"]["id"].startswith("vs_")
    text = await fly.error("POST", f"{VOLUMES}/vol_xxx/snapshots", 412)
    assert text.startswith("failed_precondition: snapshot is already scheduled at ")
    await anyio.sleep(5)
    (snapshot,) = await fly.get(f"{VOLUMES}/vol_xxx/snapshots")
    assert snapshot["status"] == "created"
    assert snapshot["volume_size"] == 2**30


async def test_snapshots_outlive_their_volume(fly: Caller) -> None:
    """Reference 4.6 [L]."""
    await fly.post(f"{VOLUMES}/vol_xxx/snapshots")
    await fly.delete(f"{VOLUMES}/vol_xxx")
    await anyio.sleep(25 * 3600)
    assert len(await fly.get(f"{VOLUMES}/vol_xxx/snapshots")) == 1


@pytest.mark.parametrize("source", ["snapshot_id", "source_volume_id"])
async def test_restore_and_fork_bring_the_files(fly: Caller, source: str) -> None:
    """Reference 6.7: restoring or hydrating, then created; at least the source's size."""
    machine = await fly.started(MOUNT)
    await fly.run(machine, "sh", "-c", "echo kept > /data/file")
    snapshot = (await fly.post(f"{VOLUMES}/vol_xxx/snapshots"))["Msg"]["backup"]["id"]
    origin = snapshot if source == "snapshot_id" else "vol_xxx"
    await fly.put(f"{VOLUMES}/vol_xxx/extend", json={"size_gb": 2})
    body = {"name": "copy", "region": "fra", source: origin}
    copy = await fly.post(VOLUMES, json=body)
    assert copy["state"] == ("restoring" if source == "snapshot_id" else "hydrating")
    assert copy["size_gb"] == (1 if source == "snapshot_id" else 2)
    await anyio.sleep(5)
    assert (await fly.get(f"{VOLUMES}/{copy['id']}"))["state"] == "created"
    other = await fly.started({"mounts": [{"volume": copy["id"], "path": "/data"}]})
    assert (await fly.run(other, "cat", "/data/file"))["stdout"] == "kept\n"
    await fly.post(VOLUMES, 404, json=body | {source: "vol_nope"})


async def test_a_fork_stays_where_its_source_is(fly: Caller) -> None:
    """What `fly volumes fork` says of itself; it sends an empty region."""
    there = await fly.post(VOLUMES, json={"name": "data", "region": "ams", "size_gb": 1})
    fork = {"name": "data", "region": "", "source_volume_id": there["id"]}
    assert (await fly.post(VOLUMES, json=fork))["region"] == "ams"
    assert (await fly.post(VOLUMES, json=fork | {"region": "cdg"}))["region"] == "cdg"
