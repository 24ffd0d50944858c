"""`fly-mcp demo`: the documented use cases against the embedded Fly, as an MCP client would play them.

The server is a child process, spoken to over stdio through the SDK's own client: what is shown is what any
client gets. Fly's rate limits are in force.
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
from collections.abc import Mapping
from typing import Any, cast

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from pydantic import JsonValue

from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.selection import Choice, select

from . import __version__
from .demo_screen import Screen
from .demo_story import APP, CHAPTERS, SANDBOX, Answer

#: Seconds for a volume to be let go of by a machine that is gone.
_RELEASED_WITHIN = 15.0


class Unexpected(Exception):
    """A step did not bring what it had to."""


def run() -> int:
    """Play all chapters; 0 where everything came as expected, 1 with the failing step named otherwise."""
    screen = Screen(sys.stdout)
    screen.title(f"fly-mcp {__version__} on an embedded Fly: no account, and nothing leaves this machine.")
    try:
        anyio.run(_start, screen)
    except KeyboardInterrupt:
        return 130
    except ExceptionGroup as group:
        # The client's task groups wrap what is raised inside them.
        error = _leaf(group)
        if not isinstance(error, Unexpected | MCPError):
            raise
        screen.line()
        screen.bad(f"The demo failed. {error}")
        return 1
    return 0


async def _start(screen: Screen) -> None:
    async with Client(_server()) as client:
        screen.line("$ fly-mcp --emulator")
        await play(client, screen)


async def play(client: Client, screen: Screen) -> None:
    """Play all chapters on a server whose Fly is in its default state.

    Raises:
        Unexpected: naming the step that did not bring what it had to.

    """
    began = anyio.current_time()
    stage = _Stage(client, screen)
    try:
        tools = (await client.list_tools()).tools
        screen.line(f"{len(tools)} tools over MCP {client.protocol_version}")
        usual = select(Choice(), ACTIONS).actions.keys()
        stage.expect(
            usual <= {tool.name for tool in tools} <= ACTIONS.keys(), "the tools are those of the table"
        )
        for number, chapter in enumerate(CHAPTERS, 1):
            screen.chapter(number, chapter.title, chapter.says)
            await chapter.play(stage)
        await _show_world(stage, screen)
    except (LookupError, MCPError) as error:
        raise Unexpected(f"{stage.step}: {type(error).__name__}: {error}") from error
    screen.line()
    screen.good(
        f"{stage.calls} calls, all as expected, in {anyio.current_time() - began:.0f} s. "
        "Next: README.md, for your client and your own account."
    )


class _Stage:
    """Calls tools through the client, shows them, and ends the demo at the first surprise."""

    def __init__(self, client: Client, screen: Screen) -> None:
        self._client = client
        self._screen = screen
        self.step = "starting the server"
        self.calls = 0

    async def call(self, tool: str, refused: str | None = None, **arguments: JsonValue) -> Answer:
        """Call a tool and show it."""
        self._screen.call(tool, _without_secrets(arguments))
        began = anyio.current_time()
        answer, failed = await self.quietly(tool, **arguments)
        self._screen.answer(answer, refused=failed, seconds=anyio.current_time() - began)
        code = cast("dict[str, Any]", answer.get("error", {})).get("code") if failed else None
        self.expect(code == refused, f"the answer is {refused or 'no error'}")
        return answer

    async def quietly(self, tool: str, **arguments: JsonValue) -> tuple[Answer, bool]:
        """Call a tool without showing it; the answer, and whether it is an error."""
        self.calls += 1
        self.step = f"{tool}, call {self.calls}"
        result = await self._client.call_tool(tool, arguments, read_timeout_seconds=120)
        return cast("dict[str, Any]", result.structured_content or {}), bool(result.is_error)

    def expect(self, holds: bool, words: str) -> None:
        """Raise Unexpected where `holds` is false."""
        if not holds:
            raise Unexpected(f"{self.step}: expected that {words}.")


async def _show_world(stage: _Stage, screen: Screen) -> None:
    """What the calls made, as the list tools tell it."""
    screen.line()
    screen.title("The world that came of it")
    answer, _ = await stage.quietly("flyListApps")
    apps = answer["apps"]
    screen.table(
        "Apps",
        ("NAME", "STATUS", "MACHINES", "URL"),
        [(app["name"], app["status"], str(app["machine_count"]), app["url"]) for app in apps],
    )
    machines: list[tuple[str, ...]] = []
    volumes: list[tuple[str, ...]] = []
    for app in apps:
        rows = (await stage.quietly("flyListMachines", appName=app["name"]))[0]["machines"]
        machines += [(app["name"], row["id"], row["name"], row["state"], row["region"]) for row in rows]
        there = {row["id"] for row in rows}
        for row in await _released(stage, app["name"], there):
            attached = row["attached_machine_id"] or "-"
            volumes.append(
                (app["name"], row["id"], row["name"], f"{row['size_gb']} GB", row["region"], attached)
            )
    screen.table("Machines", ("APP", "ID", "NAME", "STATE", "REGION"), machines)
    screen.table("Volumes", ("APP", "ID", "NAME", "SIZE", "REGION", "MACHINE"), volumes)
    counts = {app["name"]: app["machine_count"] for app in apps}
    stage.expect((counts.get(APP), counts.get(SANDBOX)) == (2, 1), f"{APP} has 2 machines and {SANDBOX} 1")


async def _released(stage: _Stage, app_name: str, there: set[str]) -> list[Mapping[str, Any]]:
    """The app's volumes, once none is bound to a machine that is gone: Fly lets go some seconds later."""
    began = anyio.current_time()
    while True:
        answer, _ = await stage.quietly("flyListVolumes", appName=app_name)
        volumes: list[Mapping[str, Any]] = answer["volumes"]
        bound = {row["attached_machine_id"] for row in volumes} - there - {None}
        if not bound:
            return volumes
        stage.expect(anyio.current_time() - began < _RELEASED_WITHIN, f"{app_name} let go of {bound}")
        await anyio.sleep(1)


def _server() -> StdioServerParameters:
    """The command of this very installation, whatever PATH says."""
    script = shutil.which("fly-mcp", path=sysconfig.get_path("scripts"))
    if script:
        return StdioServerParameters(command=script, args=["--emulator"])
    return StdioServerParameters(command=sys.executable, args=["-m", "fly_mcp_server", "--emulator"])


def _without_secrets(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments to show: names of secrets, not their values."""
    return {
        key: dict.fromkeys(value, "***") if key == "secrets" else value for key, value in arguments.items()
    }


def _leaf(error: Exception) -> Exception:
    while isinstance(error, ExceptionGroup):
        error = cast("ExceptionGroup[Exception]", error).exceptions[0]
    return error
