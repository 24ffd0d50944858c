"""Finds where something that is bracketed ends, without understanding it.

Apart from the reader on purpose: a reader that understood the inside only to find its end would read
every level twice, and each of those twice again.
"""

from __future__ import annotations

import re

from .budget import MAX_DEPTH
from .errors import LimitError

_INTERESTING = {
    ")": re.compile(r"""[()'"\\#`]|\$\{"""),
    '"': re.compile(r"""["\\`]|\$[{(]"""),
    "}": re.compile(r"""[}'"\\`]|\$[{(]"""),
    "`": re.compile(r"[`\\]"),
    "'": re.compile("'"),
}
_OPENS = {"(": ")", "$(": ")", "${": "}", '"': '"', "'": "'", "`": "`"}


def end_of(text: str, at: int, closer: str, depth: int = 0) -> int:
    """Return the position after the `closer` of what starts at `at`, or -1 where there is none."""
    if depth > 4 * MAX_DEPTH:
        raise LimitError(f"nesting deeper than {MAX_DEPTH} levels")
    while found := _INTERESTING[closer].search(text, at):
        at = found.end()
        if found[0] == closer:
            return at
        if found[0] == "\\":
            at += 1
        elif found[0] == "#":
            if text[found.start() - 1] in " \t\n;(":
                line_end = text.find("\n", at)
                at = len(text) if line_end < 0 else line_end
        else:
            at = end_of(text, at, _OPENS[found[0]], depth + 1)
            if at < 0:
                return -1
    return -1
