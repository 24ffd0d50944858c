"""A place in an app's log: where the next page begins.

Fly's token is the time of the last line in nanoseconds, and a page is what came after that time (reference 8.1). Lines
that share a time would be lost where a page, or an answer of ours, ends between them. So a place remembers how many
lines of its time have been read: the page is asked for from just before that time, and those lines are passed over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Self

from fly_mcp_tools.api.logs import Line, Page

#: So many lines of one nanosecond may fill a page of Fly's: then the rest of them cannot be had, and is passed over.
_FULL: Final = 50
_OURS: Final = re.compile(r"([1-9][0-9]{0,19})_([1-9][0-9]{0,4})")


@dataclass(frozen=True)
class Place:
    """After `seen` lines of the nanosecond `at_ns`; or, where `seen` is 0, at a token of Fly's."""

    token: str
    at_ns: int = 0
    seen: int = 0

    @classmethod
    def of(cls, cursor: str) -> Self:
        """The place that a cursor of ours names; any other text is a token of Fly's."""
        ours = _OURS.fullmatch(cursor)
        return cls.after(int(ours[1]), int(ours[2])) if ours else cls(cursor)

    @classmethod
    def after(cls, at_ns: int, seen: int) -> Self:
        """The place after so many lines of a nanosecond."""
        return cls(str(at_ns - 1), at_ns, seen)

    @property
    def cursor(self) -> str:
        """How it is told to a caller."""
        return f"{self.at_ns}_{self.seen}" if self.seen else self.token

    def new(self, lines: list[Line]) -> list[Line]:
        """What of a page that was asked for from here has not been read."""
        known, new = self.seen, list[Line]()
        for one in lines:
            if known and one.at_ns == self.at_ns:
                known -= 1
            else:
                new.append(one)
        return new

    def past(self, page: Page) -> Self | None:
        """The place after a page that was asked for from here; None where Fly names none."""
        if page.next_token is None:
            return None
        last = page.lines[-1].at_ns if page.lines else 0
        if not last or page.next_token != str(last):
            # A page without lines ends where it began; a token that is no time of ours is Fly's to understand.
            return self if not page.lines and self.seen else type(self)(page.next_token)
        same = sum(one.at_ns == last for one in page.lines)
        if (last, same) == (self.at_ns, self.seen):
            return self if same < _FULL else type(self)(page.next_token)
        return self.after(last, same)
