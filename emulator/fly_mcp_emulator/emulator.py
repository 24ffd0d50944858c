"""The emulator: a world, a clock and a door."""

from __future__ import annotations

from collections.abc import Callable

from starlette.applications import Starlette

from . import api, graphql, lifecycle, web
from .clock import Clock, ControlledClock, SystemClock
from .completion import complete
from .control import Control
from .default_world import default_world
from .faults import Faults
from .gateway import Gateway
from .limits import Limits
from .log import RequestRecord
from .routing import Endpoint, Router
from .state import State
from .state_file import ClockState, StateFile
from .world import Task, World

Look = Callable[[World, float, str, str], None]
"""What `Emulator.watch` calls: the world itself, when, and the app and the id of what has made a transition."""

ENDPOINTS = (*api.ENDPOINTS, *web.ENDPOINTS, *graphql.ENDPOINTS)
"""Every operation that is modelled, of all of Fly's services."""


class Emulator:
    """A pretend Fly.

    `world` is where it begins (None: the default world). `clock` is where time comes from (None: the wall
    clock). `seed` decides all ids. `limits` switches Fly's rate limits. `pace` multiplies how long
    transitions take; 0 makes them instant. It needs no lifespan and runs nothing in the background.
    """

    def __init__(
        self,
        world: World | None = None,
        clock: Clock | None = None,
        seed: int = 0,
        limits: bool = True,
        pace: float = 1.0,
    ) -> None:
        self.clock = ControlledClock(clock or SystemClock())
        self.faults = Faults(seed)
        self.endpoints: tuple[Endpoint, ...] = ENDPOINTS
        """Every operation that is modelled: method, path template, handler."""
        self._seed = seed
        self._began = complete((world or default_world()).model_copy(deep=True), seed)
        self._state = State(self._began.model_copy(deep=True), self.clock, seed, pace, self._perform)
        self._watchers: list[Look] = []
        self._limits = Limits() if limits else None
        self._file: StateFile | None = None
        self._gateway = Gateway(self._state, Router(ENDPOINTS), self._limits, self.faults, self.kept)
        self.app = Starlette(routes=Control(self).routes())
        # Not a mount: that would answer by itself for a path with a line break in it.
        self.app.router.default = self._gateway
        """The ASGI application, to be served at the root of its address."""

    @property
    def requests(self) -> list[RequestRecord]:
        """Every request but those to `/_emulator`, in the order of arrival."""
        return self._gateway.requests

    def dump(self) -> World:
        """Return the world as it is now: a copy, with everything due already done."""
        self.settle()
        return self._state.world.model_copy(deep=True)

    def watch(self, look: Look) -> None:
        """Call `look` whenever the world has changed: after each transition, and after each write before its answer.

        It gets the world itself and not a copy: it may read and must not change anything, nor wait. Its moment is
        in epoch seconds. Both names are empty after a write, which may have changed anything, even nothing.
        """
        self._watchers.append(look)

    def load(self, world: World) -> None:
        """Put another world in the place of this one. The log, the faults and the clock stay."""
        self._state.replace(complete(world.model_copy(deep=True), self._seed))
        self.settle()

    def reset(self) -> None:
        """Go back to the world it began with: no faults, an empty log, full buckets. The clock stays."""
        self.load(self._began)
        self.faults.clear()
        self.requests.clear()
        if self._limits is not None:
            self._limits.clear()

    def keep(self, file: StateFile) -> None:
        """Keep the world in a file from now on, and go on with what is in it, if it is there.

        The world that `reset` goes back to stays. Raises: `BadWorld`, `OSError`.
        """
        found = file.read()
        if found is not None:
            clock, world = found
            self.clock.restore(clock.offset, clock.frozen_at)
            self.load(world)
        self._file = file
        self.kept()

    def kept(self) -> None:
        """Bring the world to its file, if it has one: called after each write, before its answer."""
        for look in self._watchers:
            look(self._state.world, self.clock.now(), "", "")
        if self._file is not None:
            self._state.world.ids_made = self._state.ids.made
            clock = ClockState(offset=self.clock.offset, frozen_at=self.clock.frozen_at)
            self._file.write(clock, self._state.world)

    def settle(self) -> None:
        """Let everything happen that is due."""
        self._state.settle()

    def _perform(self, state: State, task: Task) -> None:
        lifecycle.perform(state, task)
        for look in self._watchers:
            look(state.world, task.due, task.app, task.target)
