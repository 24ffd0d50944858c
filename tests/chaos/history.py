"""What was true in the world, and when: kept as it happens, so that each claim can be held against it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar

from fly_mcp_emulator.config import MachineConfig
from fly_mcp_emulator.world import App, Machine, Volume, World

from .line import CURRENT
from .model import Told

T = TypeVar("T")
_DYING = ("scheduling_destroy", "pending_destroy", "destroyed")


class Timeline(Generic[T]):
    """Values of one thing in the order of time."""

    def __init__(self, at: float, value: T) -> None:
        self._times = [at]
        self._values = [value]

    @property
    def now(self) -> T:
        """The newest."""
        return self._values[-1]

    @property
    def since(self) -> float:
        """When the newest came."""
        return self._times[-1]

    @property
    def began(self) -> float:
        """When the first came."""
        return self._times[0]

    def add(self, at: float, value: T) -> None:
        """Note a new value; the same as before is none."""
        if value != self._values[-1]:
            self._times.append(at)
            self._values.append(value)

    def within(self, begin: float, end: float) -> list[T]:
        """Every value that was there at some moment from `begin` to `end`."""
        first = max(0, bisect_right(self._times, begin) - 1)
        last = bisect_right(self._times, end)
        while first > 0 and self._times[first] >= begin:
            first -= 1
        return self._values[first:last]


@dataclass(frozen=True)
class Being:
    """A machine at a moment. `secrets` are those it booted with, or is booting with."""

    state: str
    instance: str
    booted: int
    reachable: bool
    secrets: dict[str, str] = field(compare=False, repr=False)


@dataclass(frozen=True)
class Version:
    """A version of a machine, and the call that made it."""

    at: float
    instance: str
    env: dict[str, str]
    config: MachineConfig
    by: Told | None


@dataclass
class MachineLife:
    """A machine from its creation on."""

    id: str
    app: str
    image: str
    machine: Machine
    by: Told | None
    beings: Timeline[Being]
    versions: list[Version]
    #: The last lease that was seen on it, by its nonce, and the call that took it.
    nonce: str = ""
    held_by: Told | None = None

    def states(self, begin: float, end: float) -> set[str]:
        """The states it was in at some moment."""
        return {being.state for being in self.beings.within(begin, end)}

    def versions_within(self, begin: float, end: float) -> list[Version]:
        """The versions that were its current one at some moment."""
        alive = {being.instance for being in self.beings.within(begin, end)}
        return [version for version in self.versions if version.instance in alive]

    @property
    def alive(self) -> bool:
        """Whether it is neither destroyed nor on the way there."""
        return self.beings.now.state not in ("destroying", "destroyed")


@dataclass
class VolumeLife:
    """A volume from its creation on."""

    id: str
    app: str
    volume: Volume
    by: Told | None
    states: Timeline[str]
    owner: Timeline[str | None]

    @property
    def alive(self) -> bool:
        """Whether it is not being destroyed."""
        return self.states.now not in _DYING


@dataclass
class AppLife:
    """An app from its creation to its deletion: a second one of the same name is another life."""

    name: str
    app: App
    began: float
    by: Told | None
    ended: float | None = None
    secrets: dict[str, Timeline[str | None]] = field(default_factory=dict[str, Timeline[str | None]])
    machines: dict[str, MachineLife] = field(default_factory=dict[str, MachineLife])
    volumes: dict[str, VolumeLife] = field(default_factory=dict[str, VolumeLife])
    #: How many machines it has that are not destroyed or on the way there, and of those, on hosts that answer.
    count: Timeline[int] = field(default_factory=lambda: Timeline[int](0.0, 0))
    readable: Timeline[int] = field(default_factory=lambda: Timeline[int](0.0, 0))
    seen_secrets: int = -1

    def there(self, begin: float, end: float) -> bool:
        """Whether it was there at some moment."""
        return self.began <= end and (self.ended is None or self.ended >= begin)

    def missing(self, begin: float, end: float) -> bool:
        """Whether it was not there at some moment."""
        return begin < self.began or (self.ended is not None and self.ended <= end)


class History:
    """The lives of everything. Give `look` to `Emulator.watch`.

    `on_version` is told of each new version of a machine with the one before it (None: a new machine), `on_secret`
    of each change of a secret: app, name, new value, moment.
    """

    def __init__(
        self,
        on_version: Callable[[MachineLife, Version | None, Version], None],
        on_secret: Callable[[AppLife, str, str | None, float], None],
    ) -> None:
        self.apps: dict[str, AppLife] = {}
        self.gone: list[AppLife] = []
        self.machines: dict[str, MachineLife] = {}
        self.volumes: dict[str, VolumeLife] = {}
        self.by_image: dict[str, list[MachineLife]] = {}
        self._on_version = on_version
        self._on_secret = on_secret

    def lives(self, name: str) -> list[AppLife]:
        """Every app of this name there ever was."""
        found = [life for life in self.gone if life.name == name]
        return [*found, self.apps[name]] if name in self.apps else found

    def look(self, world: World, at: float, app_name: str, target: str) -> None:
        """See what has changed."""
        if target:
            life = self.apps.get(app_name)
            if life is not None and target in life.machines:
                self._see_machine(life, life.machines[target], at)
                # A volume is let go of by a transition of its own.
            elif life is not None and target in life.volumes:
                self._see_volume(life.volumes[target], at)
            return
        by = CURRENT.get()
        for name, life in list(self.apps.items()):
            if world.apps.get(name) is not life.app:
                life.ended = at
                self.gone.append(self.apps.pop(name))
        for app in world.apps.values():
            self._see_app(app, at, by)

    def _see_app(self, app: App, at: float, by: Told | None) -> None:
        life = self.apps.get(app.name)
        if life is None:
            life = self.apps[app.name] = AppLife(app.name, app, at, by)
        # None is ever taken out, so that a glance says whether there are new ones.
        for machine in islice(app.machines.values(), len(life.machines), None):
            self._new_machine(life, machine, at, by)
        for volume in islice(app.volumes.values(), len(life.volumes), None):
            self._new_volume(life, volume, at, by)
        for known in life.machines.values():
            if known.beings.now.state != "destroyed":
                self._see_machine(life, known, at, by)
        for disk in life.volumes.values():
            if disk.states.now != "destroyed":
                self._see_volume(disk, at)
        if app.secrets_version != life.seen_secrets:
            self._see_secrets(life, at)

    def _new_machine(self, life: AppLife, machine: Machine, at: float, by: Told | None) -> None:
        made = MachineLife(
            machine.id, life.name, machine.config.image, machine, by, Timeline(at, _being(machine)), []
        )
        life.machines[machine.id] = self.machines[machine.id] = made
        self.by_image.setdefault(made.image, []).append(made)
        version = _version(machine, at, by)
        made.versions.append(version)
        self._on_version(made, None, version)
        self._count(life, at)

    def _new_volume(self, life: AppLife, volume: Volume, at: float, by: Told | None) -> None:
        state = Timeline[str](at, volume.state)
        made = VolumeLife(volume.id, life.name, volume, by, state, Timeline(at, volume.attached_machine_id))
        life.volumes[volume.id] = self.volumes[volume.id] = made

    def _see_machine(self, life: AppLife, known: MachineLife, at: float, by: Told | None = None) -> None:
        machine, before, now = known.machine, known.beings.now, _being(known.machine)
        if machine.lease is not None and machine.lease.nonce != known.nonce:
            known.nonce, known.held_by = machine.lease.nonce, by
        if now == before:
            return
        known.beings.add(at, now)
        if machine.instance_id != before.instance:
            old, version = known.versions[-1], _version(machine, at, by)
            known.versions.append(version)
            self._on_version(known, old, version)
        self._count(life, at)

    def _count(self, life: AppLife, at: float) -> None:
        alive = [one.beings.now.reachable for one in life.machines.values() if one.alive]
        life.count.add(at, len(alive))
        life.readable.add(at, sum(alive))

    def _see_volume(self, known: VolumeLife, at: float) -> None:
        known.states.add(at, known.volume.state)
        known.owner.add(at, known.volume.attached_machine_id)

    def _see_secrets(self, life: AppLife, at: float) -> None:
        life.seen_secrets = life.app.secrets_version
        stored = {name: secret.value for name, secret in life.app.secrets.items()}
        for name in stored.keys() | life.secrets.keys():
            value = stored.get(name)
            line = life.secrets.get(name)
            if line is None:
                line = life.secrets[name] = Timeline[str | None](0.0, None)
            if line.now != value:
                self._on_secret(life, name, value, at)
                line.add(at, value)


def _being(machine: Machine) -> Being:
    return Being(
        machine.state,
        machine.instance_id,
        machine.booted,
        machine.host_status == "ok",
        machine.secrets.values,
    )


def _version(machine: Machine, at: float, by: Told | None) -> Version:
    return Version(at, machine.instance_id, dict(machine.config.env or {}), machine.config, by)
