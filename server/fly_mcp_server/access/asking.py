"""Asking a human, as the desk sees it. `consent/` does it where the client can."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from fly_mcp_tools.errors import RefusedByUs

if TYPE_CHECKING:
    from fly_mcp_server.policy.decision import Decision
    from fly_mcp_tools.call import Call
    from fly_mcp_tools.models import Params

    from .callers import Caller


Step = Literal["asked", "accepted"]
"""How far it has come with a human. Each is told when it happens, and never what is only likely."""


@dataclass(frozen=True)
class Question:
    """What a human is to decide: this call, with these arguments, which a rule does not allow unasked.

    `arguments` are as they came, `params` are the same, checked; either may hold secrets. `came_to` is told of each
    step, for the trail.
    """

    caller: Caller
    call: Call
    params: Params = field(repr=False)
    arguments: Mapping[str, object] = field(repr=False)
    decision: Decision
    came_to: Callable[[Step], None] = field(repr=False)


class Asker(Protocol):
    """Puts questions to the human behind the client that this call came from."""

    def vet(self, action: str) -> None:
        """Let a call pass unless an answer came with it that is not one to a question of ours.

        Raises:
            FlyError: one did; whether this call needs a human or not.
        """
        ...

    async def ask(self, question: Question) -> None:
        """Return when the human has accepted.

        Raises:
            AskFirst: the client is to put the question and call again.
            FlyError: anything but an acceptance; nothing was changed.
        """
        ...


class AskFirst(RefusedByUs):
    """Not an answer yet. `answer` goes to the client as the tool's result, just as it is."""

    def __init__(self, answer: object) -> None:
        super().__init__("A human is asked first. Nothing was changed.", hint="Wait for the human's answer.")
        self.answer = answer


class Nobody:
    """Where nobody can be asked: so, no."""

    def vet(self, action: str) -> None:
        """Nobody was asked, so nothing is answered."""

    async def ask(self, question: Question) -> None:
        """Refuse.

        Raises:
            RefusedByUs: always.
        """
        raise RefusedByUs(
            f"{question.call.action.name} was not run: {question.decision.rule} wants a human asked first, and here "
            "nobody can be asked, so the answer is no. Nothing was changed.",
            hint="Ask the operator of this server to run it, or to allow it in the policy.",
        )
