"""Leases (reference 4.4, 6.6)."""

from __future__ import annotations

import re
from typing import Any

import anyio
import pytest

from fly_mcp_emulator import Emulator
from tests.emulator.caller import MACHINES, Caller


async def lease(fly: Caller, machine: dict[str, Any], expect: int = 201, **more: Any) -> Any:
    return await fly.post(f"{MACHINES}/{machine['id']}/lease", expect, **more)


@pytest.mark.parametrize("more", [{"json": {"ttl": 30, "description": "mine"}}, {"params": {"ttl": 30}}])
async def test_a_lease_comes_in_an_envelope(emu: Emulator, fly: Caller, more: dict[str, Any]) -> None:
    """Reference 3.5, 4.4: TTL in the body (docs) or in the query (fly-go); 201."""
    machine = await fly.started()
    taken = await lease(fly, machine, **more)
    assert taken["status"] == "success"
    assert re.fullmatch(r"[0-9a-f]{12}", taken["data"]["nonce"])
    assert taken["data"]["expires_at"] == int(emu.clock.now() + 30)
    assert taken["data"]["version"] == machine["instance_id"]
    assert (await fly.get(f"{MACHINES}/{machine['id']}/lease")) == taken


async def test_a_refresh_keeps_the_nonce_and_moves_the_end(fly: Caller) -> None:
    """Reference 4.4 [C, L]."""
    machine = await fly.started()
    first = (await lease(fly, machine, params={"ttl": 30}))["data"]
    await anyio.sleep(10)
    second = (await lease(fly, machine, params={"ttl": 30}, nonce=first["nonce"]))["data"]
    assert second["nonce"] == first["nonce"]
    assert second["expires_at"] == first["expires_at"] + 10


async def test_others_are_refused_at_once_with_owner_and_end(fly: Caller) -> None:
    """Reference 6.6 [L]: update, start, a second lease; a wrong nonce is no nonce."""
    machine = await fly.stopped()
    await lease(fly, machine, params={"ttl": 60})
    before = anyio.current_time()
    for nonce in (None, "ffffffffffff"):
        for path, body in (("", {"config": {"image": "nginx"}}), ("/start", None), ("/lease", {"ttl": 5})):
            text = await fly.error("POST", f"{MACHINES}/{machine['id']}{path}", 409, json=body, nonce=nonce)
            assert re.fullmatch(
                rf"machine ID {machine['id']} lease currently held by ada@example.com, "
                r"expires at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
                text,
            )
    assert anyio.current_time() == before


async def test_the_holder_is_let_through(fly: Caller) -> None:
    """Reference 6.6: a lease survives an update with the same nonce."""
    machine = await fly.stopped()
    nonce = (await lease(fly, machine, params={"ttl": 60}))["data"]["nonce"]
    await fly.post(f"{MACHINES}/{machine['id']}/start", nonce=nonce)
    await fly.wait(machine)
    await fly.post(f"{MACHINES}/{machine['id']}", json={"config": {"image": "nginx"}}, nonce=nonce)
    held = await fly.get(f"{MACHINES}/{machine['id']}/lease")
    assert held["data"]["nonce"] == nonce
    await fly.wait(machine)
    await fly.post(f"{MACHINES}/{machine['id']}/stop", nonce=nonce)
    await fly.wait(machine, "stopped")


@pytest.mark.parametrize(("method", "rest"), [("POST", "/stop"), ("DELETE", "?force=true")])
async def test_stop_and_delete_block_until_the_lease_is_over(fly: Caller, method: str, rest: str) -> None:
    """Reference 6.6 [L], trap 25: not refused."""
    machine = await fly.started()
    await lease(fly, machine, params={"ttl": 40})
    before = anyio.current_time()
    await fly.send(method, f"{MACHINES}/{machine['id']}{rest}")
    assert anyio.current_time() - before == pytest.approx(40, abs=0.01)


async def test_a_release_lets_a_blocked_stop_go(fly: Caller) -> None:
    """Reference 6.6."""
    machine = await fly.started()
    nonce = (await lease(fly, machine, params={"ttl": 40}))["data"]["nonce"]
    before = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(fly.post, f"{MACHINES}/{machine['id']}/stop")
        await anyio.sleep(5)
        await fly.delete(f"{MACHINES}/{machine['id']}/lease", nonce=nonce)
    assert anyio.current_time() - before == pytest.approx(5)


async def test_stop_and_delete_can_be_made_to_refuse(emu: Emulator, fly: Caller) -> None:
    """Reference 6.6: 409 as the docs suggest, a setting of the world."""
    world = emu.dump()
    world.settings.lease_refuses_stop_and_delete = True
    emu.load(world)
    machine = await fly.started()
    await lease(fly, machine, params={"ttl": 40})
    await fly.post(f"{MACHINES}/{machine['id']}/stop", 409)
    await fly.delete(f"{MACHINES}/{machine['id']}?force=true", 409)


async def test_reading_running_and_metadata_need_no_nonce(fly: Caller) -> None:
    """Reference 6.6: metadata, get, list, wait, exec are unaffected."""
    machine = await fly.started()
    await lease(fly, machine, params={"ttl": 40})
    await fly.machine(machine)
    await fly.wait(machine)
    await fly.run(machine, "true")
    await fly.post(f"{MACHINES}/{machine['id']}/metadata/team", 204, json={"value": "red"})


async def test_an_expired_lease_is_gone(fly: Caller) -> None:
    """Reference 6.6."""
    machine = await fly.started()
    await lease(fly, machine, params={"ttl": 5})
    await anyio.sleep(5)
    assert await fly.error("GET", f"{MACHINES}/{machine['id']}/lease", 404) == "lease not found"
    await lease(fly, machine, params={"ttl": 5})


async def test_releasing_needs_the_nonce(fly: Caller) -> None:
    """Reference 4.4: 400 without nonce, 404 when there is none."""
    machine = await fly.started()
    path = f"{MACHINES}/{machine['id']}/lease"
    assert await fly.error("DELETE", path, 404, nonce="abc") == "lease not found"
    nonce = (await lease(fly, machine))["data"]["nonce"]
    await fly.delete(path, 400)
    await fly.delete(path, 409, nonce="ffffffffffff")
    assert await fly.delete(path, nonce=nonce) == {"status": "success", "data": {"ok": True}}
    assert await fly.error("GET", path, 404) == "lease not found"


@pytest.mark.parametrize(
    "more", [{"params": {"ttl": "soon"}}, {"json": {"ttl": -1}}, {"json": {"ttl": "30"}}]
)
async def test_a_bad_ttl_is_a_400(fly: Caller, more: dict[str, Any]) -> None:
    """Reference 4.4; the bounds are not known (12)."""
    machine = await fly.started()
    await lease(fly, machine, 400, **more)


async def test_an_update_can_take_a_lease(fly: Caller) -> None:
    """Reference 6.3: `lease_ttl`."""
    machine = await fly.started()
    body = {"config": {"image": "nginx"}, "lease_ttl": 30}
    nonce = (await fly.post(f"{MACHINES}/{machine['id']}", json=body))["nonce"]
    assert (await fly.get(f"{MACHINES}/{machine['id']}/lease"))["data"]["nonce"] == nonce
