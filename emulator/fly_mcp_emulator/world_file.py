"""Worlds as JSON that people write: read whole, or refused with everything that is wrong."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from .checking import check
from .config.base import CLOSED
from .problems import BadWorld, place, problems_of
from .world import World


def read_world(text: str | bytes) -> World:
    """Return the world of a JSON text. Stricter than Fly: a misspelt key in a machine's config is an error too.

    Raises: `BadWorld`.
    """
    return world_of(parsed(text))


def world_of(given: object, at: str = "") -> World:
    """Return the world of parsed JSON; `at` is where it stands in its file. Raises: `BadWorld`."""
    try:
        world = World.model_validate(given, context={CLOSED: True})
    except ValidationError as error:
        raise BadWorld([at + line for line in problems_of(error)]) from None
    problems = check(world)
    if problems:
        raise BadWorld([at + line for line in problems])
    return world


def parsed(text: str | bytes) -> Any:  # noqa: ANN401 - JSON
    """Return what a JSON text says. Raises: `BadWorld` for what is none, and for keys given twice."""
    twice: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        whole = dict(pairs)
        if len(whole) != len(pairs):
            keys = [key for key, _ in pairs]
            twice.extend(dict.fromkeys(key for key in keys if keys.count(key) > 1))
        return whole

    def never(word: str) -> float:
        raise ValueError(f"{word} is no JSON")

    try:
        given: Any = json.loads(text, object_pairs_hook=once, parse_constant=never)
    except json.JSONDecodeError as error:
        at = f"line {error.lineno} column {error.colno}"
        raise BadWorld([f"(whole): not JSON: {at}: {error.msg}"]) from None
    except (ValueError, RecursionError) as error:
        raise BadWorld([f"(whole): not JSON: {error}"]) from None
    if twice:
        raise BadWorld([f"{place([key])}: this key is there twice in one object" for key in twice])
    return given
