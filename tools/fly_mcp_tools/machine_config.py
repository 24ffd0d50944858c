"""A machine's config as a caller sends it, held against Fly's own schema before anything is sent.

Fly ignores keys that it does not know, misspelt ones too, without a word (reference 3.3). So unknown keys are
refused at every depth with the nearest known name, and wrong types are named. The schema is the part of Fly's
OpenAPI document that a config needs, shipped as data and read at its first use; a test holds it against the document.

A walker of our own: the document needs a dozen words of JSON Schema, jsonschema would be one more dependency and
0.1 s of start-up, and its errors name neither the nearest key nor hide values.
"""

from __future__ import annotations

import difflib
import json
from functools import cache
from importlib.resources import files
from typing import Any, Final, TypeAlias, cast

from pydantic import JsonValue
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from .config import MARK
from .wire import JsonObject, obj

Schema: TypeAlias = dict[str, Any]
Path: TypeAlias = tuple[str | int, ...]

_ROOT: Final = "fly.MachineConfig"
#: Fly answers a service's autostop with true and false, and takes them too (reference 3.3); its document has words.
_AUTOSTOP: Final = ["off", "stop", "suspend"]
#: Text in Fly's document; a bare number would be nanoseconds.
_DURATIONS: Final = frozenset({"interval", "timeout", "grace_period"})
_LARGEST: Final = 2**63
#: Problems looked for; whoever has more has one mistake.
_MOST: Final = 20
#: What callers look for in a config, and where it is.
_ELSEWHERE: Final = {
    "region": "is no part of a config: a machine's region is an argument of its creation and never changes; "
    "flyCloneMachine makes one like it elsewhere",
    "name": "is no part of a config: a machine's name is an argument of its creation and never changes",
    "secrets": "are not part of a config: flySetSecrets sets them for the app",
    "cpus": "is part of guest: config.guest.cpus",
    "memory_mb": "is part of guest: config.guest.memory_mb",
    "autostop": "is part of each of services",
    "volume": "is part of mounts",
}


def checked(config: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """The config as Fly takes it: whole numbers whole, autostop in words. Null stands for "remove" and is kept.

    Raises:
        ValidationError: one entry a problem, with its place; no value is repeated.
    """
    walk = _Walk()
    value = walk.value({"$ref": _ROOT}, config, ())
    if MARK in obj(config.get("metadata")):
        walk.wrong(("metadata", MARK), "belongs to fly-mcp: machines are found again by it")
    if walk.problems:
        raise ValidationError.from_exception_data("config", walk.problems[:_MOST], hide_input=True)
    return obj(value)


@cache
def schemas() -> Schema:
    """Fly's schemas by name; references in them are bare names."""
    text = (
        files(__package__ or "fly_mcp_tools")
        .joinpath("data", "machine_config.json")
        .read_text(encoding="utf-8")
    )
    return cast("Schema", json.loads(text))


class _Walk:
    """One look at a config."""

    def __init__(self) -> None:
        self.problems: list[InitErrorDetails] = []

    def wrong(self, path: Path, message: str) -> None:
        """Note a problem. The message is ours, never the caller's value."""
        error = PydanticCustomError("value_error", "{error}", {"error": message})
        self.problems.append(InitErrorDetails(type=error, loc=path, input=None))

    def value(self, node: Schema, value: JsonValue, path: Path) -> JsonValue:
        """The value as Fly takes it; what is wrong goes to `problems`."""
        node = _target(node)
        kind = node.get("type")
        if kind == "object":
            return self._object(node, value, path)
        if kind == "array":
            return self._array(node, value, path)
        return self._plain(node, kind, value, path)

    def _object(self, node: Schema, value: JsonValue, path: Path) -> JsonValue:
        properties, others = node.get("properties"), node.get("additionalProperties")
        if properties is None and others is None:
            return value  # Go's `any`, which the document calls an object
        if not isinstance(value, dict):
            self.wrong(path, "must be an object")
            return None
        kept: JsonObject = {}
        for key, item in value.items():
            inner = others if properties is None else properties.get(key)
            if inner is None:
                self.wrong((*path, key), _unknown(key, path, properties or {}))
            elif item is None:
                kept[key] = None
            else:
                kept[key] = self.value(inner, item, (*path, key))
        for key in node.get("required", ()):
            if value.get(key) is None:
                self.wrong((*path, key), "is required there")
        return kept

    def _array(self, node: Schema, value: JsonValue, path: Path) -> JsonValue:
        if not isinstance(value, list):
            self.wrong(path, "must be a list")
            return None
        return [self.value(node["items"], item, (*path, number)) for number, item in enumerate(value)]

    def _plain(self, node: Schema, kind: str | None, value: JsonValue, path: Path) -> JsonValue:
        choice: list[str] | None = node.get("enum")
        if choice == _AUTOSTOP and isinstance(value, bool):
            return "stop" if value else "off"
        message = ""
        if kind == "string":
            message = _not_text(value, choice)
        elif kind == "boolean":
            message = "" if isinstance(value, bool) else "must be true or false, without quotes"
        elif isinstance(value, bool) or not isinstance(value, int | float):
            message = "must be a number, without quotes"
        else:
            message = _no_number(value, whole=kind == "integer")
        if message:
            if path and path[-1] in _DURATIONS and kind == "string":
                message += ', such as "15s"'
            self.wrong(path, message)
            return None
        return int(value) if kind == "integer" and isinstance(value, float) else value


def _target(node: Schema) -> Schema:
    """The schema that a node refers to. Where it has an `allOf` beside a type, the type is the generator's slip."""
    while "$ref" in node or "allOf" in node:
        node = schemas()[node["$ref"]] if "$ref" in node else node["allOf"][0]
    return node


def _not_text(value: JsonValue, choice: list[str] | None) -> str:
    if not isinstance(value, str):
        return "must be a string" + (f", one of {', '.join(choice)}" if choice else "")
    if choice and value not in choice:
        return f"must be one of: {', '.join(choice)}"
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        return "must be text, and holds half a character (a lone surrogate)"
    return "must not hold a NUL character" if "\x00" in value else ""


def _no_number(value: float, *, whole: bool) -> str:
    if not -_LARGEST <= value < _LARGEST:  # nor is NaN
        return "must be a number that fits into 64 bits"
    return "must be a whole number" if whole and value != int(value) else ""


def _unknown(key: str, path: Path, known: Schema) -> str:
    if not path and key in _ELSEWHERE:
        return _ELSEWHERE[key]
    folded = {name.replace("_", ""): name for name in known}
    plain = key.lower().replace("_", "").replace("-", "")[:60]
    near = difflib.get_close_matches(plain, folded, n=1, cutoff=0.6)
    if near:
        return f"is not a key of Fly's machine config there, and Fly would ignore it; did you mean {folded[near[0]]}?"
    return (
        f"is not a key of Fly's machine config there, and Fly would ignore it; there are {', '.join(known)}"
    )
