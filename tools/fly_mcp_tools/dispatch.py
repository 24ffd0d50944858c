"""The way of a call: find the row, check the arguments, ask for consent, run, and give the result.

Usable from any agent framework; the MCP server is one user. The confirm gate stands here and not in the
server, so that nobody can call around it.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from fly_mcp_tools.chance import Random

from .action import AnyAction, Gate
from .arguments import parse
from .call import Call, Checkpoint, Defaults, Progress, no_progress
from .catalogue import ACTIONS
from .client import FlyClient
from .clock import Clock
from .composites import plain
from .errors import Code, ConfirmationRequired, FlyError, Problem, RefusedByUs
from .memory import Memory
from .models import Params

#: Outcomes of a dispatched call are plain JSON objects.
Answer = dict[str, Any]


class UnknownAction(LookupError):
    """There is no such action; `near` has similar names."""

    def __init__(self, name: str, known: Mapping[str, AnyAction]) -> None:
        self.near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
        super().__init__("no such action" + (f"; did you mean {', '.join(self.near)}?" if self.near else ""))


class FlyTools:
    """All actions over one client.

    Args:
        client: the shared HTTP client; its owner closes it.
        rng: where marks come from.
        actions: a narrower table, such as a read-only one.
    """

    def __init__(
        self,
        client: FlyClient,
        *,
        clock: Clock,
        rng: Random,
        defaults: Defaults | None = None,
        actions: Mapping[str, AnyAction] = ACTIONS,
    ) -> None:
        self.client = client
        self.clock = clock
        self.actions = actions
        self._rng = rng
        self._defaults = defaults or Defaults()
        self._memory = Memory()

    async def call(
        self,
        name: str,
        arguments: Mapping[str, JsonValue],
        *,
        progress: Progress = no_progress,
        checkpoint: Checkpoint | None = None,
    ) -> Answer:
        """Run an action and give its documented result as JSON.

        Raises:
            UnknownAction: no such name.
            FlyError: everything an agent is to be told.
        """
        action = self.actions.get(name)
        if action is None:
            raise UnknownAction(name, self.actions)
        params = parse(action, arguments)
        call = Call(
            action=action,
            client=self.client,
            clock=self.clock,
            rng=self._rng,
            defaults=self._defaults,
            confirmed=arguments.get("confirm") is True,
            progress=progress,
            memory=self._memory,
            checkpoint=checkpoint,
            seed=self._rng.randbytes(16),
        )
        try:
            await _consent(call, params)
            result = await (action.run(call, params) if action.run else plain.run(call, params))
        except FlyError as error:
            if error.changed == "nothing":
                error.changed = call.effect.changed  # a read that fails after a write does not undo it
            if isinstance(error, ConfirmationRequired):
                _explain_confirm(error, arguments)
            raise
        return result.wire()


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
    if "confirm" in arguments and arguments["confirm"] is not False:
        error.problems = (
            Problem("confirm", "must be the boolean true, without quotes; nothing else counts"),
        )
