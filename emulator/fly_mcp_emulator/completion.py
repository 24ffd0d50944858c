"""Filling in what a world file may leave out: ids, addresses, first versions and events."""

from __future__ import annotations

import base64
from typing import Literal

from . import images
from .api.secrets import digest
from .config.guest import completed
from .ids import Ids
from .keys import KINDS, fits, public_half
from .launch import fill_mount
from .lifecycle.journal import tell_past
from .world import App, BootSecrets, Event, Machine, SecretKey, Version, World


def complete(world: World, seed: int) -> World:
    """Fill in what is missing, in place, and return the world. Complete worlds stay as they are.

    Raises: `ValueError` naming the place, for parts that contradict each other.
    """
    ids = Ids(seed, world.ids_made)
    for slug, org in world.orgs.items():
        org.number = org.number or ids.number()
        if org.slug != slug:
            raise ValueError(f"orgs.{slug}.slug: is {org.slug!r}")
    for name, app in world.apps.items():
        if app.name != name:
            raise ValueError(f"apps.{name}.name: is {app.name!r}")
        if app.org not in world.orgs:
            raise ValueError(f"apps.{name}.org: there is no organisation {app.org!r}")
        _complete_app(world, app, ids)
    world.tasks.sort(key=lambda task: (task.due, task.order))
    world.ids_made = ids.made
    return world


def _complete_app(world: World, app: App, ids: Ids) -> None:
    app.id = app.id or ids.app()
    app.number = app.number or ids.number()
    app.had_machines = app.had_machines or bool(app.machines)
    for name, secret in app.secrets.items():
        secret.digest = secret.digest or digest(app, secret.value)
        if secret.name != name:
            raise ValueError(f"apps.{app.name}.secrets.{name}.name: is {secret.name!r}")
    for name, secret_key in app.secret_keys.items():
        _complete_key(f"apps.{app.name}.secret_keys.{name}", name, secret_key)
    if app.secrets and not app.secrets_version:
        app.secrets_version = len(app.secrets)
    for key, volume in app.volumes.items():
        volume.zone = volume.zone or ids.hex(4)
        if volume.id != key:
            raise ValueError(f"apps.{app.name}.volumes.{key}.id: is {volume.id!r}")
    # A log as it would have been, for those whose past is made up here.
    new = [machine for machine in app.machines.values() if not machine.instance_id and not machine.events]
    for key, machine in app.machines.items():
        if machine.id != key:
            raise ValueError(f"apps.{app.name}.machines.{key}.id: is {machine.id!r}")
        _complete_machine(world, app, machine, ids)
    if not app.logs:
        tell_past(app, new, world.images)


def _complete_key(where: str, name: str, key: SecretKey) -> None:
    kind = KINDS.get(key.type)
    if key.name != name:
        raise ValueError(f"{where}.name: is {key.name!r}")
    if kind is None:
        raise ValueError(f"{where}.type: {key.type!r} is none of {', '.join(KINDS)}")
    try:
        value = base64.b64decode(key.value, validate=True)
    except ValueError:
        raise ValueError(f"{where}.value: is not base64") from None
    if not fits(kind, value):
        raise ValueError(f"{where}.value: has not the size of a {key.type} key")
    key.public_key = base64.b64encode(public_half(kind, value)).decode()


def _complete_machine(world: World, app: App, machine: Machine, ids: Ids) -> None:
    where = f"apps.{app.name}.machines.{machine.id}"
    new = not machine.instance_id
    if not machine.private_ip:
        machine.private_ip = f"fdaa:0:{ids.hex(4)}:a7b:{ids.hex(3)}:{ids.hex(4)}:{ids.hex(4)}:2"
    if not machine.image_ref.repository:
        try:
            machine.image_ref = images.resolve(machine.config.image)
        except ValueError as error:
            raise ValueError(f"{where}.config.image: {error}") from None
    if not new:
        return
    machine.instance_id = ids.ulid(machine.created_at)
    machine.updated_at = machine.updated_at or machine.created_at
    try:
        machine.config.guest = completed(machine.config.guest, machine.config.size)
    except ValueError as error:
        raise ValueError(f"{where}.config: {error}") from None
    machine.config.size = None
    _attach(app, machine, where)
    machine.versions = [Version(id=machine.instance_id, config=machine.config)]
    if machine.state in ("started", "suspended") and not machine.secrets.version:
        values = {name: secret.value for name, secret in app.secrets.items()}
        machine.secrets = BootSecrets(version=app.secrets_version, values=values)
    if machine.state in ("started", "suspended"):
        machine.started_at = machine.started_at or machine.updated_at
        machine.booted = machine.booted or 1
        image = world.images.get(machine.config.image)
        machine.files = machine.files or (dict(image.files) if image else {})
    if not machine.events:
        _first_events(machine, ids)


def _attach(app: App, machine: Machine, where: str) -> None:
    if machine.volume_id is None or not machine.alive:
        return
    volume = app.volumes.get(machine.volume_id)
    if volume is None:
        raise ValueError(f"{where}.config.mounts.0.volume: there is no volume {machine.volume_id!r}")
    if volume.attached_machine_id not in (None, machine.id):
        raise ValueError(f"{where}.config.mounts.0.volume: is attached to {volume.attached_machine_id!r}")
    volume.attached_machine_id = machine.id
    volume.formatted = volume.formatted or machine.state != "created"
    fill_mount(app, machine.config)


def _first_events(machine: Machine, ids: Ids) -> None:
    def add(type_: str, status: str, at: float) -> None:
        source: Literal["user", "flyd"] = "user" if type_ == "launch" else "flyd"
        machine.events.insert(0, Event(id=ids.ulid(at), type=type_, status=status, source=source, at=at))

    add("launch", "created", machine.created_at)
    if machine.state != "created":
        add("start", "started", machine.started_at or machine.created_at)
    if machine.state in ("stopped", "suspended"):
        add("exit" if machine.state == "stopped" else "suspend", machine.state, machine.updated_at)
