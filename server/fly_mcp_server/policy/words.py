"""Words of a policy that can be misspelt, held against those that there are."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Final

from fly_mcp_tools.catalogue import ACTIONS

ANY: Final = "*"
_APP: Final = re.compile(r"[a-z0-9*](?:[a-z0-9*-]{0,61}[a-z0-9*])?")
_ACTION: Final = re.compile(r"[A-Za-z*]{1,60}")


def matches(pattern: str, word: str) -> bool:
    """Whether a word is as the pattern says; `*` stands for any letters, none included."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split(ANY))), word) is not None


def action_pattern(pattern: str) -> str:
    """The name of an action, or a pattern that some action has. Raises ValueError, which names the nearest."""
    if not _ACTION.fullmatch(pattern) or not any(matches(pattern, name) for name in ACTIONS):
        near = nearest(pattern.replace(ANY, ""), ACTIONS)
        raise ValueError(f"there is no action {shown(pattern)}; the nearest is {near}")
    return pattern


def app_pattern(pattern: str) -> str:
    """A pattern for names of apps. Raises ValueError for one that no app's name can match."""
    if not _APP.fullmatch(pattern):
        raise ValueError(
            "names of apps are lower-case letters, digits and dashes; * stands for any of these, as in web-*"
        )
    return pattern


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is most like it; there is always one."""
    folded = {one.lower(): one for one in known}
    (near,) = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.0)
    return folded[near]


def shown(word: str) -> str:
    """A word of the operator's own, short enough for a line."""
    return word if len(word) <= 40 else f"{word[:40]}..."
