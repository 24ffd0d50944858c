"""The control endpoints, worlds and the clock (issue 2)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx2
import pytest

from fly_mcp_emulator import Emulator, SystemClock, World, default_world
from tests.emulator.caller import MACHINES, Caller, client
from tests.virtual_time import LoopClock


@pytest.fixture
async def behind(emu: Emulator) -> AsyncIterator[Caller]:
    """Somebody behind the curtain, without a token."""
    transport = httpx2.ASGITransport(app=emu.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://fly.test/_emulator") as http:
        yield Caller(http)


async def test_health_and_coverage_tell_what_is_there(emu: Emulator, behind: Caller) -> None:
    """Architecture: coverage is generated from the emulator's own list."""
    assert (await behind.get("/health"))["ok"] is True
    rows = (await behind.get("/coverage"))["endpoints"]
    assert len(rows) == len(emu.endpoints)
    assert {"method": "GET", "path": "/v1/apps", "handler": "fly_mcp_emulator.api.apps.list_apps"} in rows


async def test_each_operation_is_in_the_list_once(emu: Emulator) -> None:
    """House style 1."""
    rows = [(row.method, row.path) for row in emu.endpoints]
    assert len(rows) == len(set(rows))


async def test_the_log_can_be_read_and_emptied(emu: Emulator, fly: Caller, behind: Caller) -> None:
    """Issue 3.3: it is what tests and evaluations judge by."""
    await fly.get("/apps/my-sandbox")
    (record,) = (await behind.get("/requests"))["requests"]
    assert record["path"] == "/v1/apps/my-sandbox"
    assert (record["token"], record["status"], record["endpoint"]) == ("any", 200, "/v1/apps/{app}")
    await behind.delete("/requests", 204)
    assert emu.requests == []


async def test_dump_load_dump_is_identical_also_in_the_middle_of_things(
    emu: Emulator, fly: Caller, behind: Caller
) -> None:
    """Issue 3, shows 3."""
    machine = await fly.create({"mounts": [{"volume": "vol_xxx", "path": "/data"}]}, lease_ttl=30)
    await fly.post("/apps/my-sandbox/secrets", json={"values": {"A": "1"}})
    first = (await behind.http.get("/world")).text
    await fly.delete("/apps/my-sandbox", 202)
    assert (await behind.http.put("/world", content=first)).status_code == 200
    assert (await behind.http.get("/world")).text == first
    await fly.wait(machine)
    twin = Emulator(World.model_validate_json(first), clock=LoopClock(), limits=False)
    assert twin.dump().model_dump_json(indent=2) == first


async def test_a_default_world_is_a_fresh_one_each_time(emu: Emulator, fly: Caller) -> None:
    """Changes of one emulator must not show in the next."""
    await fly.delete("/apps/catvet-records", 202)
    assert "catvet-records" in Emulator(clock=LoopClock()).dump().apps
    assert default_world() == default_world()


async def test_a_bad_world_is_refused_with_the_path_in_it(emu: Emulator, fly: Caller, behind: Caller) -> None:
    """Issue 3.3: errors with the path in the file; the old world stays."""
    before = emu.dump()
    world = before.model_dump(mode="json")
    world["apps"]["my-sandbox"]["volumes"]["vol_xxx"]["size_gb"] = "big"
    world["apps"]["my-sandbox"]["colour"] = "red"
    problems = (await behind.put("/world", 400, json=world))["problems"]
    assert any(problem.startswith("apps.my-sandbox.volumes.vol_xxx.size_gb: ") for problem in problems)
    assert any(problem.startswith("apps.my-sandbox.colour: ") for problem in problems)
    for change, place in (
        ({"org": "nobody"}, "apps.my-sandbox.org"),
        ({"name": "other"}, "apps.my-sandbox.name"),
        (
            {"machines": {"1": {"id": "2", "name": "x", "region": "fra", "config": {"image": "i"}}}},
            ".machines.1.id",
        ),
        (
            {"machines": {"1": {"id": "1", "name": "x", "region": "fra", "config": {"image": "a b"}}}},
            ".machines.1.config.image",
        ),
    ):
        world = before.model_dump(mode="json")
        world["apps"]["my-sandbox"] |= change
        (problem,) = (await behind.put("/world", 400, json=world))["problems"]
        assert place in problem
    await behind.put("/world", 400, json=[])
    assert (await behind.http.put("/world", content=b"{")).status_code == 400
    assert emu.dump() == before


