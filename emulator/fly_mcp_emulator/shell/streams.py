"""Standard input, output and error of a pretend command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from .budget import MAX_TEXT, Budget
from .errors import LimitError
from .files import Files


class Input:
    """Text that is read once, by whoever comes first: the commands of a loop share one."""

    def __init__(self, text: str = "") -> None:
        self._text = text
        self._at = 0

    def rest(self) -> str:
        """Read all that is left."""
        start, self._at = self._at, len(self._text)
        return self._text[start:]

    def line(self) -> str | None:
        """Read one line with its newline; `None` at the end."""
        if self._at >= len(self._text):
            return None
        end = self._text.find("\n", self._at)
        start, self._at = self._at, len(self._text) if end < 0 else end + 1
        return self._text[start : self._at]


class Sink(Protocol):
    """Somewhere to write to."""

    def write(self, text: str) -> None:
        """Take `text`."""
        ...


class OutputFullError(LimitError):
    """More than `MAX_TEXT` characters; in the middle of a pipe it is what a closed pipe would be."""


class Buffer:
    """Keeps what is written, up to `MAX_TEXT` characters; the part that fits is kept."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._parts: list[str] = []
        self._room = MAX_TEXT

    def write(self, text: str) -> None:
        """Take `text`, or the part of it that fits and then `OutputFullError`."""
        self._budget.charge_text(len(text))
        kept = text[: self._room]
        self._parts.append(kept)
        self._room -= len(kept)
        if len(kept) < len(text):
            raise OutputFullError("an output of more than 1 MiB")

    def text(self) -> str:
        """Return what was kept."""
        return "".join(self._parts)


class FileSink:
    """Appends to a pretend file at once, so that a later command of the same group reads it."""

    def __init__(self, files: Files, path: str) -> None:
        self._files = files
        self._path = path

    def write(self, text: str) -> None:
        """Append `text`."""
        self._files.append(self._path, text)


class NullSink:
    """`/dev/null`."""

    def write(self, text: str) -> None:
        """Forget `text`."""


@dataclass(frozen=True, slots=True)
class Streams:
    """The three descriptors a command is born with. `2>&1` is one sink twice, so order is kept."""

    stdin: Input
    out: Sink
    err: Sink
