"""What a world must not contradict itself in, whatever its shape. All of it is found at once."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from . import images
from .config.guest import completed
from .keys import KINDS, fits
from .names import good_app_name, good_volume_name
from .problems import place
from .regions import REGIONS
from .world import App, Machine, SecretKey, World

_LARGEST_GB = 500


def check(world: World) -> list[str]:
    """Return everything that is wrong, a line each with the place first."""
    return [
        *_of_orgs(world),
        *_of_settings(world),
        *(line for key, app in world.apps.items() for line in _of_app(world, key, app)),
    ]


def _of_orgs(world: World) -> Iterator[str]:
    for key, org in world.orgs.items():
        yield from _same(("orgs", key, "slug"), key, org.slug)


def _of_settings(world: World) -> Iterator[str]:
    settings = world.settings
    yield from _region(("settings", "nearest_region"), settings.nearest_region)
    for index, region in enumerate(settings.full_regions):
        yield from _region(("settings", "full_regions", index), region)


def _of_app(world: World, key: str, app: App) -> Iterator[str]:
    at = ("apps", key)
    yield from _same((*at, "name"), key, app.name)
    if not good_app_name(key):
        yield _line(at, "not the name of an app: lower-case letters, digits and dashes, 63 at most")
    if app.org not in world.orgs:
        yield _line((*at, "org"), f"there is no organisation {app.org!r}")
    for name, secret in app.secrets.items():
        yield from _same((*at, "secrets", name, "name"), name, secret.name)
    for name, secret_key in app.secret_keys.items():
        yield from _of_key((*at, "secret_keys", name), name, secret_key)
    for ip, address in app.ips.items():
        yield from _same((*at, "ips", ip, "ip"), ip, address.ip)
    for hostname, certificate in app.certificates.items():
        yield from _same((*at, "certificates", hostname, "hostname"), hostname, certificate.hostname)
    yield from _of_volumes(at, app)
    yield from _of_machines(at, app)


def _of_key(at: tuple[str | int, ...], name: str, key: SecretKey) -> Iterator[str]:
    yield from _same((*at, "name"), name, key.name)
    kind = KINDS.get(key.type)
    if kind is None:
        yield _line((*at, "type"), f"{key.type!r} is none of {', '.join(KINDS)}")
        return
    try:
        value = base64.b64decode(key.value, validate=True)
    except ValueError:
        yield _line((*at, "value"), "is not base64")
        return
    if not fits(kind, value):
        yield _line((*at, "value"), f"has not the size of a {key.type} key")


def _of_volumes(at: tuple[str | int, ...], app: App) -> Iterator[str]:
    for key, volume in app.volumes.items():
        here = (*at, "volumes", key)
        yield from _same((*here, "id"), key, volume.id)
        yield from _region((*here, "region"), volume.region)
        if not good_volume_name(volume.name):
            yield _line((*here, "name"), "only lower-case letters, digits and underscores, 30 at most")
        if not 1 <= volume.size_gb <= _LARGEST_GB:
            yield _line((*here, "size_gb"), f"must be between 1 and {_LARGEST_GB}")
        if volume.attached_machine_id is not None and volume.attached_machine_id not in app.machines:
            yield _line((*here, "attached_machine_id"), f"there is no machine {volume.attached_machine_id!r}")


def _of_machines(at: tuple[str | int, ...], app: App) -> Iterator[str]:
    names: dict[str, str] = {}
    owners = {volume.id: volume.attached_machine_id for volume in app.volumes.values()}
    for key, machine in app.machines.items():
        here = (*at, "machines", key)
        yield from _same((*here, "id"), key, machine.id)
        yield from _region((*here, "region"), machine.region)
        if machine.alive and names.setdefault(machine.name, key) != key:
            yield _line((*here, "name"), f"machine {names[machine.name]} has this name too")
        try:
            images.resolve(machine.config.image)
        except ValueError as error:
            yield _line((*here, "config", "image"), str(error))
        if not machine.instance_id:  # else it was checked when it was made, and the world went on since
            yield from _of_new_machine(here, app, machine, owners)


def _of_new_machine(
    here: tuple[str | int, ...], app: App, machine: Machine, owners: dict[str, str | None]
) -> Iterator[str]:
    try:
        completed(machine.config.guest, machine.config.size)
    except ValueError as error:
        yield _line((*here, "config"), str(error))
    if len(machine.config.mounts or []) > 1:
        yield _line((*here, "config", "mounts"), "a machine has one volume at most")
    if machine.volume_id is None or not machine.alive:
        return
    where = (*here, "config", "mounts", 0, "volume")
    volume = app.volumes.get(machine.volume_id)
    if volume is None:
        yield _line(where, f"there is no volume {machine.volume_id!r}")
        return
    if owners[volume.id] not in (None, machine.id):
        yield _line(where, f"is attached to {owners[volume.id]!r}")
    owners[volume.id] = machine.id
    if volume.region != machine.region:
        yield _line(where, f"is in {volume.region}, and the machine in {machine.region}")


def _same(at: tuple[str | int, ...], key: str, value: str) -> Iterator[str]:
    if value != key:
        yield _line(at, f"is {value!r}, and its key is {key!r}")


def _region(at: tuple[str | int, ...], region: str) -> Iterator[str]:
    if region not in REGIONS:
        yield _line(at, f"there is no region {region!r}")


def _line(at: tuple[str | int, ...], what: str) -> str:
    return f"{place(at)}: {what}"
