"""Saying what is wrong with JSON that somebody wrote, each thing with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pydantic import ValidationError

_WORD = re.compile(r"[A-Za-z0-9_-]+\Z")


class BadWorld(ValueError):
    """A world that cannot be; `problems` is everything that is wrong with it, each with its place."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def place(parts: Iterable[str | int]) -> str:
    """Return a path: `apps.my-sandbox.machines.m1.config.mounts[0].path`, `images["nginx:1"].files`."""
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        elif _WORD.match(part):
            path += f".{part}" if path else part
        else:
            path += f'["{part}"]'
    return path or "(whole)"


def problems_of(error: ValidationError) -> list[str]:
    """Return what pydantic found, a line each. Values are not shown: there are secrets among them."""
    lines: list[str] = []
    for one in error.errors(include_url=False, include_input=False):
        # A key of a map that is at fault comes as two parts: the key, and this word.
        parts = [part for part in one["loc"] if part != "[key]"]
        lines.append(f"{place(parts)}: {one['msg'].removeprefix('Value error, ')}")
    return lines
