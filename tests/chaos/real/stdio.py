"""Random calls of eight agents over real stdio: three processes with one state directory, sockets, real time.

Agents, model and judge are those of the run in one process (tests/chaos). What differs is the way: lines of
JSON-RPC instead of objects, an agent that goes on at another process now and then, and requests whose call has to
be found out (wire.py).
"""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, cast

import anyio
from mcp import Client
from mcp_types import CallToolResult

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.faults import FaultRule
from fly_mcp_tools.catalogue import ACTIONS
from tests.chaos import ending, ground
from tests.chaos.actor import Agent, Stage
from tests.chaos.laws import Laws
from tests.chaos.line import TracedTools
from tests.chaos.model import FOUR, Asked, Json, Model, Told
from tests.virtual_time import LoopClock

from .fly import Door, listening
from .servers import Server, started
from .verdict import Verdict
from .wire import Attribution, UnderWay

AGENTS = 8
SERVERS = 3
_PACE = 0.1
#: Part of the calls after which an agent goes on at another process.
_MOVES = 0.3
#: Of an agent's pauses, and the longest; and of the seconds that it lets a tool wait.
_HASTE, _LONGEST, _WAIT = 0.1, 1.0, 3
#: Seconds for all of it, and for each call; longer is one that is not answered.
_WITHIN, _WITHIN_EACH = 240.0, 1.0
#: Laws that are judged by all requests of a call. Of some it is not known whose they are.
_OF_ALL_REQUESTS = ("lease left", "disturbed")
#: Seconds after which a lease that was left behind is over.
_LEASES_OVER = 35.0

#: Kinds that befall any request, and the part of all that meets each.
_ANY, _EACH = (
    "rate_limited", "rate_limited_retry_after", "internal_error", "internal_error_after", "bad_gateway",
    "bad_gateway_after", "unavailable", "unavailable_after", "gateway_timeout_after", "html", "reset_before",
    "reset_after", "cut_body", "slow", "late",
), 0.014  # fmt: skip
#: Kinds that befall some.
_SOME = {
    "create_timeout": 0.1,
    "lease_held": 0.02,
    "app_hidden": 0.2,
    "machine_hidden": 0.2,
    "still_active": 0.1,
    "exec_timeout": 0.1,
}
_SECONDS = {
    "rate_limited_retry_after": 1.0,
    "slow": 1.5,
    "late": 1.5,
    "lease_held": 2.0,
    "app_hidden": 1.0,
    "machine_hidden": 1.0,
    "still_active": 1.0,
}


def rules(seed: int) -> list[FaultRule]:
    """The faults: about a fifth of all requests meets one."""
    rng = Random(seed)
    chances = {**_SOME, **dict.fromkeys(_ANY, _EACH)}
    made: list[FaultRule] = []
    for kind, chance in chances.items():
        rule: Json = {"kind": kind, "name": kind, "probability": chance, "seed": rng.getrandbits(32)}
        if kind in _SECONDS:
            rule["seconds"] = _SECONDS[kind]
        made.append(FaultRule.model_validate(rule))
    return made


@dataclass
class FlyClock:
    """The emulator's time, which the history is written in; agents sleep in real time, and not long."""

    emulator: Emulator

    def now(self) -> float:
        """Seconds since the epoch."""
        return self.emulator.clock.now()

    async def sleep(self, seconds: float) -> None:
        """Wait for a part of it."""
        await anyio.sleep(min(_LONGEST, seconds * _HASTE))


@dataclass
class Expecting:
    """Calls that are about to be made: told by the agents, fetched by the lines."""

    attribution: Attribution
    coming: list[Told] = field(default_factory=list[Told])

    def expect(self, told: Told) -> None:
        """A call is about to be made."""
        self.coming.append(told)

    def fetch(self, action: str, arguments: Json, caller: str) -> UnderWay:
        """The call with these arguments."""
        told = next(
            one for one in self.coming if one.intent.asked.action == action and one.arguments == arguments
        )
        self.coming.remove(told)
        under_way = UnderWay(told, caller)
        self.attribution.calls.append(under_way)
        return under_way


@dataclass
class StdioLine:
    """What an agent calls instead of the SDK's client."""

    servers: list[Server]
    expecting: Expecting
    rng: Random
    at: Server
    _busy: int = 0
    #: A call that was left may still be at work where it is: its id is good nowhere else until then.
    _left: bool = False

    async def call_tool(self, action: str, arguments: Json) -> CallToolResult:
        """Call over the lines of a process; who gives up waiting says so to it."""
        if not self._busy and not self._left and self.rng.random() < _MOVES:
            self.at = self.rng.choice(self.servers)
        server, under_way = self.at, self.expecting.fetch(action, arguments, self.at.name)
        self._busy += 1
        number, answered = -1, False
        try:
            number = await server.begin(action, arguments)
            reply = await server.reply(number)
            answered = True
            self._left = False
        finally:
            self._busy -= 1
            self.expecting.attribution.ended(under_way, forsaken=not answered)
            if not answered and number >= 0:
                self._left = True
                with anyio.CancelScope(shield=True):
                    await server.child.cancel(number)
        return CallToolResult.model_validate(reply["result"])


