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

#: `image` is one whose host cannot be told; `bucket` a bucket of objects. Both are nobody's.
Kind = Literal["machine", "volume", "snapshot", "app", "image", "bucket"]

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
    "volume": "volume", "standbys": "machine", "image": "app", "image_config": "app", "tigris_bucket": "bucket"
}  # fmt: skip
#: Free maps, whose keys are the agent's own.
_FREE: Final = frozenset({"env", "metadata", "secrets", "labels"})
#: An image in a registry of Fly's, however its host is written, and the path from the app on.
_REGISTRY: Final = re.compile(r"(?:^|[/@\s])(?:[a-z0-9-]+\.)*fly\.io\.?(?::\d+)?/+(?=(\S+))", re.IGNORECASE)
_HOST: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_PART: Final = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
#: An image's name as registries have it. Of anything else, nobody knows which host it leads to.
_WELL_FORMED: Final = re.compile(
    rf"(?:{_HOST}(?:\.{_HOST})*(?::[0-9]+)?/)?{_PART}(?:/{_PART})*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9+._-]*:[0-9A-Fa-f]+)?"
)
#: Characters of an image's name: more than any has, and few enough to be searched at once.
_LONGEST: Final = 512


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
        yield from _of_image(value)
    elif isinstance(value, str) and value:
        yield Reference(kind, value)


def _of_image(value: str) -> Iterator[Reference]:
    """Whose an image is, where it is in Fly's registry; that it cannot be told, where it is not well-formed."""
    found = [*_REGISTRY.finditer(value)] if len(value) <= _LONGEST else []
    for one in found:
        first, *more = re.split(r"[/:@]", one[1].lower())
        yield Reference("app", first)
        # No image has one, and who knows where it would lead.
        yield from (Reference("app", part) for part in more if part == "..")
    if not found and (len(value) > _LONGEST or not _WELL_FORMED.fullmatch(value)):
        yield Reference("image", value)
