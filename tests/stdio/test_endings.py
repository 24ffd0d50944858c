"""How the process ends: promptly, whatever runs, and leaving nothing locked at Fly.

The pretend Fly is in this process; its log and its machines are what is judged by.
"""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncGenerator

import anyio
import pytest

from .child import MODERN, Child, child, serving
from .pretend import MACHINE, ONE, Pretend, pretend_fly

#: What the issue allows, from the signal to the end of the process.
PROMPT = 3.0
#: Both are one to the server; what differs is tried with one of them, and the end itself with both.
SIGNALS = (signal.SIGTERM, signal.SIGINT)
CUT = -32000


@pytest.fixture
async def fly() -> AsyncGenerator[Pretend]:
    async with pretend_fly() as fly:
        yield fly


@pytest.fixture
async def client(fly: Pretend) -> AsyncGenerator[Child]:
    async with serving(FLY_API_TOKEN="fm2_word", FLY_API_HOSTNAME=fly.address) as one:
        yield one


async def ended(client: Child, number: signal.Signals | None = None) -> int:
    """Send the signal, or close stdin; the exit code of the process, which ends promptly."""
    began = anyio.current_time()
    if number is None:
        await client.hang_up()
    else:
        client.signal(number)
    code = await client.end()
    assert anyio.current_time() - began < PROMPT
    return code


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_ends_an_idle_server(client: Child, number: signal.Signals) -> None:
    """Issue 2: within three seconds, with 128 + the signal's number; one line says why."""
    assert await ended(client, number) == 128 + number
    assert client.errors == f"fly-mcp: ended by {number.name}.\n"


@pytest.mark.parametrize("number", SIGNALS[1:])
async def test_a_signal_cuts_a_long_wait(client: Child, fly: Pretend, number: signal.Signals) -> None:
    """Issue 2: a read is not awaited. The client is told that its call was cut."""
    call = await client.start("flyWaitForMachine", **ONE, state="stopped", timeout=300)
    await fly.asked("GET wait")
    assert await ended(client, number) == 128 + number
    assert (await client.answer(call))["error"]["code"] == CUT
    assert client.errors == f"fly-mcp: ended by {number.name}.\n"


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_signal_in_a_composite_releases_its_lease(number: signal.Signals) -> None:
    """Issue 2: a machine is not left locked, and the operator is told what was cut short."""
    async with (
        pretend_fly(pace=30) as fly,
        serving(FLY_API_TOKEN="fm2_word", FLY_API_HOSTNAME=fly.address) as client,
    ):
        await client.start("flyUpdateMachineConfig", **ONE, env={"A": "b"})
        await fly.asked("GET wait")
        assert fly.machine.lease is not None
        assert await ended(client, number) == 128 + number
        assert fly.machine.lease is None
        assert fly.log[-1] == "DELETE lease"
    assert "cut short: flyUpdateMachineConfig; look before repeating it." in client.errors
    assert "lease" not in client.errors


@pytest.mark.parametrize("number", SIGNALS[1:])
async def test_a_signal_during_a_write_awaits_its_answer(
    client: Child, fly: Pretend, number: signal.Signals
) -> None:
    """Issue 2: no new request but the release of the lease; what was sent is seen through."""
    fly.slow("POST", "/stop$", 1.0)
    await client.start("flyStopMachine", **ONE)
    await fly.asked("POST stop")
    assert await ended(client, number) == 128 + number
    assert fly.log == ["GET " + MACHINE, "POST lease", "GET " + MACHINE, "POST stop", "DELETE lease"]
    assert [record.status for record in fly.emulator.requests] == [200, 201, 200, 200, 200]
    assert "unclear" not in client.errors
    assert "cut short: flyStopMachine" in client.errors


@pytest.mark.parametrize("number", SIGNALS[:1])
async def test_a_write_that_is_not_answered_in_time_is_named(
    client: Child, fly: Pretend, number: signal.Signals
) -> None:
    """Issue 2: what is left unclear is named on stderr; the process does not wait for Fly."""
    fly.slow("POST", "/stop$", 30.0)
    await client.start("flyStopMachine", **ONE)
    await fly.asked("POST stop")
    assert await ended(client, number) == 128 + number
    assert f"unclear: stop machine {MACHINE} of catvet-records was sent and not answered" in client.errors
    assert "a lease that is still held ends by itself within 30 s" in client.errors
    assert "Traceback" not in client.errors


