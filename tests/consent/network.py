"""The same server on a socket, as `fly-mcp serve --http` has it, and clients of agents that have a human each."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal

import httpx2
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.auth.provider import AccessToken

from fly_mcp_emulator import Emulator
from fly_mcp_server.http.app import Parts, application
from fly_mcp_server.http.limits import Limits
from fly_mcp_server.http.work import Work
from fly_mcp_tools.state.store import Store
from tests.http.at_a_port import at_a_port
from tests.virtual_time import LoopClock

from .ground import Behind, Ground, Human, behind

AGENTS = ("alice", "bob")


class Known:
    """The token of an agent is its name."""

    async def verify_token(self, token: str) -> AccessToken | None:
        return AccessToken(token=token, client_id=token, scopes=[]) if token in AGENTS else None


@dataclass
class Listening:
    """A server at a port."""

    emulator: Emulator
    clock: LoopClock
    behind: Behind
    port: int

    @asynccontextmanager
    async def client(
        self,
        transport: Literal["http", "sse"],
        *,
        mode: str,
        agent: str = "alice",
    ) -> AsyncGenerator[Ground]:
        """An agent's client."""
        human = Human(clock=self.clock)
        headers, url = {"authorization": f"Bearer {agent}"}, f"http://127.0.0.1:{self.port}"
        async with httpx2.AsyncClient(headers=headers, timeout=1000) as http:
            where: Any = (
                sse_client(f"{url}/sse", headers=headers)
                if transport == "sse"
                else streamable_http_client(f"{url}/mcp", http_client=http)
            )
            async with Client(where, mode=mode, elicitation_callback=human) as client:
                wire, rights = self.behind.wire, self.behind.rights
                yield Ground(self.emulator, self.clock, client, human, wire, rights)


@asynccontextmanager
async def listening(
    emulator: Emulator, clock: LoopClock, *, store: Store | None = None, seed: int = 7
) -> AsyncGenerator[Listening]:
    """A server with two agents, until the test ends."""
    limits = Limits()
    async with behind(emulator, clock, store=store, by_token=AGENTS, seed=seed) as made:
        app = application(made.server, Parts(clock, Known(), limits=limits), Work())
        async with at_a_port(app, limits) as port:
            yield Listening(emulator, clock, made, port)