async def test_a_world_file_needs_only_the_essentials(emu: Emulator, fly: Caller, behind: Caller) -> None:
    """Issue 3.3: worlds are JSON; what is left out is made up."""
    machine: dict[str, Any] = {
        "id": "m1",
        "name": "web",
        "region": "ams",
        "config": {"image": "nginx", "mounts": [{"volume": "v1", "path": "/data"}]},
    }
    world = {
        "orgs": {"personal": {"slug": "personal", "name": "P"}},
        "apps": {
            "tiny": {
                "name": "tiny",
                "org": "personal",
                "machines": {"m1": machine},
                "volumes": {"v1": {"id": "v1", "name": "data", "region": "ams"}},
                "secrets": {"A": {"name": "A", "value": "1"}},
            }
        },
    }
    await behind.put("/world", json=world)
    (listed,) = await fly.get("/apps/tiny/machines")
    assert listed["state"] == "started"
    assert listed["instance_id"]
    assert listed["config"]["guest"]["memory_mb"] == 256
    assert (await fly.get("/apps/tiny/volumes/v1"))["attached_machine_id"] == "m1"
    answer = await fly.post("/apps/tiny/machines/m1/exec", json={"command": ["sh", "-c", "echo $A"]})
    assert answer["stdout"] == "1\n"


async def test_reset_goes_back_to_the_beginning(emu: Emulator, fly: Caller, behind: Caller) -> None:
    """Issue 2: POST /_emulator/reset."""
    before = emu.dump()
    first = await fly.create()
    await behind.post("/faults", 201, json={"status": 500})
    await behind.post("/reset")
    assert emu.dump() == before
    assert emu.requests == []
    assert await fly.get(MACHINES) == []
    assert (await fly.create())["id"] == first["id"]


async def test_the_same_seed_gives_the_same_ids(emu: Emulator) -> None:
    """Issue 2: deterministic ids."""
    made: list[str] = []
    for seed in (0, 0, 1):
        async with client(Emulator(clock=LoopClock(), seed=seed)) as http:
            made.append((await Caller(http).create())["id"])
    assert made[0] == made[1] != made[2]


async def test_the_clock_can_be_advanced(emu: Emulator, fly: Caller, behind: Caller) -> None:
    """Issue 2: POST /_emulator/clock {"advance": seconds}; each transition happens at its own time."""
    machine = await fly.create()
    before = await behind.get("/clock")
    after = await behind.post("/clock", json={"advance": 100})
    assert after["now"] == pytest.approx(before["now"] + 100)
    started = (await fly.machine(machine))["events"][0]
    assert started["type"] == "start"
    assert started["timestamp"] == pytest.approx((before["now"] + 1.5) * 1000, abs=2)


async def test_a_standing_clock_stands_until_it_is_advanced(
    emu: Emulator, fly: Caller, behind: Caller
) -> None:
    """Issue 2: the clock can stand still; waiters sleep until somebody advances it."""
    assert (await behind.post("/clock", json={"running": False}))["running"] is False
    machine = await fly.create()
    await anyio.sleep(3600)
    assert await fly.state(machine) == "created"
    done = anyio.Event()

    async def wait() -> None:
        await fly.wait(machine)
        done.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.sleep(10)
        await behind.post("/clock", json={"advance": 1.0})
        await anyio.sleep(10)
        assert not done.is_set()
        await behind.post("/clock", json={"advance": 1.0})
        with anyio.fail_after(1):
            await done.wait()
    now = (await behind.get("/clock"))["now"]
    assert (await behind.post("/clock", json={"running": True}))["now"] == pytest.approx(now)
    await anyio.sleep(5)
    assert (await behind.get("/clock"))["now"] == pytest.approx(now + 5)


async def test_a_sleep_ends_when_the_clock_jumps_over_it(emu: Emulator, fly: Caller, behind: Caller) -> None:
    """A command that sleeps wakes on the emulator's time, whichever way it passes."""
    machine = await fly.started()
    before = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(fly.run, machine, "sleep", "25")
        await anyio.sleep(1)
        await behind.post("/clock", json={"advance": 24})
    assert anyio.current_time() - before == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize(
    "body", [{"advance": -1}, {"advance": "soon"}, {"forward": 1}, [], {"advance": 1e400}]
)
async def test_a_bad_clock_order_is_refused(behind: Caller, body: Any) -> None:
    """Time only goes forward."""
    answer = await behind.http.post("/clock", content=repr(body).replace("'", '"').replace("inf", "1e999"))
    assert answer.status_code == 400
    assert answer.json()["problems"]


async def test_unknown_control_paths_are_named_and_not_logged(emu: Emulator, behind: Caller) -> None:
    """They must not look like Fly's."""
    assert (await behind.get("/nonsense", 404))["known"]
    assert emu.requests == []


async def test_the_system_clock_is_the_wall_clock() -> None:
    """The default of the emulator."""
    clock = SystemClock()
    assert clock.now() > 1_700_000_000
    await clock.sleep(0)
    assert Emulator().clock.running
