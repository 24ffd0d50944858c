"""The wire: the only module that knows the HTTP library.

One connection pool for the life of the process. Whatever the library raises becomes here, once, one of two
things: the request surely never reached Fly (`NotSent`), or it may have (`MaybeDone`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import anyio
import httpx2

from fly_mcp_tools.base_url import BaseUrl
from fly_mcp_tools.decode import RawAnswer, no_usable_answer
from fly_mcp_tools.errors import FlyError, NotSent
from fly_mcp_tools.foreign import clean
from fly_mcp_tools.request import Request

Transport = httpx2.AsyncBaseTransport
AsgiApp = Callable[..., Any]

MAX_BODY: Final = 32 * 1024 * 1024
_CONNECT_SECONDS: Final = 10.0
# Fly keeps idle connections open for longer than this, so a request seldom meets a closed one; and an agent
# that thinks for ten seconds still saves the TLS handshake.
_KEEP_ALIVE_SECONDS: Final = 20.0
_SURELY_NOT_SENT: Final = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)


def asgi_transport(app: AsgiApp) -> Transport:
    """A transport that calls `app` in this process: nothing reaches the network.

    Where `app` gives up with a `ConnectionError`, the client sees what a socket would have shown it.
    """
    return _InProcess(app)


class _InProcess(httpx2.AsyncBaseTransport):
    """An application, and the end of a connection as its client meets it.

    Request and answer alike are lost as a `ReadError`, never a `ConnectError`: the connection was made, the
    bytes went out, and nothing tells a client whether they were read. An error with a `begun` (status, headers,
    part of a body) is an answer that breaks off, which the library calls a `RemoteProtocolError`.
    """

    def __init__(self, app: AsgiApp) -> None:
        self._inner = httpx2.ASGITransport(app=app)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            return await self._inner.handle_async_request(request)
        except ConnectionError as error:
            begun: Any = getattr(error, "begun", None)
            if begun is None:
                raise httpx2.ReadError(str(error), request=request) from None
            return httpx2.Response(begun.status, headers=begun.headers, stream=_BreaksOff(begun.body))


@dataclass
class _BreaksOff(httpx2.AsyncByteStream):
    """A body of which only the beginning arrives."""

    part: bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.part
        raise httpx2.RemoteProtocolError("peer closed connection without sending complete message body")


@dataclass
class _Phase:
    """How far a request got; from the moment it leaves, its answer has `timeout` seconds.

    The deadline does not run while connecting, which the library bounds by itself: cancelled in the middle
    of a TLS handshake, it forgets to close the socket (httpcore2 2.16).
    """

    scope: anyio.CancelScope
    timeout: float
    sent: bool = False

    def leaves(self) -> None:
        """Note that from now on Fly may have it."""
        if not self.sent:
            self.sent = True
            self.scope.deadline = anyio.current_time() + self.timeout

    async def trace(self, event: str, _: object) -> None:
        """Called by the library at each step, such as `http11.send_request_headers.started`."""
        if event.endswith("send_request_headers.started"):
            self.leaves()


class Http:
    """Sends requests to one origin.

    The library's client is built at the first `send`: reading the system's certificates takes 50 to 90 ms,
    which neither the import nor the start of a server should pay. `transport` replaces the network.
    """

    def __init__(self, base_url: BaseUrl, *, transport: Transport | None = None) -> None:
        self._base_url = base_url
        self._transport = transport
        self._client: httpx2.AsyncClient | None = None

    async def send(
        self, request: Request, *, authorization: str, timeout: float, redact: Callable[[str], str]
    ) -> RawAnswer:
        """Send `request` once and read its answer.

        `timeout`: seconds from its leaving to the end of the answer, however the bytes drip. Connecting has
        as many, but at most 10, for each of its steps.

        Raises `NotSent` or `MaybeDone` (which, for a read, says that nothing was changed).
        """
        client = self._client
        if client is None:  # no await until it is stored, so no two are built
            client = self._client = self._build()
        headers = {"authorization": authorization}
        if request.body is not None:
            headers["content-type"] = "application/json"
        if request.nonce is not None:
            headers["fly-machine-lease-nonce"] = request.nonce
        connecting = min(timeout, _CONNECT_SECONDS)
        outgoing = client.build_request(
            request.endpoint.method,
            self._base_url.origin + request.target,
            headers=headers,
            content=request.body,
            timeout=httpx2.Timeout(timeout, connect=connecting, pool=connecting),
        )
        scope = anyio.CancelScope()
        phase = _Phase(scope, timeout)
        if self._transport is None:
            outgoing.extensions["trace"] = phase.trace
        else:
            phase.leaves()  # a transport that was given tells nothing
        try:
            with scope:
                return await _exchange(client, outgoing)
        except _SURELY_NOT_SENT as error:
            phase.sent = False
            raise self._failure(request, phase, _words(error, redact)) from None
        except httpx2.HTTPError as error:
            # Not chained: the library's errors carry the request, and the request carries the token.
            raise self._failure(request, phase, _words(error, redact)) from None
        raise self._failure(request, phase, f"no answer within {timeout:g} seconds")

    async def aclose(self) -> None:
        """Close the connections. May be called twice; a `send` afterwards opens new ones."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def _build(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            transport=self._transport,
            # A proxy named by the environment is right for https, which it only tunnels. Plain http is this
            # machine or Fly's private network: a proxy there would be handed the token to read.
            trust_env=self._base_url.encrypted,
            follow_redirects=False,
            limits=httpx2.Limits(
                max_connections=100, max_keepalive_connections=50, keepalive_expiry=_KEEP_ALIVE_SECONDS
            ),
            headers={"user-agent": f"fly-mcp/{_version()}", "accept": "application/json"},
        )

    def _failure(self, request: Request, phase: _Phase, why: str) -> FlyError:
        """The error for a request that broke off in `phase`."""
        if phase.sent:
            return no_usable_answer(request, why)
        return NotSent(
            f"Could not {request.says}: no way to {self._base_url.host} ({why}). Nothing was sent.",
            hint=f"Check the network, a proxy set in the environment, and {request.endpoint.setting}.",
        )


