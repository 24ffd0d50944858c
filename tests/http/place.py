"""The real app on a real socket, in this process and on virtual time, in front of a pretend Fly.

any client -> TCP -> uvicorn -> the app of `fly-mcp serve --http` -> FlyTools -> Emulator
"""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import anyio
import anyio.abc
import httpx2
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from starlette.types import ASGIApp

from fly_mcp_emulator import Emulator
from fly_mcp_server import sdk
from fly_mcp_server.access.desk import alone
from fly_mcp_server.activity import Activity
from fly_mcp_server.auth.attempt import not_guessed
from fly_mcp_server.http.app import Parts, application
from fly_mcp_server.http.doors import allowed
from fly_mcp_server.http.limits import Limits
from fly_mcp_server.http.serving import Ending, Served, listen
from fly_mcp_server.http.work import Work
from fly_mcp_tools.base_url import parse_base_url
from fly_mcp_tools.call import Defaults
from fly_mcp_tools.client import FlyClient
from fly_mcp_tools.credentials import Credentials
from fly_mcp_tools.dispatch import FlyTools
from tests.actions.fly import DEFAULT_IMAGE, TOKEN, Wire
from tests.virtual_time import LoopClock

PATIENCE = 60.0
MODERN = "2026-07-28"
LEGACY = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
ERAS = (*LEGACY, MODERN)
CLIENT = {"name": "raw-client", "version": "1"}
ACCEPT = "application/json, text/event-stream"

#: The tokens of these tests, and whose they are.
TOKENS = {"token-of-alice": "alice", "token-of-bob": "bob", "issued.to.bob": "bob"}
#: One that its issuer made, and that has expired.
EXPIRED = {"authorization": "Bearer issued.and.expired"}
ALICE = {"authorization": "Bearer token-of-alice"}
BOB = {"authorization": "Bearer token-of-bob"}
BOB_BY_OAUTH = {"authorization": "Bearer issued.to.bob"}

Json = dict[str, Any]


