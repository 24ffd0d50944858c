"""JSON Schema, by the validator that the SDK itself depends on."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

_DRAFT: Any = Draft202012Validator  # partly untyped


def fits(value: object, schema: dict[str, Any]) -> None:
    """Raise jsonschema.ValidationError where `value` does not fit."""
    _DRAFT(schema).validate(value)


def sound(schema: dict[str, Any]) -> None:
    """Raise jsonschema.SchemaError where it is no schema."""
    _DRAFT.check_schema(schema)
