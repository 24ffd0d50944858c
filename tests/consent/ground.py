"""A server at which a human has to approve, and a client with a human behind it who does as the test says.

mcp.Client (human) -> sdk.server -> Desk -> rights: ask -> Approval -> FlyTools -> Emulator
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, cast

import mcp_types
from mcp import Client
from mcp_types import CallToolResult, ElicitRequestFormParams, ElicitResult, ErrorData, InputRequiredResult

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.world import World
from fly_mcp_server import sdk
from fly_mcp_server.access.callers import Caller, Callers, CallersByToken, OneCaller
from fly_mcp_server.access.desk import Desk
from fly_mcp_server.activity import Activity
from fly_mcp_server.consent.approval import Consent
from fly_mcp_server.policy.decision import Decision, Effect
from fly_mcp_tools.action import AnyAction
from fly_mcp_tools.base_url import parse_base_url
from fly_mcp_tools.call import Defaults, Query, Witness
from fly_mcp_tools.client import FlyClient
from fly_mcp_tools.credentials import Credentials
from fly_mcp_tools.dispatch import FlyTools
from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.models import Params
from fly_mcp_tools.state.store import Store
from tests.actions.fly import DEFAULT_IMAGE, MACHINE, TOKEN, Wire
from tests.virtual_time import LoopClock

Json = dict[str, Any]
Answer = ElicitResult | ErrorData

YES = ElicitResult(action="accept", content={"approve": True})
AGENT = "builder"


class Watch:
    """Lets every request leave."""

    async def begin(self) -> None:
        pass

    async def before(
        self, endpoint: Endpoint, ids: Mapping[str, str], *, query: Query | None, body: object
    ) -> None:
        pass

    def saw(self, endpoint: Endpoint, ids: Mapping[str, str], came: object) -> None:
        pass


class Rights:
    """A policy in which one word is said to every call."""

    def __init__(self, effect: Effect = Effect.ASK) -> None:
        self.effect = effect

    def admit(self, action: AnyAction, params: Params) -> Decision:  # noqa: ARG002 - the protocol's
        return Decision(self.effect, "rule 1", "the test says so")

    def watch(self, action: AnyAction, params: Params, witness: Witness) -> Watch:  # noqa: ARG002 - the protocol's
        return Watch()


@dataclass
class Human:
    """Who is asked. `meanwhile` happens while they think."""

    answer: Answer = field(default_factory=lambda: YES)
    meanwhile: Callable[[], object] | None = None
    thinks: float = 0.0
    clock: LoopClock | None = None
    asked: list[str] = field(default_factory=list[str])

    async def __call__(self, context: object, params: mcp_types.ElicitRequestParams) -> Answer:  # noqa: ARG002 - the SDK's
        assert isinstance(params, ElicitRequestFormParams)
        properties = params.requested_schema["properties"]
        assert list(properties) == ["approve"]
        assert params.requested_schema["required"] == ["approve"]
        self.asked.append(params.message)
        if self.meanwhile is not None:
            self.meanwhile()
        if self.thinks and self.clock is not None:
            await self.clock.sleep(self.thinks)
        return self.answer


@dataclass
class Ground:
    """What a test stands on."""

    emulator: Emulator
    clock: LoopClock
    client: Client
    human: Human
    wire: Wire
    rights: Rights

    async def call(self, name: str, /, **arguments: Any) -> Json:
        """Call a tool, the human answering on the way; what it came to."""
        return content_of(await self.client.call_tool(name, arguments))

    async def refused(self, name: str, /, **arguments: Any) -> Json:
        """Call a tool that is not run; its error."""
        return error_of(await self.client.call_tool(name, arguments))

    async def first(self, name: str, arguments: Mapping[str, Any]) -> InputRequiredResult:
        """The question, as a client of the newest protocol gets it."""
        result = await self.client.session.call_tool(name, dict(arguments), allow_input_required=True)
        assert isinstance(result, InputRequiredResult), result
        return result

    async def then(
        self,
        name: str,
        arguments: Mapping[str, Any],
        state: str | None,
        answer: ElicitResult | None = YES,
    ) -> CallToolResult:
        """Call again with an answer and what was carried."""
        result = await self.client.session.call_tool(
            name,
            dict(arguments),
            input_responses={"consent": answer} if answer else None,
            request_state=state,
            allow_input_required=True,
        )
        assert isinstance(result, CallToolResult), result
        return result

    def writes(self) -> list[str]:
        """What reached Fly besides reads and leases."""
        return [
            f"{one.method} {one.path}"
            for one in self.emulator.requests
            if one.method != "GET" and one.path != "/graphql"
        ]

    def edit(self, change: Callable[[World], None]) -> None:
        """Change the world behind everybody's back."""
        world = self.emulator.dump()
        change(world)
        self.emulator.load(world)


