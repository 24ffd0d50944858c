"""The one module that builds on the MCP SDK's internals: rows become its tools.

`Tool` is exported but calls itself internal registration data, and middleware is marked provisional, so both
are used here alone and pinned by tests/server/test_sdk_contract.py. Overriding `Tool.run` gives exact
schemas, our own error texts, and one object that serves every protocol era.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

from mcp.server import MCPServer
from mcp.server.caching import CacheHint
from mcp.server.context import HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from mcp_types import INVALID_PARAMS, CallToolResult, ToolAnnotations
from pydantic import PrivateAttr

from fly_mcp_tools.action import Access, AnyAction
from fly_mcp_tools.call import Progress
from fly_mcp_tools.describe import description
from fly_mcp_tools.dispatch import FlyTools, UnknownAction
from fly_mcp_tools.errors import FlyError
from fly_mcp_tools.schema import input_schema, output_schema

from . import __version__, answers, capping
from .activity import Activity
from .instructions import instructions

_log = logging.getLogger("fly_mcp_server")

#: The list depends on nothing but the configuration of the process.
_LIST_IS_FRESH_MS = 3_600_000


class FlyTool(Tool):
    """A row as the SDK's tool."""

    _tools: FlyTools = PrivateAttr()
    _activity: Activity = PrivateAttr()
    _changes: bool = PrivateAttr()

    def bound(self, tools: FlyTools, activity: Activity) -> FlyTool:
        """Give the tool what it runs on: pydantic's private attributes are set after construction."""
        self._tools, self._activity = tools, activity
        self._changes = tools.actions[self.name].access is not Access.READ
        return self

    async def run(
        self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False
    ) -> CallToolResult:
        """Dispatch the call. Every failure comes back as a result: a protocol error never reaches a model."""
        del convert_result  # always ours

        async def progress(done: float, total: float | None, words: str) -> None:
            await context.report_progress(done, total, words)

        with self._activity.call(self.name) if self._changes else nullcontext():
            try:
                return await self._answer(arguments, progress)
            except FlyError as error:
                return answers.failure(error)
            except Exception:  # noqa: BLE001 - the one last resort: logged, and told without details
                _log.exception("%s failed through a bug", self.name)
                return answers.internal(self.name, changes=self._changes)

    async def _answer(self, arguments: dict[str, Any], progress: Progress) -> CallToolResult:
        """Run it. A page that would be too long is asked for again with fewer rows: only so its cursor is right."""
        action = self._tools.actions[self.name]
        answer = await self._tools.call(self.name, arguments, progress=progress)
        while (fewer := capping.fewer(answer, action, arguments)) is not None:
            arguments = {**arguments, "limit": fewer}
            answer = await self._tools.call(self.name, arguments, progress=progress)
        return answers.success(answer, action)


class Server(MCPServer[Any]):
    """The SDK's server, which can also be run over streams that are not the SDK's own."""

    async def run_over(
        self, read: ReadStream[SessionMessage | Exception], write: WriteStream[SessionMessage]
    ) -> None:
        """Serve one client until its messages end."""
        options = self._lowlevel_server.create_initialization_options()
        await self._lowlevel_server.run(read, write, options)


def server(tools: FlyTools, activity: Activity, *, output_schemas: bool = True) -> Server:
    """The MCP server for these tools; one object for every protocol era and transport.

    `output_schemas`: whether the list says what each tool gives.
    """
    return Server(
        "fly-mcp",
        title="Fly.io",
        description="Fly.io apps, machines, volumes and secrets for agents",
        version=__version__,
        instructions=instructions(tools.selection),
        tools=[_tool(action, tools, activity, output_schemas) for action in tools.actions.values()],
        cache_hints={"tools/list": CacheHint(ttl_ms=_LIST_IS_FRESH_MS, scope="public")},
        subscriptions=False,  # the list never changes while the process lives
        middleware=[_unknown_names(tools)],
    )


def hints(action: AnyAction) -> ToolAnnotations:
    """All four hints, computed from the row: where one is missing, the protocol assumes the worst."""
    return ToolAnnotations(
        title=action.title,
        read_only_hint=action.only_looks,
        destructive_hint=not action.additive,
        idempotent_hint=action.idempotent,
        open_world_hint=True,  # Fly.io is the world outside
    )


def _tool(action: AnyAction, tools: FlyTools, activity: Activity, output_schemas: bool) -> FlyTool:
    return FlyTool(
        fn=tools.call,  # never called: `run` is ours; the SDK wants a callable
        name=action.name,
        title=action.title,
        description=description(action),
        parameters=input_schema(action, tools.selection.hidden(action)),
        fn_metadata=FuncMetadata(
            arg_model=ArgModelBase,
            output_schema=_or_error(output_schema(action)) if output_schemas else None,
        ),
        is_async=True,
        context_kwarg=None,
        annotations=hints(action),
    ).bound(tools, activity)


def _or_error(schema: dict[str, Any]) -> dict[str, Any]:
    """A result's schema that an error's object fits too.

    Clients of the TypeScript SDK hold failures against it as well (typescript-sdk issue 1943): a model would
    be shown the client's complaint in place of what we said, a refusal that asks for `confirm` for one.
    """
    error = {"type": "object", "description": "alone, where the call failed"}
    return {
        "type": "object",
        "properties": {**schema["properties"], "error": error},
        "anyOf": [{"required": schema["required"]}, {"required": ["error"]}],
    }


def _unknown_names(tools: FlyTools) -> ServerMiddleware[Any]:
    """Unknown tool names are the protocol's -32602; the SDK would answer a result, or -32603 for a prompt."""

    async def middleware(
        ctx: ServerRequestContext[Any],
        call_next: Callable[[ServerRequestContext[Any]], Awaitable[HandlerResult]],
    ) -> HandlerResult:
        params = ctx.params or {}
        name = str(params.get("name", ""))
        if ctx.method == "tools/call" and name not in tools.actions:
            raise MCPError(INVALID_PARAMS, f"Unknown tool: {UnknownAction(name, tools.selection)}")
        if ctx.method == "prompts/get":
            raise MCPError(INVALID_PARAMS, "Unknown prompt: this server has none")
        return await call_next(ctx)

    return middleware
