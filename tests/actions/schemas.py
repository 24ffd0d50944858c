"""JSON Schema, by the validator that the SDK itself depends on."""

from __future__ import annotations

from typing import Any

import jsonschema  # type: ignore[import-untyped]  # its stubs are a package of their own

_Draft: Any = jsonschema.Draft202012Validator


def fits(value: object, schema: dict[str, Any]) -> None:
    """Raise jsonschema.ValidationError where `value` does not fit."""
    _Draft(schema).validate(value)


def sound(schema: dict[str, Any]) -> None:
    """Raise jsonschema.SchemaError where it is no schema."""
    _Draft.check_schema(schema)
