"""What lists share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from pydantic import JsonValue

from fly_mcp_tools.ids import AppName
from fly_mcp_tools.models import Params

#: Rows of one answer at most: about 6,000 tokens of machines.
MOST = 100
#: Things of one kind that an error names at most.
_FACTS = 50

RowT = TypeVar("RowT")


class OfApp(Params):
    """Everything of its kind in one app."""

    app_name: AppName


def capped(rows: Sequence[RowT]) -> tuple[Sequence[RowT], int | None]:
    """The first rows, and how many there are in all where that is more."""
    return (rows, None) if len(rows) <= MOST else (rows[:MOST], len(rows))


def some(words: Iterable[str]) -> list[JsonValue]:
    """Words for an error's facts: the first of them, and a last one that says how many more there are."""
    every = list(words)
    more = len(every) - _FACTS
    shown: list[JsonValue] = [*every[:_FACTS]]
    return [*shown, f"and {more} more"] if more > 0 else shown
