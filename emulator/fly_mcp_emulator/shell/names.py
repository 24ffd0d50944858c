"""File name patterns: `*`, `?` and `[...]` (POSIX shell, 2.14)."""

from __future__ import annotations

from fnmatch import fnmatchcase

from .budget import Budget
from .errors import NotModelledError
from .files import Files, absolute

Run = tuple[str, bool]
"""A piece of a field, and whether it was quoted."""
_MAX_PATTERN = 500
_SPECIAL = ("*", "?", "[")


def pattern_of(runs: list[Run]) -> str:
    """Return the pattern of a field, with quoted characters taken literally."""
    return "".join(_escaped(text) if quoted else text for text, quoted in runs)


def matches(text: str, pattern: str, budget: Budget) -> bool:
    """Tell whether the whole of `text` matches."""
    if len(pattern) > _MAX_PATTERN:
        # The standard library keeps every pattern it has compiled.
        raise NotModelledError(f"a pattern of more than {_MAX_PATTERN} characters")
    if "[:" in pattern:
        raise NotModelledError("a character class in a file name pattern")
    # Its translation does not backtrack past a star (bpo-40480), but each star is a pass over the text.
    budget.charge(len(pattern))
    budget.charge_text((len(text) + len(pattern)) * (1 + pattern.count("*")))
    return fnmatchcase(text, pattern)


def expand_names(runs: list[Run], files: Files, cwd: str, budget: Budget) -> list[str]:
    """Return the file names a field stands for; the field itself when there are none."""
    plain = "".join(text for text, _ in runs)
    if not any(special in text for text, quoted in runs if not quoted for special in _SPECIAL):
        return [plain]
    pattern = pattern_of(runs)
    found = ["/"] if pattern.startswith("/") else [""]
    for part in [part for part in pattern.split("/") if part]:
        found = [name for base in found for name in _step(base, part, files, cwd, budget)]
    return sorted(found) or [plain]


def _step(base: str, part: str, files: Files, cwd: str, budget: Budget) -> list[str]:
    joined = base if base in ("", "/") else f"{base}/"
    if not any(special in part for special in _SPECIAL):
        return [joined + part] if files.exists(absolute(joined + part, cwd)) else []
    names = files.children(absolute(base or ".", cwd))
    hidden = part.startswith(".")
    return [joined + name for name in names if name.startswith(".") == hidden and matches(name, part, budget)]


def _escaped(text: str) -> str:
    return "".join(f"[{char}]" if char in _SPECIAL else char for char in text)