async def test_a_second_signal_changes_nothing(client: Child, fly: Pretend) -> None:
    """Ours: Ctrl-C often comes twice, from the terminal and from a parent; the lease is released all the same."""
    fly.slow("POST", "/stop$", 1.0)
    await client.start("flyStopMachine", **ONE)
    await fly.asked("POST stop")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
        client.signal(number)
    assert await ended(client, signal.SIGTERM) in (128 + signal.SIGINT, 128 + signal.SIGTERM)
    assert fly.log[-2:] == ["POST stop", "DELETE lease"]
    assert fly.machine.lease is None


async def test_a_closed_stdin_ends_an_idle_server(client: Child) -> None:
    """The protocol: closing stdin is how a client asks a server to end. It is no event worth a line."""
    assert await ended(client) == 0
    assert client.errors == ""


async def test_a_closed_stdin_ends_a_long_wait(client: Child, fly: Pretend) -> None:
    """Ours: whoever has left waits for nothing."""
    await client.start("flyWaitForMachine", **ONE, state="stopped", timeout=300)
    await fly.asked("GET wait")
    assert await ended(client) == 0
    assert client.errors == ""


async def test_a_call_made_just_before_stdin_was_closed_is_answered(client: Child, fly: Pretend) -> None:
    """Ours: `fly-mcp < requests` answers them all. The SDK alone would cut what still runs."""
    fly.slow("POST", "/stop$", 0.3)
    calls = [
        await client.start("flyListApps"),
        await client.start("flyStopMachine", **ONE),
        await client.ask("tools/list"),
    ]
    assert await ended(client) == 0
    for call in calls:
        assert "result" in await client.answer(call)
    assert fly.machine.state == "stopped"


async def test_a_closed_stdin_leaves_no_lease(fly: Pretend, client: Child) -> None:
    """Ours: the SDKs' clients close stdin and kill four seconds later, so all is done by then."""
    fly.slow("GET", "/wait$", 20.0)
    await client.start("flyUpdateMachineConfig", **ONE, env={"A": "b"})
    await fly.asked("GET wait")
    assert await ended(client) == 0
    assert fly.machine.lease is None
    assert "cut short: flyUpdateMachineConfig" in client.errors


async def test_a_write_that_is_not_answered_does_not_outlive_stdin(client: Child, fly: Pretend) -> None:
    """Ours: it is named, and the process ends with 0 as the client asked."""
    fly.slow("POST", "/stop$", 30.0)
    await client.start("flyStopMachine", **ONE)
    await fly.asked("POST stop")
    assert await ended(client) == 0
    assert f"unclear: stop machine {MACHINE} of catvet-records" in client.errors


async def test_a_client_that_no_longer_reads_is_one_that_has_left(fly: Pretend) -> None:
    """Ours: a closed stdout ends it quietly although stdin is open; its lease is released."""
    ours, its = os.pipe()
    fly.slow("GET", "/wait$", 20.0)
    settings = {"FLY_API_TOKEN": "fm2_word", "FLY_API_HOSTNAME": fly.address}
    async with child(stdout=its, settings=settings, era=MODERN) as client:
        os.close(its)
        await client.start("flyUpdateMachineConfig", **ONE, env={"A": "b"})
        await fly.asked("GET wait")
        os.close(ours)
        await client.ask("tools/list")
        began = anyio.current_time()
        assert await client.end() == 0
    assert anyio.current_time() - began < PROMPT
    assert fly.machine.lease is None
    assert "Traceback" not in client.errors


async def test_a_client_that_reads_nothing_does_not_keep_it(fly: Pretend) -> None:
    """Issue 2: within three seconds, also with a full pipe."""
    ours, its = os.pipe()
    settings = {"FLY_API_TOKEN": "fm2_word", "FLY_API_HOSTNAME": fly.address}
    async with child(stdout=its, settings=settings, era=MODERN) as client:
        os.close(its)
        for _ in range(20):
            await client.ask("tools/list")
        await client.start("flyGetMachine", **ONE)
        await fly.asked("GET " + MACHINE)
        assert await ended(client, signal.SIGTERM) == 128 + signal.SIGTERM
    os.close(ours)
