"""The one module that builds on the MCP SDK's internals: rows become its tools.

`Tool` is exported but calls itself internal registration data, and middleware is marked provisional, so both
are used here alone and pinned by tests/server/test_sdk_contract.py. Overriding `Tool.run` gives exact
schemas, our own error texts, and one object that serves every protocol era.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any, Protocol, cast

from mcp.server import MCPServer
from mcp.server.caching import CacheHint
from mcp.server.context import HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.server.mcpserver import Context, RequestStateSecurity
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.server.request_state import RequestStateBoundary
from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.exceptions import MCPError
from mcp.shared.message import SessionMessage
from mcp_types import INVALID_PARAMS, ToolAnnotations
from mcp_types import Tool as ListedTool
from pydantic import PrivateAttr, ValidationError

from fly_mcp_tools.action import AnyAction
from fly_mcp_tools.describe import description
from fly_mcp_tools.dispatch import UnknownAction
from fly_mcp_tools.errors import FlyError
from fly_mcp_tools.schema import input_schema, output_schema
from fly_mcp_tools.selection import Selection

from . import __version__, answers
from .access.asking import Asker, AskFirst
from .access.desk import Desk
from .activity import Activity
from .instructions import instructions

_log = logging.getLogger("fly_mcp_server")

_LIST_IS_FRESH_MS = 3_600_000
#: The requests whose answers hold the instructions, one for each way to begin.
_INTRODUCTIONS = ("initialize", "server/discover")


class Asking(Protocol):
    """Who can ask the humans behind clients: `consent/`."""

    def asking(self, context: Context[Any, Any]) -> Asker:
        """What asks the human behind this request."""
        ...

    def security(self) -> RequestStateSecurity:
        """How the question travels that a client carries to its human and back."""
        ...

    def marking(self) -> ServerMiddleware[Any]:
        """What stands outside the SDK's check of that."""
        ...


class FlyTool(Tool):
    """A row as the SDK's tool."""

    _desk: Desk = PrivateAttr()
    _activity: Activity = PrivateAttr()
    _action: AnyAction = PrivateAttr()
    _asking: Asking | None = PrivateAttr()

    def bound(self, action: AnyAction, desk: Desk, activity: Activity, asking: Asking | None) -> FlyTool:
        """Give the tool what it runs on: pydantic's private attributes are set after construction."""
        self._action, self._desk, self._activity, self._asking = action, desk, activity, asking
        return self

    async def run(
        self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False
    ) -> Any:  # noqa: ANN401 - the SDK's own signature: a result, or a question to the human
        """Bring the call to the desk. Every failure comes back as a result: a protocol error never reaches a model."""
        del convert_result  # always ours

        async def progress(done: float, total: float | None, words: str) -> None:
            await context.report_progress(done, total, words)

        with self._activity.call(self.name) if self._action.writes else nullcontext():
            try:
                asker = self._asking.asking(context) if self._asking else None
                answer = await self._desk.call(self.name, arguments, progress=progress, asker=asker)
                return answers.success(answer, self._action)
            except AskFirst as question:
                return question.answer
            except FlyError as error:
                return answers.failure(error)
            except Exception:  # noqa: BLE001 - the one last resort: logged, and told without details
                _log.exception("%s failed through a bug", self.name)
                return answers.internal(self.name, changes=self._action.writes)


class Server(MCPServer[Any]):
    """The SDK's server, which lists to each caller its own, and can be run over streams that are not the SDK's."""

    desk: Desk
    _lists: dict[str, list[ListedTool]]

    def bound(self, desk: Desk) -> Server:
        """Say whose tools these are."""
        self.desk, self._lists = desk, {}
        return self

    async def list_tools(self) -> list[ListedTool]:
        """What the caller may use, with what it has to say and no more."""
        if not self.desk.callers.private:
            return await super().list_tools()
        caller = self.desk.callers.current()
        if caller.name not in self._lists:
            selection = caller.tools.selection
            self._lists[caller.name] = [
                one.model_copy(update={"input_schema": _schema(selection.actions[one.name], selection)})
                for one in await super().list_tools()
                if one.name in selection.actions
            ]
        return self._lists[caller.name]

    async def run_over(
        self, read: ReadStream[SessionMessage | Exception], write: WriteStream[SessionMessage]
    ) -> None:
        """Serve one client until its messages end."""
        options = self._lowlevel_server.create_initialization_options()
        await self._lowlevel_server.run(read, write, options)


