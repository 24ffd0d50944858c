"""A mistake of ours inside a call: told as one, without what it knew; the log has the rest, without the token."""

from __future__ import annotations

import logging
from collections.abc import Generator
from random import Random

import httpx2
import pytest
from mcp import Client
from mcp_types import CallToolResult, TextContent

from fly_mcp_server import logs, sdk
from fly_mcp_server.access.desk import alone
from fly_mcp_server.activity import Activity
from fly_mcp_tools.base_url import parse_base_url
from fly_mcp_tools.client import FlyClient
from fly_mcp_tools.clock import SystemClock
from fly_mcp_tools.credentials import Credentials
from fly_mcp_tools.dispatch import FlyTools

TOKEN = "fm2_canaryCANARYcanary0123456789+/="


class Broken(httpx2.AsyncBaseTransport):
    """Fails as no library should: with an error of no known kind that repeats what it was given."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        raise ZeroDivisionError(f"bug while sending {request.headers['authorization']}")


@pytest.fixture
def root_logger() -> Generator[None]:
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    yield
    root.handlers[:] = kept
    root.setLevel(level)


@pytest.mark.usefixtures("root_logger")
@pytest.mark.parametrize(
    ("tool", "changed"),
    [("flyGetApp", "nothing"), ("flyListMachines", "nothing"), ("flyDeleteApp", "unknown")],
)
async def test_a_bug_is_an_internal_error_without_details(
    tool: str, changed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Issue 2: an `isError` result, never a protocol error; the traceback is in the log, and no token."""
    credentials = Credentials(TOKEN)
    logs.configure("warning", credentials.redact)
    client = FlyClient(
        credentials=credentials,
        base_url=parse_base_url(),
        clock=SystemClock(),
        rng=Random(1),
        transport=Broken(),
    )
    tools = FlyTools(client, clock=SystemClock(), rng=Random(1))
    async with Client(sdk.server(alone(tools), Activity())) as mcp:
        result = await mcp.call_tool(tool, {"appName": "catvet-records"})
    assert isinstance(result, CallToolResult)
    assert result.is_error
    assert result.structured_content is not None
    error = result.structured_content["error"]
    assert (error["code"], error["changed"], error["retryable"]) == ("internal", changed, False)
    told = str(result.structured_content) + str(
        [b.text for b in result.content if isinstance(b, TextContent)]
    )
    assert "ZeroDivisionError" not in told
    assert "bug while sending" not in told
    logged = capsys.readouterr().err
    assert f"{tool} failed through a bug" in logged
    assert "ZeroDivisionError: bug while sending FlyV1 [token]" in logged
    assert TOKEN not in told + logged
