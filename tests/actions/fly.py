"""A pretend Fly behind the real server, as an MCP client sees it; and a wire that can break.

    mcp.Client -> sdk.server -> FlyTools -> FlyClient -> Wire -> Emulator

Every call of the suite is also held against the laws of answers: the text is the same object as JSON (or the
same error in words), and a success fits the tool's own output schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, cast

import httpx2
from mcp import Client
from mcp_types import CallToolResult, TextContent, Tool

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.log import RequestRecord
from fly_mcp_emulator.world import App, Lease, Machine, Volume, World
from fly_mcp_server import sdk
from fly_mcp_server.access.desk import alone
from fly_mcp_server.access.trail import Trail
from fly_mcp_server.activity import Activity
from fly_mcp_tools.action import AnyAction
from fly_mcp_tools.base_url import parse_base_url
from fly_mcp_tools.call import Defaults
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.client import FlyClient
from fly_mcp_tools.credentials import Credentials
from fly_mcp_tools.dispatch import FlyTools
from fly_mcp_tools.selection import Selection
from tests.virtual_time import LoopClock

from .schemas import fits

APP = "catvet-records"
MACHINE = "7846e45f27e218"
VOLUME = "vol_r77m35j7kj10613r"
FREE_VOLUME = "vol_abc123"
SANDBOX = "my-sandbox"
WEB = "catvet-web"
#: The image an operator would set for apps that have no machine to copy.
DEFAULT_IMAGE = "registry-1.docker.io/flyio/hellofly:latest"
TOKEN = "fm2_tests0123456789"

Json = dict[str, Any]
Answerer = Callable[[httpx2.Request], httpx2.Response]


@dataclass
class Break:
    """A rule of the wire: what happens to the next `times` requests that match."""

    method: str
    path: str
    times: int
    arrives: bool = True
    answer: Answerer | None = None
    tap: Callable[[httpx2.Request], object] | None = None
    struck: int = 0

    def matches(self, request: httpx2.Request) -> bool:
        if self.struck >= self.times or request.method != self.method:
            return False
        return re.search(self.path, request.url.path) is not None


class Wire(httpx2.AsyncBaseTransport):
    """Carries requests to the emulator, remembers their raw paths, and breaks by rule."""

    def __init__(self, emulator: Emulator) -> None:
        self._inner = httpx2.ASGITransport(app=emulator.app)
        self._rules: list[Break] = []
        self.sent: list[str] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.sent.append(f"{request.method} {request.url.raw_path.decode()}")
        rule = next((rule for rule in self._rules if rule.matches(request)), None)
        if rule is None:
            return await self._inner.handle_async_request(request)
        rule.struck += 1
        if rule.tap is not None:
            rule.tap(request)
            return await self._inner.handle_async_request(request)
        if rule.arrives:
            await (await self._inner.handle_async_request(request)).aread()
        if rule.answer is not None:
            return rule.answer(request)
        raise httpx2.ReadError("the test cut the connection")

    def lose_answers(self, method: str, path: str, times: int = 99) -> Break:
        """The request is carried out; its answer never comes."""
        return self._add(Break(method, path, times))

    def lose_requests(self, method: str, path: str, times: int = 99) -> Break:
        """The request leaves and never arrives; nobody can tell."""
        return self._add(Break(method, path, times, arrives=False))

    def replace_answers(
        self, method: str, path: str, answer: Answerer, times: int = 99, *, arrives: bool = False
    ) -> Break:
        """Somebody else answers; `arrives`: after Fly has done it."""
        return self._add(Break(method, path, times, arrives, answer))

    def tap(self, method: str, path: str, look: Callable[[httpx2.Request], object], times: int = 1) -> Break:
        """`look` at the request, or do something, just before it arrives."""
        return self._add(Break(method, path, times, tap=look))

    def mend(self) -> None:
        """Forget all rules, and what was sent."""
        self._rules.clear()
        self.sent.clear()

    def _add(self, rule: Break) -> Break:
        self._rules.append(rule)
        return rule


@dataclass
class Fly:
    """What a test talks to."""

    emulator: Emulator
    client: Client
    tools: FlyTools
    wire: Wire
    listed: Mapping[str, Tool]
    clock: LoopClock
    #: Progress notifications of the last call: done, total, words.
    progress: list[tuple[float, float | None, str | None]] = field(
        default_factory=list[tuple[float, float | None, str | None]]
    )
    #: Everything any call of the test was given back, as JSON and as text.
    said: list[str] = field(default_factory=list[str])

    async def result(self, name: str, arguments: Mapping[str, Any]) -> CallToolResult:
        """Call a tool and check what holds for every answer."""
        self.progress = []

        async def heard(progress: float, total: float | None, message: str | None) -> None:
            self.progress.append((progress, total, message))

        result = await self.client.call_tool(name, dict(arguments), progress_callback=heard)
        self.said.append(result.model_dump_json(by_alias=True))
        self._check(name, result)
        return result

    async def call(self, name: str, /, **arguments: Any) -> Json:
        """Call a tool that succeeds; its structured content."""
        result = await self.result(name, arguments)
        assert not result.is_error, text_of(result)
        return content_of(result)

    async def refused(self, name: str, arguments: Mapping[str, Any] | None = None, /, **more: Any) -> Json:
        """Call a tool that fails; its error object."""
        result = await self.result(name, {**(arguments or {}), **more})
        assert result.is_error, result.structured_content
        error: Json = content_of(result)["error"]
        return error

    async def either(self, name: str, /, **arguments: Any) -> Json:
        """Call a tool that may succeed or fail; its structured content."""
        return content_of(await self.result(name, arguments))

    async def env(self, machine_id: str = MACHINE, app: str = APP) -> dict[str, str]:
        """The environment of a running machine, as a command on it sees it."""
        answer = await self.call("flyExecCommand", appName=app, machineId=machine_id, command=["env"])
        return dict(line.split("=", 1) for line in answer["stdout"].splitlines())

    def writes(self) -> list[RequestRecord]:
        """What the emulator was sent besides reads."""
        return [record for record in self.emulator.requests if record.method != "GET"]

    def changes(self) -> list[str]:
        """The writes but those of leases, which leave nothing behind."""
        return [f"{record.method} {record.path}" for record in self.writes() if "/lease" not in record.path]

    def requests_to(self, path: str, method: str | None = None) -> list[RequestRecord]:
        """What the emulator was sent whose path holds `path`."""
        return [
            record
            for record in self.emulator.requests
            if path in record.path and method in (None, record.method)
        ]

    def app(self, name: str = APP) -> App:
        """An app as it is now: a copy."""
        return self.emulator.dump().apps[name]

    def machine(self, machine_id: str = MACHINE, app: str = APP) -> Machine:
        """A machine as it is now: a copy."""
        return self.app(app).machines[machine_id]

    def volume(self, volume_id: str, app: str = APP) -> Volume:
        """A volume as it is now: a copy."""
        return self.app(app).volumes[volume_id]

    def alive(self, app: str = APP) -> list[Machine]:
        """The app's machines that are neither destroyed nor on the way there."""
        return [machine for machine in self.app(app).machines.values() if machine.alive]

    def leases(self) -> list[Lease]:
        """Leases of ours in force."""
        machines = [one for app in self.emulator.dump().apps.values() for one in app.machines.values()]
        leases = [one.lease for one in machines if one.lease and one.lease.expires_at > self.clock.now()]
        return [lease for lease in leases if lease.description.startswith("fly-mcp")]

    def begin_again(self) -> None:
        """The world, the log and the wire as they were at first; time goes on."""
        self.emulator.reset()
        self.wire.mend()

    def edit(self, change: Callable[[World], None]) -> None:
        """Change the world behind everybody's back."""
        world = self.emulator.dump()
        change(world)
        self.emulator.load(world)

    def _check(self, name: str, result: CallToolResult) -> None:
        content = content_of(result)
        # Errors too: clients of the TypeScript SDK hold them against it.
        fits(content, self.listed[name].output_schema or {})
        if not result.is_error:
            assert "error" not in content
            assert json.loads(text_of(result)) == content
            return
        error = content["error"]
        assert list(content) == ["error"]
        assert {"code", "message", "hint", "retryable", "changed"} <= error.keys()
        assert error["message"]
        assert error["hint"], f"an error without a next step: {error}"
        assert error["message"] in text_of(result)


