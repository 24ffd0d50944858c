"""Small pretend servers for what the emulator does not do: broken, foreign and slow answers."""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from random import Random

import anyio
import httpx2
import pytest
from pydantic import JsonValue

from fly_mcp_tools.base_url import BaseUrl, parse_base_url
from fly_mcp_tools.client import FlyClient
from fly_mcp_tools.clock import SystemClock
from fly_mcp_tools.credentials import Credentials
from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.errors import FlyError
from fly_mcp_tools.limits import Limits

CANARY = "fm2_canaryCANARYcanary0123456789+/="
APP = "catvet-records"
MACHINE = "7846e45f27e218"
VOLUME = "vol_r77m35j7kj10613r"
JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln"

#: Where each of Fly's two addresses is.
HOSTS = {"machines": "api.machines.dev", "web": "api.fly.io"}

Handler = Callable[[httpx2.Request], httpx2.Response | Awaitable[httpx2.Response]]


def ids_for(endpoint: Endpoint) -> dict[str, str]:
    """Good ids for the endpoint's placeholders."""
    good = {
        "app_name": APP,
        "machine_id": MACHINE,
        "volume_id": VOLUME,
        "secret_name": "API_KEY",
        "key_name": "signing-v1",
        "hostname": "*.catvet.example",
        "ip": "2a09:8280:1::1:7f:0",
        "org_slug": "personal",
        "key": "owner",
    }
    return {name: good[name] for name in endpoint.placeholders}


def answer(status: int, data: object = None, headers: Mapping[str, str] | None = None) -> httpx2.Response:
    """An answer as Fly gives it: JSON and a request id."""
    content = b"" if data is None else json.dumps(data).encode()
    return httpx2.Response(
        status, content=content, headers={"fly-request-id": "01TESTREQUEST-fra", **(headers or {})}
    )


def success(endpoint: Endpoint) -> tuple[httpx2.Response, JsonValue]:
    """What Fly says when it went well, and the data that is made of it."""
    if endpoint.token:
        return httpx2.Response(200, text=f"{JWT}\n"), JWT
    return answer(200, {"x": 1}), {"x": 1}


class Fly(httpx2.AsyncBaseTransport):
    """A transport that keeps what was sent, and when, and answers with `handler`, or with each in turn."""

    def __init__(self, *handlers: Handler | httpx2.Response | Exception, seconds: float = 0.0) -> None:
        self._handlers = list(handlers) or [answer(200, {})]
        self._seconds = seconds
        self.seen: list[httpx2.Request] = []
        self.times: list[float] = []
        self.answered = 0
        self.closed = 0

    @property
    def paths(self) -> list[str]:
        """What was asked for, method first."""
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.seen]

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        handler = self._handlers[min(len(self.seen), len(self._handlers) - 1)]
        self.seen.append(request)
        self.times.append(anyio.current_time())
        if self._seconds:
            await anyio.sleep(self._seconds)
        if isinstance(handler, Exception):
            raise handler
        if isinstance(handler, httpx2.Response):
            made = httpx2.Response(handler.status_code, headers=handler.headers, content=handler.content)
        else:
            given = handler(request)
            made = await given if inspect.isawaitable(given) else given
        self.answered += 1
        return made

    async def aclose(self) -> None:
        self.closed += 1


def client_of(
    transport: httpx2.AsyncBaseTransport | None,
    *,
    token: str | None = CANARY,
    base_url: BaseUrl | None = None,
    limits: Limits | None = None,
) -> FlyClient:
    """A client whose chance is seeded and whose time is the loop's."""
    return FlyClient(
        credentials=None if token is None else Credentials(token),
        base_url=base_url or parse_base_url(),
        clock=SystemClock(),
        rng=Random(1),
        transport=transport,
        limits=limits,
    )


NOT_SENT = [
    httpx2.ConnectError("refused"),
    httpx2.ConnectTimeout("slow"),
    httpx2.PoolTimeout("busy"),
    httpx2.ProxyError("403 Forbidden"),
    httpx2.UnsupportedProtocol("what"),
]
MAYBE = [
    httpx2.ReadError("reset"),
    httpx2.WriteError("reset"),
    httpx2.CloseError("reset"),
    httpx2.ReadTimeout("slow"),
    httpx2.WriteTimeout("slow"),
    httpx2.RemoteProtocolError("Server disconnected without sending a response."),
    httpx2.LocalProtocolError("what"),
    httpx2.DecodingError("bad gzip"),
]


async def error_of(client: FlyClient, endpoint: Endpoint) -> FlyError:
    """The error that a call to `endpoint` ends in."""
    with pytest.raises(FlyError) as caught:
        await client.call(endpoint, ids_for(endpoint))
    return caught.value
