"""How many tokens a text costs at most, without a tokenizer: its vocabulary would be larger than the package.

The bounds are those of o200k, measured over random letters, digits, hex, base64, punctuation, blanks and scripts of the
whole of Unicode (tests/server/test_sizes.py): no less is said than it costs, and for prose about twice that. A token is
at least a byte, so that short texts need no counting.
"""

from __future__ import annotations

import math
import re
from typing import Final

#: The pieces that the tokenizer never joins: words by their case, digits, other scripts, blanks, punctuation.
_PIECES: Final = re.compile(
    r"(?P<word>[A-Z]?[a-z]+|[A-Z]+)|(?P<digits>[0-9]+)|(?P<other>[^\x00-\x7f]+)|(?P<blank>[\x00-\x20\x7f]+)"
    r"|(?P<marks>[!-/:-@\[-`{-~]+)"
)
#: Letters that stand in few tokens together with others.
_RARE: Final = re.compile(r"[jkqvwxzJKQVWXZ]")
#: Tokens a character at most, on average over a piece.
_LETTER, _RARE_MORE, _DIGIT, _BLANK = 0.52, 0.25, 1 / 3, 0.35
#: Characters of a token at most, as counted here.
_CHARACTERS: Final = 5
#: What JSON is full of: one token each.
_JSON: Final = frozenset(
    ('"', '":', '":"', '","', ',"', '{"', '"}', '"},{"', '":{"', '":[', '":["', '":[{"', '"]', "}]", "_", "-")
)


def at_most(text: str) -> int:
    """Tokens of `text` at most."""
    return sum(map(_piece, _PIECES.finditer(text)))


def exceeds(text: str, tokens: int) -> bool:
    """Whether `text` may cost more than `tokens`."""
    if len(text) > tokens * _CHARACTERS:
        return True
    return len(text.encode("utf-8", "replace")) > tokens and at_most(text) > tokens


def _piece(match: re.Match[str]) -> int:
    kind, text = match.lastgroup, match[0]
    if kind == "word":
        return math.ceil(len(text) * _LETTER + len(_RARE.findall(text)) * _RARE_MORE)
    if kind == "digits":
        return math.ceil(len(text) * _DIGIT)
    if kind == "marks":
        return 1 if text in _JSON else len(text)
    if kind == "blank":
        # One before a word is part of the word.
        joined = text == " " and match.string[match.end() : match.end() + 1].isalpha()
        return 0 if joined else math.ceil(len(text) * _BLANK)
    return len(text.encode("utf-8", "replace"))