class NoAnswer(Exception):
    """Another server than Fly's did not give what it was asked for; the text says why, in words of ours."""


async def fetch(url: str, *, timeout: float, most: int) -> bytes:
    """Get what is at an address that is not Fly's, without any token and without following redirects.

    `timeout`: seconds for each step. `most`: bytes.

    Raises:
        NoAnswer: none came, it was no 200, or it is longer than that.
    """
    body = bytearray()
    try:
        async with (
            # A proxy is right for https alone, as above.
            httpx2.AsyncClient(timeout=timeout, trust_env=url.startswith("https:")) as client,
            client.stream("GET", url, headers={"accept": "application/json"}) as answer,
        ):
            if answer.status_code != 200:
                raise NoAnswer(f"HTTP {answer.status_code}")
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > most:
                    raise NoAnswer("the answer is too long")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise NoAnswer(type(error).__name__) from None
    return bytes(body)


async def _exchange(client: httpx2.AsyncClient, outgoing: httpx2.Request) -> RawAnswer:
    """Send and read. A body that breaks off or does not end is cut, since the status may say enough."""
    response = await client.send(outgoing, stream=True)
    body = bytearray()
    complete = True
    try:
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > MAX_BODY:
                complete = False
                break
    except httpx2.HTTPError:
        complete = False
    finally:
        with anyio.CancelScope(shield=True):
            await response.aclose()
    headers = {name.lower(): value for name, value in response.headers.items()}
    return RawAnswer(response.status_code, headers, bytes(body), complete)


def _words(error: httpx2.HTTPError, redact: Callable[[str], str]) -> str:
    """What happened, in few words and without the request."""
    words: dict[type[httpx2.HTTPError], str] = {
        httpx2.ConnectTimeout: "no connection in time",
        httpx2.PoolTimeout: "all connections are busy",
        httpx2.ReadTimeout: "no answer in time",
        httpx2.WriteTimeout: "the connection took no more data in time",
        httpx2.ReadError: "the connection broke before the answer came",
        httpx2.WriteError: "the connection broke while sending",
        httpx2.RemoteProtocolError: "the connection was closed without a whole answer",
    }
    return words.get(type(error)) or clean(redact(f"{type(error).__name__}: {error}"), 160)


def _version() -> str:
    """The installed distribution's version; "0" where this runs without being installed."""
    try:
        return version("fly-mcp")
    except PackageNotFoundError:
        return "0"
