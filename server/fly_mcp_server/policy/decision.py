"""What a policy says to a call."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fly_mcp_tools.errors import RefusedByUs


class Effect(StrEnum):
    """What a rule does with a call that it is about. Deny beats ask, and ask beats allow."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


@dataclass(frozen=True)
class Decision:
    """`rule`: the name of the rule that decided, empty where none matched. `why`: one sentence."""

    effect: Effect
    rule: str
    why: str


class NotAllowed(RefusedByUs):
    """The policy says no. `decision` is what the trail keeps; the words hold nothing of another agent's rules."""

    def __init__(self, message: str, *, hint: str, decision: Decision) -> None:
        super().__init__(message, hint=hint)
        self.decision = decision
