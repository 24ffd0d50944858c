"""From an answer's JSON to Fly's objects, or a clear error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, JsonValue, ValidationError

from fly_mcp_tools.call import Call
from fly_mcp_tools.decode import Answer
from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.errors import Code, FlyError, MaybeDone, RefusedByFly

WireT = TypeVar("WireT", bound=BaseModel)


def one(model: type[WireT], data: JsonValue, *, endpoint: Endpoint, answer: Answer) -> WireT:
    """One object. Raises `unreadable` where the answer has another shape."""
    try:
        return model.model_validate(data)
    except ValidationError:
        raise unreadable(endpoint, answer) from None


def many(model: type[WireT], data: JsonValue, *, endpoint: Endpoint, answer: Answer) -> list[WireT]:
    """A list of objects; null counts as empty, as Go writes an empty list."""
    if data is None:
        return []
    if not isinstance(data, list):
        raise unreadable(endpoint, answer)
    return [one(model, item, endpoint=endpoint, answer=answer) for item in data]


def key(data: JsonValue, name: str, *, endpoint: Endpoint, answer: Answer) -> JsonValue:
    """The value under `name` of an object."""
    if not isinstance(data, Mapping) or name not in data:
        raise unreadable(endpoint, answer)
    return data[name]


def unreadable(endpoint: Endpoint, answer: Answer) -> FlyError:
    """A 2xx whose JSON is not what Fly documents: after a write nobody knows what happened."""
    words = f"Fly's answer to {endpoint.name} has an unexpected shape"
    if endpoint.writes:
        return MaybeDone(
            words,
            hint="Look at the app with a read action before repeating it.",
            status=answer.status,
            request_id=answer.request_id,
        )
    return RefusedByFly(
        words,
        code=Code.FLY_UNAVAILABLE,
        hint=f"Try again; if it stays, {endpoint.setting} may not point at Fly's API.",
        retryable=True,
        status=answer.status,
        request_id=answer.request_id,
    )


__all__ = ["Call", "key", "many", "one", "unreadable"]
