"""What was true in the world, and when: kept as it happens, so that each claim can be held against it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from fly_mcp_emulator.world import App, Machine, Volume, World

from .line import CURRENT, WHERE
from .lives import AppLife, Being, Hold, MachineLife, Shape, Timeline, Version, VolumeLife
from .model import Told


@dataclass(frozen=True)
class Watchers:
    """Who is told as things happen.

    `version`: of each new version of a machine with the one before it (None: a new machine). `secret`: of each
    change of a secret: app, name, new value, moment. `metadata`: of each key of a machine that is another than
    before, with its old and new value. `key`: of a secret key that was replaced: app, name, the call that did it.
    """

    version: Callable[[MachineLife, Version | None, Version], None]
    secret: Callable[[AppLife, str, str | None, float], None]
    metadata: Callable[[MachineLife, str, str | None, str | None, float], None]
    key: Callable[[AppLife, str, Told | None], None]


class History:
    """The lives of everything. Give `look` to `Emulator.watch`."""

    def __init__(self, tell: Watchers) -> None:
        self.apps: dict[str, AppLife] = {}
        self.gone: list[AppLife] = []
        self.machines: dict[str, MachineLife] = {}
        self.volumes: dict[str, VolumeLife] = {}
        self.by_image: dict[str, list[MachineLife]] = {}
        #: By its nonce, the call that took a lease.
        self.leases: dict[str, Told] = {}
        self._tell = tell

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
            elif life is not None:  # a snapshot is complete
                for disk in life.volumes.values():
                    self._see_volume(disk, at)
            return
        by, where = CURRENT.get(), world.apps.get(WHERE.get())
        if where is not None and where.name in self.apps:
            self._see_app(where, at, by)
            return
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
            # A destroyed machine that can still be read takes metadata, too.
            if known.machine.readable or known.beings.now.state != "destroyed":
                self._see_machine(life, known, at, by)
        for disk in life.volumes.values():
            if disk.states.now != "destroyed":
                self._see_volume(disk, at, by)
        life.ips.see(dict.fromkeys(app.ips, True), at, by)
        life.certificates.see({name: one.acme for name, one in app.certificates.items()}, at, by)
        if app.secrets_version != life.seen_secrets:
            self._see_secrets(life, at, by)

    def _new_machine(self, life: AppLife, machine: Machine, at: float, by: Told | None) -> None:
        version, config = _version(machine, at, by), machine.config
        made = MachineLife(
            id=machine.id,
            app=life.name,
            image=config.image,
            machine=machine,
            by=by,
            beings=Timeline(at, _being(machine)),
            versions=[version],
            metadata=Timeline(at, dict(config.metadata or {})),
            config=config,
            leases=Timeline[Hold | None](at, None),
        )
        life.machines[machine.id] = self.machines[machine.id] = made
        self.by_image.setdefault(made.image, []).append(made)
        self._tell.version(made, None, version)
        self._count(life, at)

    def _new_volume(self, life: AppLife, volume: Volume, at: float, by: Told | None) -> None:
        state = Timeline[str](at, volume.state)
        owner = Timeline(at, volume.attached_machine_id)
        made = VolumeLife(volume.id, life.name, volume, by, state, owner, Timeline(at, _shape(volume)))
        life.volumes[volume.id] = self.volumes[volume.id] = made
        self._see_volume(made, at, by)

    def _see_machine(self, life: AppLife, known: MachineLife, at: float, by: Told | None = None) -> None:
        machine, before, now = known.machine, known.beings.now, _being(known.machine)
        self._see_lease(known, at, by)
        if now != before:
            known.beings.add(at, now)
        if machine.instance_id != before.instance:
            old, version = known.versions[-1], _version(machine, at, by)
            known.versions.append(version)
            self._tell.version(known, old, version)
        if machine.config is not known.config:
            known.config = machine.config
            self._see_metadata(known, at)
        if now != before:
            self._count(life, at)

    def _see_lease(self, known: MachineLife, at: float, by: Told | None) -> None:
        lease, last = known.machine.lease, known.leases.now
        if lease is None:
            known.leases.add(at, None)
            return
        if last is None or last.nonce != lease.nonce:
            known.held_by = by
            if by is not None:
                self.leases.setdefault(lease.nonce, by)
        elif last.expires_at == lease.expires_at:
            return
        known.leases.add(at, Hold(lease.nonce, lease.expires_at))

    def _see_metadata(self, known: MachineLife, at: float) -> None:
        before, now = known.metadata.now, dict(known.config.metadata or {})
        known.metadata.add(at, now)
        for key in sorted(before.keys() | now.keys()):
            if before.get(key) != now.get(key):
                self._tell.metadata(known, key, before.get(key), now.get(key), at)

    def _count(self, life: AppLife, at: float) -> None:
        alive = [one.beings.now.reachable for one in life.machines.values() if one.alive]
        life.count.add(at, len(alive))
        life.readable.add(at, sum(alive))

    def _see_volume(self, known: VolumeLife, at: float, by: Told | None = None) -> None:
        volume = known.volume
        known.states.add(at, volume.state)
        known.owner.add(at, volume.attached_machine_id)
        known.shapes.add(at, _shape(volume))
        if volume.snapshots:
            known.snapshots.see({one.id: one.status for one in volume.snapshots}, at, by)

    def _see_secrets(self, life: AppLife, at: float, by: Told | None) -> None:
        life.seen_secrets = life.app.secrets_version
        stored = {name: secret.value for name, secret in life.app.secrets.items()}
        for name in stored.keys() | life.secrets.keys():
            value = stored.get(name)
            line = life.secrets.get(name)
            if line is None:
                line = life.secrets[name] = Timeline[str | None](0.0, None)
            if line.now != value:
                self._tell.secret(life, name, value, at)
                line.add(at, value)
        keys = {name: (key.type, key.value) for name, key in life.app.secret_keys.items()}
        for replaced, _ in life.keys.see(keys, at, by):
            self._tell.key(life, replaced.key, by)


def _being(machine: Machine) -> Being:
    guest = machine.config.guest
    size = (guest.memory_mb if guest else None) or 256
    return Being(
        machine.state,
        machine.instance_id,
        machine.booted,
        machine.host_status == "ok",
        machine.cordoned,
        min(machine.memory_limit_mb or size, size),
        machine.secrets.values,
    )


def _version(machine: Machine, at: float, by: Told | None) -> Version:
    return Version(at, machine.instance_id, dict(machine.config.env or {}), machine.config, by)


def _shape(volume: Volume) -> Shape:
    return Shape(volume.size_gb, volume.snapshot_retention, volume.auto_backup_enabled)
