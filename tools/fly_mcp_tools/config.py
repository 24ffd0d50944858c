"""Changes to a machine's config. Every function returns a new one; none sends anything."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Literal

from pydantic import JsonValue

from . import headers
from .wire import JsonObject, Machine, obj, objects

AutoStop = Literal["suspend", "stop", "off"]

#: The metadata key by which a create of ours is found again after an unclear answer.
MARK = "fly_mcp_mark"
#: Keys under which the words of a command stand.
_COMMANDS = frozenset({"exec", "entrypoint", "cmd", "command"})


def template(machine: Machine) -> JsonObject:
    """The config for another machine like this one.

    Without what belongs to the one machine: its mounts, the machines it stands by for, its schedule, and
    our mark.
    """
    config = copy.deepcopy(machine.config or {})
    for key in ("mounts", "standbys", "schedule"):
        config.pop(key, None)
    if env := obj(config.get("env")):
        env.pop("FLY_STANDBY_FOR", None)
    obj(config.get("metadata")).pop(MARK, None)
    return config


def marked(config: JsonObject, mark: str) -> JsonObject:
    """The config with a mark in its metadata."""
    return {**config, "metadata": {**obj(config.get("metadata")), MARK: mark}}


def marked_name(mark: str) -> str:
    """The name of a machine that was given none: a name exists once in an app, and so does the mark."""
    return f"fly-mcp-{mark}"


def with_mount(config: JsonObject, volume_id: str, path: str) -> JsonObject:
    """The config with the volume mounted. Fly allows one volume a machine."""
    return {**config, "mounts": [{"volume": volume_id, "path": path}]}


def has_service(config: Mapping[str, JsonValue]) -> bool:
    """Whether the proxy sends the machine traffic, and so can stop and wake it."""
    return bool(objects(config.get("services")))


def with_web_service(config: JsonObject) -> JsonObject:
    """The config with Fly's usual web service: 80 and 443 outside, 8080 inside."""
    service: JsonObject = {
        "protocol": "tcp",
        "internal_port": 8080,
        "autostart": True,
        "min_machines_running": 0,
        "ports": [
            {"port": 80, "handlers": ["http"], "force_https": True},
            {"port": 443, "handlers": ["tls", "http"]},
        ],
    }
    return {**config, "services": [service]}


def with_autostop(config: JsonObject, mode: AutoStop) -> JsonObject:
    """The config with `autostop` on each service, and `autostart` beside it: else nothing would wake it."""
    services: list[JsonValue] = []
    for service in objects(config.get("services")):
        changed: JsonObject = {**service, "autostop": mode}
        if mode != "off":
            changed["autostart"] = True
        services.append(changed)
    return {**config, "services": services}


def autostop_of(config: Mapping[str, JsonValue]) -> str | None:
    """The services' autostop in the words of the seeds; "mixed" where they differ; None without a service."""
    modes = {_mode(service.get("autostop")) for service in objects(config.get("services"))}
    return "mixed" if len(modes) > 1 else next(iter(modes), None)


def _mode(value: JsonValue) -> str:
    # Fly answers false for off, true for stop, and the string for suspend (reference 3.3).
    if value is True:
        return "stop"
    return value if isinstance(value, str) and value else "off"


def with_env(config: JsonObject, env: Mapping[str, str | None]) -> JsonObject:
    """The config with these variables set, and those that are None removed."""
    merged = {**obj(config.get("env")), **env}
    kept: JsonObject = {name: value for name, value in merged.items() if value is not None}
    return {**config, "env": kept} if kept or "env" in config else config


def env_changes(before: JsonObject, env: Mapping[str, str | None]) -> dict[str, str]:
    """What `with_env` would do to each variable, by name. Values are left out: an env may hold secrets."""
    old = obj(before.get("env"))
    words: dict[str, str] = {}
    for name, value in env.items():
        if value is None:
            words[name] = "removed" if name in old else "was not set"
        elif name not in old:
            words[name] = "added"
        else:
            words[name] = "unchanged" if old[name] == value else "changed"
    return words


def secret_values(config: JsonObject) -> list[str]:
    """Values that may be secrets, which Fly's error texts must not repeat.

    Variables, the contents of files, the words of commands, and what health checks send in headers: those of the
    machine, of its processes and of its containers.
    """
    values = [value for value in obj(config.get("env")).values() if isinstance(value, str)]
    contents = [file.get("raw_value") for file in objects(config.get("files"))]
    values += [content for content in contents if isinstance(content, str)]
    for part in (*objects(config.get("processes")), *objects(config.get("containers"))):
        values += secret_values(part)
    values += [text for header in headers.of(config) for text in _texts(header.get("values"))]
    return [*values, *_commands(config)]


def _commands(value: JsonValue) -> Iterator[str]:
    """The words of every command in a part of a config, those of checks in containers among them."""
    if isinstance(value, list):
        for item in value:
            yield from _commands(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item) if key in _COMMANDS and isinstance(item, list) else _commands(item)


def _texts(value: JsonValue) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
