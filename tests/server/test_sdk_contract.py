"""What `sdk.py`, `stdio.py` and `traffic.py` rely on in the MCP SDK, so that an upgrade fails here, and says why.

`Tool` calls itself internal registration data, middleware is marked provisional, and two names are private.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from io import StringIO
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError
from mcp.server import MCPServer
from mcp.server.context import HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.server.lowlevel import Server as LowLevelServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp_types import (
    INVALID_PARAMS,
    CallToolResult,
    JSONRPCError,
    JSONRPCNotification,
    JSONRPCRequest,
    JSONRPCResponse,
    TextContent,
    ToolAnnotations,
)
from mcp_types import Tool as ListedTool

#: What structured content must survive: order, null, Unicode, depth, whole and other numbers.
AWKWARD: dict[str, Any] = {
    "z": None,
    "a": [1, 2.5, {"ä": "☃", "list": []}],
    "empty": {},
    "nothing": None,
    "text": "null",
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"last": {"type": "string"}, "first": {"type": "integer", "minimum": 0}},
    "required": ["last"],
    "additionalProperties": False,
}


class Echo(Tool):
    """A tool as ours are: `run` overridden, the schemas given."""

    async def run(
        self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False
    ) -> CallToolResult:
        if "fail" in arguments:
            return CallToolResult(
                content=[TextContent(type="text", text="no")], structured_content={"error": {}}, is_error=True
            )
        await context.report_progress(1, 2, "half")
        return CallToolResult(
            content=[TextContent(type="text", text="ours")],
            structured_content={"got": arguments, "convert": convert_result, **AWKWARD},
        )


def echo() -> Echo:
    return Echo(
        fn=print,
        name="echo",
        title="Echo",
        description="Give back.",
        parameters=SCHEMA,
        fn_metadata=FuncMetadata(arg_model=ArgModelBase, output_schema={"type": "object"}),
        is_async=True,
        context_kwarg=None,
        annotations=ToolAnnotations(title="Echo", read_only_hint=True),
    )


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_the_version_is_one_this_was_written_for() -> None:
    """Read this file again before another minor version is allowed."""
    assert version("mcp").split(".")[:2] == ["2", "3"], "a new SDK: look at every test here, then allow it"


def test_a_tool_has_the_fields_that_are_given() -> None:
    """A field that is renamed would be dropped in silence."""
    assert {
        "fn",
        "name",
        "title",
        "description",
        "parameters",
        "fn_metadata",
        "is_async",
        "context_kwarg",
        "annotations",
    } <= Tool.model_fields.keys()
    assert list(inspect.signature(Tool.run).parameters) == ["self", "arguments", "context", "convert_result"]
    assert {"arg_model", "output_schema"} <= FuncMetadata.model_fields.keys()


async def test_an_overridden_run_gets_the_arguments_untouched(mode: Any) -> None:
    """No pre-parsing of "null" or "[1]", no dropping of unknown names, no validation before ours."""
    arguments: dict[str, Any] = {"last": "null", "more": "[1]", "deep": {"a": None}}
    async with Client(MCPServer("x", tools=[echo()]), mode=mode) as client:
        result = await client.call_tool("echo", arguments)
    assert isinstance(result, CallToolResult)
    assert result.structured_content is not None
    assert result.structured_content["got"] == arguments


async def test_structured_content_and_text_pass_unchanged(mode: Any) -> None:
    """Not wrapped, not re-serialised: what run gives is what a client gets, in every era."""
    async with Client(MCPServer("x", tools=[echo()]), mode=mode) as client:
        result = await client.call_tool("echo", {})
        failed = await client.call_tool("echo", {"fail": 1})
    assert isinstance(result, CallToolResult)
    assert isinstance(failed, CallToolResult)
    structured = dict(result.structured_content or {})
    assert (structured.pop("got"), structured.pop("convert")) == ({}, True)
    assert structured == AWKWARD
    assert list(structured) == list(AWKWARD)
    assert [block.text for block in result.content if isinstance(block, TextContent)] == ["ours"]
    assert failed.is_error is True
    assert failed.structured_content == {"error": {}}


async def test_the_schemas_are_published_as_given(mode: Any) -> None:
    """Order included: a model reads the first properties first."""
    async with Client(MCPServer("x", tools=[echo()]), mode=mode) as client:
        (tool,) = (await client.list_tools()).tools
    assert tool.input_schema == SCHEMA
    assert list(tool.input_schema["properties"]) == ["last", "first"]
    assert tool.output_schema == {"type": "object"}
    assert tool.annotations is not None
    assert (tool.annotations.read_only_hint, tool.annotations.title) == (True, "Echo")


async def test_progress_reaches_the_client(mode: Any) -> None:
    """`report_progress` of the context that run is given."""
    told: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    async with Client(MCPServer("x", tools=[echo()]), mode=mode) as client:
        await client.call_tool("echo", {}, progress_callback=hear)
    assert told == [(1, 2, "half")]


async def test_middleware_is_asked_first_and_its_refusal_is_the_protocols(mode: Any) -> None:
    """Outermost first, with method and raw params; MCPError becomes a JSON-RPC error with its code."""
    seen: list[tuple[str, str]] = []

    def named(name: str) -> ServerMiddleware[Any]:
        async def middleware(
            ctx: ServerRequestContext[Any],
            call_next: Callable[[ServerRequestContext[Any]], Awaitable[HandlerResult]],
        ) -> HandlerResult:
            if ctx.method == "tools/call":
                seen.append((name, str((ctx.params or {}).get("name"))))
                if (ctx.params or {}).get("name") != "echo":
                    raise MCPError(INVALID_PARAMS, "no such tool of ours")
            return await call_next(ctx)

        return middleware

    server = MCPServer("x", tools=[echo()], middleware=[named("outer"), named("inner")])
    async with Client(server, mode=mode) as client:
        await client.call_tool("echo", {})
        with pytest.raises(MCPError) as caught:
            await client.call_tool("ecco", {})
    assert (caught.value.error.code, caught.value.error.message) == (-32602, "no such tool of ours")
    assert seen == [("outer", "echo"), ("inner", "echo"), ("outer", "ecco")]


async def test_the_low_level_server_runs_over_any_streams() -> None:
    """Private, used by `Server.run_over`: the object, its options, and that it reads what is no memory stream."""
    low = MCPServer("x", tools=[echo()])._lowlevel_server  # pyright: ignore[reportPrivateUsage]  # the contract
    assert isinstance(low, LowLevelServer)
    assert list(inspect.signature(low.run).parameters)[:3] == [
        "read_stream",
        "write_stream",
        "initialization_options",
    ]
    assert low.create_initialization_options().server_name == "x"


async def test_stdin_can_be_given_to_the_sdks_transport() -> None:
    """Ours can be given up waiting for; stdout stays the SDK's, with stray prints sent to stderr."""
    assert list(inspect.signature(stdio_server).parameters) == ["stdin", "stdout"]

    class Lines(anyio.AsyncFile[str]):
        async def readline(self) -> str:
            return (await super().readline()).upper()

    # Its reader iterates, and iterating calls the `readline` that ours overrides.
    assert [line async for line in Lines(StringIO("a\nb\n"))] == ["A\n", "B\n"]


