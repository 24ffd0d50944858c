"""Who calls: on stdio always the same one, over a network whoever the token says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fly_mcp_tools.catalogue import ACTIONS

if TYPE_CHECKING:
    from fly_mcp_server.policy.decision import Decision
    from fly_mcp_tools.action import AnyAction
    from fly_mcp_tools.call import Checkpoint, Witness
    from fly_mcp_tools.dispatch import FlyTools
    from fly_mcp_tools.models import Params

#: The caller on stdio where no policy names one.
LOCAL = "local"


class Rights(Protocol):
    """What a caller may do."""

    def admit(self, action: AnyAction, params: Params) -> Decision:
        """Allow the call, or say that a human has to.

        Raises:
            NotAllowed: neither; nothing was sent.
        """
        ...

    def checkpoint(self, action: AnyAction, params: Params, witness: Witness) -> Checkpoint:
        """What stands before each request of this call. `witness` is told of the reads that it sends itself."""
        ...


@dataclass(frozen=True)
class Caller:
    """Somebody with tools of its own. `rights` None: everything is allowed, since there is no policy."""

    name: str
    tools: FlyTools
    rights: Rights | None = None


class Callers(Protocol):
    """Everybody who may call."""

    @property
    def actions(self) -> Mapping[str, AnyAction]:
        """What any of them may see, in the table's order."""
        ...

    @property
    def private(self) -> bool:
        """Whether what one sees is for that one alone."""
        ...

    def current(self) -> Caller:
        """Whose call the running one is. Nobody that is known has no tools."""
        ...


class OneCaller:
    """On stdio: whoever started the process."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    @property
    def actions(self) -> Mapping[str, AnyAction]:
        """What it may see."""
        return self._caller.tools.actions

    @property
    def private(self) -> bool:
        """Whether a policy decides what it sees."""
        return self._caller.rights is not None

    def current(self) -> Caller:
        """The one."""
        return self._caller


class CallersByToken:
    """Over a network: the agent that the verified token was made for.

    Args:
        agents: each agent of the policy, by name.
        nobody: for a name that the policy does not have: a caller without tools.
    """

    def __init__(self, agents: Mapping[str, Caller], nobody: Caller) -> None:
        self._agents = agents
        self._nobody = nobody
        seen = {name: one for agent in agents.values() for name, one in agent.tools.actions.items()}
        self._actions = {name: seen[name] for name in ACTIONS if name in seen}

    @property
    def actions(self) -> Mapping[str, AnyAction]:
        """What any agent may see."""
        return self._actions

    @property
    def private(self) -> bool:
        """Each agent has its own."""
        return True

    def current(self) -> Caller:
        """The agent whose name the token verifier has put into the token's `client_id`."""
        # Imported here: it brings Starlette, and stdio is to start without it.
        from mcp.server.auth.middleware.auth_context import get_access_token

        token = get_access_token()
        return self._agents.get(token.client_id, self._nobody) if token else self._nobody
