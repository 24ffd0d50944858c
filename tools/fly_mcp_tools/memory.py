"""What this process remembers of Fly because Fly does not tell it.

Fly's REST API does not say which version of an app's secrets a machine runs, and a removed secret leaves
no trace in the list. So what our own set and unset calls have left undone is remembered: which machines
(by version) still run the old values. That a registry lacks an image is told once, to whoever wanted a machine
to have it, and remembered too. It is a help, not a truth: what other clients did is not in it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from .turns import Turns

#: A kind of thing, its app and its name, such as an address.
_Thing = tuple[str, str, str]
#: Apps remembered at most; the oldest go first, so that a long-lived server does not grow.
_APPS = 1000
#: Seconds for which it is of interest that an image was missing.
_MISSING_KEPT = 3600.0


@dataclass
class StaleSecrets:
    """An app's secret changes that some machines have not seen yet."""

    version: int | None = None
    #: machine id -> (its version when we brought it these names): whole seconds cannot tell that it has them
    applied: dict[str, tuple[str, frozenset[str]]] = field(
        default_factory=dict[str, tuple[str, frozenset[str]]]
    )
    #: machine id -> (its version when it was last seen running old values, the names that changed)
    machines: dict[str, tuple[str, frozenset[str]]] = field(
        default_factory=dict[str, tuple[str, frozenset[str]]]
    )


@dataclass
class KnownRegions:
    """The regions last read: code -> name, the codes closed to new machines, and when (monotonic seconds)."""

    names: dict[str, str] = field(default_factory=dict[str, str])
    deprecated: frozenset[str] = frozenset()
    read_at: float | None = None


@dataclass
class Memory:
    """One per client, shared by all calls."""

    regions: KnownRegions = field(default_factory=KnownRegions)
    #: Where files go that an answer names, if the operator named no place: made when the first is.
    directory: Path | None = None
    #: New volumes of which it is known whose they are; one call must not take another's for its own.
    _volumes: OrderedDict[str, None] = field(default_factory=OrderedDict[str, None])
    #: What has nothing by which it could be known as made by an intent, and whose it is: the mark of that intent.
    _makers: OrderedDict[_Thing, str] = field(default_factory=OrderedDict[_Thing, str])
    #: Who may change a machine now, among the calls of this process.
    turns: Turns = field(default_factory=Turns)
    _apps: OrderedDict[str, StaleSecrets] = field(default_factory=OrderedDict[str, StaleSecrets])
    #: app -> the image that its registry did not have when it was last asked for, and when that was.
    _missing: OrderedDict[str, tuple[str, float]] = field(default_factory=OrderedDict[str, tuple[str, float]])

    def image_refused(self, app_name: str, image: str, now: float) -> None:
        """Remember that a machine of the app was to have an image that its registry lacks."""
        self._missing.pop(app_name, None)
        self._missing[app_name] = image, now
        while len(self._missing) > _APPS:
            self._missing.popitem(last=False)

    def image_taken(self, app_name: str) -> None:
        """A machine of the app has got an image since."""
        self._missing.pop(app_name, None)

    def missing_image(self, app_name: str, now: float, updated: Iterable[float]) -> str | None:
        """The image that was last asked for and is not there.

        Forgotten after an hour, and once a machine has a newer version: whoever made that has gone on.

        Args:
            updated: when the app's machines got the versions that they have, in seconds since the epoch.
        """
        image, asked = self._missing.get(app_name, ("", now))
        if now - asked > _MISSING_KEPT or any(when > asked for when in updated):
            self._missing.pop(app_name, None)
            return None
        return image or None

    def secrets_changed(
        self, app_name: str, version: int | None, names: frozenset[str], stale: dict[str, str]
    ) -> None:
        """Remember that the machines `stale` (id -> instance id) do not have the change to `names` yet."""
        entry = self._entry(app_name)
        if version is not None:
            entry.version = version
        kept: dict[str, tuple[str, frozenset[str]]] = {}
        for machine, instance in stale.items():
            before = entry.machines.get(machine)
            earlier = before[1] if before and before[0] == instance else frozenset[str]()
            kept[machine] = (instance, earlier | names)
        entry.machines = kept
        entry.applied = {machine: known for machine, known in entry.applied.items() if machine in stale}

    def secrets_applied(
        self, app_name: str, machine_id: str, instance_id: str, names: frozenset[str]
    ) -> None:
        """Remember that this version of the machine was made with the app's present values of `names`."""
        self._entry(app_name).applied[machine_id] = (instance_id, names)

    def applied_names(self, app_name: str, machine_id: str, instance_id: str) -> frozenset[str]:
        """Names with which this version of the machine was made; changed since, they are old again."""
        entry = self._apps.get(app_name)
        found = entry.applied.get(machine_id) if entry else None
        return found[1] if found and found[0] == instance_id else frozenset()

    def volume_is_known(self, volume_id: str) -> None:
        """Remember that a call has made this volume and knows it."""
        self._volumes[volume_id] = None
        while len(self._volumes) > _APPS:
            self._volumes.popitem(last=False)

    def knows_volume(self, volume_id: str) -> bool:
        """Whether a call is known to have made it."""
        return volume_id in self._volumes

    def made(self, kind: str, app_name: str, name: str, mark: str) -> None:
        """Remember that the intent of this mark has made it: no other may take it for its own."""
        self.unmade(kind, app_name, name)
        self._makers[kind, app_name, name] = mark
        while len(self._makers) > _APPS:
            self._makers.popitem(last=False)

    def unmade(self, kind: str, app_name: str, name: str) -> None:
        """It is gone: another one of that name may be anybody's."""
        self._makers.pop((kind, app_name, name), None)

    def is_anothers(self, kind: str, app_name: str, name: str, mark: str) -> bool:
        """Whether another intent than that of this mark is known to have made it."""
        return self._makers.get((kind, app_name, name), mark) != mark

    def forget(self, app_name: str) -> None:
        """The app is gone, or new: what was known of one of that name is not true of it."""
        for thing in [one for one in self._makers if one[1] == app_name]:
            del self._makers[thing]
        self._apps.pop(app_name, None)
        self._missing.pop(app_name, None)

    def forget_version(self, app_name: str) -> None:
        """Fly does not know the version of the app's secrets that we do: this is another app of that name."""
        if entry := self._apps.get(app_name):
            entry.version = None

    def stale_names(self, app_name: str, machine_id: str, instance_id: str) -> frozenset[str]:
        """Names changed by us that this version of the machine does not have."""
        entry = self._apps.get(app_name)
        found = entry.machines.get(machine_id) if entry else None
        return found[1] if found and found[0] == instance_id else frozenset()

    def secrets_version(self, app_name: str) -> int | None:
        """The newest version of the app's secrets that Fly told us."""
        entry = self._apps.get(app_name)
        return entry.version if entry else None

    def _entry(self, app_name: str) -> StaleSecrets:
        """What is known of the app, to be written to: the app written to last is forgotten last."""
        entry = self._apps.pop(app_name, None) or StaleSecrets()
        self._apps[app_name] = entry
        while len(self._apps) > _APPS:
            self._apps.popitem(last=False)
        return entry
