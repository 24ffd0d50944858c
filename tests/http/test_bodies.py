"""How much a request may bring."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator

import pytest

from fly_mcp_server.http.limits import Limits

from .place import ALICE, ERAS, MODERN, Place, heard, opened
from .test_sse import streaming

MOST = 4 * 1024 * 1024


def test_the_bound_is_four_mebibytes() -> None:
    """What the tests below go by, which say so to nobody."""
    assert Limits().body == MOST


def _request(place: Place, era: str, size: int) -> tuple[bytes, dict[str, str]]:
    """A request of exactly this size, and its headers."""
    request = place.request(era, "tools/call", {"name": "flyGetApp", "arguments": {"appName": ""}})
    missing = size - len(json.dumps(request).encode())
    request["params"]["arguments"]["appName"] = "x" * missing
    body = json.dumps(request).encode()
    assert len(body) == size
    return body, place.headers(era, request)


async def _pieces(body: bytes) -> AsyncGenerator[bytes]:
    for at in range(0, len(body), 65536):
        yield body[at : at + 65536]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("era", ERAS)
async def test_a_body_over_the_bound_is_refused(era: str, chunked: bool) -> None:
    """413 before anything of it is read as JSON, whether or not its length is declared."""
    async with opened() as place:
        for size, status in ((MOST + 1, 413), (MOST, 200)):
            body, headers = _request(place, era, size)
            answer = await place.http.post(
                f"{place.url}/mcp", content=_pieces(body) if chunked else body, headers=headers
            )
            assert answer.status_code == status, answer.text
        assert await place.healthy()


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_message_over_the_bound_is_refused(chunked: bool) -> None:
    """The same at `/messages/`."""
    async with opened() as place, streaming(place) as stream:
        body = b" " * (MOST + 1)
        answer = await place.http.post(
            place.url + stream.address,
            content=_pieces(body) if chunked else body,
            headers={**ALICE, "content-type": "application/json"},
        )
        assert answer.status_code == 413
        await stream.greet()


async def test_a_length_that_is_only_said_is_refused_without_waiting_for_it() -> None:
    """Nobody has to send five megabytes to be told that they are too many."""
    async with opened() as place, place.socket() as stream:
        await stream.send(
            b"POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer token-of-alice\r\n"
            b"content-type: application/json\r\nmcp-protocol-version: 2026-07-28\r\n"
            b"content-length: 5000000\r\n\r\n"
        )
        assert b" 413 " in await stream.receive()


async def test_nothing_is_read_of_a_stranger() -> None:
    """Without a token, no body is looked at: 401, however large."""
    async with opened() as place:
        body, headers = _request(place, MODERN, MOST + 1)
        del headers["authorization"]
        answer = await place.http.post(f"{place.url}/mcp", content=body, headers=headers)
        assert answer.status_code == 401
        assert await place.healthy()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"17",
        b'"text"',
        b"[" * 100_000,
        b'{"jsonrpc": "2.0"}',
        b'{"jsonrpc": "2.0", "id": 1}',
        b'{"jsonrpc": "1.0", "id": 1, "method": "ping"}',
        b"\xff\xfe",
        b'{"jsonrpc": "2.0", "id": ' + b"9" * 5000 + b', "method": "ping"}',
    ],
)
@pytest.mark.parametrize("era", ERAS)
async def test_what_is_no_request_is_refused_in_words(era: str, body: bytes) -> None:
    """Not a 500, and not a word of what was sent beyond what its sender knows."""
    async with opened() as place:
        headers = place.headers(era, place.request(era, "ping"))
        answer = await place.http.post(f"{place.url}/mcp", content=body, headers=headers)
        assert 400 <= answer.status_code < 500, answer.text
        assert await place.healthy()


async def test_headers_over_the_bound_are_refused() -> None:
    """h11 keeps at most 64 KiB of what is not complete."""
    async with opened() as place, place.socket() as stream:
        await stream.send(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: " + b"x" * 100_000)
        assert (await heard(stream)).startswith(b"HTTP/1.1 400 ")
        assert await place.healthy()
