"""Faults that are conditions of the world (issue 3.4), each seen from outside, on virtual time."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from fly_mcp_emulator import Emulator
from tests.emulator.caller import APP, IMAGE, MACHINES, VOLUMES, Caller
from tests.emulator.faulty import add, struck

NEW = {"config": {"image": IMAGE}}
CHECKED = {"checks": {"alive": {"type": "tcp", "port": 80}}}


async def test_a_lease_is_held_by_somebody_else(emu: Emulator, fly: Caller) -> None:
    """Reference 6.6 [L]: 409 with owner and expiry; stop waits until it is over."""
    machine = await fly.started()
    path = f"{MACHINES}/{machine['id']}"
    await add(fly, {"kind": "lease_held", "machine": machine["id"], "seconds": 10, "times": 2})
    text = await fly.error("POST", f"{path}/restart", 409)
    assert text.startswith(
        f"machine ID {machine['id']} lease currently held by somebody@example.com, expires"
    )
    assert emu.requests[-1].fault_kind == "lease_held"
    await fly.error("POST", f"{path}/lease", 409)
    assert emu.requests[-1].fault == "", "one that is leased cannot be leased again"
    await anyio.sleep(10)
    before = anyio.current_time()
    await fly.post(f"{path}/stop")
    assert anyio.current_time() - before == pytest.approx(10)
    await fly.wait(machine, "stopped")
    assert await struck(fly) == {"lease_held": 2}


async def test_who_has_the_lease_does_not_lose_it(fly: Caller) -> None:
    """The fault finds nothing to do."""
    machine = await fly.create(lease_ttl=60)
    await fly.wait(machine)
    await add(fly, {"kind": "lease_held"})
    await fly.post(f"{MACHINES}/{machine['id']}/stop", nonce=machine["nonce"])
    assert await struck(fly) == {}


async def test_a_region_has_no_capacity(emu: Emulator, fly: Caller) -> None:
    """Reference 11: 422 for a machine, 409 for a volume, 412 for a machine on a volume, 409 for a start."""
    stopped = await fly.stopped(region="ams")
    await add(fly, {"kind": "no_capacity", "region": "ams"})
    body = await fly.post(MACHINES, 422, json=NEW | {"region": "ams"})
    assert body == {"error": "could not find a candidate host", "status": "insufficient_capacity"}
    assert (
        await fly.error("POST", VOLUMES, 409, json={"name": "a", "region": "ams"}) == "aborted: no capacity"
    )
    assert "current host" in await fly.error("POST", f"{MACHINES}/{stopped['id']}/start", 409)
    volume = await fly.post(VOLUMES, json={"name": "a", "region": "fra"})
    await fly.create(region="fra")
    await fly.create(region="ams,fra")  # it went to the second: the fault was there, and it was not refused
    assert await struck(fly) == {"no_capacity": 3}
    await fly.delete("http://fly.test/_emulator/faults", 204)
    await add(fly, {"kind": "no_capacity"})
    mount = {"mounts": [{"volume": volume["id"], "path": "/data"}]}
    body = await fly.post(MACHINES, 412, json={"config": {"image": IMAGE} | mount})
    assert body["status"] == "volume_placement_capacity"
    assert emu.dump().settings.full_regions == []


async def test_an_image_is_missing(emu: Emulator, fly: Caller) -> None:
    """Reference 6.3 [L]: refused with MANIFEST_UNKNOWN, and nothing changes."""
    machine = await fly.started()
    await add(fly, {"kind": "missing_image", "times": 2})
    assert "MANIFEST_UNKNOWN" in await fly.error("POST", MACHINES, 400, json=NEW)
    path = f"{MACHINES}/{machine['id']}"
    assert "MANIFEST_UNKNOWN" in await fly.error("POST", path, 400, json=NEW)
    assert (await fly.machine(machine))["instance_id"] == machine["instance_id"]
    assert IMAGE not in emu.dump().images
    await fly.create()


@pytest.mark.parametrize(("kind", "oom"), [("crash_at_boot", False), ("out_of_memory", True)])
async def test_a_machine_boots_badly_until_its_next_update(fly: Caller, kind: str, oom: bool) -> None:
    """Reference 5.2, 5.4: it goes round by its restart policy; the events tell how it ended."""
    await add(fly, {"kind": kind, "method": "POST", "path": "/machines$", "times": 1})
    machine = await fly.create({"restart": {"policy": "on-failure", "max_retries": 2}})
    await anyio.sleep(60)
    now = await fly.machine(machine)
    assert now["state"] == "stopped"
    exits = [event["request"]["exit_event"] for event in now["events"] if event["type"] == "exit"]
    assert [one["oom_killed"] for one in exits] == [oom] * 3
    assert {one["exit_code"] for one in exits} == {137 if oom else 1}
    await fly.post(f"{MACHINES}/{machine['id']}", json=NEW)
    await anyio.sleep(60)
    assert await fly.state(machine) == "started"
    assert await struck(fly) == {kind: 1}


async def test_a_start_can_be_the_bad_boot_too(fly: Caller) -> None:
    """And one of a machine that runs already is none."""
    machine = await fly.stopped({"restart": {"policy": "no"}})
    await add(fly, {"kind": "crash_at_boot", "path": "/start$"})
    await fly.post(f"{MACHINES}/{machine['id']}/start")
    await anyio.sleep(5)
    assert await fly.state(machine) == "stopped"
    other = await fly.started()
    await fly.post(f"{MACHINES}/{other['id']}/start")
    assert await struck(fly) == {"crash_at_boot": 1}


async def test_a_health_check_fails(fly: Caller) -> None:
    """Reference 3.2: critical, although the machine runs; also after a restart, until an update."""
    machine = await fly.started(CHECKED)
    path = f"{MACHINES}/{machine['id']}"
    assert [check["status"] for check in machine["checks"]] == ["passing"]
    await add(fly, {"kind": "failing_check", "machine": machine["id"], "times": 1})
    await fly.get(path)

    async def statuses() -> list[str]:
        return [check["status"] for check in (await fly.machine(machine))["checks"]]

    assert await statuses() == ["critical"]
    await fly.post(f"{path}/restart")
    await fly.wait(machine)
    assert await statuses() == ["critical"]
    await fly.post(path, json={"config": {"image": IMAGE} | CHECKED})
    await fly.wait(machine)
    assert await statuses() == ["passing"]


async def test_a_check_fails_from_the_first_boot_on(fly: Caller) -> None:
    """What a deployment that never gets healthy looks like."""
    await add(fly, {"kind": "failing_check", "method": "POST", "times": 1})
    machine = await fly.started(CHECKED)
    assert [check["status"] for check in machine["checks"]] == ["critical"]


async def test_a_host_cannot_be_reached_for_a_while(fly: Caller) -> None:
    """Reference 3.2: host_status tells, and the config is incomplete."""
    machine = await fly.started()
    await add(fly, {"kind": "unreachable_host", "machine": machine["id"], "seconds": 60, "times": 1})
    now = await fly.machine(machine)
    assert now["host_status"] == "unreachable"
    assert "config" not in now
    assert "incomplete_config" in now
    await anyio.sleep(60)
    assert (await fly.machine(machine))["host_status"] == "ok"


async def test_a_certificate_has_expired(fly: Caller) -> None:
    """Its time is over in what the detail says."""
    path = f"/apps/{APP}/certificates"
    await fly.post(f"{path}/acme", 201, json={"hostname": "a.example.com"})
    await add(fly, {"kind": "expired_certificate", "times": 1})
    detail = await fly.get(f"{path}/a.example.com")
    (entry,) = detail["certificates"]
    assert entry["expires_at"] < entry["created_at"]
    assert [one["expires_at"] for one in entry["issued"]] == [entry["expires_at"]] * 2
    assert await struck(fly) == {"expired_certificate": 1}


async def test_an_app_is_404_for_a_while_after_creating(fly: Caller) -> None:
    """Reference 4.1 [C]: flyctl asks again for a minute."""
    await add(fly, {"kind": "app_hidden", "app": "new", "seconds": 3})
    await fly.post("/apps", 201, json={"name": "new", "org_slug": "personal"})
    assert await fly.error("GET", "/apps/new", 404) == 'Could not find App "new"'
    await fly.error("GET", "/apps/new/machines", 404)
    await anyio.sleep(3)
    await fly.get("/apps/new")
    await fly.post("/apps", 201, json={"app_name": "other", "org_slug": "personal"})
    await fly.get("/apps/other")


async def test_a_machine_is_404_for_a_while_after_creating(fly: Caller) -> None:
    """Reference 9, trap 20: by its id, and in lists."""
    await add(fly, {"kind": "machine_hidden", "seconds": 3})
    machine = await fly.create()
    assert await fly.error("GET", f"{MACHINES}/{machine['id']}", 404) == "not_found: machine not found"
    assert await fly.get(MACHINES) == []
    await anyio.sleep(3)
    assert [one["id"] for one in await fly.get(MACHINES)] == [machine["id"]]


async def test_a_machine_is_still_active_after_a_stop(fly: Caller) -> None:
    """Reference 5.3 [L]: refused although the state says stopped."""
    machine = await fly.started()
    path = f"{MACHINES}/{machine['id']}"
    await add(fly, {"kind": "still_active", "seconds": 8})
    await fly.post(f"{path}/stop")
    await fly.wait(machine, "stopped")
    text = "failed_precondition: machine still active, refusing to start"
    assert await fly.error("POST", f"{path}/start", 412) == text
    await anyio.sleep(8)
    await fly.post(f"{path}/start")


async def test_a_command_times_out_after_it_ran(fly: Caller) -> None:
    """Reference 6.2 [F]: after a 408 the command may have run."""
    machine = await fly.started()
    await add(fly, {"kind": "exec_timeout", "times": 1})
    command: dict[str, Any] = {"command": ["sh", "-c", "echo x > /tmp/done"]}
    text = await fly.error("POST", f"{MACHINES}/{machine['id']}/exec", 408, json=command)
    assert "Client.Timeout exceeded while awaiting headers" in text
    assert (await fly.run(machine, "cat", "/tmp/done"))["stdout"] == "x\n"


@pytest.mark.parametrize("kind", ["crash_at_boot", "failing_check", "machine_hidden", "create_timeout"])
async def test_what_a_refused_create_cannot_bring_about_does_not_count(
    emu: Emulator, fly: Caller, kind: str
) -> None:
    """The answer is Fly's, and the rule is still there for the next one."""
    await add(fly, {"kind": kind, "method": "POST", "times": 1})
    await fly.error("POST", MACHINES, 400, json={"config": {}})
    assert emu.requests[-1].fault == emu.requests[-1].fault_kind == ""
    assert await struck(fly) == {kind: 0}
    await fly.http.post(MACHINES, json=NEW)
    assert await struck(fly) == {kind: 1}


async def test_conditions_are_in_the_dump(fly: Caller) -> None:
    """A world that is dumped in the middle of a fault is the same world when it is loaded."""
    await add(
        fly,
        {"kind": "crash_at_boot", "method": "POST", "path": "/machines$", "nth": 1},
        {"kind": "unreachable_host", "method": "GET", "times": 1},
        {"kind": "still_active"},
    )
    machine = await fly.create()
    await fly.machine(machine)
    await fly.post(f"{MACHINES}/{machine['id']}/stop")
    world = "http://fly.test/_emulator/world"
    first = (await fly.http.get(world)).text
    assert (await fly.http.put(world, content=first)).status_code == 200
    assert (await fly.http.get(world)).text == first
