"""What a part of the run found."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class Verdict:
    """Figures and lines to print, and every law that did not hold, in words."""

    name: str
    counts: Counter[str] = field(default_factory=Counter[str])
    lines: list[str] = field(default_factory=list[str])
    violations: list[str] = field(default_factory=list[str])
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0

    def end(self) -> Verdict:
        """Note how long it took."""
        self.seconds = time.monotonic() - self.began
        return self

    def text(self) -> str:
        """All of it."""
        head = f"{self.name}: {len(self.violations)} violations, {self.seconds:.0f} s"
        return "\n".join(
            [head, *self.lines, *columns(self.counts), *(f"  VIOLATION {words}" for words in self.violations)]
        )


def columns(counts: Mapping[str, int]) -> list[str]:
    """Counts, three to a line."""
    if not counts:
        return []
    width = max(map(len, counts)) + 1
    cells = [f"  {name:<{width}}{number:>6}" for name, number in sorted(counts.items())]
    return ["".join(cells[first : first + 3]) for first in range(0, len(cells), 3)]
