"""What the SDK does with a question that comes back altered, brought before the desk.

The SDK refuses it with a protocol error, which no model reads, and before anything of ours runs. Here, one step
further out, the call is carried on without what came with it and marked, so that the trail has it and the agent is
told in words. The desk refuses a marked call whatever the policy says of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from mcp.server.context import HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.shared.exceptions import MCPError

_altered: ContextVar[bool] = ContextVar("fly_mcp_consent_altered", default=False)
_CARRIED = ("requestState", "inputResponses")


def altered() -> bool:
    """Whether the running call came with an answer to a question that this server did not put so."""
    return _altered.get()


def marking() -> ServerMiddleware[Any]:
    """The middleware, to stand outside the SDK's own.

    It asks nothing about the tool's name: whether the caller has such a tool is the desk's to say, in the same words
    for every name.
    """

    async def middleware(
        ctx: ServerRequestContext[Any],
        call_next: Callable[[ServerRequestContext[Any]], Awaitable[HandlerResult]],
    ) -> HandlerResult:
        try:
            return await call_next(ctx)
        except MCPError as error:
            params = ctx.params or {}
            if not _is_of_the_seal(error) or ctx.method != "tools/call":
                raise
        without = {key: value for key, value in params.items() if key not in _CARRIED}
        token = _altered.set(True)
        try:
            return await call_next(replace(ctx, params=without))
        finally:
            _altered.reset(token)

    return middleware


def _is_of_the_seal(error: MCPError) -> bool:
    """Whether the SDK refused what the client carried, and not something else."""
    return bool(error.data == {"reason": "invalid_request_state"})
