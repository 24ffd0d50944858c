"""Things that an agent names in its arguments beside the app: each has to be of that app.

What a composite puts into a body by itself was read from Fly under the app, so the arguments are all that has to be
looked at. Ids in a path are Fly's to hold against the app in the same path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import JsonValue

from fly_mcp_tools.models import Params

Kind = Literal["machine", "volume", "snapshot", "app"]

#: Arguments that name a thing, and keys of a machine's config that do. `image` names an app where it is in Fly's
#: own registry: each app has a repository there.
_ARGUMENTS: Final[dict[str, Kind]] = {
    "machine_id": "machine",
    "volume_id": "volume",
    "source_volume_id": "volume",
    "snapshot_id": "snapshot",
    "image": "app",
}
_CONFIG: Final = "config"
_IN_CONFIG: Final[dict[str, Kind]] = {
    "volume": "volume", "standbys": "machine", "image": "app", "image_config": "app"
}  # fmt: skip
#: Free maps, whose keys are the agent's own.
_FREE: Final = frozenset({"env", "metadata", "secrets", "labels"})
#: An image in a registry of Fly's, however its host is written, and the path from the app on.
_REGISTRY: Final = re.compile(r"(?:^|[/@\s])(?:[a-z0-9-]+\.)*fly\.io\.?(?::\d+)?/+(\S+)", re.IGNORECASE)


@dataclass(frozen=True)
class Reference:
    """A thing that is named. For an app the app's name, else an id."""

    kind: Kind
    id: str


def of(params: Params) -> frozenset[Reference]:
    """Everything that the arguments name beside the app itself."""
    found: set[Reference] = set()
    named = type(params).model_fields.keys() & {*_ARGUMENTS, _CONFIG}
    for name, value in params.model_dump(mode="json", include=set(named)).items():
        found.update(_in_config(value) if name == _CONFIG else _named(_ARGUMENTS[name], value))
    return frozenset(found)


def _in_config(value: JsonValue) -> Iterator[Reference]:
    if isinstance(value, list):
        for item in value:
            yield from _in_config(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in _IN_CONFIG:
                yield from _named(_IN_CONFIG[key], item)
            if key not in _FREE:
                yield from _in_config(item)


def _named(kind: Kind, value: JsonValue) -> Iterator[Reference]:
    if isinstance(value, list):
        for item in value:
            yield from _named(kind, item)
    elif isinstance(value, str) and kind == "app":
        if found := _REGISTRY.search(value):
            first, *more = re.split(r"[/:@]", found[1].lower())
            yield Reference("app", first)
            # No image has one, and who knows where it would lead.
            yield from (Reference("app", part) for part in more if part == "..")
    elif isinstance(value, str):
        yield Reference(kind, value)
