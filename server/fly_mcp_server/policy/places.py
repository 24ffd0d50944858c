"""Where in a TOML file a key stands: `tomllib` tells no lines.

Found by reading line by line: headers and keys at the beginning of a line, which is how policies are written. What
stands inside a longer value is given the line where that value begins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, TypeAlias

Path: TypeAlias = tuple[str | int, ...]

_PART: Final = r"""(?:[A-Za-z0-9_-]+|"[^"]*"|'[^']*')"""
_KEY: Final = rf"{_PART}(?:\s*\.\s*{_PART})*"
_TABLE: Final = re.compile(rf"\s*\[\s*({_KEY})\s*\]\s*(?:#.*)?$")
_ONE_OF_MANY: Final = re.compile(rf"\s*\[\[\s*({_KEY})\s*\]\]\s*(?:#.*)?$")
_SET: Final = re.compile(rf"\s*({_KEY})\s*=")


def lines(text: str) -> Mapping[Path, int]:
    """The line of each table and key, counted from 1."""
    found: dict[Path, int] = {}
    many: dict[Path, int] = {}
    table: Path = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _ONE_OF_MANY.match(line):
            path = _inside(_parts(header[1]), many)
            many[path] = many.get(path, -1) + 1
            table = (*path, many[path])
            _found(found, table, number)
        elif header := _TABLE.match(line):
            table = _inside(_parts(header[1]), many)
            _found(found, table, number)
        elif key := _SET.match(line):
            _found(found, (*table, *_parts(key[1])), number)
    return found


def _found(known: dict[Path, int], path: Path, line: int) -> None:
    """Note a line, and that what it stands in begins there at the latest."""
    while path:
        known.setdefault(path, line)
        path = path[:-1]


def line_of(path: Path, known: Mapping[Path, int]) -> int | None:
    """The line of a path, or of what it stands in."""
    while path:
        if path in known:
            return known[path]
        path = path[:-1]
    return None


def dotted(path: Path) -> str:
    """The path as a person reads it: `agents.night.rules[1].access`."""
    words = ""
    for part in path:
        words += f"[{part}]" if isinstance(part, int) else f".{part}" if words else part
    return words


def _parts(key: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, key))


def _inside(parts: tuple[str, ...], many: Mapping[Path, int]) -> Path:
    """The path of a header: below a list of tables, the last of them is meant."""
    path: Path = ()
    for index, part in enumerate(parts):
        path = (*path, part)
        if path in many and index < len(parts) - 1:
            path = (*path, many[path])
    return path
