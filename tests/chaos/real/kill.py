"""kill -9 in the middle of composites: the same `requestId`, given to another process, finishes the work.

Each lane has a pretend Fly, a state directory and one server at a time. A server begins a composite and is killed
at a request of it; the next one is given the same call until it is done, is judged, and begins the next composite.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import anyio

from fly_mcp_emulator.world import App, Org, World

from .composites import COMPOSITES, Came, Composite
from .fly import Door, Knock, Moment, Trap, listening
from .servers import ANSWERED_WITHIN, Answer, Json, NoAnswer, Server, started
from .verdict import Verdict

#: Side by side.
LANES = 4
#: What Fly does takes this part of its usual time.
_PACE = 0.2
_MOMENTS: tuple[Moment, ...] = ("lost", "carried", "answered")
#: Part of the points that are killed twice.
_TWICE = 0.25
#: Repetitions that may be needed.
_REPEATS = 6
#: Seconds after which a lease is over.
_TTL = 31.0


@dataclass
class Point:
    """One composite, and where it is to be killed."""

    number: int
    composite: Composite
    kills: list[tuple[int, Moment]]
    #: What happened: where it was killed, and what it was answered.
    story: list[str] = field(default_factory=list[str])
    done: Answer | None = None
    repeats: int = 0
    before: App | None = None

    @property
    def app(self) -> str:
        """The app it is at work in."""
        return f"kill-{self.number:03d}"

    @property
    def arguments(self) -> Json:
        """Of each of its calls."""
        arguments = {**self.composite.arguments(self.app, self.number), "requestId": f"kill:{self.number}"}
        return {**arguments, "confirm": True} if self.composite.gated else arguments


def plan(kills: int, rng: Random) -> list[Point]:
    """Points with so many kills in all; every composite gets its share."""
    points: list[Point] = []
    left = kills
    while left > 0:
        composite = COMPOSITES[len(points) % len(COMPOSITES)]
        times = min(left, 2 if rng.random() < _TWICE else 1)
        # What goes on after a kill sends fewer requests than the first try.
        lengths = (composite.requests + 1, 5)[:times]
        where: list[tuple[int, Moment]] = [
            (rng.randint(1, length), rng.choice(_MOMENTS)) for length in lengths
        ]
        points.append(Point(len(points), composite, where))
        left -= times
    rng.shuffle(points)
    return points


async def kill(kills: int, seed: int, only: int | None = None) -> Verdict:
    """Kill so many times. `only`: the one point with this number."""
    verdict = Verdict("kill -9 in composites")
    points = [one for one in plan(kills, Random(seed)) if only in (None, one.number)]
    with tempfile.TemporaryDirectory() as states:
        async with anyio.create_task_group() as lanes:
            for number in range(LANES):
                lane = _Lane(
                    Path(states) / str(number), points[number::LANES], Random(seed + number), verdict
                )
                lanes.start_soon(lane.run, seed)
    verdict.lines.sort()
    return verdict.end()


@dataclass
class _Lane:
    state: Path
    points: Sequence[Point]
    rng: Random
    verdict: Verdict

    async def run(self, seed: int) -> None:
        if not self.points:
            return
        grounds = [point.composite.ground(point.app, point.number) for point in self.points]
        world = World(
            orgs={"personal": Org(slug="personal", name="Personal", type="PERSONAL")},
            apps={app.name: app for app in grounds if app is not None},
        )
        async with listening(world, seed=seed, pace=_PACE) as door:
            await self._through(door)

    async def _through(self, door: Door) -> None:
        waiting = list(self.points)
        point: Point | None = None
        lives = 0
        while waiting or point is not None:
            lives += 1
            async with started(f"server-{lives}", door.address, self.state) as server:
                try:
                    if point is not None and await self._finish(door, server, point):
                        point = None
                    while point is None and waiting:
                        next_one = waiting.pop(0)
                        next_one.before = door.emulator.dump().apps.get(next_one.app)
                        if await self._strike(door, server, next_one):
                            point = next_one
                except NoAnswer as error:
                    self.verdict.violations.append(f"{_name(point)}: {error}")
                    point = None

    async def _strike(self, door: Door, server: Server, point: Point) -> bool:
        """Begin the composite, or go on with it, and kill the server. Always true: it is not alive after it."""
        nth, moment = point.kills.pop(0)
        trap = door.traps[server.name] = Trap(nth, moment)
        call = await server.begin(point.composite.tool, point.arguments)
        with anyio.move_on_after(ANSWERED_WITHIN) as scope:
            async with anyio.create_task_group() as either:

                async def answered() -> None:
                    answer = await server.answer(call)
                    point.story.append(f"had said {_said(answer)}")
                    either.cancel_scope.cancel()

                either.start_soon(answered)
                await trap.sprung.wait()
                either.cancel_scope.cancel()
        if scope.cancelled_caught:
            self.verdict.violations.append(f"{_name(point)}: neither answered nor killed")
        if trap.moment == "answered":
            await anyio.sleep(self.rng.choice((0.0, 0.002, 0.02)))
        await server.kill()
        door.traps.pop(server.name, None)
        where = f"at request {nth}, {moment} ({_words(trap.at, point)})" if trap.at else "after its answer"
        point.story.insert(0 if point.repeats == 0 else len(point.story), f"killed {where}")
        self.verdict.counts["kills"] += 1
        return True

    async def _finish(self, door: Door, server: Server, point: Point) -> bool:
        """Repeat the call until it is done. False: the server was killed once more."""
        if point.kills:
            point.repeats += 1
            await self._strike(door, server, point)
            return False
        since = len(door.knocks)
        while point.done is None:
            point.repeats += 1
            answer = await server.call(point.composite.tool, point.arguments)
            self.verdict.counts[f"answers {answer.ending}"] += 1
            self._of_answer(point, answer)
            if answer.done:
                point.done = answer
            elif point.repeats >= _REPEATS or (answer.failed and not answer.content.get("retryable")):
                break
            else:
                point.story.append(f"then {_said(answer)}")
                door.emulator.clock.advance(_TTL if answer.code == "lease_held" else 3.0)
                door.emulator.settle()
        await self._judge(door, server, point, since)
        return True

    def _of_answer(self, point: Point, answer: Answer) -> None:
        if answer.ending not in ("done", "pending", "unclear", "refused"):
            self._broken(point, f"the answer is none of the four: {answer}")
        if answer.code == "internal":
            self._broken(point, "a bug")
        if answer.failed and (answer.ending == "refused") != (answer.content.get("changed") == "nothing"):
            self._broken(point, f"{answer.ending}, and changed is {answer.content.get('changed')}")

    async def _judge(self, door: Door, server: Server, point: Point, since: int) -> None:
        if point.done is None:
            self._broken(point, f"it never came to done: {point.story[-3:]}")
        else:
            await self._of_repetition(door, server, point, point.done)
            came = Came(
                point.number,
                len([line for line in point.story if line.startswith("killed")]),
                point.arguments,
                point.before,
                door.emulator.dump().apps.get(point.app),
                point.done,
            )
            for words in point.composite.judge(came):
                self._broken(point, words)
        self._of_leases(door, point)
        sent = len(door.of(server.name, since))
        self.verdict.counts[f"repeats {point.repeats}"] += 1
        self.verdict.lines.append(
            f"  {point.number:3} {_name(point)}: {'; '.join(point.story)}; done after {point.repeats} more, "
            f"{sent} requests"
        )

    async def _of_repetition(self, door: Door, server: Server, point: Point, first: Answer) -> None:
        before = len(door.knocks)
        again = await server.call(point.composite.tool, point.arguments)
        if not again.done or again.content.get("already_done") is not True:
            self._broken(point, f"it was done, and once more it is {again}")
        elif sent := door.of(server.name, before):
            self._broken(point, f"it was done, and once more it sent {sent[0].method} {sent[0].path}")
        else:
            aside = ("already_done", "note")
            keys = (first.content.keys() | again.content.keys()) - set(aside)
            other = sorted(key for key in keys if first.content.get(key) != again.content.get(key))
            if other:
                self._broken(point, f"it was done, and once more the answer is another one: {other}")

    def _of_leases(self, door: Door, point: Point) -> None:
        """Right after `done` a lease of the killed process may be there; after its time it may not."""
        for final in (False, True):
            app, now = door.emulator.dump().apps.get(point.app), door.emulator.clock.now()
            held = [
                one
                for one in (app.machines.values() if app else ())
                if one.alive and one.lease and one.lease.expires_at > now
            ]
            if final:
                for one in held:
                    self._broken(point, f"machine {one.id} is held: {one.lease}")
                return
            if not held:
                return
            self.verdict.counts["leases that had to expire"] += len(held)
            door.emulator.clock.advance(_TTL)

    def _broken(self, point: Point, words: str) -> None:
        self.verdict.violations.append(f"{point.number} {_name(point)}: {'; '.join(point.story)}: {words}")


def _name(point: Point | None) -> str:
    return " ".join((point.composite.tool, point.composite.words)).strip() if point else "a server"


def _said(answer: Answer) -> str:
    return f"{answer.ending} ({answer.code})" if answer.code else answer.ending


def _words(knock: Knock, point: Point) -> str:
    rest = knock.path.partition(point.app)[2] or knock.path
    return f"{knock.method} {rest}"
