"""What all parameter and result models share."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
)
from pydantic.alias_generators import to_camel


def _whole(value: object) -> object:
    """JSON knows one kind of number: 2.0 is the whole number 2. "2" and true are not numbers."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


Whole = Annotated[int, BeforeValidator(_whole)]
"""A whole number as JSON writes it."""


class Params(BaseModel):
    """Arguments of an action: closed, strict, camelCase on the wire as documented."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
        hide_input_in_errors=True,  # a rejected value may be a secret
    )


class Result(BaseModel):
    """An answer: the documented keys, and added ones beside them. Empty added keys are left out."""

    # Built when first used: all of them at once cost a tenth of the start-up time.
    model_config = ConfigDict(
        extra="ignore", populate_by_name=True, hide_input_in_errors=True, defer_build=True
    )

    @model_serializer(mode="wrap")
    def _without_empty(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # A documented key without a default stays, null included (attached_machine_id); the rest is only
        # there when it says something.
        full: dict[str, Any] = handler(self)
        optional = {
            field.serialization_alias or name
            for name, field in type(self).model_fields.items()
            if not field.is_required()
        }
        return {key: value for key, value in full.items() if value is not None or key not in optional}

    def wire(self) -> dict[str, Any]:
        """The JSON object an agent gets."""
        return self.model_dump(mode="json", by_alias=True)


Outcome = Literal["done", "pending", "unclear"]


class WriteResult(Result):
    """An answer of a write. A refusal is an error, so three outcomes remain.

    done: and seen to be done. pending: Fly is still at it; `note` says how to look. unclear: it may or may
    not have happened; `note` says what was found when looking.
    """

    outcome: Outcome = Field(description="done (seen), pending (still on the way) or unclear")
    note: str | None = Field(default=None, description="what to know or do next")
    already_done: bool | None = Field(
        default=None, description="an earlier call with this requestId did it; nothing was sent"
    )

    def kept(self) -> dict[str, Any] | None:
        """What is stored for whoever repeats the call. Nothing that may be a secret.

        None: a stored answer would be of no use without its secret. The action goes on where it stopped, and finds
        what it did before.
        """
        return self.wire()
