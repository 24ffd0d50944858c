"""What the demo shows: calls, answers and tables, in colour where a person looks and wants it."""

from __future__ import annotations

import json
import os
import shutil
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO, cast

_BOLD, _DIM, _RED, _GREEN, _YELLOW, _CYAN = "1", "2", "31", "32", "33", "36"
#: Things of one list, and lines of a command's output, that are shown.
_MOST = 7


class Screen:
    """Writes lines that fit the width of `out`."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._colour = out.isatty() and not os.environ.get("NO_COLOR")
        self._width = max(60, min(shutil.get_terminal_size((100, 24)).columns, 110))

    def line(self, words: str = "", style: str = "") -> None:
        """A line, in characters that the output can take."""
        encoding = self._out.encoding or "ascii"
        words = words.encode(encoding, "replace").decode(encoding)
        self._out.write((f"\x1b[{style}m{words}\x1b[0m" if self._colour and style else words) + "\n")
        self._out.flush()

    def title(self, words: str) -> None:
        """What follows, in few words."""
        self.line(words, _BOLD)

    def chapter(self, number: int, title: str, says: str) -> None:
        """A use case, and what a user would have said."""
        self.line()
        self.title(f"{number}. {title}")
        self.line(f'   "{says}"', _DIM)

    def call(self, name: str, arguments: Mapping[str, Any]) -> None:
        """What is about to be called."""
        words = " ".join([name, *(f"{key}={_value(value)}" for key, value in arguments.items())])
        self.line()
        for line in _wrapped(words, self._width - 3, indent="  "):
            self.line(f"   {line}", _CYAN)

    def answer(self, answer: Mapping[str, Any], *, refused: bool, seconds: float) -> None:
        """What came back, shortened; the time it took stands at the right edge."""
        time = f" {seconds * 1000:6.0f} ms"
        room = self._width - len(time)
        style = _YELLOW if refused else _GREEN
        for number, words in enumerate(shortened(answer)):
            # Things of a list and the lines of a command's output are cut; what is said in words is not.
            clip = words.startswith(("|", " "))
            for line in [_clip(words, room - 5)] if clip else _wrapped(words, room - 5):
                self.line(
                    f"     {line}".ljust(room) + time if time else f"     {line}", "" if number else style
                )
                time = ""

    def table(self, title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Aligned columns."""
        lines = [list(head), *(list(row) for row in rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        self.line()
        self.line(f"   {title}")
        for number, line in enumerate(lines):
            words = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
            self.line(f"     {words}".rstrip(), "" if number else _DIM)

    def good(self, words: str) -> None:
        """The end, well."""
        self.line(words, _GREEN)

    def bad(self, words: str) -> None:
        """The end, badly."""
        self.line(words, _RED)


def shortened(answer: Mapping[str, Any]) -> list[str]:
    """An answer as a few readable lines: the plain values, the note, then a line for each thing in a list."""
    error = answer.get("error")
    if isinstance(error, dict):
        failure = cast("dict[str, Any]", error)
        return [str(failure[key]) for key in ("code", "message", "hint") if failure.get(key)]
    if "stdout" in answer:
        output = f"{answer['stdout']}{answer.get('stderr', '')}".splitlines() or ["(no output)"]
        hidden = len(output) - _MOST
        cut = [f"... {hidden} lines more ..."] if hidden > 0 else []
        return [f"exit_code {answer.get('exit_code')}", *(f"| {line}" for line in [*cut, *output[-_MOST:]])]
    things = {key: value for key, value in answer.items() if _is_things(value)}
    plain = {key: value for key, value in answer.items() if key not in things and key != "note"}
    lines = [_pairs(plain)] if _pairs(plain) else []
    if answer.get("note"):
        lines.append(str(answer["note"]))
    for key, rows in things.items():
        lines.append(f"{len(rows)} {key if len(rows) != 1 else key.removesuffix('s')}")
        lines += [f"  {_pairs(row)}" for row in rows[:_MOST]]
        if len(rows) > _MOST:
            lines.append(f"  ... {len(rows) - _MOST} more")
    return lines


def _is_things(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) for item in cast("list[object]", value))


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key} {_value(value)}" for key, value in values.items() if value is not None)


def _value(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _wrapped(words: str, room: int, indent: str = "") -> list[str]:
    return textwrap.wrap(words, room, subsequent_indent=indent, break_on_hyphens=False) or [""]


def _clip(words: str, room: int) -> str:
    return words if len(words) <= room else words[: room - 3] + "..."
