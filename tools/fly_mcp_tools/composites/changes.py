"""What a caller asks of a machine's config, in whatever argument it stands, as one change.

`env`, sizes, `autoStop`, `image` and `metadata` first, `config` last: where it says the same thing again, it wins. What
a machine cannot have changed is refused before anything is sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Annotated, Final

from pydantic import AfterValidator, JsonValue, TypeAdapter, ValidationError, WithJsonSchema

from fly_mcp_tools import config as configs
from fly_mcp_tools import difference, guest, headers, left_out, machine_config, patch
from fly_mcp_tools.difference import Wish
from fly_mcp_tools.errors import InvalidArguments, Problem
from fly_mcp_tools.ids import Image
from fly_mcp_tools.wire import JsonObject, Machine, obj, objects

_IMAGE: Final[TypeAdapter[str]] = TypeAdapter(Image)
_KEY: Final = re.compile(r"[^\x00-\x1f\x7f]{1,128}")


def _metadata(metadata: dict[str, str | None]) -> dict[str, str | None]:
    if configs.MARK in metadata:
        raise ValueError(f"{configs.MARK} belongs to fly-mcp: machines are found again by it")
    if not all(map(_KEY.fullmatch, metadata)):
        raise ValueError("a key of metadata is 1 to 128 characters, none of them a control character")
    if any("\x00" in value for value in metadata.values() if value is not None):
        raise ValueError("a value of metadata is text without NUL characters")
    return metadata


Metadata = Annotated[dict[str, str | None], AfterValidator(_metadata)]
"""Metadata as arguments have it: null removes."""

Config = Annotated[
    dict[str, JsonValue],
    AfterValidator(machine_config.checked),
    WithJsonSchema({"type": "object"}),  # Fly's schema has ten thousand characters: no model is to pay for it
]
"""A part of Fly's machine config, held against Fly's schema."""


@dataclass(frozen=True)
class Change:
    """A change of a config. `size`: keys of the guest but cpus and memory; `wish`: all of it, to be looked for."""

    wish: Wish
    size: JsonObject = field(default_factory=JsonObject)
    #: Whether cpus and memory were said by `config`, so that a problem names its place.
    in_config: bool = False

    @property
    def changes_size(self) -> bool:
        """Whether it asks for another size."""
        return bool(self.size) or self.wish.cpus is not None or self.wish.memory_mb is not None

    def applied(self, config: JsonObject) -> JsonObject:
        """The whole new config.

        Raises:
            InvalidArguments: a size that Fly does not sell, or autoStop for a machine without a service.
        """
        wish = self.wish
        new = configs.with_env(config, wish.env) if wish.env else dict(config)
        if self.changes_size:
            new["guest"] = self._resized(patch.merged(guest.of_config(new), self.size))
            new.pop("size", None)  # Fly refuses both (reference 2.4)
        if wish.auto_stop is not None:
            if not configs.has_service(new):
                raise InvalidArguments(
                    "autoStop belongs to a service, and this machine has none: nothing stops or wakes it.",
                    problems=[Problem("autoStop", "leave it out for a machine without a service")],
                )
            if configs.autostop_of(new) != wish.auto_stop:
                new = configs.with_autostop(new, wish.auto_stop)
        if wish.image is not None:
            new["image"] = wish.image
        return patch.merged(new, wish.patch)

    def restored(self, config: JsonObject) -> Change:
        """The same change, with the config's own header values where only the mark was sent back.

        Raises:
            InvalidArguments: which values are meant is not clear.
        """
        patch_ = headers.restored(self.wish.patch, config)
        return self if patch_ is self.wish.patch else replace(self, wish=replace(self.wish, patch=patch_))

    def _resized(self, size: JsonObject) -> JsonObject:
        try:
            return guest.resized(size, self.wish.cpus, self.wish.memory_mb)
        except InvalidArguments as error:
            if self.in_config:
                places = {"cpus": "config.guest.cpus", "memoryMb": "config.guest.memory_mb"}
                error.problems = tuple(replace(one, path=places[one.path]) for one in error.problems)
            raise

    def told(self, before: Machine, after: Machine) -> dict[str, JsonValue]:
        """What became of each key: words for what may be secret, before and after for the rest."""
        old, new = before.config or {}, after.config or {}
        changed: dict[str, JsonValue] = {}
        if self.wish.env:
            changed["env"] = dict(configs.env_changes(old, self.wish.env))
        if self.changes_size:
            changed["guest"] = {"before": guest.of_config(old), "after": guest.of_config(new)}
        if self.wish.auto_stop is not None:
            changed["autoStop"] = {"before": configs.autostop_of(old), "after": configs.autostop_of(new)}
        if self.wish.image is not None:
            changed["image"] = {"before": before.image, "after": after.image}
        lost = left_out.said(old, new, self.wish.patch)
        for place in patch.leaves(self.wish.patch):
            kind, name = difference.kind_of(place)
            word = _became(patch.at(old, place), patch.at(new, place))
            if place in lost and word == "changed":
                word = f"changed; gone: {lost[place]}"
            changed[kind] = {**obj(changed.get(kind)), name: word}
        return changed


def change(
    config: JsonObject | None,
    *,
    env: dict[str, str | None] | None = None,
    cpus: int | None = None,
    memory_mb: int | None = None,
    auto_stop: configs.AutoStop | None = None,
    image: str | None = None,
    metadata: dict[str, str | None] | None = None,
) -> Change:
    """One change of all that was asked for.

    Raises:
        InvalidArguments: the config takes away what a machine must have, or names an image that can be none.
    """
    rest, problems = dict(config or {}), list[Problem]()
    variables = dict(env or {})
    if "env" in rest:
        if isinstance(said := rest["env"], dict):
            del rest["env"]
            variables |= {
                name: value for name, value in said.items() if value is None or isinstance(value, str)
            }
        else:
            variables = {}
    if metadata and not ("metadata" in rest and rest["metadata"] is None):
        rest["metadata"] = {**metadata, **obj(rest.get("metadata"))}
    if "image" in rest:
        image = _image(rest.pop("image"), problems)
    size = _size(rest, problems, {"cpus": cpus, "memory_mb": memory_mb})
    own_cpus, own_memory = size.pop("cpus", None), size.pop("memory_mb", None)
    if "services" in rest:
        rest["services"], auto_stop = _services(rest["services"], auto_stop), None
    if problems:
        raise InvalidArguments("The config cannot be changed like that; nothing was sent.", problems=problems)
    wish = Wish(
        variables,
        own_cpus if isinstance(own_cpus, int) else cpus,
        own_memory if isinstance(own_memory, int) else memory_mb,
        auto_stop,
        image,
        {**rest, "guest": size} if size else rest,
    )
    return Change(wish, size, in_config=own_cpus is not None or own_memory is not None)


def keep_volume(machine: Machine, change: Change) -> None:
    """Refuse to change which volume a machine has: that is for life (reference 6.3). Path and growth may change.

    Raises:
        InvalidArguments: another volume, one more, or none.
    """
    if "mounts" not in change.wish.patch:
        return
    own = machine.volume_id
    wanted = [mount.get("volume") for mount in objects(change.wish.patch["mounts"])]
    if wanted == ([own] if own else []):
        return
    if own:
        message = (
            f"a machine keeps its volume for life: send one mount with volume {own}, or leave mounts out"
        )
        hint = "flyCreateMachine takes another volume; flyDeleteMachine frees this one."
    else:
        message = "a machine without a volume cannot be given one"
        hint = "flyCreateMachine with volumeId makes a machine that has it."
    raise InvalidArguments(
        f"The volume of machine {machine.id} cannot be changed; nothing was sent.",
        problems=[Problem("config.mounts", message)],
        hint=hint,
    )


def keep_lasting(config: JsonObject, change: Change) -> None:
    """Refuse to make a machine destroy itself: its next stop would then be a deletion that nobody confirmed.

    One that was created so may stay so.

    Raises:
        InvalidArguments: auto_destroy for a machine that has it not.
    """
    if change.wish.patch.get("auto_destroy") is not True or config.get("auto_destroy") is True:
        return
    message = "it would destroy the machine, unasked, when its process ends: leave it out"
    raise InvalidArguments(
        "auto_destroy cannot be switched on for a machine that exists; nothing was sent.",
        problems=[Problem("config.auto_destroy", message)],
        hint="flyDeleteMachine destroys a machine, with confirm; flyCreateMachine makes one with auto_destroy.",
    )


def _image(image: JsonValue, problems: list[Problem]) -> str | None:
    try:
        return _IMAGE.validate_python(image, strict=True)
    except ValidationError:
        message = "must be a registry reference such as nginx:1.27; no machine is without"
        problems.append(Problem("config.image", message))
        return None


def _services(services: JsonValue, auto_stop: configs.AutoStop | None) -> JsonValue:
    """The config's services, with the argument's autostop where they do not say any."""
    if auto_stop is None or not isinstance(services, list):
        return services
    said: JsonObject = {"autostop": auto_stop, **({} if auto_stop == "off" else {"autostart": True})}
    return [{**said, **service} for service in objects(services)]


def _size(rest: JsonObject, problems: list[Problem], beside: JsonObject) -> JsonObject:
    """The guest that the config asks for, taken out of it. `beside`: what arguments say, more than a preset does."""
    if "size" in rest:
        preset = guest.of_config({"size": rest.pop("size")})
        if not preset:
            problems.append(
                Problem("config.size", "is deprecated and no preset that is known: send config.guest")
            )
        said_beside = {key: value for key, value in beside.items() if value is not None}
        rest["guest"] = {**preset, **said_beside, **obj(rest.get("guest"))}
    if "guest" not in rest:
        return {}
    said = rest.pop("guest")
    size = obj(said)
    if said is None or any(size.get(key, 0) is None for key in ("cpu_kind", "cpus", "memory_mb")):
        problems.append(
            Problem("config.guest", "every machine has a size: send cpus and memory_mb, and no null")
        )
    return dict(size)


def _became(old: JsonValue, new: JsonValue) -> str:
    if new is None:
        return "was not set" if old is None else "removed"
    if old is None:
        return "added"
    return "unchanged" if old == new else "changed"
