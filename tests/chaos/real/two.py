"""Two processes that update one machine at the same time: no key is lost, and every conflict is reported.

In half of the rounds they set different keys: both win. In the other half the same key to different values: one
wins, and the other is told of it, unless its call began when the winner's value was there to be read.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import anyio

from fly_mcp_emulator.world import Machine, Org, World

from .composites import app_of, machine, machine_id
from .fly import Door, Knock, listening
from .servers import Answer, Json, NoAnswer, Server, started
from .verdict import Verdict

#: Machines that are updated side by side.
_LANES = 25
_PACE = 0.1
_APP = "two"
_TOOL = "flyUpdateMachineConfig"
#: Seconds that the second is behind the first.
_BEHIND = (0.0, 0.0, 0.005, 0.05, 0.2)


@dataclass
class Try:
    """One process's part in a round."""

    server: Server
    wanted: dict[str, str]
    since: int = 0
    answer: Answer | None = None
    knocks: list[Knock] = field(default_factory=list[Knock])

    @property
    def read(self) -> int:
        """When its first look at the machine came; what the emulator does, it does at once."""
        return next((one.came for one in self.knocks if one.method == "GET"), 0)

    def wrote(self, machine: str) -> int:
        """When its update was sent to the emulator; 0: it sent none."""
        return max(
            (one.came for one in self.knocks if one.method == "POST" and one.path.endswith(machine)),
            default=0,
        )


@dataclass
class Lane:
    """One machine, and what its environment has to be."""

    number: int
    rounds: int
    door: Door
    servers: tuple[Server, Server]
    rng: Random
    verdict: Verdict
    env: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def id(self) -> str:
        """The machine's id."""
        return machine_id(self.number, 0)

    @property
    def machine(self) -> Machine:
        """The machine as it is."""
        return self.door.emulator.dump().apps[_APP].machines[self.id]

    async def run(self) -> None:
        """All rounds."""
        self.env = dict(self.machine.config.env or {})
        for number in range(self.rounds):
            try:
                await self._round(number)
            except NoAnswer as error:
                self._broken(number, f"no answer: {error}")
                return

    async def _round(self, number: int) -> None:
        same = (number + self.number) % 2 == 0
        first, second = self.rng.sample(self.servers, 2)
        tries = [
            Try(one, {"MODE": f"{one.name}-{number}"} if same else {f"KEY_{number}_{one.name}": f"{number}"})
            for one in (first, second)
        ]
        async with anyio.create_task_group() as both:
            for place, one in enumerate(tries):
                both.start_soon(self._try, number, one, self.rng.choice(_BEHIND) * place)
        self.verdict.counts["rounds, same key" if same else "rounds, different keys"] += 1
        for words in self._same(*tries) if same else self._different(*tries):
            self._broken(number, f"{words} [{' | '.join(map(str, (one.answer for one in tries)))}]")
        if (self.machine.config.env or {}) != self.env:
            self._broken(number, f"its keys are {self.machine.config.env}, not {self.env}")
            self.env = dict(self.machine.config.env or {})

    async def _try(self, number: int, one: Try, behind: float) -> None:
        await anyio.sleep(behind)
        one.since = len(self.door.knocks)
        arguments: Json = {"appName": _APP, "machineId": self.id, "env": one.wanted}
        arguments["requestId"] = f"{one.server.name}:{self.number}:{number}"
        one.answer = await one.server.call(_TOOL, arguments)
        one.knocks = [knock for knock in self.door.of(one.server.name, one.since) if self.id in knock.path]
        self.verdict.counts[f"answers {one.answer.ending} {one.answer.code}".strip()] += 1

    def _different(self, *tries: Try) -> Iterator[str]:
        for one in tries:
            self.env |= one.wanted
            if one.answer is None or not one.answer.done:
                yield f"{one.server.name} did not win, and nobody wanted its key"

    def _same(self, *tries: Try) -> Iterator[str]:
        done = [one for one in tries if one.answer is not None and one.answer.done]
        if not done:
            yield "nobody won"
            return
        last = max(done, key=lambda one: one.wrote(self.id))
        self.env |= last.wanted
        if len(done) == len(tries):
            (earlier,) = (one for one in done if one is not last)
            if last.read <= earlier.wrote(self.id):
                yield f"{last.server.name} overwrote what it had not read, and both were told that they won"
            else:
                self.verdict.counts["same key, one clearly after the other"] += 1
        for one in tries:
            if one not in done:
                yield from self._of_loser(one)

    def _of_loser(self, one: Try) -> Iterator[str]:
        assert one.answer is not None
        content = one.answer.content
        if (one.answer.ending, one.answer.code) != ("refused", "conflict"):
            yield f"{one.server.name} lost, and is told {one.answer.ending} {one.answer.code}"
        elif set(content.get("details", {}).get("difference", {}).get("env", {})) != set(one.wanted):
            yield f"{one.server.name} lost, and is not shown in what: {content.get('details')}"
        if one.wrote(self.id):
            self.verdict.counts["losers that Fly had to refuse"] += 1

    def _broken(self, number: int, words: str) -> None:
        self.verdict.violations.append(f"machine {self.id}, round {number}: {words}")


async def two(rounds: int, seed: int) -> Verdict:
    """So many rounds, spread over machines."""
    verdict = Verdict("two processes, one machine")
    lanes = min(_LANES, rounds)
    states = ("started", "stopped")
    grounds = [machine(number, 0, state=states[number % 2]) for number in range(lanes)]
    for number, ground in enumerate(grounds):
        ground.name = f"ground-{number}"
    world = World(
        orgs={"personal": Org(slug="personal", name="Personal", type="PERSONAL")},
        apps={_APP: app_of(_APP, grounds)},
    )
    with tempfile.TemporaryDirectory() as home:
        async with (
            listening(world, seed=seed, pace=_PACE) as door,
            started("one", door.address, Path(home) / "one") as one,
            started("other", door.address, Path(home) / "other") as other,
        ):
            async with anyio.create_task_group() as work:
                for number in range(lanes):
                    times = rounds // lanes + (number < rounds % lanes)
                    lane = Lane(number, times, door, (one, other), Random(seed * 1000 + number), verdict)
                    work.start_soon(lane.run)
            now = door.emulator.clock.now()
            for left in door.emulator.dump().apps[_APP].machines.values():
                if left.lease and left.lease.expires_at > now:
                    verdict.violations.append(f"machine {left.id} is held: {left.lease}")
    return verdict.end()
