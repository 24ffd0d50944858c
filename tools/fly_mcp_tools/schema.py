"""JSON Schemas of a row, slim: what a model pays for in every conversation.

pydantic's own schemas carry titles, null branches and defaults that say nothing. They are taken out; what
constrains a value stays. Object roots only, no references: every client of every age reads that.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from pydantic import BaseModel

from .action import CONFIRM, REQUEST_ID, AnyAction, Gate

Schema = dict[str, Any]

_KNOWN: dict[str, Schema] = {}
#: What the gate adds, and what every write takes. Described in the server's instructions, not once a tool.
_CONFIRM: Schema = {"type": "boolean", "description": "true to destroy"}
_CONFIRM_COST: Schema = {"type": "boolean", "description": "true to pay"}
_REQUEST_ID: Schema = {"type": "string", "description": "Makes repeating safe"}


def input_schema(action: AnyAction, without: frozenset[str] = frozenset()) -> Schema:
    """What the tool takes: `confirm` where the row's gate asks, `requestId` where it writes.

    `without`: arguments that the operator has fixed, and that nobody need give.
    """
    schema = _without(slim(action.params), without) if without else slim(action.params)
    added = {
        **({} if action.gate is Gate.NEVER else {CONFIRM: _CONFIRM if action.destroys else _CONFIRM_COST}),
        **({REQUEST_ID: _REQUEST_ID} if action.writes else {}),
    }
    return {**schema, "properties": {**schema.get("properties", {}), **added}}


def _without(schema: Schema, names: frozenset[str]) -> Schema:
    """A new schema that does not have these properties."""
    properties = {name: node for name, node in schema.get("properties", {}).items() if name not in names}
    required = [name for name in schema.get("required", ()) if name not in names]
    kept = {key: node for key, node in schema.items() if key != "required"} | {"properties": properties}
    if required:
        kept["required"] = required
    return {key: kept[key] for key in _ORDER if key in kept}


def output_schema(action: AnyAction) -> Schema:
    """What a success holds. Open: a later version may add keys."""
    return slim(action.result)


def slim(model: type[BaseModel]) -> Schema:
    """The model's schema without noise. It is shared: whoever wants another makes a new one."""
    return _slimmed(model)


def key(model: type[BaseModel]) -> str:
    """The name of a model among all there are."""
    return f"{model.__module__}.{model.__qualname__}"


def know(schemas: Mapping[str, Schema]) -> None:
    """Take these, by `key`, for what `make` would make, which costs a moment for each model."""
    _KNOWN.update(schemas)


@cache
def _slimmed(model: type[BaseModel]) -> Schema:
    return _KNOWN.get(key(model)) or make(model)


def make(model: type[BaseModel]) -> Schema:
    """The model's schema, made anew."""
    raw = model.model_json_schema(by_alias=True, mode="validation")
    schema = _slim(raw, raw.get("$defs", {}))
    return {key: schema[key] for key in _ORDER if key in schema}


#: pydantic's own words for bounds that stand behind a validator of ours, and JSON Schema's for the same.
_BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}

#: What no model is helped by: names said twice, and the most characters of a text, which are checked all the same.
_NOISE = frozenset({"title", "$defs", "format", "maxLength"})

#: The root's keys, in the order in which they are read.
_ORDER = ("type", "properties", "required", "additionalProperties")


def _slim(node: object, definitions: Schema) -> Any:  # noqa: ANN401 - any JSON Schema node
    if isinstance(node, list):
        return [_slim(item, definitions) for item in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    chosen = _choice(_target(cast("Schema", node), definitions))
    return _slim_object(
        _target(chosen, definitions), definitions
    )  # what was chosen may refer to something too


def _target(node: Schema, definitions: Schema) -> Schema:
    """The node with what it refers to in its place."""
    if "$ref" in node:
        target = dict(definitions[node["$ref"].rsplit("/", 1)[-1]])
        target.pop("description", None)  # a class's docstring is for us, not for a model
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def _choice(node: Schema) -> Schema:
    """Without the null branch, where leaving the argument out says the same."""
    node = dict(node)
    if "anyOf" in node:
        choices = [choice for choice in node["anyOf"] if choice.get("type") != "null"]
        nullable = len(choices) < len(node["anyOf"])
        if len(choices) == 1 and (not nullable or node.get("default", 0) is None):
            del node["anyOf"]
            return _choice({**choices[0], **node})
        if len(choices) == 1 and set(choices[0]) <= {"type", "format"}:
            del node["anyOf"]
            node = {"type": [choices[0]["type"], "null"], **node}
    if node.get("default", 0) is None or node.get("default") is False:
        del node["default"]
    return node


def _slim_object(node: Schema, definitions: Schema) -> Schema:
    kept: Schema = {}
    for key, value in node.items():
        if key in _NOISE:
            continue
        if key == "properties":
            kept[key] = {name: _named(name, _slim(item, definitions)) for name, item in value.items()}
        elif key == "required":
            kept[key] = list(value)
        else:
            kept[_BOUNDS.get(key, key)] = _slim(value, definitions)
    return kept


def _named(name: str, node: Schema) -> Schema:
    """A property without a description that only says its name: `appName`, "App name"."""
    if str(node.get("description", "")).replace(" ", "").lower() != name.lower():
        return node
    return {key: value for key, value in node.items() if key != "description"}
