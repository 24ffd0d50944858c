"""Values of the headers that health checks send: an Authorization among them is a secret.

An agent sees the names, and in the values' place a mark that it can send back: the machine's own values are then put
there again, so that a list of services can be changed by who must not know them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pydantic import JsonValue

from .errors import InvalidArguments, Problem
from .wire import JsonObject, obj, objects

MARK: Final = "[hidden]"
_KEY: Final = "headers"


def hidden(value: JsonValue) -> JsonValue:
    """A part of a config with the mark in place of the values of every header in it."""
    if isinstance(value, list):
        return [hidden(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: [_marked(one) for one in item] if key == _KEY and isinstance(item, list) else hidden(item)
        for key, item in value.items()
    }


def of(value: JsonValue) -> Iterator[JsonObject]:
    """Every header in a part of a config, name and values."""
    if isinstance(value, list):
        for item in value:
            yield from of(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key == _KEY and isinstance(item, list):
                yield from objects(item)
            else:
                yield from of(item)


def restored(patch: JsonObject, config: JsonObject) -> JsonObject:
    """The patch with the config's own values where it has the mark.

    Raises:
        InvalidArguments: the config has no header of that name, or several that differ.
    """
    if not any(_is_marked(one) for one in of(patch)):
        return patch
    own: dict[str, list[JsonValue]] = {}
    for one in of(config):
        values = own.setdefault(str(one.get("name")), [])
        if one.get("values") not in values:
            values.append(one.get("values"))
    return obj(_restored(patch, own))


def _restored(value: JsonValue, own: dict[str, list[JsonValue]]) -> JsonValue:
    if isinstance(value, list):
        return [_restored(item, own) for item in value]
    if not isinstance(value, dict):
        return value
    if _is_marked(value):
        known = own.get(str(value.get("name")), [])
        if len(known) != 1:
            raise InvalidArguments(
                "A header's values are hidden, and which are meant is not clear; nothing was sent.",
                problems=[Problem("config", f"send the real values in place of {MARK}")],
            )
        return {**value, "values": known[0]}
    return {key: _restored(item, own) for key, item in value.items()}


def _marked(header: JsonValue) -> JsonValue:
    return {**header, "values": [MARK]} if isinstance(header, dict) and header.get("values") else header


def _is_marked(value: JsonObject) -> bool:
    return value.get("values") == [MARK]
