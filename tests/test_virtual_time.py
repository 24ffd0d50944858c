"""The tests' own clock."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import anyio
import pytest

from tests.virtual_time import LoopClock, VirtualTimeLoop


async def test_an_hour_takes_no_time_and_is_exact() -> None:
    """Issue 2: no sleeps; time jumps when all tasks are idle."""
    assert isinstance(asyncio.get_running_loop(), VirtualTimeLoop)
    clock, before, real = LoopClock(1000.0), anyio.current_time(), time.monotonic()
    assert clock.now() == 1000.0
    await clock.sleep(3600)
    assert anyio.current_time() - before == pytest.approx(3600)
    assert clock.now() == pytest.approx(4600)
    assert time.monotonic() - real < 5


async def test_sleepers_wake_in_order_at_their_moments() -> None:
    """Each at its own time."""
    woken: list[tuple[int, float]] = []
    start = anyio.current_time()

    async def sleeper(seconds: int) -> None:
        await anyio.sleep(seconds)
        woken.append((seconds, round(anyio.current_time() - start, 6)))

    async with anyio.create_task_group() as tasks:
        for seconds in (30, 10, 20):
            tasks.start_soon(sleeper, seconds)
    assert woken == [(10, 10.0), (20, 20.0), (30, 30.0)]


async def test_deadlines_are_exact() -> None:
    """fail_after around waits is part of the house style."""
    before = anyio.current_time()
    with pytest.raises(TimeoutError), anyio.fail_after(5):
        await anyio.sleep_forever()
    assert anyio.current_time() - before == pytest.approx(5)


async def test_sockets_still_work() -> None:
    """Descriptors are polled before each jump."""

    async def echo(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.send(await stream.receive())

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, echo)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        async with await anyio.connect_tcp("127.0.0.1", port) as stream:
            await stream.send(b"ping")
            assert await stream.receive() == b"ping"
        tasks.cancel_scope.cancel()


async def test_a_thread_is_waited_for() -> None:
    """With no timer set, the loop waits in real time."""
    assert await anyio.to_thread.run_sync(lambda: subprocess.run([sys.executable, "-V"]).returncode) == 0
