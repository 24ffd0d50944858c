"""Checking what a machine is to be, and where: before anything is made (reference 2.3, 2.4, 4.2, 6.3)."""

from __future__ import annotations

from pydantic import BaseModel, ValidationError

from . import durations, images
from .config import MachineConfig, Mount, seconds_of
from .config.guest import completed
from .errors import FlyError, bad_config, bad_request, not_found, precondition
from .lifecycle.halt import STOP_SIGNALS
from .regions import REGIONS, candidates
from .state import State
from .world import App, Image, ImageRef, Machine, Volume


class Checked(BaseModel):
    """A config that passed, with what it resolved to."""

    config: MachineConfig
    image_ref: ImageRef


def read_config(given: object) -> MachineConfig:
    """Read a config. Raises: `FlyError` 400."""
    if not isinstance(given, dict):
        raise bad_request("missing config")
    try:
        return MachineConfig.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in ("config", *first["loc"]))
        raise bad_request(f"unable to decode request body: {where}: {first['msg']}") from None


def check_config(state: State, config: MachineConfig) -> Checked:
    """Check everything that depends on the config alone, and fill in the guest. Raises: `FlyError` 400."""
    if not config.image:
        raise bad_config("invalid config.image, cannot be empty")
    checked = config.model_copy(deep=True)
    try:
        checked.guest = completed(config.guest, config.size)
    except ValueError as error:
        raise bad_config(str(error)) from None
    checked.size = None
    stop = config.stop_config
    if stop is not None and stop.timeout and seconds_of(stop.timeout) > durations.LONGEST_STOP:
        raise bad_config("invalid stop_config.timeout, cannot exceed 5 minutes")
    stops = [stop, *(container.stop for container in config.containers or [])]
    if any(one and one.signal and one.signal not in STOP_SIGNALS for one in stops):
        raise bad_config("invalid stop_config.signal")
    _check_files(config)
    _check_services(config)
    if len(config.mounts or []) > 1:
        # One volume a machine (reference 2.2); the text is not known.
        raise bad_config("invalid config.mounts, only one volume can be mounted")
    if config.standbys and config.services:
        raise bad_config("invalid config.standbys, cannot be used with services")
    return Checked(config=checked, image_ref=_image(state, config.image))


def _image(state: State, name: str) -> ImageRef:
    try:
        ref = images.resolve(name)
    except ValueError as error:
        raise bad_config(f"invalid config.image, {error}: {name}") from None
    if state.world.images.get(name, Image()).missing:
        where = f"{ref.registry}/v2/{ref.repository}/manifests/{ref.tag or ref.digest}"
        # That it is refused with this word is recorded (reference 6.3 [L]), the status is ours.
        raise bad_request(f"could not resolve image: GET https://{where}: MANIFEST_UNKNOWN: manifest unknown")
    return ref


def _check_files(config: MachineConfig) -> None:
    for file in config.files or []:
        sources = (file.raw_value, file.secret_name, file.image_config)
        if not (file.guest_path or "").startswith("/"):
            raise bad_config("invalid config.files.guest_path, must be an absolute path")
        if sum(source is not None for source in sources) != 1:
            raise bad_config("invalid config.files, exactly one source has to be given")


def _check_services(config: MachineConfig) -> None:
    for service in config.services or []:
        if service.protocol not in (None, "", "tcp", "udp"):
            raise bad_config("invalid config.services.protocol")
        if service.internal_port is not None and not 0 <= service.internal_port <= 65535:
            raise bad_config("invalid config.services.internal_port")


def place(state: State, expression: str | None, volume: Volume | None) -> str:
    """Return the region of a new machine. Raises: `FlyError` 400, 412, 422."""
    settings = state.world.settings
    wanted = expression or settings.nearest_region
    try:
        regions = list(candidates(wanted, settings.nearest_region))
    except KeyError as error:
        # "error naming `target region ... not found`" (reference 2.3 [L]); the status is ours.
        raise bad_request(f"target region {error.args[0]} not found") from None
    if volume is not None:
        if volume.region not in regions or volume.region in settings.full_regions:
            # "wrong region" shows as a placement error (reference 9, trap 23).
            raise FlyError(
                412,
                f"insufficient resources to create new machine with existing volume id '{volume.id}'",
                "volume_placement_capacity",
            )
        return volume.region
    for region in regions:
        if region not in settings.full_regions:
            return region
    raise FlyError(422, "could not find a candidate host", "insufficient_capacity")


def volume_to_mount(app: App, config: MachineConfig) -> Volume | None:
    """Return the volume that a new machine mounts. Raises: `FlyError` 400, 404, 412."""
    if not config.mounts:
        return None
    mount = config.mounts[0]
    check_mount(mount)
    volume = app.volumes.get(mount.volume or "")
    if volume is None or volume.state in ("destroyed", "pending_destroy", "scheduling_destroy"):
        raise not_found("volume")
    if volume.releasing:
        # Shortly after its owner was destroyed the id is a run of NULs (reference 11 [L]).
        raise precondition("volume already claimed by machine " + "\0" * 14)
    if volume.attached_machine_id:
        raise precondition(f"volume already claimed by machine {volume.attached_machine_id}")
    return volume


def check_mount(mount: Mount) -> None:
    """Check that a mount names a volume and a path. Raises: `FlyError` 400."""
    if not mount.volume:
        raise bad_config("invalid config.mounts.volume, cannot be empty")
    if not (mount.path or "").startswith("/") or mount.path == "/":
        raise bad_config("invalid config.mounts.path, must be an absolute path")


def fill_mount(app: App, config: MachineConfig) -> None:
    """Fill in what answers carry of the volume: name, size, encryption (reference 3.3 [L])."""
    for mount in config.mounts or []:
        volume = app.volumes.get(mount.volume or "")
        if volume is not None:
            mount.name, mount.size_gb, mount.encrypted = volume.name, volume.size_gb, volume.encrypted


def check_same_volume(app: App, machine: Machine, config: MachineConfig) -> None:
    """Refuse another volume in an update: only path and auto-extend may change (reference 6.3). 400.

    A config without mounts is taken: the machine loses its mount and the volume stays bound (trap 18).
    """
    if not config.mounts:
        return
    check_mount(config.mounts[0])
    volume = app.volumes.get(config.mounts[0].volume or "")
    if volume is None or volume.attached_machine_id != machine.id:
        raise bad_config("invalid config.mounts, the volume of a machine cannot be changed")


def check_same_region(machine: Machine, region: str | None) -> None:
    """Refuse another region in an update; the same one is fine (reference 6.3). 400."""
    if region and region != machine.region:
        known = "" if region in REGIONS else f": target region {region[:64]} not found"
        raise bad_request(f"machine region cannot be changed{known}")