def content_of(result: CallToolResult) -> Json:
    """The structured content, which is always there and always an object."""
    content: object = result.structured_content
    assert isinstance(content, dict)
    return cast("Json", content)


def text_of(result: CallToolResult) -> str:
    """The one text part."""
    (part,) = result.content
    assert isinstance(part, TextContent)
    return part.text


#: The list depends on the table and the protocol's era alone, and reading it is a third of a small test's time.
_LISTS: dict[tuple[str, int], dict[str, Tool]] = {}


async def _listed(client: Client, mode: str, actions: Mapping[str, AnyAction] | None) -> dict[str, Tool]:
    if actions is None:
        return {tool.name: tool for tool in (await client.list_tools()).tools}
    if actions is not ACTIONS or (mode, len(actions)) not in _LISTS:
        _LISTS[mode, len(actions)] = {tool.name: tool for tool in (await client.list_tools()).tools}
    return _LISTS[mode, len(actions)]


@asynccontextmanager
async def opened(
    emulator: Emulator,
    clock: LoopClock,
    *,
    mode: str = "auto",
    token: str | None = TOKEN,
    defaults: Defaults | None = None,
    actions: Mapping[str, AnyAction] = ACTIONS,
    selection: Selection | None = None,
    output_schemas: bool = True,
    seed: int = 7,
    trail: Trail | None = None,
) -> AsyncGenerator[Fly]:
    """A client in front of a server in front of `emulator`; two at once need chance of their own."""
    wire, rng = Wire(emulator), Random(seed)
    http = FlyClient(
        credentials=Credentials(token) if token else None,
        base_url=parse_base_url("http://127.0.0.1"),
        clock=clock,
        rng=rng,
        transport=wire,
    )
    defaults = defaults or Defaults(image=DEFAULT_IMAGE)
    tools = FlyTools(http, clock=clock, rng=rng, defaults=defaults, actions=actions, selection=selection)
    usual = selection is None and output_schemas
    try:
        server = sdk.server(alone(tools, trail), Activity(), output_schemas=output_schemas)
        async with Client(server, mode=mode) as client:
            listed = await _listed(client, mode, actions if usual else None)
            yield Fly(emulator, client, tools, wire, listed, clock)
    finally:
        await http.aclose()
