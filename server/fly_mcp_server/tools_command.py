"""`fly-mcp tools`: the action table, for people and for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import click

from fly_mcp_tools.action import Access, AnyAction, Gate
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.describe import acts_on, description, rate
from fly_mcp_tools.schema import input_schema, output_schema
from fly_mcp_tools.selection import Selection, WrongChoice, select

from . import costs
from .settings import SettingsError, read


def run(said: Mapping[str, object], *, as_json: bool) -> int:
    """Print all actions, and which are on with these settings; the exit code."""
    try:
        selection = select(read(said).choice, ACTIONS)
    except (SettingsError, WrongChoice) as error:
        sys.stderr.write(f"fly-mcp: {error}\n")
        return 2
    click.echo(as_json_text(selection) if as_json else as_table(selection))
    return 0


def as_table(selection: Selection) -> str:
    """One line an action, grouped; what is off is marked."""
    lines: list[str] = []
    wide = max(len(name) for name in ACTIONS)
    group = None
    for action in ACTIONS.values():
        if action.group != group:
            group = action.group
            lines += ["", str(group)] if lines else [str(group)]
        gate = f"  [{_confirm(action)}]" if action.gate is not Gate.NEVER else ""
        off = f"  (off: {selection.off[action.name]})" if action.name in selection.off else ""
        lines.append(f"  {action.name:<{wide}}  {action.access:<11}  {action.summary}{gate}{off}")
    totals = _totals(selection)
    lines += [
        "",
        f"{totals['on']['tools']} of {totals['all']['tools']} tools are on: {totals['on']['tokens']:,} tokens.",
    ]
    return "\n".join(lines)


def as_json_text(selection: Selection) -> str:
    """Everything a row says, and what a client sees of it."""
    table = costs.table()
    rows = [_row(action, selection, costs.of(action, table)) for action in ACTIONS.values()]
    return json.dumps({"tools": rows, "totals": _totals(selection)}, indent=2, ensure_ascii=False)


def markdown() -> str:
    """The README's table."""
    lines = ["| Tool | What it does | Access | Confirm | Token |", "|---|---|---|---|---|"]
    lines += [
        f"| `{action.name}` | {action.summary} | {action.access} | {_confirm(action)} | {action.scope} |"
        for action in ACTIONS.values()
    ]
    return "\n".join(lines)


def _confirm(action: AnyAction) -> str:
    if action.gate is Gate.BY_PLAN:
        return (
            "confirm, if it destroys" if action.access is Access.DESTRUCTIVE else "confirm, if it is billed"
        )
    return "" if action.gate is Gate.NEVER else "confirm"


def _row(action: AnyAction, selection: Selection, cost: costs.Cost) -> dict[str, Any]:
    return {
        "name": action.name,
        "title": action.title,
        "description": description(action),
        "group": str(action.group),
        "access": str(action.access),
        "acts_on": acts_on(action),
        "confirm": str(action.gate),
        "idempotent": action.idempotent,
        "on": action.name in selection.actions,
        **({"off_by": selection.off[action.name]} if action.name in selection.off else {}),
        "endpoints": [f"{endpoint.method} {endpoint.path}" for endpoint in action.calls],
        "rate_limits": {
            f"{endpoint.method} {endpoint.path}": rate(endpoint.rate) for endpoint in action.calls
        },
        "token": str(action.scope),
        "source": action.source,
        "tokens": {"listed": cost.listed, "output_schema": cost.output},
        "inputSchema": input_schema(action, selection.hidden(action)),
        "outputSchema": output_schema(action),
    }


def _totals(selection: Selection) -> dict[str, dict[str, Any]]:
    """What is on and what there is, in o200k tokens over name, description and input schema."""
    table = costs.table()
    return {"on": _total(selection.actions, table), "all": _total(ACTIONS, table)}


def _total(actions: Mapping[str, AnyAction], table: Mapping[str, costs.Cost]) -> dict[str, Any]:
    all_costs = {name: costs.of(action, table) for name, action in actions.items()}
    largest = max(all_costs, key=lambda name: all_costs[name].listed)
    return {
        "tools": len(actions),
        "tokens": sum(cost.listed for cost in all_costs.values()),
        "output_schema_tokens": sum(cost.output for cost in all_costs.values()),
        "largest": {"name": largest, "tokens": all_costs[largest].listed},
    }
