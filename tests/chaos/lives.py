"""What is kept of each thing in the world: its values in the order of time, and who made it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from fly_mcp_emulator.config import MachineConfig
from fly_mcp_emulator.world import App, Machine, Volume

from .model import Intent, Told

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


@dataclass
class Thing(Generic[T]):
    """Something that came at a moment and may be gone: an address, a host name, a key, a snapshot."""

    key: str
    by: Told | None
    value: Timeline[T]
    ended: float | None = None

    def values(self, begin: float, end: float) -> list[T]:
        """What it was like while it was there, at some moment from `begin` to `end`."""
        there = self.value.began <= end and (self.ended is None or self.ended >= begin)
        return self.value.within(begin, end) if there else []


class Things(Generic[T]):
    """All things of one kind that one owner ever had. A key that comes back is another thing."""

    def __init__(self) -> None:
        self.all: list[Thing[T]] = []
        self._now: dict[str, Thing[T]] = {}

    @property
    def now(self) -> Mapping[str, Thing[T]]:
        """Those that are there."""
        return self._now

    def see(self, there: Mapping[str, T], at: float, by: Told | None) -> list[tuple[Thing[T], T]]:
        """See what is there. Those that became another without having been away, with what they were before."""
        if not there and not self._now:
            return []
        for key in [key for key in self._now if key not in there]:
            self._now.pop(key).ended = at
        changed: list[tuple[Thing[T], T]] = []
        for key, value in there.items():
            known = self._now.get(key)
            if known is None:
                known = self._now[key] = Thing(key, by, Timeline(at, value))
                self.all.append(known)
            elif known.value.now != value:
                changed.append((known, known.value.now))
                known.value.add(at, value)
        return changed

    def values(self, key: str, begin: float, end: float) -> list[T]:
        """What the thing of this key was like; empty where it was not there at any moment."""
        return [value for one in self.all if one.key == key for value in one.values(begin, end)]

    def missing(self, key: str, begin: float, end: float) -> bool:
        """Whether it was not there at some moment."""
        return not any(
            one.value.began <= begin and (one.ended is None or one.ended > end)
            for one in self.all
            if one.key == key
        )

    def made_by(self, intent: Intent) -> list[Thing[T]]:
        """What this intent made."""
        return [one for one in self.all if one.by is not None and one.by.intent is intent]


@dataclass(frozen=True)
class Being:
    """A machine at a moment. `secrets` are those it booted with, or is booting with."""

    state: str
    instance: str
    booted: int
    reachable: bool
    cordoned: bool
    memory_mb: int
    secrets: dict[str, str] = field(compare=False, repr=False)


@dataclass(frozen=True)
class Version:
    """A version of a machine, and the call that made it."""

    at: float
    instance: str
    env: dict[str, str]
    config: MachineConfig
    by: Told | None


@dataclass(frozen=True)
class Hold:
    """A lease as it was given, or extended."""

    nonce: str
    expires_at: float


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
    #: Changes without a new version, so it has a line of its own. `config`: the last that was looked at.
    metadata: Timeline[dict[str, str]]
    config: MachineConfig
    #: One that has run out stays here until the next comes.
    leases: Timeline[Hold | None]
    #: The call that took the last lease.
    held_by: Told | None = None

    def states(self, begin: float, end: float) -> set[str]:
        """The states it was in at some moment."""
        return {being.state for being in self.beings.within(begin, end)}

    def versions_within(self, begin: float, end: float) -> list[Version]:
        """The versions that were its current one at some moment."""
        alive = {being.instance for being in self.beings.within(begin, end)}
        return [version for version in self.versions if version.instance in alive]

    def memory(self, begin: float, end: float) -> set[int]:
        """What it might use of its memory, at some moment."""
        return {being.memory_mb for being in self.beings.within(begin, end)}

    @property
    def alive(self) -> bool:
        """Whether it is neither destroyed nor on the way there."""
        return self.beings.now.state not in ("destroying", "destroyed")


@dataclass(frozen=True)
class Shape:
    """What of a volume can be changed."""

    size_gb: int
    retention: int
    scheduled: bool


@dataclass
class VolumeLife:
    """A volume from its creation on."""

    id: str
    app: str
    volume: Volume
    by: Told | None
    states: Timeline[str]
    owner: Timeline[str | None]
    shapes: Timeline[Shape]
    #: By id, with its status.
    snapshots: Things[str] = field(default_factory=Things[str])

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
    #: Addresses; host names, with whether Fly's own certificate is asked for; keys, with type and digest.
    ips: Things[bool] = field(default_factory=Things[bool])
    certificates: Things[bool] = field(default_factory=Things[bool])
    keys: Things[tuple[str, str]] = field(default_factory=Things[tuple[str, str]])

    def there(self, begin: float, end: float) -> bool:
        """Whether it was there at some moment."""
        return self.began <= end and (self.ended is None or self.ended >= begin)

    def missing(self, begin: float, end: float) -> bool:
        """Whether it was not there at some moment."""
        return begin < self.began or (self.ended is not None and self.ended <= end)
