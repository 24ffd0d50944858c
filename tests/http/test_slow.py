"""Slow and idle connections, and too many of them. The times are the real ones, and pass in no time."""

from __future__ import annotations

from contextlib import AsyncExitStack, suppress

import anyio
import anyio.abc
import pytest

from fly_mcp_server.http.limits import Limits

from .place import ALICE, Place, heard, opened

BEGUN = b"POST /mcp HTTP/1.1\r\nhost: localhost\r\n"


async def _trickle(place: Place, stream: anyio.abc.SocketStream, bit: bytes) -> None:
    """Send a bit every second until the other side has closed."""
    with suppress(anyio.BrokenResourceError):
        while True:
            await place.clock.sleep(1)
            await stream.send(bit)


@pytest.mark.parametrize("said", [b"", b"P", BEGUN, BEGUN + b"x: y\r"])
async def test_headers_that_are_not_complete_in_time_are_given_up(said: bytes) -> None:
    """Ten seconds from connecting: uvicorn would wait for ever."""
    async with opened() as place, place.socket() as stream:
        began = place.clock.monotonic()
        await stream.send(said)
        assert (await heard(stream)).startswith(b"HTTP/1.1 408 ")
        assert 9.9 <= place.clock.monotonic() - began < 11


async def test_a_byte_now_and_then_gains_no_time() -> None:
    """Slow-loris: each byte comes early enough, all of them together do not."""
    async with opened() as place, place.socket() as stream:
        began = place.clock.monotonic()
        await stream.send(BEGUN)
        await _trickle(place, stream, b"x: y\r\n")
        assert 9.9 <= place.clock.monotonic() - began <= 13


async def test_a_second_request_has_its_own_time() -> None:
    """On a kept connection too: from the first byte of its headers."""
    async with opened() as place, place.socket() as stream:
        await stream.send(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert b"alive" in await stream.receive()
        await place.clock.sleep(20)
        began = place.clock.monotonic()
        await stream.send(BEGUN)
        assert (await heard(stream)).startswith(b"HTTP/1.1 408 ")
        assert 9.9 <= place.clock.monotonic() - began < 11


async def test_what_follows_a_request_at_once_has_its_time_too() -> None:
    """Pipelined: the beginning of the second request came with the first."""
    async with opened() as place, place.socket() as stream:
        await stream.send(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n" + BEGUN)
        assert b" 408 " in await heard(stream)


async def test_a_connection_that_asks_nothing_more_is_closed() -> None:
    """Kept for half a minute after an answer."""
    async with opened() as place, place.socket() as stream:
        await stream.send(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n")
        began = place.clock.monotonic()
        assert b"alive" in await heard(stream)
        assert 29.9 <= place.clock.monotonic() - began < 31


@pytest.mark.parametrize("who", [b"", b"authorization: Bearer token-of-alice\r\n"])
async def test_a_body_that_is_not_complete_in_time_is_given_up(who: bytes) -> None:
    """A minute from the end of the headers, whether or not it is known who sends it."""
    async with opened() as place, place.socket() as stream:
        began = place.clock.monotonic()
        head = BEGUN + who + b"content-type: application/json\r\ncontent-length: 1000\r\n\r\n"
        await stream.send(head)
        await _trickle(place, stream, b" ")
        assert 59.9 <= place.clock.monotonic() - began <= 63
        assert not place.work.busy()


async def test_a_long_call_is_not_taken_for_a_slow_request() -> None:
    """What is bounded is the request, not its answer."""
    async with opened() as place:
        wait = {
            "appName": "catvet-records",
            "machineId": "7846e45f27e218",
            "state": "stopped",
            "timeout": 300,
        }
        answer = await place.call("2026-07-28", "flyWaitForMachine", **wait)
        assert answer["structuredContent"]["reached"] is False


async def test_strangers_who_hold_connections_keep_nobody_out() -> None:
    """Where all are in use, the one that has been idle longest goes."""
    async with opened(limits=Limits(connections=20)) as place, AsyncExitStack() as held:
        streams = [await held.enter_async_context(place.socket()) for _ in range(50)]
        for stream in streams[-5:]:
            await stream.send(BEGUN)
        assert await place.healthy()
        assert await heard(streams[0]) == b""


async def test_a_connection_at_work_is_not_closed_for_a_new_one() -> None:
    """Then the new one is told that there is no room."""
    async with opened(limits=Limits(connections=2)) as place, AsyncExitStack() as held:
        for _ in range(2):
            stream = await held.enter_async_context(
                place.http.stream("GET", f"{place.url}/sse", headers=ALICE)
            )
            assert stream.status_code == 200
        async with place.socket() as late:
            assert (await heard(late)).startswith(b"HTTP/1.1 503 ")
        assert place.work.busy("streams")


async def test_requests_that_are_none_are_refused() -> None:
    """Whatever comes over the wire: an answer or an end, and the server goes on."""
    strange = (
        b"\x16\x03\x01\x02\x00\x01",
        b"GET\r\n\r\n",
        b"\x00" * 100,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    )
    async with opened() as place:
        for said in strange:
            async with place.socket() as stream:
                await stream.send(said)
                assert b" 200 " not in await heard(stream)
        assert await place.healthy()
