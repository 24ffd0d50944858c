"""The problems of a policy file in words, each with its place.

No value is shown but a word that is to be one of a few.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic import BaseModel

from fly_mcp_tools.action import Access, Group

from .decision import Effect
from .places import Path, dotted, line_of
from .rows import HOW_TO_NAME_IT, AgentRow, FileRow, RuleRow, TokenFrom
from .words import nearest, shown

_KEYS: Final[Mapping[str, type[BaseModel]]] = {
    "": FileRow, "agents.*": AgentRow, "agents.*.rules.*": RuleRow, "agents.*.fly_token": TokenFrom
}  # fmt: skip
_WORDS: Final[Mapping[str, tuple[str, type[Effect | Access | Group]]]] = {
    "effect": ("effect", Effect), "access": ("access class", Access), "groups": ("group", Group)
}  # fmt: skip


def problem(path: Path, kind: str, says: str, given: object) -> list[tuple[Path, str]]:
    """One of pydantic's problems in our words: it shows no value but a word that is to be one of a few."""
    if kind == "extra_forbidden":
        model = _KEYS.get(".".join(_general(path[:-1])))
        near = f"; the nearest is {nearest(str(path[-1]), model.model_fields)}" if model else ""
        return [(path, f"unknown key{near}")]
    if kind == "missing":
        return [(path, "is missing")]
    if kind == "value_error":
        return [(_named(path), says.removeprefix("Value error, "))]
    key = next((str(part) for part in reversed(path) if not isinstance(part, int)), "")
    if kind == "enum" and key in _WORDS and isinstance(given, str):
        what, words = _WORDS[key]
        return [(path, f"there is no {what} {shown(given)}; the nearest is {nearest(given, list(words))}")]
    if key == "fly_token" or "fly_token" in path:
        return [(path, HOW_TO_NAME_IT)]
    if kind == "string_pattern_mismatch":
        return [(_named(path), "is no name: letters, digits, and - . _ after the first one")]
    return [(_named(path), says[:1].lower() + says[1:])]


def _named(path: Path) -> Path:
    """The path without pydantic's mark for "this is about the key"."""
    return tuple(part for part in path if part != "[key]")


def _general(path: Path) -> list[str]:
    """The path with `*` for what the operator named, and for numbers."""
    return ["*" if index == 1 or isinstance(part, int) else str(part) for index, part in enumerate(path)]


def words(problems: list[tuple[Path, str]], known: Mapping[Path, int]) -> str:
    """All problems, in the order of the file."""
    told: list[tuple[int, str]] = []
    for place, says in problems:
        line = line_of(place, known)
        told.append((line or 0, f"{f'line {line}, ' if line else ''}{dotted(place)}: {says}."))
    told.sort(key=lambda one: one[0])
    return "\n".join(f"  {words}" for _, words in dict.fromkeys(told))
