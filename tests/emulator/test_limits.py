"""Rate limits (reference 1.6)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest

from fly_mcp_emulator import Emulator
from tests.emulator.caller import MACHINES, VOLUMES, Caller, client
from tests.virtual_time import LoopClock


@pytest.fixture
def emu() -> Emulator:
    return Emulator(clock=LoopClock())


@pytest.fixture
async def fly(emu: Emulator) -> AsyncIterator[Caller]:
    async with client(emu) as http:
        yield Caller(http)


async def test_an_action_has_a_burst_of_three_and_then_one_a_second(fly: Caller) -> None:
    """Reference 1.6 [D, L]: per action and app; no Retry-After."""
    for _ in range(3):
        await fly.get(VOLUMES)
    answer = await fly.http.get(VOLUMES)
    assert (answer.status_code, answer.json()) == (429, {"error": "rate limit exceeded"})
    assert "retry-after" not in answer.headers
    await anyio.sleep(1)
    await fly.get(VOLUMES)
    await fly.get(VOLUMES, 429)
    await anyio.sleep(60)
    for _ in range(3):
        await fly.get(VOLUMES)
    await fly.get(VOLUMES, 429)


async def test_other_actions_and_other_identifiers_have_their_own(fly: Caller) -> None:
    """Reference 1.6: per action **and** per identifier."""
    for _ in range(3):
        await fly.get(VOLUMES)
    await fly.get(VOLUMES, 429)
    await fly.get(MACHINES)
    await fly.get("/apps/catvet-records/volumes")


async def test_machines_have_a_bucket_each(fly: Caller) -> None:
    """Reference 1.6."""
    one, two = await fly.create(), await fly.create()
    await anyio.sleep(2)
    for _ in range(3):
        await fly.post(f"{MACHINES}/{one['id']}/stop")
    await fly.post(f"{MACHINES}/{one['id']}/stop", 429)
    await fly.post(f"{MACHINES}/{two['id']}/stop")


async def test_get_machine_is_more_generous(fly: Caller) -> None:
    """Reference 1.6 [D]: 5/s, burst 10."""
    machine = await fly.create()
    for _ in range(10):
        await fly.machine(machine)
    await fly.get(f"{MACHINES}/{machine['id']}", 429)
    await anyio.sleep(0.2)
    await fly.machine(machine)


async def test_app_deletion_counts_over_all_apps(fly: Caller) -> None:
    """Reference 1.6 [D]: 100 per minute."""
    for number in range(101):
        await fly.post("/apps", 201, json={"name": f"app-{number}", "org_slug": "personal"})
    for number in range(100):
        await fly.delete(f"/apps/app-{number}", 202)
    await fly.delete("/apps/app-100", 429)


async def test_calls_without_app_or_machine_have_no_published_limit(fly: Caller) -> None:
    """Reference 1.6 [I]."""
    for _ in range(50):
        await fly.get("/apps", params={"org_slug": "personal"})
        await fly.get("/platform/regions")
