"""What a client gets: the documented object on success, one error object on failure; each as text too.

Nothing leaves that costs a model more than `capping.MOST` tokens.
"""

from __future__ import annotations

from typing import Any

from mcp_types import CallToolResult, TextContent

from fly_mcp_tools.action import AnyAction
from fly_mcp_tools.errors import Code, FlyError

from .capping import MOST, capped, cut, text

#: Of these, for what an error found out; its own words are few.
_DETAILS = MOST - 1000


def success(answer: dict[str, Any], action: AnyAction) -> CallToolResult:
    """The object as structured content, and the same as compact JSON; cut where it is too long."""
    said = capped(answer, action)
    return CallToolResult(content=[TextContent(type="text", text=text(said))], structured_content=said)


def failure(error: FlyError) -> CallToolResult:
    """The error object, and the same in words."""
    body = error_object(error)
    return CallToolResult(
        content=[TextContent(type="text", text=_words(error, body))],
        structured_content={"error": body},
        is_error=True,
    )


def internal(name: str, *, changes: bool) -> CallToolResult:
    """For a mistake of ours: what it was is in the log, since it may hold anything."""
    error = FlyError(
        f"{name} failed through a mistake in fly-mcp itself.",
        code=Code.INTERNAL,
        changed="unknown" if changes else "nothing",
        hint="Look at the present state with a read action. The details are in the server's log (stderr).",
    )
    error.of_write = changes
    return failure(error)


def error_object(error: FlyError) -> dict[str, Any]:
    """The error as JSON; empty fields are left out, but for those an agent decides by."""
    body: dict[str, Any] = {
        "code": str(error.code),
        "message": error.message,
        "hint": error.hint,
        "retryable": error.retryable,
        "changed": error.changed,
    }
    optional = {
        "outcome": error.outcome,
        "status": error.status,
        "request_id": error.request_id,
        "problems": [{"path": problem.path, "message": problem.message} for problem in error.problems],
        "details": cut(error.facts, {}, "List them to see all.", _DETAILS),
    }
    return body | {key: value for key, value in optional.items() if value}


def _words(error: FlyError, body: dict[str, Any]) -> str:
    lines = [f"{error.code}: {error.message}"]
    lines += [f"- {problem.path}: {problem.message}" for problem in error.problems]
    if error.facts:
        lines.append(text(body["details"]))
    if error.hint:
        lines.append(error.hint)
    if error.changed != "nothing":
        outcome = f"Outcome: {error.outcome}. " if error.outcome else ""
        lines.append(f"{outcome}Changed so far: {error.changed}.")
    if error.request_id:
        lines.append(f"Fly request {error.request_id}" + (f", HTTP {error.status}" if error.status else ""))
    return "\n".join(lines)
