"""The SDK's own client, which most Python hosts are built on."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import anyio
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp_types import CallToolResult

from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.selection import Choice, select

from .child import COMMAND, PATIENCE, environment
from .pretend import ONE


@pytest.fixture(params=["auto", "legacy"])
async def client(request: pytest.FixtureRequest) -> AsyncGenerator[Client]:
    server = StdioServerParameters(command=COMMAND, args=["--emulator"], env=environment())
    async with Client(stdio_client(server), mode=request.param) as client:
        yield client


async def test_the_sdk_s_client_lists_and_calls(client: Client) -> None:
    """Issue 2: from any client; results fit the output schemas, or this client would refuse them."""
    with anyio.fail_after(PATIENCE):
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == list(select(Choice(), ACTIONS).actions)
        result = await client.call_tool("flyListMachines", {"appName": "catvet-records"})
        assert isinstance(result, CallToolResult)
        assert result.structured_content is not None
        assert result.structured_content["machines"][0]["id"] == ONE["machineId"]
        refused = await client.call_tool("flyDeleteMachine", ONE)
        assert isinstance(refused, CallToolResult)
        assert refused.is_error
        assert refused.structured_content is not None
        assert refused.structured_content["error"]["code"] == "confirmation_required"
