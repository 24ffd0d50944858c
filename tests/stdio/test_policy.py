"""The policy over stdio, every row of the table: exactly the allowed calls reach Fly (issue 6, Shows 2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fly_mcp_tools.action import Access, AnyAction, Group
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.selection import APP, USUAL, within_one_org

from .child import child, serving
from .pretend import pretend_fly

POLICY = """
[agents.reader]
fly_token = { env = "FLY_TOKEN_OF_READER" }
org = "personal"
read_only = true

[agents.elsewhere]
fly_token = { env = "FLY_TOKEN_OF_ELSEWHERE" }
org = "personal"
[[agents.elsewhere.rules]]
effect = "allow"
access = ["read", "write", "exec", "destructive"]
apps = ["another-app"]

[agents.ruled]
fly_token = { env = "FLY_TOKEN_OF_RULED" }
org = "personal"
[[agents.ruled.rules]]
effect = "allow"
access = ["read", "write", "exec", "destructive"]
[[agents.ruled.rules]]
effect = "allow"
access = ["read"]
groups = ["tokens"]
"""


def outcome(name: str, action: AnyAction) -> str:
    """What comes of a call by this caller; "" is whoever calls where there is no policy."""
    about_an_app = APP in action.params.model_fields
    if not name:
        return "done" if action.group in USUAL else "unknown"
    if not within_one_org(action):
        return "unknown"
    if name == "ruled":
        return "done"
    if name == "reader":
        return "done" if action.access is Access.READ and action.group is not Group.TOKENS else "unknown"
    return "not_allowed" if about_an_app else "unknown"


@pytest.mark.parametrize("name", ["", "reader", "elsewhere", "ruled"])
async def test_exactly_the_allowed_calls_reach_fly(tmp_path: Path, name: str) -> None:
    """Issue 6, Shows 2: every row x each caller; the emulator's log is the judge."""
    file = tmp_path / "policy.toml"
    file.write_text(POLICY)
    token = "fm2_emulator_org"
    settings = {"FLY_API_TOKEN": token, "FLY_MCP_DEFAULT_IMAGE": "nginx:1"}
    if name:
        settings = {
            "FLY_MCP_POLICY": str(file),
            "FLY_MCP_AGENT": name,
            f"FLY_TOKEN_OF_{name.upper()}": token,
            "FLY_API_TOKEN": "fm2_not_for_agents",
        }
    async with (
        pretend_fly() as fly,
        serving(FLY_API_HOSTNAME=fly.address, FLY_MCP_TOOLSETS="", **settings) as client,
    ):
        listed = [tool["name"] for tool in (await client.result("tools/list"))["tools"]]
        for row, action in ACTIONS.items():
            fly.emulator.reset()
            expected = outcome(name, action)
            assert (row in listed) is (expected != "unknown"), row
            number = await client.start(row, **action.examples[0].arguments)
            came = _outcome(await client.answer(number))
            assert came == expected, (row, came)
            assert bool(fly.log) is (expected == "done"), row
            assert {one.token for one in fly.emulator.requests} <= {"org"}
        assert token not in client.errors + "".join(client.lines)


def _outcome(reply: dict[str, Any]) -> str:
    if "error" in reply:
        assert reply["error"]["code"] == -32602
        return "unknown"
    if not reply["result"].get("isError"):
        return "done"
    code: str = reply["result"]["structuredContent"]["error"]["code"]
    return code


@pytest.mark.parametrize(
    ("agent", "policy", "says"),
    [
        ("", POLICY, "FLY_MCP_AGENT is not set"),
        ("readr", POLICY, "the nearest is reader"),
        ("reader", POLICY, "FLY_TOKEN_OF_READER is not set"),
        ("reader", POLICY.replace("read_only", "read_onli"), "line 5, agents.reader.read_onli: unknown key"),
        ("reader", "[agents", "is no TOML"),
    ],
)
async def test_what_cannot_be_served_refuses_to_start(
    tmp_path: Path, agent: str, policy: str, says: str
) -> None:
    """Issue 6, 3: with one clear error and exit code 2."""
    file = tmp_path / "policy.toml"
    file.write_text(policy)
    settings = {"FLY_MCP_POLICY": str(file), "FLY_MCP_AGENT": agent}
    async with child("serve", settings=settings) as one:
        assert await one.end() == 2
        assert says in one.errors
        assert "Traceback" not in one.errors


async def test_with_the_embedded_fly_agents_need_no_token(tmp_path: Path) -> None:
    """Issue 6: a policy can be tried without an account."""
    file = tmp_path / "policy.toml"
    file.write_text(POLICY)
    settings = {"FLY_MCP_POLICY": str(file), "FLY_MCP_AGENT": "reader"}
    async with serving("--emulator", **settings) as client:
        assert (await client.call("flyGetApp", appName="catvet-records"))["isError"] is False
        assert (await client.refusal("tools/call", {"name": "flyDeleteApp", "arguments": {}}))[
            "code"
        ] == -32602


@pytest.mark.parametrize("arguments", [[1], "x", 5, None])
async def test_arguments_that_are_no_object_are_refused_whatever_the_tool_and_the_trail(
    arguments: object,
) -> None:
    """Ours: the desk sees them before the SDK does."""
    async with serving("--emulator", FLY_MCP_AUDIT="stderr") as client:
        for tool in ("flyNothing", "flyGetApp", 5):
            reply = await client.answer(
                await client.ask("tools/call", {"name": tool, "arguments": arguments})
            )
            if arguments is None and tool == "flyGetApp":
                assert reply["result"]["structuredContent"]["error"]["code"] == "invalid_arguments"
            else:
                assert reply["error"]["code"] == -32602, reply
        assert "Traceback" not in client.errors