def test_messages_tell_what_they_are() -> None:
    """What `traffic.Owed` reads of them."""
    assert set(SessionMessage.__dataclass_fields__) >= {"message"}
    for kind, fields in (
        (JSONRPCRequest, {"id", "method"}),
        (JSONRPCNotification, {"method", "params"}),
        (JSONRPCResponse, {"id"}),
        (JSONRPCError, {"id"}),
    ):
        assert fields <= kind.model_fields.keys()


async def test_the_list_is_what_list_tools_gives(mode: Any) -> None:
    """Each agent is listed its own tools by overriding it."""

    class Fewer(MCPServer[Any]):
        async def list_tools(self) -> list[ListedTool]:
            return [one.model_copy(update={"description": "Fewer."}) for one in await super().list_tools()]

    async with Client(Fewer("x", tools=[echo()]), mode=mode) as client:
        (listed,) = (await client.list_tools()).tools
    assert listed.description == "Fewer."


async def test_middleware_can_change_the_instructions(mode: Any) -> None:
    """Each agent is told of its own tools; the answer to `initialize` and `server/discover` is a dict by then."""
    seen: list[str] = []

    async def middleware(
        ctx: ServerRequestContext[Any],
        call_next: Callable[[ServerRequestContext[Any]], Awaitable[HandlerResult]],
    ) -> HandlerResult:
        result = await call_next(ctx)
        if ctx.method in ("initialize", "server/discover"):
            seen.append(ctx.method)
            assert isinstance(result, dict)
            return {**result, "instructions": "Yours."}
        return result

    async with Client(MCPServer("x", tools=[echo()], middleware=[middleware]), mode=mode) as client:
        assert client.instructions == "Yours."
    assert seen == ["initialize" if mode == "legacy" else "server/discover"]