class Known:
    """Verifies the tokens of these tests, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    async def verify_token(self, token: str) -> AccessToken | None:
        self.asked += 1
        if EXPIRED["authorization"].endswith(token):
            not_guessed()
        agent = TOKENS.get(token)
        return AccessToken(token=token, client_id=agent, scopes=[]) if agent else None


@dataclass
class Place:
    """Where the app is, and what stands behind it."""

    emulator: Emulator
    wire: Wire
    clock: LoopClock
    work: Work
    activity: Activity
    known: Known
    fly: FlyClient
    served: Served
    ending: Ending
    port: int = 0
    http: httpx2.AsyncClient = field(default_factory=lambda: httpx2.AsyncClient(timeout=1000))
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def request(self, era: str, method: str, params: Mapping[str, Any] | None = None) -> Json:
        """A JSON-RPC request as a client of this era makes it."""
        body = dict(params or {})
        if era == MODERN:
            body["_meta"] = {
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientInfo": CLIENT,
                "io.modelcontextprotocol/clientCapabilities": {},
                **body.get("_meta", {}),
            }
        return {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": body}

    def headers(self, era: str, request: Json, who: Mapping[str, str] = ALICE) -> dict[str, str]:
        """The headers that belong to it."""
        headers = {"accept": ACCEPT, "content-type": "application/json", **who}
        if request["method"] != "initialize" and era != "2024-11-05":
            headers["mcp-protocol-version"] = era
        if era == MODERN:
            headers["mcp-method"] = request["method"]
            if "name" in request["params"]:
                headers["mcp-name"] = request["params"]["name"]
        return headers

    async def post(
        self, era: str, method: str, params: Mapping[str, Any] | None = None, who: Mapping[str, str] = ALICE
    ) -> httpx2.Response:
        """Post a request to `/mcp`; the whole answer."""
        request = self.request(era, method, params)
        return await self.http.post(f"{self.url}/mcp", json=request, headers=self.headers(era, request, who))

    async def ask(
        self, era: str, method: str, params: Mapping[str, Any] | None = None, who: Mapping[str, str] = ALICE
    ) -> list[Json]:
        """Post a request to `/mcp`; every message that came back, the answer last."""
        answer = await self.post(era, method, params, who)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return messages(answer)

    async def result(
        self, era: str, method: str, params: Mapping[str, Any] | None = None, who: Mapping[str, str] = ALICE
    ) -> Json:
        """The result of a request that is not refused."""
        reply = (await self.ask(era, method, params, who))[-1]
        assert "result" in reply, reply
        found: Json = reply["result"]
        return found

    async def call(self, era: str, tool: str, **arguments: Any) -> Json:
        """The result of a tool."""
        return await self.result(era, "tools/call", {"name": tool, "arguments": arguments})

    async def greet(self, era: str) -> Json:
        """What a client of this era opens with."""
        if era == MODERN:
            return await self.result(era, "server/discover")
        hello = {"protocolVersion": era, "capabilities": {}, "clientInfo": CLIENT}
        return await self.result(era, "initialize", hello)

    async def healthy(self) -> bool:
        """Whether it is alive, and answers an agent."""
        alive = await self.http.get(f"{self.url}/healthz")
        return alive.status_code == 200 and bool(await self.result(MODERN, "tools/list"))

    @asynccontextmanager
    async def socket(self) -> AsyncGenerator[anyio.abc.SocketStream]:
        """A bare connection."""
        async with await anyio.connect_tcp("127.0.0.1", self.port) as stream:
            yield stream


def messages(answer: httpx2.Response) -> list[Json]:
    """The messages of an answer, be it JSON or a stream of events."""
    if answer.headers["content-type"].startswith("application/json"):
        return [answer.json()]
    return [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: {")]


async def heard(stream: anyio.abc.SocketStream) -> bytes:
    """All that comes until the other side closes."""
    said = b""
    with anyio.fail_after(PATIENCE):
        try:
            while True:
                said += await stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return said


@asynccontextmanager
async def opened(
    *,
    limits: Limits | None = None,
    verified: bool = True,
    auth: AuthSettings | None = None,
    hosts: tuple[str, ...] = (),
    origins: tuple[str, ...] = (),
    proxies: tuple[str, ...] = (),
    emulator: Emulator | None = None,
    missing: bool = False,
) -> AsyncGenerator[Place]:
    """The app, listening, until the test ends."""
    clock, limits = LoopClock(), limits or Limits()
    emulator = emulator or Emulator(clock=clock, limits=False)
    wire, rng, work, activity, known = Wire(emulator), Random(7), Work(), Activity(), Known()
    fly = FlyClient(
        credentials=Credentials(TOKEN),
        base_url=parse_base_url("http://127.0.0.1"),
        clock=clock,
        rng=rng,
        transport=wire,
    )
    tools = FlyTools(fly, clock=clock, rng=rng, defaults=Defaults(image=DEFAULT_IMAGE))
    parts = Parts(
        clock=clock,
        verifier=known if verified else None,
        auth=auth,
        security=allowed(hosts, origins),
        limits=limits,
        missing=lambda: missing,
    )
    app: ASGIApp = application(sdk.server(alone(tools), activity), parts, work)
    served = Served(app, listen("127.0.0.1", 0), limits, proxies)
    ending = Ending(work, [fly], activity, limits)
    place = Place(emulator, wire, clock, work, activity, known, fly, served, ending)
    up = anyio.Event()

    def started(_: str, port: int) -> None:
        place.port = port
        up.set()

    async with anyio.create_task_group() as tasks, place.http:
        tasks.start_soon(served.run, started)
        await up.wait()
        try:
            with anyio.fail_after(100_000):  # of virtual time
                yield place
        finally:
            served.stop()
    await fly.aclose()