@dataclass
class Hasty(Agent):
    """An agent who has less patience with real seconds."""

    async def _pursue(self, asked: Asked) -> None:
        if "timeout" in asked.arguments:
            asked.arguments["timeout"] = min(_WAIT, asked.arguments["timeout"])
        await super()._pursue(asked)


async def stdio(calls: int, seed: int) -> Verdict:
    """So many calls."""
    verdict = Verdict("calls over stdio")
    names = [f"a{number}" for number in range(AGENTS)]
    async with AsyncExitStack() as stack:
        state = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        door = await stack.enter_async_context(listening(ground.world(names), seed=seed, pace=_PACE))
        servers = [
            await stack.enter_async_context(started(f"server-{number}", door.address, state))
            for number in range(SERVERS)
        ]
        await _Run(door, servers, names, calls, Random(seed), verdict).run(seed)
    return verdict.end()


@dataclass
class _Run:
    door: Door
    servers: list[Server]
    names: list[str]
    calls: int
    rng: Random
    verdict: Verdict

    async def run(self, seed: int) -> None:
        emulator, model, attribution = self.door.emulator, Model(), Attribution()
        clock = cast("LoopClock", FlyClock(emulator))
        laws = Laws(emulator, model, ACTIONS, lambda: None, processes=True)
        emulator.watch(laws.history.look)
        emulator.kept()
        self.door.arriving = attribution.arriving
        for rule in rules(seed):
            emulator.faults.add(rule)
        expecting, made, numbers = Expecting(attribution), count(1), count(1)
        stage = Stage(
            clock,
            cast("TracedTools", expecting),
            laws.history,
            model,
            laws,
            ACTIONS,
            lambda: next(made) <= self.calls,
            lambda: next(numbers),
        )
        within = _WITHIN + self.calls * _WITHIN_EACH
        with anyio.move_on_after(within) as scope:
            async with anyio.create_task_group() as agents:
                for name in self.names:
                    line = StdioLine(
                        self.servers, expecting, Random(self.rng.random()), self.rng.choice(self.servers)
                    )
                    agent = Hasty(name, stage, cast("Client", line), Random(self.rng.random()))
                    agents.start_soon(agent.live)
        if scope.cancelled_caught:
            laws.broken("no answer", None, f"not at an end within {within:g} s")
        self._judge(laws, model, attribution)
        self._count(model, attribution)

    def _judge(self, laws: Laws, model: Model, attribution: Attribution) -> None:
        """The end: everything late has come, and every lease has had its time."""
        emulator = self.door.emulator
        struck = Counter(emulator.faults.struck)
        self.verdict.lines.append(
            f"  {sum(struck.values())} of {len(emulator.requests)} requests met a fault "
            f"({sum(struck.values()) / max(1, len(emulator.requests)):.1%})"
        )
        self.verdict.counts.update({f"fault {kind}": number for kind, number in struck.items()})
        emulator.faults.clear()
        emulator.clock.advance(_LEASES_OVER)
        emulator.settle()
        world = emulator.dump()
        for law, words, told in ending.judge(world, model):
            laws.broken(law, told, f"at the end: {words}")
        for told in model.calls:
            laws.refusal(told)
        for machine in ending.leases(world, emulator.clock.now()):
            laws.broken("lease left", None, f"a lease of ours holds machine {machine}")
        for one in laws.violations:
            if one.law in _OF_ALL_REQUESTS and one.told and one.told.intent.number in attribution.blurred:
                continue
            self.verdict.violations.append(f"{one.law}: {one.words}{_story(one.told, laws)}")

    def _count(self, model: Model, attribution: Attribution) -> None:
        endings = Counter(str(told.ending) for told in model.calls)
        self.verdict.counts.update({f"answer {one}": endings[one] for one in FOUR})
        self.verdict.counts.update(
            {f"besides {one}": number for one, number in endings.items() if one not in FOUR}
        )
        self.verdict.counts["calls"] = len(model.calls)
        slowest = max(model.calls, key=lambda told: told.ended - told.began)
        self.verdict.lines.append(
            f"  the slowest call took {slowest.ended - slowest.began:.0f} s: {slowest.intent.asked.action}"
        )
        self.verdict.lines.append(
            f"  {attribution.known} requests are known to be of a call, of {attribution.unknown} it is not known"
        )


def _story(told: Told | None, laws: Laws) -> str:
    """The calls of an intent and their requests."""
    lines: list[str] = []
    for one in told.intent.calls if told else ():
        mark = ">" if one is told else " "
        lines.append(
            f"\n   {mark} call {one.number} of {one.intent.agent}: {one.intent.asked.action} {one.arguments}"
        )
        lines.append(f"\n       {one.began:.2f} to {one.ended:.2f}: {one.ending} {one.content}")
        lines += [_request(record) for record in laws.records(one)]
    return "".join(lines)


def _request(record: Any) -> str:
    fault = f"  <- {record.fault_kind}" if record.fault_kind else ""
    world = f"(Fly: {record.world_status})"
    return f"\n         {record.at:.2f} {record.method} {record.path} {record.status or '-'} {world}{fault}"
