"""What `docs/errors.md` says: each status of Fly's and each code of ours, with its meaning and the next step.

The codes and hints are not written down a second time: Fly's answer goes through the very function that reads it in a
call. tests/actions/test_errors.py provokes each of them through an MCP client.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.errors import Code, FlyError
from fly_mcp_tools.refusals import Refusal, refusal_error
from fly_mcp_tools.request import build_request

from .docs_tables import table

_IDS: Final = {"app_name": "APP", "machine_id": "MACHINE", "volume_id": "VOLUME"}


@dataclass(frozen=True)
class Case:
    """An answer of Fly's: the status, a text of its that shows the case, and what it means."""

    status: int
    says: str
    means: str
    endpoint: Endpoint = fly.GET_MACHINE
    #: Where the status stands for others like it.
    shown: str = ""

    @property
    def error(self) -> FlyError:
        """What an agent is told where nothing more is known."""
        ids = {name: _IDS[name] for name in self.endpoint.placeholders}
        return refusal_error(build_request(self.endpoint, ids), Refusal(self.status, self.says))


CASES: Final[tuple[Case, ...]] = (
    Case(400, "invalid_argument: bad value", "Fly does not accept what was sent."),
    Case(401, "Authenticate: token validation error", "The token is wrong, expired or revoked."),
    Case(403, "permission_denied: no", "The token may not do this, or the app is somebody else's."),
    Case(404, 'Could not find App "APP"', "There is no such app, or not for this token.", fly.GET_APP),
    Case(404, "machine not found", "There is no such machine."),
    Case(408, "deadline_exceeded", "Fly stopped waiting; nothing was changed."),
    Case(408, "deadline_exceeded", "Fly stopped waiting; the work may go on.", fly.EXEC_MACHINE),
    Case(
        409,
        "lease currently held by someone@example.com, expires at 2024-01-15T10:05:00Z",
        "Another deploy or agent holds the machine.",
        fly.STOP_MACHINE,
    ),
    Case(409, "Name has already been taken", "The name is taken.", fly.CREATE_APP),
    Case(409, "concurrent update", "It was changed by somebody else meanwhile.", fly.UPDATE_MACHINE),
    Case(
        412,
        "failed_precondition: unable to stop machine, current state: 'destroyed'",
        "It is in a state in which Fly does not do this.",
        fly.STOP_MACHINE,
    ),
    Case(
        412,
        "failed_precondition: machine getting replaced, refusing to update",
        "It is changing from one state to another.",
        fly.UPDATE_MACHINE,
    ),
    Case(422, "unprocessable: bad value", "Fly does not accept what was sent."),
    Case(
        422,
        "insufficient_capacity: no room in fra",
        "Fly has no room there at the moment.",
        fly.CREATE_MACHINE,
    ),
    Case(429, "rate limit exceeded", "Too many calls; waiting for room did not help."),
    Case(500, "internal error", "Fly has trouble; a read.", shown="5xx"),
    Case(
        503, "unavailable", "Fly has trouble; a write may have gone through.", fly.EXEC_MACHINE, shown="5xx"
    ),
)

#: What each code means, whoever says it.
MEANS: Final[Mapping[Code, str]] = {
    Code.INVALID_ARGUMENTS: "The arguments are wrong; `problems` names every one. Nothing was sent, or Fly refused it.",
    Code.CONFIRMATION_REQUIRED: "It destroys or is billed, and `confirm` was not true; `details` says what for.",
    Code.NOT_ALLOWED: "Not for this server, app or caller, or a human who was asked said no; nothing was sent.",
    Code.NOT_FOUND: "No such thing, or not for this token.",
    Code.WRONG_STATE: "The machine or volume is in a state in which Fly does not do this.",
    Code.LEASE_HELD: "Somebody else holds the machine; `details` has owner and expiry where Fly said them.",
    Code.CONFLICT: "It collides with something that is there or going on.",
    Code.RATE_LIMITED: "Too many calls of this kind.",
    Code.NO_CAPACITY: "Fly has no room: in the region, or on the one host.",
    Code.TIMEOUT: "Fly stopped waiting, or a human who was asked did not answer in time.",
    Code.UNCLEAR: "It may have happened; `details` says what was found when looking.",
    Code.UNAUTHENTICATED: "Fly does not accept the token.",
    Code.FORBIDDEN: "The token may not do this.",
    Code.NOT_CONFIGURED: "The operator has to set something first.",
    Code.FLY_UNAVAILABLE: "Fly has trouble, or cannot be reached.",
    Code.INTERNAL: "A mistake of ours; the details are in the server's log.",
}


def statuses() -> str:
    """Each status of Fly's."""
    return table(
        ("Fly's status", "`code`", "It means", "`retryable`", "`changed`", "Next step"),
        (
            (
                case.shown or str(case.status),
                f"`{case.error.code}`",
                case.means,
                "yes" if case.error.retryable else "no",
                f"`{case.error.changed}`",
                case.error.hint,
            )
            for case in CASES
        ),
    )


def codes() -> str:
    """Each code."""
    return table(("`code`", "It means"), ((f"`{code}`", MEANS[code]) for code in Code))
