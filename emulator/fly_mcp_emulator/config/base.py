"""JSON objects with the manners of a Go struct: unknown keys are dropped, null is "not given", and what
has its zero value is left out of the answer (`omitempty`).
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo, model_serializer, model_validator


def _blank_for_null(value: object) -> object:
    """Go decodes a null map value into the zero value of its type, here the empty string."""
    if not isinstance(value, dict):
        return value
    given = cast(dict[str, object], value)
    return {key: "" if item is None else item for key, item in given.items()}


StringMap = Annotated[dict[str, str], BeforeValidator(_blank_for_null)]
"""A Go `map[string]string`."""


CLOSED = "closed"
"""The key of a validation context in which unknown keys are refused, as in a world file."""


class GoStruct(BaseModel):
    """Base of everything inside a machine's config.

    Strict as Go's decoder is: no number for a string, no string for a number. Unknown keys, misspelt ones
    too, are ignored without a word (reference 3.3 [F]).
    """

    model_config = ConfigDict(extra="ignore", strict=True)

    POINTERS: ClassVar[frozenset[str]] = frozenset()
    """Pointer fields in Go: an explicit false or 0 is not "empty" and comes back."""
    ALWAYS: ClassVar[frozenset[str]] = frozenset()
    """Fields without `omitempty`: always in the answer."""

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, dict):
            return value
        given = cast(dict[str, object], value)
        unknown = [key for key in given if key not in cls.model_fields]
        if unknown and info.context and CLOSED in info.context:
            raise ValueError(f"there is no {', '.join(unknown)}")
        return {key: item for key, item in given.items() if item is not None}

    @model_serializer
    def as_fly_answers(self) -> dict[str, Any]:
        """Return the object as Fly would echo it."""
        answer: dict[str, Any] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if name in self.ALWAYS or self._shown(name, value):
                answer[name] = _plain(value)
        return answer

    def _shown(self, name: str, value: object) -> bool:
        if name in self.POINTERS or isinstance(value, GoStruct):
            return value is not None
        return bool(value)


def _plain(value: object) -> object:
    if isinstance(value, GoStruct):
        return value.as_fly_answers()
    if isinstance(value, list):
        return [_plain(item) for item in cast(list[object], value)]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in cast(dict[str, object], value).items()}
    return value
