"""What lists share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from fly_mcp_tools.ids import AppName
from fly_mcp_tools.models import Params

#: Rows of one answer at most: about 6,000 tokens of machines.
MOST = 100

RowT = TypeVar("RowT")


class OfApp(Params):
    """Everything of its kind in one app."""

    app_name: AppName


def capped(rows: Sequence[RowT]) -> tuple[Sequence[RowT], int | None]:
    """The first rows, and how many there are in all where that is more."""
    return (rows, None) if len(rows) <= MOST else (rows[:MOST], len(rows))