def server(
    desk: Desk, activity: Activity, *, output_schemas: bool = True, asking: Asking | None = None
) -> Server:
    """The MCP server in front of the desk; one object for every protocol era and transport.

    `output_schemas`: whether the list says what each tool gives. `asking`: how humans are asked; without it
    nobody can be.
    """
    callers = desk.callers
    selection = Selection(callers.actions) if callers.private else callers.current().tools.selection
    made = Server(
        "fly-mcp",
        title="Fly.io",
        description="Fly.io apps, machines, volumes and secrets for agents",
        version=__version__,
        instructions=None if callers.private else instructions(selection),
        tools=[
            _tool(action, selection, output_schemas).bound(action, desk, activity, asking)
            for action in callers.actions.values()
        ],
        # The list depends on nothing but the configuration of the process, and on who asks where agents differ.
        cache_hints={
            "tools/list": CacheHint(
                ttl_ms=_LIST_IS_FRESH_MS, scope="private" if callers.private else "public"
            )
        },
        subscriptions=False,  # the list never changes while the process lives
        request_state_security=asking.security() if asking else None,
        middleware=[_for_the_caller(desk)],
    ).bound(desk)
    if asking is not None:
        check = next(at for at, one in enumerate(made.middleware) if isinstance(one, RequestStateBoundary))
        made.middleware.insert(check, asking.marking())
    return made


def hints(action: AnyAction) -> ToolAnnotations:
    """All four hints, computed from the row: where one is missing, the protocol assumes the worst."""
    return ToolAnnotations(
        title=action.title,
        read_only_hint=action.only_looks,
        destructive_hint=not action.additive,
        idempotent_hint=action.idempotent,
        open_world_hint=True,  # Fly.io is the world outside
    )


def _tool(action: AnyAction, selection: Selection, output_schemas: bool) -> FlyTool:
    return FlyTool(
        fn=print,  # never called: `run` is ours; the SDK wants a callable
        name=action.name,
        title=action.title,
        description=description(action),
        parameters=_schema(action, selection),
        fn_metadata=FuncMetadata(
            arg_model=ArgModelBase,
            output_schema=_or_error(output_schema(action)) if output_schemas else None,
        ),
        is_async=True,
        context_kwarg=None,
        annotations=hints(action),
    )


def _schema(action: AnyAction, selection: Selection) -> dict[str, Any]:
    """What a caller has to say, without what is fixed for it."""
    return input_schema(action, selection.hidden(action))


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


def _for_the_caller(desk: Desk) -> ServerMiddleware[Any]:
    """What the SDK would say to everybody alike: the instructions, and that a name is unknown.

    Unknown tool names are the protocol's -32602; the SDK would answer a result, or -32603 for a prompt. A tool that
    the caller may not use is unknown to it.
    """

    async def middleware(
        ctx: ServerRequestContext[Any],
        call_next: Callable[[ServerRequestContext[Any]], Awaitable[HandlerResult]],
    ) -> HandlerResult:
        params = ctx.params or {}
        if ctx.method == "tools/call":
            try:
                # Not looked at yet by the SDK: the arguments may be anything.
                given: object = params.get("arguments")
                arguments = cast("dict[str, object]", given) if isinstance(given, dict) else {}
                desk.knows(str(params.get("name", "")), arguments)
            except UnknownAction as error:
                raise MCPError(INVALID_PARAMS, f"Unknown tool: {error}") from None
        if ctx.method == "prompts/get":
            raise MCPError(INVALID_PARAMS, "Unknown prompt: this server has none")
        try:
            result = await call_next(ctx)
        except (ValidationError, MCPError):
            # Every failure of a tool is a result: so it was not run, since the request around it is malformed.
            if ctx.method == "tools/call":
                desk.malformed(str(params.get("name", "")))
            raise
        if desk.callers.private and ctx.method in _INTRODUCTIONS and isinstance(result, dict):
            result = {**result, "instructions": instructions(desk.callers.current().tools.selection)}
        return result

    return middleware
