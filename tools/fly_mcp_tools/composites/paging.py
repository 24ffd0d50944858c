"""Pages of a list: an agent asks for some, is told how many there are, and goes on from where it was.

The cursor names the last id that was shown, not a place in the list: machines that come and go between two pages
move nothing, so that each that is there throughout is shown exactly once. Fly's order is not documented (reference
12), so lists are sorted by id.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Generic, TypeVar

from pydantic import Field

from fly_mcp_tools.errors import InvalidArguments, Problem
from fly_mcp_tools.models import Params, Whole

#: Rows of a page unless asked otherwise, and at most.
USUAL: Final = 50
MOST: Final = 100

RowT = TypeVar("RowT")

Limit = Annotated[Whole, Field(ge=1, le=MOST, description="Rows, 1-100")]


class Paged(Params):
    """A list that comes in pages."""

    limit: Limit = USUAL
    cursor: str | None = Field(default=None, max_length=500, description="next_cursor of the page before")

    def filters(self) -> dict[str, Any]:
        """What chooses the rows: a cursor goes on only with the same."""
        return self.model_dump(mode="json", exclude={"limit", "cursor"}, exclude_none=True)


@dataclass(frozen=True)
class Page(Generic[RowT]):
    """Some rows of many."""

    rows: list[RowT]
    #: Rows that fit, over all pages.
    total: int
    next_cursor: str | None

    @property
    def showing(self) -> str | None:
        """How many of how many, where that is not all."""
        return f"{len(self.rows)} of {self.total}" if self.total > len(self.rows) else None


def page(params: Paged, rows: Sequence[RowT], key: Callable[[RowT], str]) -> Page[RowT]:
    """The page of `rows` that was asked for. `key`: a row's id, unique among them.

    Raises:
        InvalidArguments: the cursor is none of ours, or was given for other filters.
    """
    after = place(params)
    ordered = sorted(rows, key=key)
    left = ordered if after is None else [row for row in ordered if key(row) > after]
    shown = left[: params.limit]
    more = len(left) > len(shown)
    return Page(shown, len(ordered), cursor_to(params, key(shown[-1])) if more else None)


def cursor_to(params: Paged, place: str) -> str:
    """A cursor that holds `place`: the last id shown, or a cursor of Fly's own."""
    text = json.dumps([_print(params), place], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place(params: Paged) -> str | None:
    """What the cursor of the arguments holds; None where they have none.

    Raises:
        InvalidArguments: the cursor is none of ours, or was given for other filters.
    """
    if params.cursor is None:
        return None
    try:
        padded = params.cursor + "=" * (-len(params.cursor) % 4)
        known, last = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, TypeError, binascii.Error):
        raise _wrong("is no cursor; send next_cursor as the page before gave it, or leave it out") from None
    if known != _print(params) or not isinstance(last, str):
        raise _wrong("belongs to a list with other arguments; repeat those, or begin again without a cursor")
    return last


def _print(params: Paged) -> str:
    """Which list a cursor belongs to."""
    text = json.dumps([type(params).__name__, params.filters()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _wrong(message: str) -> InvalidArguments:
    return InvalidArguments(
        "The cursor cannot be used; nothing was sent.", problems=[Problem("cursor", message)]
    )
