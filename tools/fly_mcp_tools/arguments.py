"""Arguments of a call: all problems at once, in words that say what to send. Values are never repeated."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from .action import CONFIRM, REQUEST_ID, AnyAction, Gate
from .errors import InvalidArguments, Problem
from .foreign import clean
from .ids import RequestId, is_secret_name
from .models import Params

_REQUEST: TypeAdapter[str] = TypeAdapter(RequestId)
#: Problems told at most; a thousand bad list items are one mistake.
_MOST = 20

_TYPES = {
    "string_type": "must be a string",
    "string_unicode": "must be text, and holds half a character (a lone surrogate)",
    "bool_type": "must be true or false, without quotes",
    "int_type": "must be a whole number, without quotes",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number, without quotes",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
}


def parse(action: AnyAction, arguments: Mapping[str, JsonValue]) -> Params:
    """The row's params from what a caller sent, without `confirm` and `requestId`.

    Raises:
        InvalidArguments: `problems` names every one, those of `requestId` included.
    """
    given = dict(arguments)
    if action.gate is not Gate.NEVER:
        given.pop(CONFIRM, None)
    problems = _request_id(given.pop(REQUEST_ID, None)) if action.writes else []
    try:
        params: Params = action.params.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=True, include_input=False)
        problems += [_problem(action, item, given) for item in found]
    else:
        if not problems:
            return params
    unique = list(dict.fromkeys(problems))[:_MOST]
    count = f"{len(unique)} problem{'s' if len(unique) > 1 else ''}"
    raise InvalidArguments(
        f"{action.name} was not run: {count} with its arguments. Nothing was sent.",
        problems=unique,
    )


def _request_id(value: JsonValue) -> list[Problem]:
    """What is wrong with a request id; null is as good as none."""
    if value is None:
        return []
    try:
        _REQUEST.validate_python(value, strict=True)
    except ValidationError as error:
        item = error.errors(include_url=False, include_input=False)[0]
        return [Problem(REQUEST_ID, _words(item["type"], item))]
    return []


def _problem(action: AnyAction, item: ErrorDetails, given: Mapping[str, JsonValue]) -> Problem:
    kind: str = item["type"]
    location: tuple[int | str, ...] = item["loc"]
    path = _path(action, location, given)
    if kind == "extra_forbidden":
        return Problem(path, f"is not an argument of {action.name}{_near(action, str(location[0]))}")
    if kind == "missing":
        return Problem(path, f"is required: {_what(action, str(location[0]))}")
    return Problem(path, _words(kind, item))


def _words(kind: str, item: ErrorDetails) -> str:
    context: dict[str, Any] = item.get("ctx") or {}
    if kind in _TYPES:
        return _TYPES[kind]
    if kind == "value_error":
        return str(context.get("error", "is not valid"))
    if kind == "literal_error":
        return f"must be one of: {str(context['expected']).replace(chr(39), '').replace(' or ', ', ')}"
    bounds = {"greater_than_equal": "ge", "less_than_equal": "le"}
    if kind in bounds:
        word = "at least" if kind.startswith("greater") else "at most"
        return f"must be {word} {context[bounds[kind]]}"
    if kind == "too_short":
        return f"needs at least {context['min_length']} item"
    if kind == "too_long":
        return f"takes at most {context['max_length']} items"
    return "is not valid: " + clean(str(item["msg"]), limit=120)


def _path(action: AnyAction, location: tuple[int | str, ...], given: Mapping[str, JsonValue]) -> str:
    """Where, as a caller would write it. A key that may be a swapped secret is numbered, not repeated."""
    parts: list[str] = []
    top = str(location[0]) if location else ""
    names = {field.alias or name: name for name, field in action.params.model_fields.items()}
    secret = names.get(top) in action.secret_params
    for part in location:
        if part == "[key]":
            continue
        if isinstance(part, int):
            parts.append(f"[{part}]")
        elif not parts or not secret or is_secret_name(part):
            parts.append(("." if parts else "") + clean(part, limit=60))
        else:
            values = given.get(top)
            number = list(values).index(part) + 1 if isinstance(values, dict) and part in values else "?"
            parts.append(f" (name no. {number})")
    return "".join(parts) or "arguments"


def _near(action: AnyAction, name: str) -> str:
    known = [field.alias or key for key, field in action.params.model_fields.items()]
    if action.gate is not Gate.NEVER:
        known.append(CONFIRM)
    if action.writes:
        known.append(REQUEST_ID)
    folded = {key.lower(): key for key in known}
    plain = name.lower().replace("_", "").replace("-", "")
    near = difflib.get_close_matches(plain, folded, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {folded[near[0]]}?"
    return f"; it takes {', '.join(known)}" if known else "; it takes none"


def _what(action: AnyAction, alias: str) -> str:
    for name, field in action.params.model_fields.items():
        if alias in (field.alias, name):
            return field.description or alias
    return alias
