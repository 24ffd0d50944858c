"""One server, every protocol era: the same tools, however a client opens."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.selection import Choice, select

from .child import ERAS, MODERN, Child, serving
from .pretend import ONE

LEGACY = ERAS[:-1]
#: The tools that are on where nothing is chosen.
USUAL = list(select(Choice(), ACTIONS).actions)


@pytest.fixture(scope="module", params=ERAS)
async def client(request: pytest.FixtureRequest) -> AsyncGenerator[Child]:
    async with serving("--emulator", era=request.param) as one:
        yield one
        assert one.errors == ""


async def test_it_lists_the_whole_table_in_its_order(client: Child) -> None:
    """Issue 2: the same list each time it is asked for."""
    first = await client.result("tools/list")
    assert [tool["name"] for tool in first["tools"]] == USUAL
    assert await client.result("tools/list") == first


async def test_it_calls_a_tool(client: Child) -> None:
    """Issue 2: the documented object, structured and as text, the one the copy of the other."""
    result = await client.call("flyGetMachine", **ONE)
    assert result["isError"] is False
    assert result["structuredContent"]["state"] == "started"
    assert json.loads(result["content"][0]["text"]) == result["structuredContent"]


async def test_a_failed_call_is_a_result_and_no_protocol_error(client: Child) -> None:
    """The protocol: a model is to see and mend it."""
    result = await client.call("flyGetMachine", appName="catvet-records", machineId="0000000000000a")
    assert result["isError"] is True
    assert result["structuredContent"]["error"]["code"] == "not_found"


async def test_an_unknown_tool_is_refused_with_a_near_name(client: Child) -> None:
    """The protocol: -32602; ours: what was probably meant."""
    error = await client.refusal("tools/call", {"name": "flyListMachine", "arguments": {}})
    assert error["code"] == -32602
    assert "flyListMachines" in error["message"]


async def test_a_tool_without_a_name_or_with_a_number_for_one_is_refused(client: Child) -> None:
    """The protocol: -32602 for parameters that fit no method."""
    for params in ({}, {"name": 7}, {"name": "flyListApps", "arguments": [1]}):
        assert (await client.refusal("tools/call", params))["code"] == -32602


async def test_an_unknown_prompt_is_refused(client: Child) -> None:
    """The protocol: -32602, where the SDK alone would say -32603."""
    assert (await client.refusal("prompts/get", {"name": "deploy"}))["code"] == -32602


async def test_an_unknown_method_is_refused(client: Child) -> None:
    """JSON-RPC: -32601."""
    assert (await client.refusal("tools/forget"))["code"] == -32601


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "null",
        "\x00",
        '{"jsonrpc": "1.0", "id": 1}',
        '{"jsonrpc":"2.0","id":{},"method":"x"}',
        "x" * 100_000,
    ],
    ids=["half", "list", "null", "nul", "old", "id", "long"],
)
async def test_a_line_that_is_no_message_does_not_end_it(client: Child, line: str) -> None:
    """Issue 2, bad input: the next message is served as if nothing had been."""
    await client.say(line)
    assert len((await client.result("tools/list"))["tools"]) == len(USUAL)


async def test_a_lone_surrogate_and_broken_utf_8_do_not_end_it(client: Child) -> None:
    """Issue 2, bad input: bytes that are no text spoil their own line alone."""
    assert client.process.stdin is not None
    await client.process.stdin.send(
        b'{"jsonrpc":"2.0","id":900,"method":"tools/call","params":{"name":"\xff\xfe"}}\n'
    )
    result = await client.call("flyGetApp", appName="\ud800")
    assert result["structuredContent"]["error"]["code"] == "invalid_arguments"


async def test_the_list_is_the_same_in_every_era() -> None:
    """Ours: nothing but the envelope differs, so a client's cache and a reader's eye may rely on it."""
    lists: dict[str, Any] = {}
    greetings: dict[str, Any] = {}
    for era in (LEGACY[0], LEGACY[-1], MODERN):
        async with serving("--emulator", era=era) as one:
            await one.result("tools/list")
            greetings[era] = await one.greet() if era == MODERN else one.messages[0]["result"]
            lists[era] = await one.result("tools/list")
    assert lists[MODERN]["tools"] == lists[LEGACY[-1]]["tools"] == lists[LEGACY[0]]["tools"]
    assert set(lists[LEGACY[-1]]) == {"tools"}
    modern = lists[MODERN]
    assert (modern["resultType"], modern["ttlMs"], modern["cacheScope"]) == ("complete", 3_600_000, "public")
    assert modern["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "fly-mcp"
    for era, said in greetings.items():
        assert len(said["instructions"]) < 2048
        assert era in (said.get("protocolVersion"), *said.get("supportedVersions", []))
