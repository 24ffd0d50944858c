"""Updating machines (reference 6.3)."""

from __future__ import annotations

from typing import Any

import anyio

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.world import Image
from tests.emulator.caller import MACHINES, Caller


async def update(
    fly: Caller, machine: dict[str, Any], config: dict[str, Any], expect: int = 200, **body: Any
) -> Any:
    return await fly.post(f"{MACHINES}/{machine['id']}", expect, json={"config": config} | body)


async def test_an_update_replaces_the_config_whole(fly: Caller) -> None:
    """Reference 6.3 [D], trap 18: what is not sent again is gone, the guest included."""
    machine = await fly.started(
        {"env": {"A": "1"}, "metadata": {"team": "red"}, "guest": {"cpus": 2, "memory_mb": 512}}
    )
    after = await update(fly, machine, {"image": "nginx", "env": {"B": "2"}})
    assert after["config"]["env"] == {"B": "2"}
    assert "metadata" not in after["config"]
    assert after["config"]["guest"]["memory_mb"] == 256


async def test_an_update_makes_a_new_version_and_a_new_history(fly: Caller) -> None:
    """Reference 6.3, 5.4 [L]: new instance_id; events begin afresh; the exit is not marked as requested."""
    machine = await fly.started()
    answer = await update(fly, machine, {"image": "nginx"})
    assert answer["instance_id"] != machine["instance_id"]
    assert answer["state"] == "replacing"
    await fly.wait(machine)
    after = await fly.machine(machine)
    assert [(event["type"], event["status"]) for event in after["events"]] == [
        ("start", "started"),
        ("launch", "created"),
        ("exit", "stopped"),
        ("update", "replacing"),
    ]
    assert after["events"][2]["request"]["exit_event"]["requested_stop"] is False
    versions = await fly.get(f"{MACHINES}/{machine['id']}/versions")
    assert [version["version"] for version in versions] == [after["instance_id"], machine["instance_id"]]
    assert versions[0]["user_config"]["image"] == "nginx"


async def test_starting_during_an_update_is_refused(fly: Caller) -> None:
    """Reference 5.3 [L]."""
    machine = await fly.started()
    await update(fly, machine, {"image": "nginx"})
    text = await fly.error("POST", f"{MACHINES}/{machine['id']}/start", 412)
    assert text == "failed_precondition: machine getting replaced, refusing to start"


async def test_a_stale_version_is_a_conflict(fly: Caller) -> None:
    """Reference 6.3 [C test]."""
    machine = await fly.started()
    body = {"config": {"image": "nginx"}, "current_version": "01HM69JX60000007C8X6NG4M02"}
    text = await fly.error("POST", f"{MACHINES}/{machine['id']}", 409, json=body)
    assert text == "aborted: machine update failed due to concurrent update"
    await update(fly, machine, {"image": "nginx"}, current_version=machine["instance_id"])
    await update(fly, machine, {"image": "nginx"}, 409, current_version=machine["instance_id"])


async def test_a_bad_config_leaves_everything_as_it_was(emu: Emulator, fly: Caller) -> None:
    """Reference 6.3: refused with 400, also for a missing image, and nothing changes."""
    world = emu.dump()
    world.images["typo"] = Image(missing=True)
    emu.load(world)
    machine = await fly.started()
    before = await fly.machine(machine)
    await update(fly, machine, {"image": "nginx", "guest": {"cpus": 2}}, 400)
    assert "MANIFEST_UNKNOWN" in (await update(fly, machine, {"image": "typo"}, 400))["error"]
    assert await fly.machine(machine) == before


async def test_a_stopped_machine_starts_unless_told_not_to(fly: Caller) -> None:
    """Reference 6.3: docs say that it starts; skip_launch keeps it down."""
    machine = await fly.stopped()
    await update(fly, machine, {"image": "nginx"}, skip_launch=True)
    await fly.wait(machine, "stopped")
    await update(fly, machine, {"image": "nginx"})
    await fly.wait(machine)


