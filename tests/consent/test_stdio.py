"""A whole process with a policy, the SDK's client in front of it, and the embedded Fly behind."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp_types import ElicitResult

from tests.actions.fly import APP, MACHINE
from tests.stdio.child import CLIENT, COMMAND, child, environment

from .ground import Human, content_of, error_of

DELETE: dict[str, Any] = {"appName": APP, "machineId": MACHINE, "confirm": True}
POLICY = """
[agents.builder]
fly_token = { env = "BUILDER_TOKEN" }
org = "personal"

[[agents.builder.rules]]
effect = "allow"
access = ["read", "write", "destructive"]

[[agents.builder.rules]]
effect = "ask"
access = ["destructive"]
"""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Processes take real time."""
    return "asyncio"


def _settings(folder: Path) -> dict[str, str]:
    policy = folder / "policy.toml"
    policy.write_text(POLICY, encoding="utf-8")
    return {
        "FLY_MCP_POLICY": str(policy),
        "FLY_MCP_AGENT": "builder",
        "FLY_MCP_STATE": str(folder / "state"),
        "BUILDER_TOKEN": "fm2_builder0123456789",
    }


@asynccontextmanager
async def serving(folder: Path, human: Human | None, mode: str) -> AsyncGenerator[Client]:
    settings = _settings(folder)
    where: Any = stdio_client(
        StdioServerParameters(command=COMMAND, args=["--emulator"], env=environment(**settings))
    )
    async with Client(where, mode=mode, elicitation_callback=human) as client:
        yield client


async def _state(client: Client) -> str:
    found = await client.call_tool("flyGetMachine", {"appName": APP, "machineId": MACHINE})
    state: str = content_of(found)["state"]
    return state


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_rule_that_asks_asks_over_stdio(tmp_path: Path, mode: str) -> None:
    """Declined, then accepted: in both eras, with the policy of a file."""
    human = Human(answer=ElicitResult(action="decline"))
    async with serving(tmp_path, human, mode) as client:
        error = error_of(await client.call_tool("flyDeleteMachine", DELETE))
        assert error["details"]["consent"] == "declined"
        assert await _state(client) == "started"
        stopped = content_of(await client.call_tool("flyStopMachine", {"appName": APP, "machineId": MACHINE}))
        assert stopped["outcome"] == "done"
        assert len(human.asked) == 1, "only what a rule asks about is asked about"
        human.answer = ElicitResult(action="accept", content={"approve": True})
        assert content_of(await client.call_tool("flyDeleteMachine", DELETE))["outcome"] == "done"
        assert 'Agent: "builder"' in human.asked[-1]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_without_a_human_the_answer_is_no(tmp_path: Path, mode: str) -> None:
    """A client without the capability."""
    async with serving(tmp_path, None, mode) as client:
        error = error_of(await client.call_tool("flyDeleteMachine", DELETE))
        assert error["details"]["consent"] == "cannot_ask"
        assert await _state(client) == "started"


async def test_whoever_hangs_up_while_a_human_thinks_has_said_nothing(tmp_path: Path) -> None:
    """The process ends in order, and nothing was sent: an open question holds nobody up."""
    async with child("--emulator", settings=_settings(tmp_path)) as one:
        hello: dict[str, Any] = {
            "protocolVersion": "2025-11-25",
            "capabilities": {"elicitation": {}},
            "clientInfo": CLIENT,
        }
        await one.result("initialize", hello)
        await one.say({"jsonrpc": "2.0", "method": "notifications/initialized"})
        await one.start("flyDeleteMachine", **DELETE)
        await one.until(lambda: [said for said in one.messages if said.get("method") == "elicitation/create"])
        await one.hang_up()
        assert await one.end() == 0
        assert "unclear" not in one.errors
        assert "Traceback" not in one.errors


async def test_a_key_that_cannot_be_used_is_said_before_anything_is_served(tmp_path: Path) -> None:
    """Not at the first question; and nothing of it is shown."""
    settings = {**_settings(tmp_path), "FLY_MCP_CONSENT_KEY": "canary-short"}
    async with child("--emulator", settings=settings) as one:
        assert await one.end() == 2
        assert "FLY_MCP_CONSENT_KEY: key 1 of 1 has fewer than 32 characters" in one.errors
        assert "canary" not in one.errors
