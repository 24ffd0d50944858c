"""An agent with a policy in front of a pretend Fly, as its MCP client sees it; the emulator's log is the judge."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from mcp import Client, MCPError
from mcp_types import INVALID_PARAMS, CallToolResult

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.default_world import default_world
from fly_mcp_emulator.world import Snapshot, Volume, World
from fly_mcp_server import runtime, sdk
from fly_mcp_server.access.desk import Desk
from fly_mcp_server.activity import Activity
from fly_mcp_server.runtime import Runtime
from fly_mcp_server.settings import Settings
from fly_mcp_tools.action import AnyAction
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.selection import APP, within_one_org
from tests.virtual_time import LoopClock

SHOP, WEB, SANDBOX = "catvet-records", "catvet-web", "my-sandbox"
#: Of another organisation, which the operator's token sees too.
FOREIGN = "lab-batch"
#: Things of apps that are not the one of a call, by kind: of the same organisation, and of another.
OTHERS: Mapping[str, tuple[str, str]] = {
    "machine": ("2874d1ea0f5e38", "3d8d9a2b64e189"),
    "volume": ("vol_xxx", "vol_lab0000000000001"),
    "snapshot": ("vs_Sandbox0000000000001", "vs_Lab00000000000000001"),
    "app": (SANDBOX, FOREIGN),
}
EVERYTHING = 'access = ["read", "write", "exec", "destructive"]'
#: Actions that no agent can have, since each is bound to one organisation.
BEYOND = {name for name, action in ACTIONS.items() if not within_one_org(action)}


def agent(*rules: str, name: str = "night", org: str = "personal", more: str = "") -> str:
    """An agent in the policy file, with these rules."""
    head = f'[agents.{name}]\nfly_token = {{ env = "FLY_TOKEN" }}\norg = "{org}"\n{more}\n'
    return head + "".join(f"[[agents.{name}.rules]]\n{rule}\n" for rule in rules)


def allow(*conditions: str) -> str:
    """A rule that allows."""
    return "\n".join(('effect = "allow"', *conditions))


def world() -> World:
    """The default one, with a volume and snapshots in apps that are not the shop."""
    made = default_world()
    sandbox, lab = made.apps[SANDBOX], made.apps[FOREIGN]
    sandbox.volumes["vol_xxx"].snapshots = [_snapshot(OTHERS["snapshot"][0])]
    volume = Volume(id=OTHERS["volume"][1], name="data", region="fra", created_at=sandbox.created_at)
    volume.snapshots = [_snapshot(OTHERS["snapshot"][1])]
    lab.volumes[volume.id] = volume
    return made


def _snapshot(number: str) -> Snapshot:
    return Snapshot(id=number, created_at=1_705_400_000.0, status="created", size=1, volume_size=1 << 30)


@dataclass
class Policed:
    """What a test talks to."""

    emulator: Emulator
    client: Client
    runtime: Runtime
    clock: LoopClock
    listed: list[str]

    async def call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Call a tool: "done", the error's code, or "unknown" where the protocol says that there is no such tool."""
        try:
            result = await self.client.call_tool(name, dict(arguments))
        except MCPError as error:
            if error.code != INVALID_PARAMS:
                raise
            return "unknown"
        assert isinstance(result, CallToolResult)
        if not result.is_error:
            return "done"
        return str(_content(result)["error"]["code"])

    async def refusal(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The error object of a call that fails."""
        result = await self.client.call_tool(name, dict(arguments))
        assert isinstance(result, CallToolResult)
        assert result.is_error
        error: dict[str, Any] = _content(result)["error"]
        return error

    @property
    def sent(self) -> list[str]:
        """What the emulator was asked."""
        return [f"{one.method} {one.path}" for one in self.emulator.requests]

    @property
    def writes(self) -> list[str]:
        """What of it was no read."""
        asks = ("/graphql", "/placements", "/check", "/oidc")
        return [one for one in self.sent if not one.startswith("GET") and not one.endswith(asks)]

    def begin_again(self) -> None:
        """The world and the log as they were at first."""
        self.emulator.reset()


def _content(result: CallToolResult) -> dict[str, Any]:
    content: object = result.structured_content
    assert isinstance(content, dict)
    return cast("dict[str, Any]", content)


@asynccontextmanager
async def policed(
    tmp_path: Path,
    policy: str,
    name: str = "night",
    *,
    first: World | None = None,
    mode: str = "auto",
    **settings: Any,
) -> AsyncGenerator[Policed]:
    """The server as `fly-mcp serve` builds it for this agent of the policy, with an MCP client."""
    clock = LoopClock()
    emulator = Emulator(first or world(), clock=clock)
    file = tmp_path / "policy.toml"
    file.write_text(policy)
    settled = Settings(policy=str(file), agent=name, emulator=True, **settings)
    built = runtime.build(settled, emulator=emulator, clock=clock)
    try:
        async with Client(sdk.server(Desk(built.callers), Activity()), mode=mode) as client:
            listed = [tool.name for tool in (await client.list_tools()).tools]
            yield Policed(emulator, client, built, clock, listed)
    finally:
        for one in built.clients:
            await one.aclose()


def example(action: AnyAction, app: str | None = None) -> dict[str, Any]:
    """A call of the action that works in the default world; `app`: on this one instead."""
    arguments: dict[str, Any] = dict(action.examples[0].arguments)
    if app is not None and APP in action.params.model_fields:
        arguments["appName"] = app
    return arguments
