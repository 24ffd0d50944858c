"""`fly-mcp tools`: the action table, for people and for programs."""

from __future__ import annotations

import json
from typing import Any

from fly_mcp_tools.action import AnyAction, Gate
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.describe import description
from fly_mcp_tools.schema import input_schema, output_schema

_CONFIRM = {Gate.NEVER: "", Gate.ALWAYS: "confirm", Gate.BY_PLAN: "confirm, if it destroys"}


def as_table() -> str:
    """One line an action, grouped."""
    lines: list[str] = []
    wide = max(len(name) for name in ACTIONS)
    group = None
    for action in ACTIONS.values():
        if action.group != group:
            group = action.group
            lines += ["", str(group)] if lines else [str(group)]
        gate = f"  [{_CONFIRM[action.gate]}]" if action.gate is not Gate.NEVER else ""
        lines.append(f"  {action.name:<{wide}}  {action.access:<11}  {action.summary}{gate}")
    return "\n".join(lines)


def as_json_text() -> str:
    """Everything a row says, and what a client sees of it."""
    return json.dumps([_row(action) for action in ACTIONS.values()], indent=2, ensure_ascii=False)


def markdown() -> str:
    """The README's table."""
    lines = ["| Tool | What it does | Access | Confirm | Token |", "|---|---|---|---|---|"]
    lines += [
        f"| `{action.name}` | {action.summary} | {action.access} | {_CONFIRM[action.gate]} | {action.scope} |"
        for action in ACTIONS.values()
    ]
    return "\n".join(lines)


def _row(action: AnyAction) -> dict[str, Any]:
    return {
        "name": action.name,
        "title": action.title,
        "description": description(action),
        "group": str(action.group),
        "access": str(action.access),
        "confirm": str(action.gate),
        "idempotent": action.idempotent,
        "endpoints": [f"{endpoint.method} {endpoint.path}" for endpoint in action.calls],
        "token": str(action.scope),
        "source": action.source,
        "inputSchema": input_schema(action),
        "outputSchema": output_schema(action),
    }
