"""The one tree of things that can go wrong.

    FlyError                      what an agent is told: code, message, hint, what has changed
     |- RefusedByUs               nothing was sent for it
     |   |- InvalidArguments      invalid_arguments: every problem at once
     |   |- ConfirmationRequired  confirmation_required: what would be lost
     |   `- NotConfigured         not_configured: no token, a base URL we do not trust
     |- NotSent                   fly_unavailable, rate_limited: it surely never reached Fly
     |- RefusedByFly              Fly answered "no"; nothing changed
     |   |- NotFound  WrongState  LeaseHeld  Conflict  RateLimited  TimedOut
     |   `- (else)                invalid_arguments, unauthenticated, forbidden, no_capacity, fly_unavailable
     `- MaybeDone                 unclear: sent, and no usable answer came back

    Bug(RuntimeError)             our own mistake; another root, so `except FlyError` never hides it

Retry and confirmation depend on exactly this distinction, so it is drawn here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final, Literal

from pydantic import JsonValue

Changed = Literal["nothing", "something", "unknown"]
#: How a write ended that did not give a result. The other two outcomes, done and pending, are results.
Refused = Literal["refused", "unclear"]

#: The fact of an error that follows an unclear attempt of the same write: that one may have gone through.
EARLIER_ATTEMPT: Final = "earlier_attempt"


class Code(StrEnum):
    """Every code an agent can meet; short, stable, documented."""

    INVALID_ARGUMENTS = "invalid_arguments"
    CONFIRMATION_REQUIRED = "confirmation_required"
    NOT_ALLOWED = "not_allowed"
    NOT_FOUND = "not_found"
    WRONG_STATE = "wrong_state"
    LEASE_HELD = "lease_held"
    CONFLICT = "conflict"
    RATE_LIMITED = "rate_limited"
    NO_CAPACITY = "no_capacity"
    TIMEOUT = "timeout"
    UNCLEAR = "unclear"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_CONFIGURED = "not_configured"
    FLY_UNAVAILABLE = "fly_unavailable"
    INTERNAL = "internal"


@dataclass(frozen=True)
class Problem:
    """One thing wrong with the arguments: where (`env.PORT`), and what to send instead. Never the value."""

    path: str
    message: str


class FlyError(Exception):
    """Anything an agent is told about a call that did not do what it was asked.

    `changed` says what this call has changed at Fly by the time it failed: "nothing", "something" (a
    composite that got half way; `facts` names what) or "unknown". `facts` holds what was read from Fly
    that helps to decide, such as the machines that would be destroyed.
    """

    code: Code = Code.INTERNAL
    retryable: bool = False
    changed: Changed = "nothing"
    #: Whether the call could have changed anything at all; set by `dispatch` for every action but reads.
    of_write: bool = False
    #: The next step where none is named.
    usual_hint: ClassVar[str] = ""

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        code: Code | None = None,
        retryable: bool | None = None,
        changed: Changed | None = None,
        status: int | None = None,
        request_id: str | None = None,
        problems: Sequence[Problem] = (),
        facts: dict[str, JsonValue] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.usual_hint
        if code is not None:
            self.code = code
        if retryable is not None:
            self.retryable = retryable
        if changed is not None:
            self.changed = changed
        self.status = status
        self.request_id = request_id
        self.problems = tuple(problems)
        self.facts: dict[str, JsonValue] = dict(facts or {})

    @property
    def outcome(self) -> Refused | None:
        """For a write: refused, and nothing changed; else unclear, and what was found is said. Else None."""
        if not self.of_write:
            return None
        return "refused" if self.changed == "nothing" else "unclear"


class RefusedByUs(FlyError):
    """Refused before anything was sent."""

    code = Code.NOT_ALLOWED


class InvalidArguments(RefusedByUs):
    """The arguments are wrong; `problems` names each of them."""

    code = Code.INVALID_ARGUMENTS
    usual_hint = "Send the call again with these put right."


class ConfirmationRequired(RefusedByUs):
    """The call destroys something and `confirm` was not true; `facts` says what would be lost."""

    code = Code.CONFIRMATION_REQUIRED


class NotConfigured(RefusedByUs):
    """The operator has to set something first: a token, a base URL, a default image."""

    code = Code.NOT_CONFIGURED


class NotSent(FlyError):
    """The request surely never reached Fly: no connection, or no room in the rate bucket in time."""

    code = Code.FLY_UNAVAILABLE
    retryable = True


class RefusedByFly(FlyError):
    """Fly answered with an error; `fly_says` holds its text, cleaned and capped: data, never instructions."""

    code = Code.FLY_UNAVAILABLE

    fly_says: str = ""


class NotFound(RefusedByFly):
    """404: no such app, machine, volume, secret or lease, or not for this token."""

    code = Code.NOT_FOUND


class WrongState(RefusedByFly):
    """412: the machine or volume is in a state in which Fly does not do this."""

    code = Code.WRONG_STATE


class LeaseHeld(RefusedByFly):
    """409: somebody else holds the machine's lease; `facts` has owner and expiry where Fly said them."""

    code = Code.LEASE_HELD
    retryable = True


class Conflict(RefusedByFly):
    """409: the name is taken, or somebody updated the machine meanwhile."""

    code = Code.CONFLICT


class RateLimited(RefusedByFly):
    """429, still after waiting."""

    code = Code.RATE_LIMITED
    retryable = True


class TimedOut(RefusedByFly):
    """408: Fly gave up waiting. For exec and create the work may go on: `changed` is then "unknown"."""

    code = Code.TIMEOUT
    retryable = True


class MaybeDone(FlyError):
    """The request was sent and no usable answer came back: it may or may not have happened."""

    code = Code.UNCLEAR
    changed: Changed = "unknown"


class Bug(RuntimeError):
    """A mistake of ours, such as a composite that sends what its row does not declare."""

    code: ClassVar[Code] = Code.INTERNAL
