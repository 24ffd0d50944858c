"""Filling in what a world file may leave out: ids, addresses, first versions and events."""

from __future__ import annotations

import base64
from typing import Literal

from . import images
from .api.secrets import digest
from .checking import check
from .config.guest import completed
from .ids import Ids
from .keys import KINDS, public_half
from .launch import fill_mount
from .lifecycle.journal import tell_past
from .problems import BadWorld
from .world import App, BootSecrets, Event, Machine, Version, World


def complete(world: World, seed: int) -> World:
    """Fill in what is missing, in place, and return the world. Complete worlds stay as they are.

    Raises: `BadWorld` for parts that contradict each other.
    """
    problems = check(world)
    if problems:
        raise BadWorld(problems)
    ids = Ids(seed, world.ids_made)
    for org in world.orgs.values():
        org.number = org.number or ids.number()
    for app in world.apps.values():
        _complete_app(world, app, ids)
    world.tasks.sort(key=lambda task: (task.due, task.order))
    world.ids_made = ids.made
    return world


def _complete_app(world: World, app: App, ids: Ids) -> None:
    app.id = app.id or ids.app()
    app.number = app.number or ids.number()
    app.had_machines = app.had_machines or bool(app.machines)
    for secret in app.secrets.values():
        secret.digest = secret.digest or digest(app, secret.value)
    for key in app.secret_keys.values():
        key.public_key = base64.b64encode(public_half(KINDS[key.type], base64.b64decode(key.value))).decode()
    if app.secrets and not app.secrets_version:
        app.secrets_version = len(app.secrets)
    for volume in app.volumes.values():
        volume.zone = volume.zone or ids.hex(4)
    # A log as it would have been, for those whose past is made up here.
    new = [machine for machine in app.machines.values() if not machine.instance_id and not machine.events]
    for machine in app.machines.values():
        _complete_machine(world, app, machine, ids)
    if not app.logs:
        tell_past(app, new, world.images)


def _complete_machine(world: World, app: App, machine: Machine, ids: Ids) -> None:
    new = not machine.instance_id
    if not machine.private_ip:
        machine.private_ip = f"fdaa:0:{ids.hex(4)}:a7b:{ids.hex(3)}:{ids.hex(4)}:{ids.hex(4)}:2"
    if not machine.image_ref.repository:
        machine.image_ref = images.resolve(machine.config.image)
    if not new:
        return
    machine.instance_id = ids.ulid(machine.created_at)
    machine.updated_at = machine.updated_at or machine.created_at
    machine.config.guest = completed(machine.config.guest, machine.config.size)
    machine.config.size = None
    _attach(app, machine)
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


def _attach(app: App, machine: Machine) -> None:
    if machine.volume_id is None or not machine.alive:
        return
    volume = app.volumes[machine.volume_id]
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
