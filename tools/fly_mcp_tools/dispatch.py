"""The way of a call: find the row, check the arguments, ask for consent, run, and give the result.

Usable from any agent framework; the MCP server is one user. The confirm gate stands here and not in the
server, so that nobody can call around it.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

import anyio
from pydantic import JsonValue

from fly_mcp_tools.chance import Random

from .action import CONFIRM, REQUEST_ID, AnyAction, Gate
from .arguments import parse
from .call import UNSEEN, Call, Checkpoint, Defaults, Oversight, Progress, Query, no_progress
from .catalogue import ACTIONS
from .client import FlyClient
from .clock import Clock
from .composites import plain
from .endpoint import Endpoint
from .errors import Code, ConfirmationRequired, FlyError, Problem, RefusedByUs
from .memory import Memory
from .models import Params, Result, WriteResult
from .selection import APP, Selection
from .state.intents import Intent, Intents
from .state.journal import Journal
from .state.store import Store
from .state.undo import Undo

#: Outcomes of a dispatched call are plain JSON objects.
Answer = dict[str, Any]


class UnknownAction(LookupError):
    """There is no such action, or it is switched off; `near` has similar names of those that are on."""

    def __init__(self, name: str, selection: Selection) -> None:
        self.near = difflib.get_close_matches(name, selection.actions, n=3, cutoff=0.6)
        if name in selection.off:
            super().__init__(
                f"{name} is switched off by {selection.off[name]}; only the operator can change that"
            )
            return
        super().__init__("no such action" + (f"; did you mean {', '.join(self.near)}?" if self.near else ""))


class FlyTools:
    """All actions over one client.

    Args:
        client: the shared HTTP client; its owner closes it.
        rng: where marks come from.
        store: where request ids and undo are kept; its owner closes it. Default: in memory.
        place: which Fly this is. Request ids of one are not those of another.
        actions: the table.
        selection: what of it is on, and what is fixed. Default: all, and nothing.
        memory: of the client, where others share it: then no two of them change one machine at once. Default: new.
    """

    def __init__(
        self,
        client: FlyClient,
        *,
        clock: Clock,
        rng: Random,
        defaults: Defaults | None = None,
        store: Store | None = None,
        place: str = "",
        actions: Mapping[str, AnyAction] = ACTIONS,
        selection: Selection | None = None,
        memory: Memory | None = None,
    ) -> None:
        self.client = client
        self.clock = clock
        self.selection = selection or Selection(actions)
        self.actions = self.selection.actions
        self._rng = rng
        self.defaults = defaults or Defaults()
        self._memory = memory or Memory()
        self._place = place
        store = store or Store(None)
        self._intents = Intents(store, clock, rng)
        self._undo = Undo(store, clock)

    async def call(
        self,
        name: str,
        arguments: Mapping[str, JsonValue],
        *,
        caller: str = "local",
        progress: Progress = no_progress,
        oversight: Oversight = UNSEEN,
    ) -> Answer:
        """Run an action and give its documented result as JSON.

        `caller`: whose call it is; request ids and undo references of one caller are not another's.
        `oversight`: who is asked before anything is done or sent, and told of what was.

        Raises:
            UnknownAction: no such name, or it is switched off.
            FlyError: everything an agent is to be told.
        """
        action = self.actions.get(name)
        if action is None:
            raise UnknownAction(name, self.selection)
        whose = f"{caller}@{self._place}"

        def call(journal: Journal) -> Call:
            return Call(
                action=action,
                client=self.client,
                clock=self.clock,
                rng=self._rng,
                defaults=self.defaults,
                confirmed=arguments.get(CONFIRM) is True,
                progress=progress,
                memory=self._memory,
                checkpoint=self._guarded(oversight.checkpoint),
                witness=oversight.witness,
                journal=journal,
                undo=self._undo,
                caller=whose,
                one_app=APP in self.selection.pins,
            )

        try:
            arguments = self.selection.fill(action, arguments)
            params = parse(action, arguments)
            if oversight.admit is not None:
                await oversight.admit(action, params)
            request_id = arguments.get(REQUEST_ID) if action.writes else None
            if not isinstance(request_id, str):
                return self._told(await _run(call(Journal(self._rng.randbytes(16))), params, oversight))
            given = params.model_dump(mode="json", by_alias=True)
            intent = await self._intents.begin(whose, request_id, name, given)
            if not isinstance(intent, Intent):
                return {**intent, "already_done": True}
            return await self._work_on(intent, call(intent), params, oversight)
        except FlyError as error:
            error.of_write = action.writes
            if isinstance(error, ConfirmationRequired):
                _explain_confirm(error, arguments)
            raise

    def _told(self, result: Result) -> Answer:
        """A result as JSON, with no next step in it that this choice of actions does not have."""
        answer = result.wire()
        self.selection.within(answer)
        return answer

    def _guarded(self, checkpoint: Checkpoint | None) -> Checkpoint:
        """The choice of actions, held against each request too, and then whoever else wants to be asked."""

        async def ask(
            endpoint: Endpoint, ids: Mapping[str, str], *, query: Query | None, body: JsonValue
        ) -> None:
            self.selection.guard(endpoint, ids)
            if checkpoint is not None:
                await checkpoint(endpoint, ids, query=query, body=body)

        return ask

    async def _work_on(self, intent: Intent, call: Call, params: Params, oversight: Oversight) -> Answer:
        """Run an intent that has not come to `done` yet, and keep what it comes to."""
        kept: Answer | None = None
        nothing = False
        try:
            result = await _run(call, params, oversight)
            if isinstance(result, WriteResult) and result.outcome == "done":
                kept = result.kept()
            return self._told(result)
        except (FlyError, anyio.get_cancelled_exc_class()):
            nothing = call.effect.changed == "nothing"
            raise
        finally:
            if kept is not None:
                self._intents.finish(intent, kept)
            else:
                self._intents.leave(intent, nothing_done=nothing)


async def _run(call: Call, params: Params, oversight: Oversight) -> Result:
    """The action itself, behind its gate, and behind whoever has to approve it."""
    action = call.action
    try:
        await _consent(call, params)
        if oversight.approve is not None:
            await oversight.approve(call, params)
        result: Result = await (action.run(call, params) if action.run else plain.run(call, params))
    except FlyError as error:
        # A read that fails after a write does not undo it; and what an error knows, the intent has to know.
        if error.changed == "nothing":
            error.changed = call.effect.changed
        call.effect.note(error.changed)
        raise
    return result


async def _consent(call: Call, params: Params) -> None:
    """The gate of rows that always ask. Only reads are sent until `confirm` is true."""
    action = call.action
    if action.gate is not Gate.ALWAYS or call.confirmed:
        return
    if action.preview is None:
        raise RefusedByUs(f"{action.name} cannot say what it would destroy.", code=Code.INTERNAL)
    loss = await action.preview(call, params)
    raise ConfirmationRequired(
        f"{loss.message} Nothing was changed.",
        hint=f"If that is wanted, repeat {action.name} with confirm: true.",
        facts={"would_destroy": dict(loss.facts)},
    )


def _explain_confirm(error: FlyError, arguments: Mapping[str, JsonValue]) -> None:
    """Say why a `confirm` that was sent did not count: only the JSON boolean true does."""
    if CONFIRM in arguments and arguments[CONFIRM] is not False:
        error.problems = (Problem(CONFIRM, "must be the boolean true, without quotes; nothing else counts"),)
