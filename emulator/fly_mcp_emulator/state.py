"""The world at work: time, the agenda of things to come, and waiting for a change."""

from __future__ import annotations

import math
from bisect import insort
from collections.abc import Callable
from typing import TypeVar

import anyio

from .clock import ControlledClock
from .ids import Ids
from .world import Task, World
from .world.machine import Exit
from .world.task import TaskKind, Then

T = TypeVar("T")


class State:
    """A world with a clock.

    Nothing runs in the background. Tasks that are due are performed by `settle`, each at its own moment and
    in order, before anybody looks. So the emulator needs no lifespan, and a jump of the clock by an hour
    gives the same history as an hour of requests.
    """

    def __init__(
        self,
        world: World,
        clock: ControlledClock,
        seed: int,
        pace: float,
        perform: Callable[[State, Task], None],
    ) -> None:
        self.world = world
        self.clock = clock
        self.ids = Ids(seed, world.ids_made)
        self.pace = pace
        self._perform = perform
        self._moment: float | None = None
        self._changed = anyio.Event()

    def now(self) -> float:
        """Return epoch seconds; while a task is performed, its own due time."""
        return self.clock.now() if self._moment is None else self._moment

    def replace(self, world: World) -> None:
        """Put another world in the place of this one; whoever waits looks again."""
        self.world = world
        self.ids.made = world.ids_made
        self.changed()

    def schedule(
        self,
        after: float,
        kind: TaskKind,
        app: str,
        target: str,
        *,
        turn: int = 0,
        then: Then = "rest",
        exit_: Exit | None = None,
        scaled: bool = True,
    ) -> None:
        """Put a task on the agenda, `after` seconds from now, times the pace unless not `scaled`."""
        self.world.order += 1
        due = self.now() + after * (self.pace if scaled else 1.0)
        task = Task(
            due=due,
            order=self.world.order,
            kind=kind,
            app=app,
            target=target,
            turn=turn,
            then=then,
            exit=exit_,
        )
        insort(self.world.tasks, task, key=lambda other: (other.due, other.order))

    def settle(self) -> None:
        """Perform everything that is due."""
        now, tasks, performed = self.clock.now(), self.world.tasks, False
        while tasks and tasks[0].due <= now:
            task = tasks.pop(0)
            self._moment = task.due
            try:
                self._perform(self, task)
            finally:
                self._moment = None
            performed = True
        self.world.ids_made = self.ids.made
        if performed:
            self.changed()

    def changed(self) -> None:
        """Wake everybody who waits for the world to change."""
        changed, self._changed = self._changed, anyio.Event()
        changed.set()

    async def until(self, check: Callable[[], T | None], deadline: float = math.inf) -> T | None:
        """Settle and check, again and again, until `check` gives something or `deadline` (epoch) is there.

        Sleeps until the next task is due or another request has changed the world. An error of `check`
        comes through.
        """
        while True:
            self.settle()
            found = check()
            if found is not None:
                return found
            now = self.clock.now()
            if now >= deadline:
                return None
            due = self.world.tasks[0].due if self.world.tasks else math.inf
            changed, left = self._changed, min(due, deadline) - now
            if math.isinf(left):
                await changed.wait()
            else:
                await self.clock.wait(changed, left)
