"""Signals to a real process over HTTP: what runs is seen through, and what is unclear is named."""

from __future__ import annotations

import signal
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from tests.stdio.pretend import ONE, Pretend, pretend_fly

from .child import Serving, serving

SIGNALS = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """A process takes real time."""
    return "asyncio"


@pytest.fixture
async def fly() -> AsyncGenerator[Pretend]:
    async with pretend_fly() as fly:
        yield fly


async def _call(server: Serving, said: list[httpx2.Response], tool: str, **arguments: Any) -> None:
    said.append(await server.call(tool, **arguments))


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_ends_an_idle_server(tmp_path: Path, fly: Pretend, number: signal.Signals) -> None:
    """The exit code is that of stdio: 128 and the signal."""
    async with serving(tmp_path, fly.address) as server:
        assert (await server.call("flyGetMachine", **ONE)).status_code == 200
        server.process.signal(number)
        assert await server.process.end() == 128 + number
        assert server.process.errors.endswith(f"fly-mcp: ended by {number.name}.\n")
        assert server.process.printed == ""


async def test_a_running_call_finishes_and_new_ones_are_refused(tmp_path: Path, fly: Pretend) -> None:
    """Issue 6: within a bound, and clearly."""
    said: list[httpx2.Response] = []
    async with serving(tmp_path, fly.address) as server, anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: _call(server, said, "flyWaitForMachine", **ONE, state="stopped", timeout=6))
        await fly.asked("GET wait")
        server.process.signal(signal.SIGTERM)
        ready = 200
        while ready == 200:
            ready = (await server.http.get(f"{server.url}/readyz")).status_code
        assert ready == 503
        refused = await server.call("flyGetMachine", **ONE)
        assert refused.status_code == 503
        assert "shutting down" in refused.json()["error"]["message"]
        assert await server.process.end() == 128 + signal.SIGTERM
        assert "cut short" not in server.process.errors
    assert [answer.status_code for answer in said] == [200]
    assert '"reached":false' in said[0].text.replace(" ", "").replace('\\"', '"')


@pytest.mark.parametrize("era", ["2025-11-25", "2026-07-28"])
async def test_a_call_that_takes_too_long_is_cut_and_named(tmp_path: Path, fly: Pretend, era: str) -> None:
    """After the bound: as over stdio, its lease is released and its name is said."""
    fly.slow("POST", "/stop$", 0.3)
    said: list[httpx2.Response] = []
    async with (
        serving(tmp_path, fly.address, "--shutdown", "0") as server,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(lambda: _call(server, said, "flyStopMachine", era=era, **ONE))
        await fly.asked("POST stop")
        server.process.signal(signal.SIGTERM)
        assert await server.process.end() == 128 + signal.SIGTERM
        assert "cut short: flyStopMachine; look before repeating it." in server.process.errors
        assert "unclear" not in server.process.errors
    assert fly.log[-1] == "DELETE lease"
    assert fly.machine.lease is None
    if era == "2026-07-28":
        assert "cut this call short" in said[0].json()["error"]["message"]
    else:  # its stream had begun, and is ended
        assert (said[0].status_code, "result" in said[0].text) == (200, False)


async def test_a_write_that_is_not_answered_in_time_is_named(tmp_path: Path, fly: Pretend) -> None:
    """Nobody can know what became of it: a person has to look."""
    fly.slow("POST", "/stop$", 30.0)
    said: list[httpx2.Response] = []
    async with (
        serving(tmp_path, fly.address, "--shutdown", "0") as server,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(lambda: _call(server, said, "flyStopMachine", **ONE))
        await fly.asked("POST stop")
        server.process.signal(signal.SIGTERM)
        assert await server.process.end() == 128 + signal.SIGTERM
        assert "unclear: " in server.process.errors
        assert "cut short: flyStopMachine" in server.process.errors
        fly.hang_up()
        tasks.cancel_scope.cancel()


async def test_a_second_signal_ends_the_patience(tmp_path: Path, fly: Pretend) -> None:
    """Whoever presses Ctrl-C again means it."""
    said: list[httpx2.Response] = []
    async with serving(tmp_path, fly.address) as server, anyio.create_task_group() as tasks:
        tasks.start_soon(
            lambda: _call(server, said, "flyWaitForMachine", **ONE, state="stopped", timeout=300)
        )
        await fly.asked("GET wait")
        server.process.signal(signal.SIGINT)
        ready = 200
        while ready == 200:
            ready = (await server.http.get(f"{server.url}/readyz")).status_code
        server.process.signal(signal.SIGINT)
        assert await server.process.end() == 128 + signal.SIGINT
        tasks.cancel_scope.cancel()


async def test_an_open_stream_does_not_keep_it(tmp_path: Path, fly: Pretend) -> None:
    """It is ended in good order, and nothing is logged about it."""
    async with serving(tmp_path, fly.address) as server:
        who = {"authorization": f"Bearer {server.token}"}
        async with server.http.stream("GET", f"{server.url}/sse", headers=who) as stream:
            server.process.signal(signal.SIGTERM)
            async for _ in stream.aiter_lines():
                pass
        assert await server.process.end() == 128 + signal.SIGTERM
        assert "Traceback" not in server.process.errors
        assert "ERROR" not in server.process.errors
