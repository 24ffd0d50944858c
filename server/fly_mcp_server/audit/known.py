"""What of a call may be kept: the ids of things, and words of a fixed list. Never another value.

An argument may hold anything, a secret too. What is kept has been held against the rule of its id, or is one of the
words that the row itself offers; the names of secrets and of keys are not kept either.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, get_args, get_origin

from pydantic import TypeAdapter, ValidationError

from fly_mcp_tools import ids as rules
from fly_mcp_tools.action import AnyAction
from fly_mcp_tools.models import Params

#: The ids that are kept, by the name that rows and paths give them.
RULES: Final[Mapping[str, TypeAdapter[str]]] = {
    "app_name": TypeAdapter(rules.AppName),
    "machine_id": TypeAdapter(rules.MachineId),
    "volume_id": TypeAdapter(rules.VolumeId),
    "org_slug": TypeAdapter(rules.OrgSlug),
    "hostname": TypeAdapter(rules.Hostname),
    "ip": TypeAdapter(rules.IpAddress),
    "snapshot_id": TypeAdapter(rules.SnapshotId),
    "source_volume_id": TypeAdapter(rules.VolumeId),
}
_REQUEST: Final = re.compile(r"[A-Za-z0-9._:/-]{1,128}")


def ids_of(values: Mapping[str, object]) -> dict[str, str]:
    """The ids among these that are what they are called."""
    return {name: good for name in RULES if (good := _good(name, values.get(name))) is not None}


def given(action: AnyAction, arguments: Mapping[str, object]) -> dict[str, object]:
    """Arguments as they came, under the names of the row's fields."""
    fields = action.params.model_fields
    return {name: arguments.get(field.alias or name) for name, field in fields.items()}


def checked(params: Params) -> dict[str, object]:
    """Arguments that were checked, with what was filled in."""
    return {name: getattr(params, name) for name in type(params).model_fields}


def words_of(action: AnyAction, values: Mapping[str, object]) -> dict[str, str]:
    """Arguments whose value is one of a fixed list, by their names on the wire: `signal`, `state`."""
    kept: dict[str, str] = {}
    for name, field in action.params.model_fields.items():
        value = values.get(name)
        if isinstance(value, str) and name not in action.secret_params:
            word = next((one for one in _offered(field.annotation) if one == str(value)), None)
            if word is not None:
                kept[field.alias or name] = word
    return kept


def request_id(text: str | None) -> str | None:
    """Fly's id of a request, where it looks like one."""
    return text if text and _REQUEST.fullmatch(text) else None


def _good(name: str, value: object) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return RULES[name].validate_python(value)
    except ValidationError:
        return None


def _offered(annotation: Any) -> Iterator[str]:  # noqa: ANN401 - an annotation is any object
    """The words that a type offers."""
    if isinstance(annotation, type) and issubclass(annotation, enum.StrEnum):
        yield from (str(one) for one in annotation)
    elif get_origin(annotation) is Literal:
        yield from (one for one in get_args(annotation) if isinstance(one, str))
    else:
        for inner in get_args(annotation):
            yield from _offered(inner)
