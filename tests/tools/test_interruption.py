"""Cancellation and the end: nothing that was sent is lost, and nothing more is sent."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import httpx2
import pytest

from fly_mcp_tools.endpoints import (
    CREATE_MACHINE,
    LIST_APPS,
    RELEASE_LEASE,
    START_MACHINE,
)
from fly_mcp_tools.errors import NotSent
from tests.tools.fakes import APP, MACHINE, Fly, answer, client_of, error_of, ids_for


async def test_cancelling_a_write_waits_for_its_answer() -> None:
    """Issue 2, section 5: cancellation never cuts between a request sent and its answer."""
    fly = Fly(answer(200, {"id": "new"}), seconds=3)
    client = client_of(fly)
    got: list[object] = []
    with anyio.move_on_after(1) as scope:
        got.append((await client.call(CREATE_MACHINE, {"app_name": APP}, body={})).data)
        await anyio.lowlevel.checkpoint()
        got.append("went on")
    assert scope.cancelled_caught
    assert got == [{"id": "new"}]
    assert fly.answered == 1
    assert anyio.current_time() >= 3


async def test_cancelling_a_read_cuts_it() -> None:
    """Ours: nothing is lost with a read."""
    fly = Fly(seconds=30)
    began = anyio.current_time()
    with anyio.move_on_after(1):
        await client_of(fly).call(LIST_APPS, {})
    assert anyio.current_time() - began == pytest.approx(1)
    assert fly.answered == 0


async def test_a_write_cancelled_before_it_is_sent_is_not_sent() -> None:
    """Ours: in the bucket's queue, between two attempts, or before anything."""
    fly = Fly(answer(503))
    client = client_of(fly)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await client.call(START_MACHINE, ids_for(START_MACHINE))
    assert not fly.seen
    with anyio.move_on_after(0.001):
        await client.call(START_MACHINE, ids_for(START_MACHINE))
    assert len(fly.seen) == 1
    fly = Fly()
    client = client_of(fly)
    with anyio.move_on_after(0.5):
        for _ in range(4):
            await client.call(START_MACHINE, ids_for(START_MACHINE))
    assert len(fly.seen) == 3
    assert client.in_flight() == ()


async def test_drain_waits_for_the_writes_in_flight() -> None:
    """Issue 2, section 5: SIGTERM; the answer in flight awaited."""
    fly = Fly(seconds=2)
    client = client_of(fly)
    async with anyio.create_task_group() as group:
        group.start_soon(client.call, START_MACHINE, ids_for(START_MACHINE))
        group.start_soon(client.call, CREATE_MACHINE, {"app_name": APP})
        group.start_soon(client.call, LIST_APPS, ids_for(LIST_APPS))
        await anyio.sleep(0.5)
        assert client.in_flight() == (f"start machine {MACHINE} of {APP}", f"create a machine in {APP}")
        assert await client.drain(3) == ()
        assert anyio.current_time() == pytest.approx(2)
    assert client.in_flight() == ()


async def test_drain_names_what_is_left_unclear() -> None:
    """Issue 2, section 5: what is left unclear is named."""
    client = client_of(Fly(seconds=20))
    async with anyio.create_task_group() as group:
        group.start_soon(client.call, START_MACHINE, ids_for(START_MACHINE))
        await anyio.sleep(0.5)
        assert await client.drain(3) == (f"start machine {MACHINE} of {APP}",)
        assert anyio.current_time() == pytest.approx(3.5)


async def test_a_write_between_two_unclear_attempts_is_still_named() -> None:
    """Ours: nothing is in the air, but nobody knows whether it happened."""
    client = client_of(Fly(httpx2.ReadError("reset"), answer(200, {})))
    async with anyio.create_task_group() as group:
        group.start_soon(client.call, START_MACHINE, ids_for(START_MACHINE))
        await anyio.sleep(0.001)
        assert client.in_flight() == (f"start machine {MACHINE} of {APP}",)


async def test_while_draining_only_final_calls_are_sent() -> None:
    """Issue 2, section 5: no new request, held leases released."""
    fly = Fly()
    client = client_of(fly)
    assert await client.drain(1) == ()
    error = await error_of(client, START_MACHINE)
    assert isinstance(error, NotSent)
    assert "shutting down" in error.message
    assert not fly.seen
    await client.call(RELEASE_LEASE, ids_for(RELEASE_LEASE), nonce="abc", final=True)
    assert len(fly.seen) == 1


async def test_a_call_that_waits_for_its_bucket_is_not_sent_once_draining_begins() -> None:
    """Ours: no new request means none that was queued either."""
    fly = Fly()
    client = client_of(fly)
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(client.call, START_MACHINE, ids_for(START_MACHINE))
        await anyio.sleep(0.01)
        group.start_soon(client.drain, 1)
        with pytest.raises(NotSent, match="shutting down"):
            await client.call(START_MACHINE, ids_for(START_MACHINE))
    assert len(fly.seen) == 3


async def test_closing_twice_is_closing_once() -> None:
    """Ours: shutdown paths meet."""
    fly = Fly()
    client = client_of(fly)
    await client.call(LIST_APPS, {})
    await client.aclose()
    await client.aclose()
    assert fly.closed == 1
    assert isinstance(await error_of(client, LIST_APPS), NotSent)
