"""The entries that people paste into their clients: each starts what it names."""

from __future__ import annotations

import json
import re
import sysconfig
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.selection import Choice, select

from .checkout import README, ROOT, blocks

EXAMPLE = ROOT / "claude_desktop_config.example.json"
#: How Cursor writes "this variable of my environment".
_FROM_ENVIRONMENT = re.compile(r"\$\{env:(\w+)\}")

Entry = dict[str, Any]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Child processes take real time."""
    return "asyncio"


def entries() -> list[Any]:
    """Every entry of the example file and of the README's JSON blocks."""
    texts = {"example": EXAMPLE.read_text(encoding="utf-8")}
    texts |= {f"readme-{number}": text for number, text in enumerate(blocks(README, "json"), 1)}
    return [
        pytest.param(entry, id=f"{where}:{name}")
        for where, text in texts.items()
        for name, entry in json.loads(text)["mcpServers"].items()
    ]


def started_here(entry: Entry) -> StdioServerParameters:
    """What the entry starts, with the installed script in the place of `uvx`, which downloads it."""
    assert entry["command"] == "uvx"
    script, *arguments = entry["args"]
    environment = {
        name: _FROM_ENVIRONMENT.sub("fm2_from_environment", value)
        for name, value in entry.get("env", {}).items()
    }
    command = Path(sysconfig.get_path("scripts")) / script
    return StdioServerParameters(command=str(command), args=arguments, env=environment)


@pytest.mark.parametrize("entry", entries())
async def test_each_configuration_entry_starts_a_server_that_lists_all_tools(entry: Entry) -> None:
    """The issue: a test parses each entry and starts what it names."""
    with anyio.fail_after(60):
        async with Client(started_here(entry)) as client:
            listed = await client.list_tools()
    assert [tool.name for tool in listed.tools] == list(select(Choice(), ACTIONS).actions)


async def test_the_emulator_entry_answers_without_a_token() -> None:
    """The issue: it all runs with no Fly account."""
    entry: Entry = json.loads(EXAMPLE.read_text(encoding="utf-8"))["mcpServers"]["fly-emulator"]
    assert "env" not in entry
    with anyio.fail_after(60):
        async with Client(started_here(entry)) as client:
            answer = await client.call_tool("flyListApps", {})
    assert not answer.is_error
    assert answer.structured_content is not None
    assert answer.structured_content["apps"][0]["name"] == "catvet-records"


def test_the_example_has_one_entry_for_fly_and_one_for_the_emulator() -> None:
    """The issue: one entry for the real Fly, one for the emulator."""
    servers = json.loads(EXAMPLE.read_text(encoding="utf-8"))["mcpServers"]
    assert set(servers) == {"fly", "fly-emulator"}
    assert "--emulator" not in servers["fly"]["args"]
    assert {"FLY_API_TOKEN", "FLY_ORG_SLUG"} == set(servers["fly"]["env"])
    assert "--emulator" in servers["fly-emulator"]["args"]


def test_the_readme_shows_the_example_file_for_claude_desktop_and_an_entry_for_cursor() -> None:
    """The issue: README entries for Claude Desktop and Cursor."""
    text = README.read_text(encoding="utf-8")
    claude, cursor = blocks(README, "json")
    assert text.index("Claude Desktop:") < text.index(claude) < text.index("Cursor:") < text.index(cursor)
    assert json.loads(claude) == json.loads(EXAMPLE.read_text(encoding="utf-8"))
