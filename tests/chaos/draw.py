"""What makers of calls choose from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from random import Random

from fly_mcp_tools.action import AnyAction

from . import ground
from .history import History
from .lives import AppLife, MachineLife, VolumeLife
from .model import Asked, Model, Told

#: So many machines and volumes of an app are enough: more are deleted rather than made.
CROWDED = 8
#: Words that several change: variables, secrets, metadata.
CONTESTED = ("MODE", "LEVEL")
#: Apps of everybody, in which nothing is made to order.
OWN = (ground.SHARED, *ground.POOLS, ground.DISKS)
#: Calls that are looked through for one that was answered.
_RECENT = 400


@dataclass
class Draw:
    """What a maker has to choose from. `number` is one that nobody else gets."""

    rng: Random
    history: History
    model: Model
    agent: str
    number: int
    actions: Mapping[str, AnyAction]

    @property
    def tag(self) -> str:
        """A word that nobody else gets."""
        return f"i-{self.number:06d}"

    @property
    def image(self) -> str:
        """An image that nobody else names."""
        return f"{ground.REPOSITORY}:{self.tag}"

    def chance(self, part: float) -> bool:
        """True so often."""
        return self.rng.random() < part

    def app(self, *names: str) -> AppLife:
        """One of these apps."""
        return self.history.apps[self.rng.choice(names)]

    def machine(self, *apps: str, ground_too: bool = True) -> MachineLife | None:
        """A machine of these apps that is there; or just of those that were made in the run."""
        found = [
            one
            for name in apps
            for one in self.history.apps[name].machines.values()
            if one.alive and (ground_too or one.by is not None)
        ]
        return self.rng.choice(found) if found else None

    def volume(self, app: str, *, free: bool) -> VolumeLife | None:
        """A volume of the app that is there; `free`: that no machine has."""
        found = [
            one
            for one in self.history.apps[app].volumes.values()
            if one.alive and not (free and one.owner.now)
        ]
        return self.rng.choice(found) if found else None

    def known_volume(self, app: str) -> VolumeLife | None:
        """A volume of the app whose maker knows it by now: an agent changes what it was told of, no more."""
        found = [
            one
            for one in self.history.apps[app].volumes.values()
            if one.alive and (one.by is None or one.by.intent.done)
        ]
        return self.rng.choice(found) if found else None

    def recent(self, action: str) -> Iterator[Told]:
        """Calls of an action, the newest first."""
        return (told for told in reversed(self.model.calls[-_RECENT:]) if told.intent.asked.action == action)


Maker = Callable[[Draw], Asked | None]
"""Makes a call; None where nothing is there to call it with."""


def of_app(action: str, *apps: str) -> Maker:
    """A call that names an app, and nothing besides."""

    def make(draw: Draw) -> Asked:
        return Asked(action, {"appName": draw.app(*(apps or OWN)).name})

    return make


def of_machine(
    action: str, draw: Draw, *apps: str, gated: bool = False, ground_too: bool = True
) -> Asked | None:
    """A call that names a machine of these apps, and nothing besides."""
    found = draw.machine(*apps, ground_too=ground_too)
    if found is None:
        return None
    arguments = {"appName": found.app, "machineId": found.id}
    return Asked(action, arguments, machine=found.id, app=found.app, gated=gated)


def any_machine(action: str, *apps: str) -> Maker:
    """The same as a maker."""

    def make(draw: Draw) -> Asked | None:
        return of_machine(action, draw, *(apps or OWN))

    return make
