"""All of it together: a world, an emulator, tools, agents, a foreign person, faults, and the judge."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import count
from random import Random

import anyio
from mcp import Client

from fly_mcp_emulator import Emulator
from fly_mcp_server import sdk
from fly_mcp_server.access.desk import alone
from fly_mcp_server.activity import Activity
from fly_mcp_tools.base_url import parse_base_url
from fly_mcp_tools.call import Defaults
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.credentials import Credentials
from fly_mcp_tools.state.store import Store
from tests.virtual_time import LoopClock, VirtualTimeLoop

from . import ending, ground
from .actor import Agent, Stage
from .faults import Faults
from .foreign import Foreign
from .laws import LEASES_OVER, Laws, Violation
from .line import Line, TracedTools
from .model import FOREIGN, Model
from .switches import Safeguard, UnsafeClient, switched_off

#: The rules of the faults are armed anew after so many calls.
_ARM_EVERY = 40


@dataclass(frozen=True)
class Plan:
    """What to run. `without`: a safeguard to switch off; `stop_at`: violations that end it, 0 for none."""

    seed: int = 1
    calls: int = 5000
    agents: int = 8
    without: Safeguard | None = None
    stop_at: int = 0


@dataclass
class Report:
    """What came of it."""

    plan: Plan
    model: Model
    laws: Laws
    emulator: Emulator
    struck: Counter[str] = field(default_factory=Counter[str])
    share: float = 0.0
    virtual: float = 0.0
    real: float = 0.0

    @property
    def violations(self) -> list[Violation]:
        """What the judge found."""
        return self.laws.violations


def run(plan: Plan) -> Report:
    """Run it on a loop of its own, in virtual time."""
    began = time.perf_counter()
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        report = runner.run(chaos(plan))
    report.real = time.perf_counter() - began
    return report


async def chaos(plan: Plan) -> Report:
    """Run it on the present loop, which has to be one of virtual time."""
    clock, names = LoopClock(), [f"a{number}" for number in range(plan.agents)]
    emulator = Emulator(ground.world(names), clock=clock, seed=plan.seed)
    model, enough = Model(), anyio.Event()
    rngs = Random(plan.seed)

    def found() -> None:
        if 0 < plan.stop_at <= len(laws.violations):
            enough.set()

    laws = Laws(emulator, model, ACTIONS, found)
    emulator.watch(laws.history.look)
    emulator.kept()
    report = Report(plan, model, laws, emulator)
    faults = Faults(emulator, Random(rngs.random()), plan.calls)
    made, numbers = count(1), count(1)

    def take() -> bool:
        number = next(made)
        if number > plan.calls or enough.is_set():
            enough.set()
            return False
        if number % _ARM_EVERY == 1:
            faults.arm(number - 1)
        return True

    began = clock.now()
    async with AsyncExitStack() as stack, anyio.create_task_group() as tasks:
        line = Line(emulator, tasks)
        http = UnsafeClient(
            credentials=Credentials("fm2_chaos"),
            base_url=parse_base_url("http://127.0.0.1"),
            clock=clock,
            rng=Random(rngs.random()),
            transport=line,
        )
        stack.push_async_callback(http.aclose)
        stack.enter_context(switched_off(http, plan.without))
        tools = TracedTools(
            http,
            clock=clock,
            rng=Random(rngs.random()),
            defaults=Defaults(org_slug="personal"),
            store=_store(plan.seed),
        )
        stage = Stage(clock, tools, laws.history, model, laws, ACTIONS, take, lambda: next(numbers))
        server = sdk.server(alone(tools), Activity())
        person = Foreign(
            clock, laws.history, model, Random(rngs.random()), line, enough.is_set, lambda: next(numbers)
        )
        async with anyio.create_task_group() as actors:
            actors.start_soon(person.live)
            for name in names:
                actors.start_soon(_live, Agent(name, stage, Client(server), Random(rngs.random())))
        report.struck, report.share = faults.struck, faults.share
        emulator.faults.clear()
        while line.under_way:
            await clock.sleep(1.0)
    await clock.sleep(LEASES_OVER)
    _judge_the_end(report, clock.now())
    report.virtual = clock.now() - began
    return report


def _store(seed: int) -> Store:
    """A store in memory whose key is no chance: marks are made from it."""
    store = Store(None)
    with store.transaction() as db:
        db.execute("INSERT INTO keys VALUES ('digest', ?)", (Random(seed).randbytes(32),))
    return store


async def _live(agent: Agent) -> None:
    # Its client is opened and closed in its own task: so are the scopes within it.
    async with agent.client:
        await agent.live()


def _judge_the_end(report: Report, now: float) -> None:
    laws, world = report.laws, report.emulator.dump()
    foreign = frozenset(
        life.id for life in laws.history.volumes.values() if life.by and life.by.intent.agent == FOREIGN
    )
    for law, words, told in ending.judge(world, report.model, foreign_volumes=foreign):
        laws.broken(law, told, f"at the end: {words}")
    for told in report.model.calls:
        laws.refusal(told)
    for machine in ending.leases(world, now):
        laws.broken("lease left", None, f"a lease of ours holds machine {machine}")
