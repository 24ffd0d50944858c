"""Faults of the connection and of single answers (issue 3.4), each seen from outside: in process and over TCP.

The same tests run twice, since the tools meet the emulator both ways and must not be able to tell.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import httpx2
import pytest

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.faults import ConnectionDropped
from tests.emulator.caller import IMAGE, MACHINES, VOLUMES, Caller, client
from tests.emulator.faulty import add, inside, outside, struck

NEW = {"config": {"image": IMAGE}}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def emu() -> Emulator:
    return Emulator(limits=False, pace=0.0)


@pytest.fixture(params=[inside, outside], ids=["in process", "over TCP"])
async def fly(emu: Emulator, request: pytest.FixtureRequest) -> AsyncIterator[Caller]:
    async with request.param(emu) as caller:
        yield caller


async def machines(fly: Caller) -> int:
    found: list[object] = await fly.get(MACHINES)
    return len(found)


@pytest.mark.parametrize(
    ("kind", "status", "taken"),
    [
        ("rate_limited", 429, False),
        ("rate_limited_retry_after", 429, False),
        ("internal_error", 500, False),
        ("internal_error_after", 500, True),
        ("bad_gateway", 502, False),
        ("bad_gateway_after", 502, True),
        ("unavailable", 503, False),
        ("unavailable_after", 503, True),
        ("gateway_timeout", 504, False),
        ("gateway_timeout_after", 504, True),
        ("create_timeout", 408, True),
        ("html", 502, False),
    ],
)
async def test_an_answer_is_replaced(emu: Emulator, fly: Caller, kind: str, status: int, taken: bool) -> None:
    """Refused in words, before or after the request was carried out; the log tells which."""
    await add(fly, {"kind": kind, "method": "POST", "times": 1})
    answer = await fly.http.post(MACHINES, json=NEW)
    assert answer.status_code == status
    assert ("retry-after" in answer.headers) == (kind == "rate_limited_retry_after")
    if kind == "html":
        assert answer.headers["content-type"].startswith("text/html")
        assert answer.text.startswith("<html>")
    else:
        assert list(answer.json()) == ["error"]
    record = emu.requests[-1]
    assert (record.fault_kind, record.status, record.world_status) == (kind, status, 200 if taken else 0)
    assert await machines(fly) == taken
    assert await struck(fly) == {kind: 1}


@pytest.mark.parametrize(("kind", "taken"), [("reset_before", False), ("reset_after", True)])
async def test_a_reset_tells_nothing_of_whether_it_was_done(
    emu: Emulator, fly: Caller, kind: str, taken: bool
) -> None:
    """The client's bytes are out: it reads a reset either way, and cannot know that one was not taken."""
    await add(fly, {"kind": kind, "method": "POST", "times": 1})
    with pytest.raises(httpx2.ReadError):
        await fly.http.post(MACHINES, json=NEW)
    record = emu.requests[-1]
    assert (record.fault_kind, record.status, record.world_status) == (kind, 0, 200 if taken else 0)
    assert await machines(fly) == taken


async def test_a_body_is_cut_in_the_middle(emu: Emulator, fly: Caller) -> None:
    """Status and headers are there, half of the body, and then the end."""
    await add(fly, {"kind": "cut_body", "method": "POST", "times": 1})
    got, heads = bytearray(), list[httpx2.Response]()

    async def read() -> None:
        async with fly.http.stream("POST", MACHINES, json=NEW) as answer:
            heads.append(answer)
            async for chunk in answer.aiter_bytes():
                got.extend(chunk)

    with pytest.raises(httpx2.RemoteProtocolError, match="peer closed connection"):
        await read()
    (head,) = heads
    assert head.status_code == 200
    assert head.headers["fly-request-id"] == emu.requests[-1].request_id
    assert got.startswith(b'{"id":')
    assert len(got) == int(head.headers["content-length"]) // 2
    assert (emu.requests[-1].status, emu.requests[-1].world_status) == (200, 200)
    assert await machines(fly) == 1


async def test_an_answer_without_a_body_cannot_be_cut(emu: Emulator, fly: Caller) -> None:
    """It arrives whole, and the fault does not count."""
    await add(fly, {"kind": "cut_body"})
    assert (await fly.http.delete("/apps/my-sandbox")).status_code == 202
    assert emu.requests[-1].fault == ""
    assert await struck(fly) == {"cut_body": 0}


async def test_after_a_reset_the_next_request_gets_through(fly: Caller) -> None:
    """A new connection, and nothing of the server is stuck: fifty times, with others under way."""
    await add(fly, {"kind": "reset_before", "path": "/volumes", "every": 2})
    seen: list[bool] = []

    async def one() -> None:
        try:
            seen.append((await fly.http.get(VOLUMES)).status_code == 200)
        except httpx2.ReadError:
            seen.append(False)

    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(one)
    assert sorted(seen) == [False] * 25 + [True] * 25


async def test_a_large_request_meets_a_reset_all_the_same(fly: Caller) -> None:
    """The client may still be writing."""
    await add(fly, {"kind": "reset_before", "method": "POST"})
    with pytest.raises((httpx2.ReadError, httpx2.WriteError)):
        await fly.http.post(VOLUMES, content=b" " * 5_000_000)


@pytest.mark.parametrize(("kind", "taken"), [("slow", True), ("late", False)])
async def test_a_caller_that_gives_up_does_not_know(
    emu: Emulator, fly: Caller, kind: str, taken: bool
) -> None:
    """Slow: done at once and answered late. Late: not even begun when the caller leaves."""
    await add(fly, {"kind": kind, "seconds": 30, "method": "POST"})
    with anyio.move_on_after(0.2) as scope:
        await fly.http.post(MACHINES, json=NEW)
    assert scope.cancelled_caught
    assert emu.requests[-1].fault_kind == kind
    assert await machines(fly) == taken


async def test_seconds_are_of_the_emulators_clock(fly: Caller) -> None:
    """A slow answer ends when somebody advances the clock over it."""
    await add(fly, {"kind": "slow", "seconds": 3600, "path": "/volumes"})
    clock = str(fly.http.base_url.join("/_emulator/clock"))
    with anyio.fail_after(20):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fly.get, VOLUMES)
            await anyio.sleep(0.2)
            await fly.post(clock, json={"advance": 3600})


async def test_without_a_transport_that_knows_it_is_a_plain_connection_error(emu: Emulator) -> None:
    """What any ASGI client sees: Python's own ConnectionResetError, with the phase."""
    async with client(emu) as http:
        await add(Caller(http), {"kind": "reset_after"})
        with pytest.raises(ConnectionResetError) as caught:
            await http.get(VOLUMES)
    assert isinstance(caught.value, ConnectionDropped)
    assert caught.value.phase == "answer"
