"""One call that a human has to approve: ask, or take the answer that came, and hold it against the world.

The order matters. An answer is first held against the call it came with, then against the clock, then it is spent,
and only then read: so that no answer, a no included, is ever taken twice. Facts are read after that and compared, and
what is run reads them again for itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import anyio
from mcp.server.context import ServerMiddleware
from mcp.server.mcpserver import Context, RequestStateSecurity
from mcp_types import ElicitResult
from pydantic import JsonValue

from fly_mcp_server.access import asking
from fly_mcp_tools.chance import Random
from fly_mcp_tools.clock import Clock
from fly_mcp_tools.errors import NotFound, WrongState
from fly_mcp_tools.state.store import Store

from . import boundary, facts, refusals, sealing, state
from . import question as wording
from .channel import Channel, NotAsked, Way, to_human
from .spent import Spent

#: Seconds for which an answer counts, where the operator says nothing else.
LASTS: Final = 300.0


class Consent:
    """What all calls share that a human may have to approve.

    Args:
        store: where answered questions are noted, and the key is that no setting gives.
        lasts: seconds for which an answer counts.
        keys: under which questions travel: the first seals, all open.
    """

    def __init__(
        self, store: Store, clock: Clock, rng: Random, *, lasts: float = LASTS, keys: Sequence[str] = ()
    ) -> None:
        self.store = store
        self.clock = clock
        self.rng = rng
        self.lasts = lasts
        self.spent = Spent(store)
        self._keys = tuple(keys)

    def security(self) -> RequestStateSecurity:
        """How the SDK is to seal what clients carry."""
        return sealing.security(self._keys, self.store, self.lasts)

    def marking(self) -> ServerMiddleware[Any]:
        """What brings to the desk a call that came with an altered question."""
        return boundary.marking()

    def asking(self, context: Context[Any, Any]) -> Approval:
        """What asks the human behind this request."""
        return Approval(self, to_human(context))


@dataclass(frozen=True)
class Approval:
    """The `Asker` of one request."""

    _consent: Consent
    _channel: Channel

    def vet(self, action: str) -> None:
        """Refuse a call that came with somebody else's answer, whether it would need one or not.

        Raises:
            NoConsent: it did.
        """
        if boundary.altered():
            raise refusals.other(action)

    async def ask(self, question: asking.Question) -> None:
        """Return when the human has accepted this call, and all is still as they were shown.

        Raises:
            AskFirst: the client is to put the question and call again.
            NoConsent: anything but an acceptance that holds.
            FlyError: the facts cannot be read, or the answer cannot be noted.
        """
        action = question.call.action.name
        length = len(wording.command_of(question.params))
        if length > wording.LONGEST_COMMAND:
            raise refusals.too_long(action, length, wording.LONGEST_COMMAND)
        # Nothing is asked whose answer could not be counted.
        self._consent.store.open()
        if self._channel.way is Way.ROUNDS and self._channel.state is not None:
            await self._take(question, self._channel.state)
        elif self._channel.way is Way.ROUNDS:
            put, text = await self._put(question)
            raise asking.AskFirst(self._channel.question(text, put.text()))
        elif self._channel.way is Way.REQUEST:
            await self._wait(question)
        else:
            raise refusals.cannot_ask(action, self._channel.why)

    async def _put(self, asked: asking.Question) -> tuple[state.Question, str]:
        """A new question and its text, about the call and the world as they are."""
        consent, action = self._consent, asked.call.action
        found = await facts.read(asked.call, asked.params)
        until = consent.clock.now() + consent.lasts
        put = state.Question.put(
            consent.rng,
            agent=asked.caller.name,
            action=action.name,
            arguments=_said(asked),
            facts=found.parts,
            until=until,
        )
        return put, wording.text(action, asked.caller.name, asked.params, found, until)

    async def _take(self, asked: asking.Question, came: str) -> None:
        """An answer that came back with the question."""
        consent, action = self._consent, asked.call.action.name
        put = state.Question.read(came)
        if put is None or not put.is_about(asked.caller.name, action, _said(asked)):
            raise refusals.other(action)
        asked.came_to("asked")
        now = consent.clock.now()
        if now >= put.until:
            raise refusals.expired(action, consent.lasts)
        if not consent.spent.spend(put.number, until=put.until, now=now):
            raise refusals.used(action)
        _judge(action, self._channel.answer)
        asked.came_to("accepted")
        await _compare(asked, put)

    async def _wait(self, asked: asking.Question) -> None:
        """Ask, and wait for the answer. The question never leaves us, so nobody can alter it or use it twice."""
        consent, action = self._consent, asked.call.action.name
        put, text = await self._put(asked)
        answer: ElicitResult | None = None
        with anyio.move_on_after(consent.lasts):
            asked.came_to("asked")
            try:
                answer = await self._channel.request(text)
            except NotAsked as why:
                raise refusals.cannot_ask(action, str(why)) from None
        if answer is None or consent.clock.now() >= put.until:
            raise refusals.expired(action, consent.lasts)
        _judge(action, answer)
        asked.came_to("accepted")
        await _compare(asked, put)


def _said(asked: asking.Question) -> JsonValue:
    """The exact call: what it means after what is fixed was filled in, and that it is confirmed."""
    return [asked.params.model_dump(mode="json", by_alias=True), asked.call.confirmed]


def _judge(action: str, answer: ElicitResult | None) -> None:
    """Let an explicit yes pass: accepted, and with the JSON boolean true."""
    if answer is None or answer.action == "cancel":
        raise refusals.cancelled(action)
    if answer.action == "decline":
        raise refusals.declined(action)
    yes = (answer.content or {}).get(wording.APPROVE)
    if yes is False:
        raise refusals.declined(action)
    if yes is not True:
        raise refusals.no_yes(action)


async def _compare(asked: asking.Question, put: state.Question) -> None:
    """Let a world pass that is as it was shown."""
    action = asked.call.action.name
    try:
        found = await facts.read(asked.call, asked.params)
    except (NotFound, WrongState) as error:
        raise refusals.changed(action, [], gone=error.message) from None
    different = put.differs(found.parts)
    if different:
        raise refusals.changed(action, different)
