"""Every part as `fly-mcp serve --http` puts it together, on a real socket, in front of a pretend Fly.

    SDK client -> TCP -> uvicorn -> auth by the agents file -> policy from a file -> the trail -> Emulator

The emulator's log is the judge of what reached Fly.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import httpx2
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from fly_mcp_emulator import Emulator
from fly_mcp_server import runtime, sdk
from fly_mcp_server.access.desk import Desk
from fly_mcp_server.activity import Activity
from fly_mcp_server.audit.opening import open_trail
from fly_mcp_server.audit.verify import verify
from fly_mcp_server.auth import parts as auth
from fly_mcp_server.auth.agents_file import AgentsFile
from fly_mcp_server.http.app import Parts, application
from fly_mcp_server.http.limits import Limits
from fly_mcp_server.http.work import Work
from fly_mcp_server.settings import Settings
from fly_mcp_tools.catalogue import ACTIONS
from tests.http.at_a_port import at_a_port
from tests.policy.ground import EVERYTHING, agent, allow, world
from tests.virtual_time import LoopClock

Transport = Literal["http", "sse"]
TRANSPORTS: Final[tuple[Transport, ...]] = ("http", "sse")
#: What a token is has to be named.
_TOKENS: Final = allow('access = ["read"]', 'groups = ["tokens"]')
#: An app that no example is about.
ELSEWHERE: Final = "somewhere-else"
#: Each agent of the policy, and its rules.
POLICY: Final = {
    "reader": agent(name="reader", more="read_only = true"),
    "elsewhere": agent(allow(EVERYTHING, f'apps = ["{ELSEWHERE}"]'), name="elsewhere"),
    "keeper": agent(allow(EVERYTHING), _TOKENS, name="keeper"),
}
AGENTS: Final = tuple(POLICY)
#: Values that examples of the rows set as secrets.
SECRETS: Final = tuple(
    str(value)
    for action in ACTIONS.values()
    for example in action.examples
    for name, given in example.arguments.items()
    if name in {action.params.model_fields[one].alias for one in action.secret_params}
    for value in (given.values() if isinstance(given, dict) else [given])
    if len(str(value)) > 5
)
WRONG: Final = "flymcp_0000000000000000000000000000000000000000000"


@dataclass
class Matrix:
    """Where the server is, and each agent's token."""

    emulator: Emulator
    url: str
    tokens: dict[str, str]
    trail: Path

    @asynccontextmanager
    async def client(self, transport: Transport, who: str) -> AsyncGenerator[Client]:
        """A session of an agent."""
        headers = {"authorization": f"Bearer {self.tokens[who]}"}
        async with httpx2.AsyncClient(headers=headers, timeout=1000) as http:
            where: Any = (
                sse_client(f"{self.url}/sse", headers=headers)
                if transport == "sse"
                else streamable_http_client(f"{self.url}/mcp", http_client=http)
            )
            async with Client(where) as client:
                yield client

    def begin_again(self) -> None:
        """The world and the log as they were at first."""
        self.emulator.reset()

    @property
    def sent(self) -> list[str]:
        """What reached Fly."""
        return [f"{one.method} {one.path}" for one in self.emulator.requests]


@asynccontextmanager
async def matrix(folder: Path, agents: Iterable[str] = AGENTS) -> AsyncGenerator[Matrix]:
    """The server with these agents, until the test ends."""
    clock = LoopClock()
    emulator = Emulator(world(), clock=clock, limits=False)
    policy = folder / "policy.toml"
    policy.write_text("\n".join(POLICY[name] for name in agents))
    trail = folder / "audit.jsonl"
    settings = Settings(
        policy=str(policy), agents=str(folder / "agents.json"), audit=str(trail), emulator=True
    )
    kept = open_trail(settings, clock)
    assert kept is not None
    file = AgentsFile(folder / "agents.json", clock)
    tokens = {name: file.add(name)[1] for name in agents} | {"wrong": WRONG}
    built = runtime.build(settings, emulator=emulator, clock=clock, network=True)
    known = auth.parts(settings, clock, bound=built.bound)
    known.refusals.told = kept.at_the_door
    limits = Limits()
    parts = Parts(
        clock,
        known.verifier,
        known.settings,
        limits=limits,
        refused=known.refusals.note,
        meanwhile=known.refusals.keep_telling,
    )
    app = application(sdk.server(Desk(built.callers, trail=kept), Activity()), parts, Work())
    async with at_a_port(app, limits) as port:
        yield Matrix(emulator, f"http://127.0.0.1:{port}", tokens, trail)
    known.refusals.flush()
    whole(trail, tokens.values())
    for client in built.clients:
        await client.aclose()


def whole(trail: Path, secrets: Iterable[str]) -> None:
    """Hold the trail of a test against what holds for every trail (issue 6, Shows 6)."""
    with trail.open("rb") as file:
        verdict = verify(file)
    assert verdict.problems == []
    text = trail.read_text()
    for secret in (*secrets, *SECRETS):
        assert secret not in text
