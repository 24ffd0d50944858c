"""What is kept of a call, as the desk sees it. `audit/` writes it down; nothing does where nobody wants it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from fly_mcp_server.policy.decision import Decision
    from fly_mcp_tools.action import AnyAction
    from fly_mcp_tools.decode import Answer
    from fly_mcp_tools.endpoint import Endpoint
    from fly_mcp_tools.errors import FlyError
    from fly_mcp_tools.models import Params

    from .asking import Step


class Record(Protocol):
    """One call. `end` comes last, once, however the call ends."""

    def admitted(self, decision: Decision | None, params: Params) -> None:
        """The arguments are well formed, and the policy let them pass; no decision: there is no policy."""
        ...

    def human(self, step: Step) -> None:
        """A human was asked, or has accepted: said where it happens. What is not said did not happen."""
        ...

    async def before_destroying(self, endpoint: Endpoint, ids: Mapping[str, str]) -> None:
        """Make what is known durable. Called before each request that destroys or executes.

        Raises:
            FlyError: it cannot be written; the request does not leave.
        """
        ...

    def sent(self, endpoint: Endpoint, ids: Mapping[str, str], came: Answer | FlyError | None) -> None:
        """A request ended: its answer, what was met instead, or None where the call was cut meanwhile."""
        ...

    def end(self, came: Mapping[str, Any] | BaseException) -> str:
        """The call is over: its answer, or what was raised (`AskFirst` where a human is asked meanwhile).

        Does not raise and does not wait: the call may be one that is cancelled. Returns words for the caller where
        the trail could not be written; else nothing.
        """
        ...


class Trail(Protocol):
    """Where records are begun."""

    def begin(
        self,
        caller: str,
        name: str,
        action: AnyAction | None,
        arguments: Mapping[str, object],
        *,
        org: str,
        ruled: bool,
    ) -> Record:
        """A call came in. `action`: None where the caller has no tool of this `name`.

        `org`: the caller's own; `ruled`: whether a policy is in force for the caller. `arguments` are as they came:
        anything may be in them, secrets too.
        """
        ...


class NoRecord:
    """Of which nothing is kept."""

    def admitted(self, decision: Decision | None, params: Params) -> None:
        """Nothing."""

    def human(self, step: Step) -> None:
        """Nothing."""

    async def before_destroying(self, endpoint: Endpoint, ids: Mapping[str, str]) -> None:
        """Nothing."""

    def sent(self, endpoint: Endpoint, ids: Mapping[str, str], came: Answer | FlyError | None) -> None:
        """Nothing."""

    def end(self, came: Mapping[str, Any] | BaseException) -> str:
        """Nothing to say."""
        del came
        return ""


class NoTrail:
    """For an operator who asked for none."""

    def begin(
        self,
        caller: str,
        name: str,
        action: AnyAction | None,
        arguments: Mapping[str, object],
        *,
        org: str,
        ruled: bool,
    ) -> Record:
        """A record of which nothing is kept."""
        del caller, name, action, arguments, org, ruled
        return NoRecord()
