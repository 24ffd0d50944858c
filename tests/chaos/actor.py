"""An agent: it calls, loses patience, repeats itself, and believes what it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any, cast

import anyio
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult

from fly_mcp_tools.action import AnyAction
from tests.virtual_time import LoopClock

from .draw import Draw
from .generators import draw_one
from .history import History
from .laws import Laws
from .line import TracedTools
from .model import Asked, Ending, Expected, Intent, Json, Model, Told

#: Seconds within which every call has to be answered.
ANSWERED_WITHIN = 900.0
_AGAIN_AT_MOST = 4


@dataclass
class Stage:
    """What all agents share. `take`: one more call may be made; `number`: one that nobody else gets."""

    clock: LoopClock
    tools: TracedTools
    history: History
    model: Model
    laws: Laws
    actions: Mapping[str, AnyAction]
    take: Callable[[], bool]
    number: Callable[[], int]


@dataclass
class Agent:
    """One of them."""

    name: str
    stage: Stage
    client: Client
    rng: Random

    async def live(self) -> None:
        """Call until there are calls enough."""
        stage = self.stage
        try:
            while True:
                draw = Draw(self.rng, stage.history, stage.model, self.name, stage.number(), stage.actions)
                await self._pursue(draw_one(draw))
                await stage.clock.sleep(self.rng.choice((0.0, 0.2, 1.0, 4.0)))
        except NoMore:
            return

    async def _pursue(self, asked: Asked) -> None:
        """Call, and repeat the call where it came to no end: with its own id, and at most so many times."""
        rng, stage = self.rng, self.stage
        writes = stage.actions[asked.action].writes
        request_id = f"{self.name}:{stage.number():05d}" if writes and rng.random() < 0.88 else None
        intent = stage.model.intent(self.name, asked, request_id, stage.clock.now())
        confirm = asked.gated and rng.random() < 0.85
        twice = request_id is not None and rng.random() < 0.03
        told = await (self._twins(intent, confirm=confirm) if twice else self._call(intent, confirm=confirm))
        if request_id is None:
            return
        if asked.gated and told.code == "confirmation_required":
            confirm = True
            told = await self._call(intent, confirm=True)
        for _ in range(rng.randint(0, _AGAIN_AT_MOST)):
            if told.ending not in ("pending", "unclear", "cancelled") and not told.retryable:
                break
            await stage.clock.sleep(rng.choice((0.0, 1.0, 5.0, 40.0)))
            told = await self._call(intent, confirm=confirm)
        await self._afterwards(intent, confirm=confirm)

    async def _afterwards(self, intent: Intent, *, confirm: bool) -> None:
        """Repeat what is finished, or misuse its id."""
        if intent.done and self.rng.random() < 0.12:
            await self._call(intent, confirm=confirm, expected="already_done")
        if (intent.done or intent.answers("unclear", "pending")) and self.rng.random() < 0.08:
            await self._call(intent, confirm=confirm, expected="conflict")

    async def _twins(self, intent: Intent, *, confirm: bool) -> Told:
        """The same call twice at the same time."""
        told: list[Told] = []

        async def one() -> None:
            with suppress(NoMore):
                told.append(await self._call(intent, confirm=confirm))

        async with anyio.create_task_group() as group:
            group.start_soon(one)
            group.start_soon(one)
        if not told:
            raise NoMore
        return told[-1]

    async def _call(self, intent: Intent, *, confirm: bool, expected: Expected | None = None) -> Told:
        stage, asked = self.stage, intent.asked
        if not stage.take():
            raise NoMore
        arguments: Json = dict(asked.arguments)
        if asked.gated and confirm:
            arguments["confirm"] = True
        if intent.request_id is not None:
            arguments["requestId"] = intent.request_id
        if expected == "conflict":
            arguments = _other(arguments)
        told = stage.model.call(intent, arguments, stage.clock.now(), expected)
        stage.tools.expect(told)
        stage.laws.begins(told)
        patience = ANSWERED_WITHIN
        with anyio.move_on_after(ANSWERED_WITHIN) as scope:
            if self._loses_patience(intent, expected):
                patience = self.rng.choice((0.3, 2.0, 9.0, 30.0))
                scope.deadline = anyio.current_time() + patience
                # Time stands still while Fly answers at once: most cuts fall between two requests.
                told.cut_after, told.cut = self.rng.randint(1, 8), scope.cancel
            try:
                result = await self.client.call_tool(asked.action, arguments)
            except (RuntimeError, MCPError) as error:
                stage.laws.broken("bug", told, f"the client met {error!r}")
            else:
                _read(told, result, writes=stage.actions[asked.action].writes)
        told.ended = stage.clock.now()
        if scope.cancelled_caught:
            told.ending = "cancelled"
            if patience == ANSWERED_WITHIN:
                stage.laws.broken("no answer", told, f"no answer within {ANSWERED_WITHIN:g} s")
        stage.laws.ends(told)
        return told

    def _loses_patience(self, intent: Intent, expected: Expected | None) -> bool:
        return intent.request_id is not None and expected is None and self.rng.random() < 0.08


class NoMore(Exception):
    """There are calls enough."""


def _other(arguments: Json) -> Json:
    """The same call about something else."""
    for key, other in (("env", {"OTHER": "1"}), ("secrets", {"OTHER": "1"}), ("secretNames", ["OTHER"])):
        if key in arguments:
            return {**arguments, key: other}
    return {**arguments, "appName": "chaos-another"}


def _read(told: Told, result: CallToolResult, *, writes: bool) -> None:
    """What the answer is: one of the four, or that of a read."""
    content = cast("dict[str, Any]", result.structured_content or {})
    if result.is_error:
        told.content = dict(content.get("error", {}))
        outcome: object = told.content.get("outcome") if writes else "failed_read"
    else:
        told.content = content
        outcome = content.get("outcome") if writes else "read"
    allowed = (
        ("refused", "unclear", "failed_read") if result.is_error else ("done", "pending", "unclear", "read")
    )
    if outcome in allowed:
        told.ending = cast("Ending", outcome)
