"""Where every call comes by, whatever transport carried it.

    who (callers) -> the trail begins -> FlyTools.call -> the trail ends

Inside `FlyTools.call` it is asked as its `Oversight`: once the arguments are checked, may it (rights); after the
confirm gate a human, where the policy says so (asker); before each request the rights again, and the trail, which is
made durable before anything is destroyed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from fly_mcp_server import capping
from fly_mcp_tools.call import Oversight, Progress, Query, no_progress
from fly_mcp_tools.dispatch import UnknownAction
from fly_mcp_tools.errors import InvalidArguments
from fly_mcp_tools.selection import ORG

from .asking import Asker, Nobody, Question
from .callers import LOCAL, Caller, Callers, OneCaller, Watch
from .trail import NoTrail, Record, Trail

if TYPE_CHECKING:
    from fly_mcp_server.policy.decision import Decision
    from fly_mcp_tools.action import AnyAction
    from fly_mcp_tools.call import Call
    from fly_mcp_tools.decode import Answer as Came
    from fly_mcp_tools.dispatch import Answer, FlyTools
    from fly_mcp_tools.endpoint import Endpoint
    from fly_mcp_tools.errors import FlyError
    from fly_mcp_tools.models import Params


class Desk:
    """Takes calls and answers them.

    Args:
        callers: who may call.
        trail: what is kept of it. Default: nothing.
    """

    def __init__(self, callers: Callers, *, trail: Trail | None = None) -> None:
        self.callers = callers
        self._trail = trail or NoTrail()

    def knows(self, name: str, arguments: Mapping[str, object]) -> None:
        """Make sure that whoever calls has a tool of this name; the trail keeps that it was asked for.

        Raises:
            UnknownAction: it has none. What others have is not told.
        """
        caller = self.callers.current()
        if name not in caller.tools.actions:
            unknown = UnknownAction(name, caller.tools.selection)
            self._begin(caller, name, arguments).end(unknown)
            raise unknown

    def malformed(self, name: str) -> None:
        """Keep that a call of this tool came whose request is not one, so that it is not run."""
        self._begin(self.callers.current(), name, {}).end(InvalidArguments("The request is malformed."))

    def _begin(self, caller: Caller, name: str, arguments: Mapping[str, object]) -> Record:
        return self._trail.begin(
            caller.name,
            name,
            caller.tools.actions.get(name),
            arguments,
            org=_org(caller),
            ruled=caller.rights is not None,
        )

    async def call(
        self,
        name: str,
        arguments: Mapping[str, JsonValue],
        *,
        progress: Progress = no_progress,
        asker: Asker | None = None,
    ) -> Answer:
        """Run an action for whoever calls, and give its documented result.

        A page that would be too long is asked for again with fewer rows, since only so its cursor is right. For the
        policy, the trail and the human that is one call.

        Raises:
            UnknownAction: the caller has no such tool.
            AskFirst: a human has to be asked by the client.
            FlyError: everything an agent is to be told.
        """
        caller = self.callers.current()
        action = caller.tools.actions.get(name)
        record = self._begin(caller, name, arguments)
        visit = _Visit(caller, arguments, record, asker or Nobody())
        try:
            answer = await visit.call(name, arguments, progress)
            while action and (fewer := capping.fewer(answer, action, arguments)) is not None:
                arguments = {**arguments, "limit": fewer}
                answer = await visit.call(name, arguments, progress)
        except BaseException as error:
            record.end(error)
            raise
        words = record.end(answer)
        return _with_note(answer, words) if words else answer


class _Visit:
    """One call at the desk, from `begin` to `end` of its record."""

    def __init__(
        self, caller: Caller, arguments: Mapping[str, JsonValue], record: Record, asker: Asker
    ) -> None:
        self._caller = caller
        self._arguments = arguments
        self._record = record
        self._asker = asker
        self._decision: Decision | None = None
        self._watch: Watch | None = None
        self._accepted = False

    async def call(self, name: str, arguments: Mapping[str, JsonValue], progress: Progress) -> Answer:
        oversight = Oversight(
            admit=self._admit, approve=self._approve, checkpoint=self._before, witness=self._sent
        )
        return await self._caller.tools.call(
            name, arguments, caller=self._caller.name, progress=progress, oversight=oversight
        )

    async def _admit(self, action: AnyAction, params: Params) -> None:
        rights = self._caller.rights
        if rights is not None:
            self._decision = rights.admit(action, params)
            self._watch = rights.watch(action, params, self._record.sent)
        self._record.admitted(self._decision, params)
        self._asker.vet(action.name)

    async def _approve(self, call: Call, params: Params) -> None:
        if self._watch is not None:
            await self._watch.begin()
        if self._decision is None or self._decision.effect != "ask" or self._accepted:
            return
        await self._asker.ask(
            Question(self._caller, call, params, self._arguments, self._decision, self._record.human)
        )
        self._record.human("accepted")
        self._accepted = True

    async def _before(
        self, endpoint: Endpoint, ids: Mapping[str, str], *, query: Query | None, body: JsonValue
    ) -> None:
        if self._watch is not None:
            await self._watch.before(endpoint, ids, query=query, body=body)
        if endpoint.destroys or endpoint.executes:
            await self._record.before_destroying(endpoint, ids)

    def _sent(self, endpoint: Endpoint, ids: Mapping[str, str], came: Came | FlyError | None) -> None:
        self._record.sent(endpoint, ids, came)
        if self._watch is not None:
            self._watch.saw(endpoint, ids, came)


def _org(caller: Caller) -> str:
    """The one organisation that a caller is held to; empty where it is to none."""
    return caller.tools.selection.pins.get(ORG, "")


def alone(tools: FlyTools, trail: Trail | None = None) -> Desk:
    """A desk for one caller who may do everything: stdio without a policy."""
    return Desk(OneCaller(Caller(LOCAL, tools)), trail=trail)


def _with_note(answer: dict[str, Any], words: str) -> dict[str, Any]:
    """The answer of a write with more to know; a read has no place for it, and changed nothing."""
    if "outcome" not in answer:
        return answer
    return {**answer, "note": " ".join(filter(None, (answer.get("note"), words)))}
