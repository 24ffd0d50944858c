"""The SDK's own client, which most Python hosts are built on, over both network transports."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from .place import ALICE, Place, opened

ONE = {"appName": "catvet-records", "machineId": "7846e45f27e218"}


@asynccontextmanager
async def connected(place: Place, transport: str, mode: str) -> AsyncGenerator[Client]:
    if transport == "sse":
        async with Client(sse_client(f"{place.url}/sse", headers=ALICE), mode=mode) as client:
            yield client
        return
    async with httpx2.AsyncClient(headers=ALICE, timeout=1000) as http:
        where: Any = streamable_http_client(f"{place.url}/mcp", http_client=http)
        async with Client(where, mode=mode) as client:
            yield client


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("transport", ["http", "sse"])
async def test_the_sdk_s_client_lists_and_calls(transport: str, mode: str) -> None:
    """Issue 6: from any client; results fit the output schemas, or this client would refuse them."""
    async with opened() as place, connected(place, transport, mode) as client:
        assert (await client.list_tools()).tools
        result = await client.call_tool("flyListMachines", {"appName": "catvet-records"})
        assert isinstance(result, CallToolResult)
        assert result.structured_content is not None
        assert result.structured_content["machines"][0]["id"] == ONE["machineId"]
        refused = await client.call_tool("flyDeleteMachine", ONE)
        assert isinstance(refused, CallToolResult)
        assert refused.structured_content is not None
        assert refused.structured_content["error"]["code"] == "confirmation_required"


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("transport", ["http", "sse"])
async def test_the_sdk_s_client_hears_of_progress(transport: str, mode: str) -> None:
    """Issue 6: progress reaches a client on each transport, in both kinds of era."""
    told: list[float] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        told.append(progress)

    async with opened() as place, connected(place, transport, mode) as client:
        wait = {**ONE, "state": "stopped", "timeout": 20}
        await client.call_tool("flyWaitForMachine", wait, progress_callback=heard)
    assert told
    assert told == sorted(told)
