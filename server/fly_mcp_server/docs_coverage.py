"""What `docs/coverage.md` says: what becomes of everything that Fly's document offers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fly_mcp_tools.action import AnyAction
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.coverage import (
    BEYOND,
    OPERATIONS,
    PARAMETERS,
    Decision,
    Fixed,
    Instead,
    LeftOut,
    Offered,
    Ours,
)
from fly_mcp_tools.describe import principal

from .docs_tables import table

_NAME = re.compile(r"\{[^}]*\}")
_V1 = "/v1"


def shape(operation: str) -> str:
    """An operation without the names of its placeholders: documents differ in them."""
    return _NAME.sub("{}", operation)


def senders() -> dict[str, list[AnyAction]]:
    """By the shape of an operation, the actions that may send it."""
    found: dict[str, list[AnyAction]] = {}
    for action in ACTIONS.values():
        for endpoint in action.calls:
            if endpoint.path.startswith(f"{_V1}/"):
                key = shape(f"{endpoint.method} {endpoint.path.removeprefix(_V1)}")
                found.setdefault(key, []).append(action)
    return found


def operations() -> list[str]:
    """Every operation that is sent, or not, with a reason; in the order of their paths."""
    named = {shape(name): name for name in (*PARAMETERS, *OPERATIONS)}
    sent = {
        shape(name): name
        for action in ACTIONS.values()
        for endpoint in action.calls
        if endpoint.path.startswith(f"{_V1}/")
        for name in [f"{endpoint.method} {endpoint.path.removeprefix(_V1)}"]
    }
    return sorted((sent | named).values(), key=lambda name: (name.split()[1], name.split()[0]))


def table_of_operations() -> str:
    """Each operation: which actions send it, or why none does."""
    by = senders()
    return table(("Operation", "Action"), ((f"`{name}`", _who(name, by)) for name in operations()))


def table_of_parameters() -> str:
    """Each query parameter and body field."""
    return table(
        ("Operation", "Parameter", "What becomes of it", "Why"),
        (
            (f"`{name}`", f"`{parameter}`", *_what(decision))
            for name in sorted(PARAMETERS, key=lambda name: (name.split()[1], name.split()[0]))
            for parameter, decision in PARAMETERS[name].items()
        ),
    )


def beyond() -> str:
    """What is sent that Fly's document does not have."""
    return table(
        ("Operation", "Parameter", "Why"),
        (
            (f"`{name}`", f"`{parameter}`", why)
            for name, parameters in BEYOND.items()
            for parameter, why in parameters.items()
        ),
    )


def _who(name: str, by: dict[str, list[AnyAction]]) -> str:
    actions = by.get(shape(name), [])
    if actions:
        first = [action.name for action in actions if _is_for(action, name)]
        parts = [action.name for action in actions if action.name not in first]
        return "; ".join(_names(first, parts))
    decision = OPERATIONS[name]
    if isinstance(decision, Instead):
        return f"By `{decision.by}`: {decision.why}"
    return f"Left out: {decision.why}"


def _is_for(action: AnyAction, name: str) -> bool:
    endpoint = principal(action)
    return shape(f"{endpoint.method} {endpoint.path.removeprefix(_V1)}") == shape(name)


def _names(first: list[str], parts: list[str]) -> Iterator[str]:
    if first:
        yield ", ".join(f"`{name}`" for name in first)
    if parts:
        shown = ", ".join(f"`{name}`" for name in parts[:3])
        yield f"part of {shown}" + (f" and {len(parts) - 3} more" if len(parts) > 3 else "")


def _what(decision: Decision) -> tuple[str, str]:
    match decision:
        case Offered(argument):
            return f"offered: {_argument(argument)}", ""
        case Ours(argument, why):
            return f"offered, done by us: {_argument(argument)}", why
        case Fixed(to, why):
            return f"fixed: {to}", why
        case LeftOut(why):
            return "left out", why


def _argument(argument: str) -> str:
    tool, name = argument.split(".")
    return f"`{name}` of `{tool}`"