async def test_a_stopped_scheduled_machine_stays_stopped(fly: Caller) -> None:
    """Reference 6.3: one live report."""
    machine = await fly.stopped()
    await update(fly, machine, {"image": "nginx", "schedule": "daily"})
    await anyio.sleep(30)
    assert await fly.state(machine) == "stopped"


async def test_skip_launch_stops_a_started_machine(fly: Caller) -> None:
    """Reference 5.2: started, or stopped with skip_launch."""
    machine = await fly.started()
    await update(fly, machine, {"image": "nginx"}, skip_launch=True)
    await fly.wait(machine, "stopped")


async def test_region_and_name_cannot_be_changed(fly: Caller) -> None:
    """Reference 6.3 [D]: sending the same values is fine."""
    machine = await fly.started()
    await update(fly, machine, {"image": "nginx"}, 400, region="ams")
    await update(fly, machine, {"image": "nginx"}, 400, name="other")
    await update(fly, machine, {"image": "nginx"}, region=machine["region"], name=machine["name"])


async def test_the_volume_of_a_mount_cannot_be_changed(fly: Caller) -> None:
    """Reference 6.3 [D, C]: path and auto-extend can."""
    mount = {"volume": "vol_xxx", "path": "/data"}
    machine = await fly.started({"mounts": [mount]})
    other = await fly.post("/apps/my-sandbox/volumes", json={"name": "other", "region": "fra"})
    await update(fly, machine, {"image": "nginx", "mounts": [mount | {"volume": other["id"]}]}, 400)
    moved = {"image": "nginx", "mounts": [mount | {"path": "/srv", "extend_threshold_percent": 80}]}
    after = await update(fly, machine, moved)
    assert after["config"]["mounts"][0]["path"] == "/srv"
    assert after["config"]["mounts"][0]["size_gb"] == 1


async def test_an_update_without_the_mount_loses_it_and_detaches_nothing(fly: Caller) -> None:
    """Reference 9, trap 18."""
    machine = await fly.started({"mounts": [{"volume": "vol_xxx", "path": "/data"}]})
    after = await update(fly, machine, {"image": "nginx"})
    assert "mounts" not in after["config"]
    assert (await fly.get("/apps/my-sandbox/volumes/vol_xxx"))["attached_machine_id"] == machine["id"]


async def test_a_full_host_refuses_more_and_the_old_version_runs_on(emu: Emulator, fly: Caller) -> None:
    """Reference 6.3 [L]."""
    machine = await fly.started()
    world = emu.dump()
    world.settings.full_regions = ["fra"]
    emu.load(world)
    text = (await update(fly, machine, {"image": "nginx", "guest": {"memory_mb": 512}}, 409))["error"]
    assert text == (
        "aborted: could not reserve resource for machine: insufficient memory available to fulfill request "
        "on the current host"
    )
    assert await fly.state(machine) == "started"
    await update(fly, machine, {"image": "nginx"})


async def test_an_image_is_resolved_again_only_when_its_name_changes(fly: Caller) -> None:
    """Reference 3.3 [L]."""
    machine = await fly.started()
    same = await update(fly, machine, {"image": "nginx"})
    assert same["image_ref"] == machine["image_ref"]
    await fly.wait(machine)
    other = await update(fly, machine, {"image": "nginx:1.27"})
    assert other["image_ref"]["tag"] == "1.27"


async def test_updating_a_destroyed_machine_is_a_404(fly: Caller) -> None:
    """Reference 5.3."""
    machine = await fly.stopped()
    await fly.delete(f"{MACHINES}/{machine['id']}")
    await update(fly, machine, {"image": "nginx"}, 404)


async def test_put_and_patch_on_a_machine_are_no_routes(fly: Caller) -> None:
    """Reference 4.3, real-clients 2: one client in the wild tries PUT."""
    machine = await fly.started()
    for method in ("PUT", "PATCH"):
        answer = await fly.http.request(
            method, f"{MACHINES}/{machine['id']}", json={"config": {"image": "x"}}
        )
        assert (answer.status_code, answer.text) == (404, "404 page not found")
