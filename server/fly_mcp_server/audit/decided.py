"""What the policy and a human said to one call, as far as it came to that.

Each is noted where it happens. What was not noted did not happen: an acceptance is never inferred from how a call
ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from fly_mcp_server.access.asking import AskFirst, Step
from fly_mcp_tools.errors import FlyError
from fly_mcp_tools.foreign import clean
from fly_mcp_tools.selection import Beyond

if TYPE_CHECKING:
    from fly_mcp_server.policy.decision import Decision

Came = Mapping[str, Any] | BaseException | None

_FOR_NO_QUESTION: Final = "what came as an answer is to no question about this call"
#: What a human did who did not accept, by the kind that the refusal names.
_NO: Final[Mapping[str, str]] = {
    "declined": "declined",
    "cancelled": "closed the question",
    "no_yes": "answered without a yes",
    "expired": "did not answer in time",
    "changed": "accepted, and meanwhile what they were shown had changed",
    "other": f"was not, since {_FOR_NO_QUESTION}",
    "used": "had answered that question before",
    "cannot_ask": "cannot be asked here",
    "too_long": "was not, since the command is too long to be shown",
}
_STEPS: Final[Mapping[Step, str]] = {"asked": "gave no answer that was read", "accepted": "accepted"}
#: Characters of a reason.
_WHY: Final = 300


class Decided:
    """The decision about one call. `effect` and `rule` are empty until there is one.

    Args:
        ruled: whether a policy is in force for the caller.
    """

    def __init__(self, *, ruled: bool) -> None:
        self.effect, self.rule = "", ""
        self._ruled = ruled
        self._let = ""
        self._why = ""
        self._step: Step | None = None

    def admitted(self, decision: Decision | None) -> None:
        """The policy let the call pass; None: there is no policy."""
        if decision is not None:
            self.effect, self.rule = str(decision.effect), clean(decision.rule, 120)

    def human(self, step: Step) -> None:
        """A human was asked, or has accepted."""
        self._step = step

    def ended(self, came: Came) -> None:
        """Learn from how the call ended: a refusal of the policy has the reason with it."""
        decision: Decision | None = getattr(came, "decision", None)
        if decision is not None:
            self._let = self.rule
            self.effect, self.rule = str(decision.effect), clean(decision.rule, 120)
            self._why = clean(decision.why, _WHY)
            if self.effect == "ask":
                self._step = None  # about something else than what a human was asked
        elif isinstance(came, Beyond):
            self._why = clean(came.why, _WHY)
            if self._ruled:
                self._let, self.effect, self.rule = self.rule, "deny", ""

    def words(self, came: Came = None) -> str:
        """Who let it pass or did not, and why. `came`: how the call ended; None: it runs."""
        consent = came.facts.get("consent") if isinstance(came, FlyError) else None
        by = f"rule {self.rule}" if self.rule else "no rule"
        if self.effect == "ask":
            return f"a human was to be asked by {by}, and {self._human(came, consent)}"
        if self.effect == "deny":
            return self._denied(by)
        answered = f", but {_FOR_NO_QUESTION}" if consent == "other" else ""
        if self.effect == "allow":
            return f"allowed by {by}{answered}"
        if self._ruled:
            return "the policy was not asked, since it did not come to that"
        return _within(self._why) if self._why else f"no policy is in force{answered}"

    def _denied(self, by: str) -> str:
        if self.rule:
            return f"denied by {by}"
        if not self._let:
            return _within(self._why)
        though = ", though a human had accepted" if self._step == "accepted" else ""
        return f"denied whatever rule {self._let} says{though}: {_within(self._why)}"

    def _human(self, came: Came, consent: object) -> str:
        if isinstance(consent, str) and consent in _NO:
            return _NO[consent]
        if isinstance(came, AskFirst):
            return "is being asked"
        if isinstance(came, Mapping) and came.get("already_done"):
            return "was not, since it was done before"
        return _STEPS[self._step] if self._step else "was not"


def _within(sentence: str) -> str:
    """A sentence as a part of another one."""
    return f"{sentence[:1].lower()}{sentence[1:]}".rstrip(".")