def content_of(result: CallToolResult) -> Json:
    content: object = result.structured_content
    assert isinstance(content, dict)
    return cast("Json", content)


def error_of(result: CallToolResult) -> Json:
    assert result.is_error, result.structured_content
    error: Json = content_of(result)["error"]
    text = json.dumps(error)
    assert error["changed"] == "nothing", text
    assert "Nothing was changed" in error["message"], text
    assert error["hint"], text
    return error


@asynccontextmanager
async def standing(
    emulator: Emulator,
    clock: LoopClock,
    *,
    mode: str = "auto",
    store: Store | None = None,
    keys: tuple[str, ...] = (),
    agent: str = AGENT,
    asks: bool = True,
    lasts: float = 300.0,
    seed: int = 7,
) -> AsyncGenerator[Ground]:
    """A client in front of a server that asks before everything. `asks`: whether the client can put questions."""
    human = Human(clock=clock)
    async with (
        behind(emulator, clock, store=store, keys=keys, agent=agent, lasts=lasts, seed=seed) as made,
        Client(made.server, mode=mode, elicitation_callback=human if asks else None) as client,
    ):
        yield Ground(emulator, clock, client, human, made.wire, made.rights)


@dataclass
class Behind:
    """What stands behind any transport."""

    server: sdk.Server
    wire: Wire
    rights: Rights
    activity: Activity


@asynccontextmanager
async def behind(
    emulator: Emulator,
    clock: LoopClock,
    *,
    store: Store | None = None,
    keys: tuple[str, ...] = (),
    agent: str = AGENT,
    by_token: Sequence[str] = (),
    lasts: float = 300.0,
    seed: int = 7,
) -> AsyncGenerator[Behind]:
    """A server that asks before everything. `by_token`: agents that are known by their tokens, in place of one."""
    wire, rng, rights, activity = Wire(emulator), Random(seed), Rights(), Activity()
    http = FlyClient(
        credentials=Credentials(TOKEN),
        base_url=parse_base_url("http://127.0.0.1"),
        clock=clock,
        rng=rng,
        transport=wire,
    )
    store = store or Store(None)
    tools = FlyTools(http, clock=clock, rng=rng, defaults=Defaults(image=DEFAULT_IMAGE), store=store)
    callers: Callers = OneCaller(Caller(agent, tools, rights))
    if by_token:
        nobody = Caller("nobody", FlyTools(http, clock=clock, rng=rng, actions={}))
        callers = CallersByToken({name: Caller(name, tools, rights) for name in by_token}, nobody)
    consent = Consent(store, clock, rng, lasts=lasts, keys=keys)
    try:
        yield Behind(sdk.server(Desk(callers), activity, asking=consent), wire, rights, activity)
    finally:
        await http.aclose()


def machine_gone(ground: Ground) -> bool:
    """Whether the documented machine is no longer alive."""
    return not ground.emulator.dump().apps["catvet-records"].machines[MACHINE].alive
