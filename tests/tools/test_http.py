"""The wire itself, over real sockets and in real time: how far a request got."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import anyio.abc
import pytest

from fly_mcp_tools.base_url import parse_base_url
from fly_mcp_tools.endpoints import CREATE_MACHINE, DELETE_MACHINE, LIST_APPS
from fly_mcp_tools.errors import FlyError, MaybeDone, NotFound, NotSent
from tests.tools.fakes import APP, client_of, ids_for

Talk = Callable[[anyio.abc.SocketStream], Awaitable[None]]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Real time: the other end of these sockets is not on a virtual clock."""
    return "asyncio"


@asynccontextmanager
async def server(talk: Talk) -> AsyncGenerator[int]:
    """A listener on loopback that treats each connection with `talk`; gives its port."""

    async def treat(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await talk(stream)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, treat)
        yield listener.extra(anyio.abc.SocketAttribute.local_port)
        group.cancel_scope.cancel()


async def create_error(url: str, timeout: float = 0.3) -> FlyError:
    """What a create against `url` ends in: never repeated, so one attempt tells."""
    client = client_of(None, base_url=parse_base_url(url))
    try:
        with anyio.fail_after(20), pytest.raises(FlyError) as caught:
            await client.call(CREATE_MACHINE, {"app_name": APP}, body={}, timeout=timeout)
    finally:
        await client.aclose()
    return caught.value


async def _hang(stream: anyio.abc.SocketStream) -> None:
    await anyio.sleep_forever()


async def _close_at_once(stream: anyio.abc.SocketStream) -> None:
    await stream.receive()


async def _half_a_head(stream: anyio.abc.SocketStream) -> None:
    await stream.receive()
    await stream.send(b"HTTP/1.1 200 OK\r\ncontent-le")


async def _half_a_body(stream: anyio.abc.SocketStream) -> None:
    await stream.receive()
    await stream.send(b'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"id": "x"}')


async def _drip(stream: anyio.abc.SocketStream) -> None:
    await stream.receive()
    await stream.send(b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n")
    while True:
        await stream.send(b" ")
        await anyio.sleep(0.05)


async def _not_http(stream: anyio.abc.SocketStream) -> None:
    await stream.receive()
    await stream.send(b"220 mail.example ESMTP\r\n")


@pytest.mark.parametrize("talk", [_hang, _close_at_once, _half_a_head, _half_a_body, _drip, _not_http])
async def test_a_create_that_was_sent_and_not_answered_is_unclear(talk: Talk) -> None:
    """Issue 4: cut connections; neither done nor refused."""
    async with server(talk) as port:
        error = await create_error(f"http://127.0.0.1:{port}")
    assert isinstance(error, MaybeDone)
    assert error.changed == "unknown"


async def test_nobody_listening_is_surely_not_sent() -> None:
    """Ours: may be repeated whatever it is."""
    async with server(_hang) as port:
        pass
    error = await create_error(f"http://127.0.0.1:{port}", timeout=5)
    assert isinstance(error, NotSent)
    assert f"127.0.0.1:{port}" in error.message


async def test_a_handshake_that_never_ends_is_surely_not_sent() -> None:
    """Ours: the time-out passed while nothing but the greeting had left."""
    async with server(_hang) as port:
        error = await create_error(f"https://127.0.0.1:{port}")
    assert isinstance(error, NotSent)
    assert error.changed == "nothing"


async def test_a_certificate_that_is_none_is_surely_not_sent() -> None:
    """Ours: TLS to something that does not speak it."""
    async with server(_not_http) as port:
        error = await create_error(f"https://127.0.0.1:{port}", timeout=5)
    assert isinstance(error, NotSent)


async def test_plain_http_never_goes_through_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours: a proxy would be handed the token to read; https it only tunnels."""
    asked: list[bytes] = []

    async def proxy(stream: anyio.abc.SocketStream) -> None:
        asked.append(await stream.receive())

    async def fly(stream: anyio.abc.SocketStream) -> None:
        await stream.receive()
        await stream.send(b'HTTP/1.1 404 Not Found\r\ncontent-length: 14\r\n\r\n{"error":"no"}')

    async with server(proxy) as proxy_port, server(fly) as port:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy_port}")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        assert isinstance(await create_error(f"http://127.0.0.1:{port}", timeout=5), NotFound)
        assert not asked
        assert isinstance(await create_error("https://fly.invalid", timeout=5), (NotSent, MaybeDone))
        assert asked
        assert all(b"canary" not in request.lower() for request in asked)


async def test_connections_are_kept_and_a_stale_one_is_replaced() -> None:
    """Ours: no handshake per call, and no failure when the other end hung up meanwhile."""
    connections = 0

    async def whole(stream: anyio.abc.SocketStream) -> None:
        nonlocal connections
        connections += 1
        for _ in range(2):
            await stream.receive()
            await stream.send(b'HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{"apps":[]}')

    async with server(whole) as port:
        client = client_of(None, base_url=parse_base_url(f"http://127.0.0.1:{port}"))
        assert (await client.call(LIST_APPS, {})).data == {"apps": []}
        assert (await client.call(DELETE_MACHINE, ids_for(DELETE_MACHINE))).data == {"apps": []}
        assert connections == 1
        await anyio.sleep(0.05)
        assert (await client.call(LIST_APPS, {})).data == {"apps": []}
        assert connections == 2
        await client.aclose()
