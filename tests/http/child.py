"""`fly-mcp serve --http` as a process of its own, with a policy, a token and a pretend Fly at an address."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.stdio.child import PATIENCE, Child, child

from .place import ACCEPT, CLIENT, MODERN, Json

POLICY = """
[agents.alice]
fly_token = { env = "FLY_TOKEN_OF_ALICE" }
org = "personal"

[[agents.alice.rules]]
effect = "allow"
actions = ["*"]
access = ["read", "write", "exec", "destructive"]
"""


@dataclass
class Serving:
    """The process and where it is."""

    process: Child
    url: str
    token: str
    http: httpx2.AsyncClient

    async def call(self, tool: str, *, era: str = MODERN, **arguments: Any) -> httpx2.Response:
        """Call a tool over `/mcp`; the newest era has the envelope, the others may have it."""
        meta = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientInfo": CLIENT,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        params: Json = {"name": tool, "arguments": arguments, "_meta": meta}
        return await self.http.post(
            f"{self.url}/mcp",
            json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params},
            headers={
                "accept": ACCEPT,
                "authorization": f"Bearer {self.token}",
                "mcp-protocol-version": era,
                "mcp-method": "tools/call",
                "mcp-name": tool,
            },
        )


@asynccontextmanager
async def serving(
    folder: Path, fly: str, *arguments: str, settings: Mapping[str, str] | None = None
) -> AsyncGenerator[Serving]:
    """Start it on a free port; it is killed if it is still there at the end."""
    policy = folder / "policy.toml"
    policy.write_text(POLICY)
    environment = {
        "FLY_MCP_STATE": str(folder / "state"),
        "FLY_MCP_POLICY": str(policy),
        "FLY_TOKEN_OF_ALICE": "fm2_word",
        "FLY_API_HOSTNAME": fly,
        **(settings or {}),
    }
    async with child("agents", "add", "alice", raw=True, settings=environment) as add:
        assert await add.end() == 0, add.errors
        found = re.search(r"flymcp_\w+", add.printed)
        assert found, add.printed
    command = ("serve", "--http", "--port", "0", *arguments)
    async with child(*command, settings=environment) as one, httpx2.AsyncClient(timeout=PATIENCE) as http:
        await one.until(lambda: re.search(r"serving on (http://[^/]+)/mcp", one.errors))
        address = re.search(r"serving on (http://[^/]+)/mcp", one.errors)
        assert address
        yield Serving(one, address.group(1), found.group(), http)
