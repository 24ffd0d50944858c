"""A row's description for a model: purpose first, then what else matters, then a short fixed tail."""

from __future__ import annotations

from .action import AnyAction, Gate

_TAILS = {
    Gate.NEVER: "",
    Gate.ALWAYS: "Without confirm: true it only says what would be lost.",
    Gate.BY_PLAN: "",
}


def description(action: AnyAction) -> str:
    """What the tool list says of the action."""
    return " ".join(part for part in (action.summary, action.notes, _TAILS[action.gate]) if part)
