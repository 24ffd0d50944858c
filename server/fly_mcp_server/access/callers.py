"""Who calls: on stdio always the same one, over a network whoever the token says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.errors import RefusedByUs

from .names import LOCAL as LOCAL
from .names import NOBODY as NOBODY

if TYPE_CHECKING:
    from pydantic import JsonValue

    from fly_mcp_server.policy.decision import Decision
    from fly_mcp_tools.action import AnyAction
    from fly_mcp_tools.call import Query, Witness
    from fly_mcp_tools.decode import Answer
    from fly_mcp_tools.dispatch import FlyTools
    from fly_mcp_tools.endpoint import Endpoint
    from fly_mcp_tools.errors import FlyError
    from fly_mcp_tools.models import Params


class Watch(Protocol):
    """One admitted call, under guard."""

    async def begin(self) -> None:
        """Look before the action itself, and before a human is asked. Raises FlyError to stop the call."""
        ...

    async def before(
        self, endpoint: Endpoint, ids: Mapping[str, str], *, query: Query | None, body: JsonValue
    ) -> None:
        """Let a request leave by returning; raises FlyError to stop it."""
        ...

    def saw(self, endpoint: Endpoint, ids: Mapping[str, str], came: Answer | FlyError | None) -> None:
        """Told what came of each request."""
        ...


class Rights(Protocol):
    """What a caller may do."""

    def admit(self, action: AnyAction, params: Params) -> Decision:
        """Allow the call, or say that a human has to.

        Raises:
            NotAllowed: neither; nothing was sent.
        """
        ...

    def watch(self, action: AnyAction, params: Params, witness: Witness) -> Watch:
        """What stands before each request of this call. `witness` is told of the reads that it sends itself."""
        ...


class NoRights:
    """Of whoever is no agent of the policy: it sees no tool, and what it tries all the same is refused."""

    def admit(self, action: AnyAction, params: Params) -> Decision:
        """Refuse.

        Raises:
            RefusedByUs: always.
        """
        del params
        raise RefusedByUs(
            f"{action.name} was not run: nothing is allowed for this caller. Nothing was sent.",
            hint="The operator of this server decides what is allowed, in its policy.",
        )

    def watch(self, action: AnyAction, params: Params, witness: Witness) -> Watch:
        """Nothing is let so far."""
        raise NotImplementedError(f"{action.name} was not admitted")


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
        unasked: who calls where no token is asked for. Default: nobody.
    """

    def __init__(self, agents: Mapping[str, Caller], nobody: Caller, unasked: Caller | None = None) -> None:
        self._agents = agents
        self._nobody = nobody
        self._unasked = unasked or nobody
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
        return self._agents.get(token.client_id, self._nobody) if token else self._unasked
