"""Waiting for states (reference 6.1)."""

from __future__ import annotations

import anyio
import pytest

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.world import Image
from tests.emulator.caller import MACHINES, Caller


async def test_a_wait_for_the_state_it_is_in_returns_at_once(fly: Caller) -> None:
    """Reference 6.1: with state, event and version."""
    machine = await fly.started()
    before = anyio.current_time()
    answer = await fly.get(f"{MACHINES}/{machine['id']}/wait")
    assert anyio.current_time() == before
    assert answer == {
        "ok": True,
        "state": "started",
        "event_id": machine["events"][0]["id"],
        "version": machine["instance_id"],
    }


async def test_a_wait_times_out_with_flys_words(fly: Caller) -> None:
    """Reference 6.1 [L]."""
    machine = await fly.stopped()
    before = anyio.current_time()
    text = await fly.error("GET", f"{MACHINES}/{machine['id']}/wait?state=started&timeout=7", 408)
    assert text == "deadline_exceeded: machine failed to reach desired state, started, currently stopped"
    assert anyio.current_time() - before == pytest.approx(7)


@pytest.mark.parametrize("timeout", ["0", "61", "-1", "900"])
async def test_a_timeout_outside_a_minute_is_a_400(fly: Caller, timeout: str) -> None:
    """Reference 6.1 [L]."""
    machine = await fly.started()
    text = await fly.error("GET", f"{MACHINES}/{machine['id']}/wait?timeout={timeout}", 400)
    assert (
        text == "invalid_argument: invalid WaitMachineRequest.Timeout: value must be inside range [1s, 1m0s]"
    )


@pytest.mark.parametrize("query", ["timeout=soon", "timeout=1.5", "state=created", "state=sleeping"])
async def test_other_bad_parameters_are_a_400(fly: Caller, query: str) -> None:
    """Reference 6.1: six states and a whole number."""
    machine = await fly.started()
    await fly.get(f"{MACHINES}/{machine['id']}/wait?{query}", 400)


@pytest.mark.parametrize("query", ["state=stopped,suspended", "state=stopped&state=suspended"])
async def test_several_states_mean_any_of_them(fly: Caller, query: str) -> None:
    """Reference 6.1 [S]: repeated or a comma list."""
    machine = await fly.started()
    await fly.post(f"{MACHINES}/{machine['id']}/suspend")
    answer = await fly.get(f"{MACHINES}/{machine['id']}/wait?{query}")
    assert answer["state"] == "suspended"


async def test_a_waiter_is_woken_by_another_request(fly: Caller) -> None:
    """Reference 6.1: the change may come from anybody."""
    machine = await fly.stopped()
    took: list[float] = []

    async def wait() -> None:
        before = anyio.current_time()
        await fly.wait(machine)
        took.append(anyio.current_time() - before)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.sleep(20)
        await fly.post(f"{MACHINES}/{machine['id']}/start")
    assert took == [pytest.approx(21)]


async def test_settled_is_any_resting_state(emu: Emulator, fly: Caller) -> None:
    """Reference 6.1: failed counts too; `created` on its way up does not."""
    machine = await fly.create()
    assert (await fly.get(f"{MACHINES}/{machine['id']}/wait?state=settled"))["state"] == "started"
    world = emu.dump()
    world.images["broken"] = Image(cannot_run=True)
    emu.load(world)
    machine = await fly.create({"image": "broken"})
    assert (await fly.get(f"{MACHINES}/{machine['id']}/wait?state=settled"))["state"] == "failed"


async def test_a_machine_that_comes_to_rest_elsewhere_ends_the_wait_early(emu: Emulator, fly: Caller) -> None:
    """Reference 6.1 [L]: 408 can come before the timeout is over."""
    world = emu.dump()
    world.images["broken"] = Image(cannot_run=True)
    emu.load(world)
    machine = await fly.create({"image": "broken"})
    before = anyio.current_time()
    text = await fly.error("GET", f"{MACHINES}/{machine['id']}/wait?state=started", 408)
    assert text.endswith("started, currently failed")
    assert anyio.current_time() - before < 5


async def test_an_old_version_answers_as_replaced(fly: Caller) -> None:
    """Reference 6.1 [C]: with a version it waits for *that* version; also when it is replaced meanwhile."""
    machine = await fly.started()
    await fly.post(f"{MACHINES}/{machine['id']}", json={"config": {"image": "nginx"}})
    path = f"{MACHINES}/{machine['id']}/wait"
    for name in ("instance_id", "version"):
        text = await fly.error("GET", f"{path}?{name}={machine['instance_id']}", 408)
        assert text.endswith("desired state, started, currently replaced")
    now = await fly.machine(machine)
    assert (await fly.get(f"{path}?version={now['instance_id']}"))["version"] == now["instance_id"]
    await fly.get(f"{path}?version=01HM69JX60000007C8X6NG4M02", 404)


async def test_from_event_id_counts_only_what_came_after(fly: Caller) -> None:
    """Reference 6.1."""
    machine = await fly.started()
    newest = machine["events"][0]["id"]
    path = f"{MACHINES}/{machine['id']}/wait?timeout=5&from_event_id={newest}"
    await fly.get(path, 408)
    await fly.post(f"{MACHINES}/{machine['id']}/restart")
    assert (await fly.get(path))["event_id"] > newest


async def test_destroyed_is_reached_and_then_404(fly: Caller) -> None:
    """Reference 6.1: for `destroyed`, 404 is success too."""
    machine = await fly.stopped()
    await fly.delete(f"{MACHINES}/{machine['id']}")
    path = f"{MACHINES}/{machine['id']}/wait?state=destroyed"
    assert (await fly.get(path))["state"] == "destroyed"
    await anyio.sleep(10)
    assert await fly.error("GET", path, 404) == "not_found: machine not found"


async def test_a_wait_ends_when_the_app_is_deleted(fly: Caller) -> None:
    """Reference 5.3: app gone: 404."""
    machine = await fly.started()

    async with anyio.create_task_group() as tasks:

        async def delete() -> None:
            await anyio.sleep(3)
            await fly.delete("/apps/my-sandbox", 202)

        tasks.start_soon(delete)
        await fly.get(f"{MACHINES}/{machine['id']}/wait?state=stopped", 404)
