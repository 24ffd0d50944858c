"""What these tests read: the texts beside the code, and in a checkout the code itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
SOURCES = ("server", "tools", "emulator")

#: The wheel's copy of the tests has the texts and not the code.
in_a_checkout = pytest.mark.skipif(not (ROOT / "server").is_dir(), reason="the code is not beside the tests")

_FENCED = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def documents() -> list[Path]:
    """Every text for people."""
    return [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(path: Path, language: str) -> list[str]:
    """The fenced blocks of a text in one language."""
    found = _FENCED.finditer(path.read_text(encoding="utf-8"))
    return [match["text"] for match in found if match["language"] == language]


def modules(*folders: str) -> Iterator[Path]:
    """Every Python file in these folders of the checkout."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not any(
                part.startswith(".") or part == "node_modules" for part in path.relative_to(ROOT).parts
            ):
                yield path
