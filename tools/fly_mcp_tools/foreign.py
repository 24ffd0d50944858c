"""Text from outside: Fly's error bodies, names, the output of commands. Data, never instructions.

Cleaning makes it harmless to show and to log: no terminal codes, nothing invisible, nothing that turns the
direction of the text, and never more of it than was asked for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from pydantic import JsonValue

# ECMA-48: CSI (with the 8-bit form), OSC/DCS/PM/APC/SOS strings up to their end, then two-byte escapes.
_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
# Cc control, Cf format (bidi, zero width, soft hyphen, tags), Cs surrogates, Co private, Cn not assigned.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
# Shown as nothing though their category is a letter, a mark or a symbol: fillers, variation selectors.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(
    map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)
_MARK = " [...]"


def _visible(text: str, keep: str) -> str:
    """`text` without terminal codes and unseen characters, except those in `keep`."""
    text = _ANSI.sub("", text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(c for c in text if c in keep or not (unicodedata.category(c) in _UNSEEN or c in _BLANK))


def clean(text: str, limit: int = 300) -> str:
    """One line of `text`: harmless, whitespace collapsed, at most `limit` characters and a visible mark."""
    # A bounded look at the input: a body of megabytes must not cost seconds to become 300 characters.
    head = text[: limit * 20]
    line = " ".join(_visible(head, "\t\n\r\v\f\x85\u2028\u2029").split())
    if len(line) > limit or len(head) < len(text):
        return line[:limit].rstrip() + _MARK
    return line


def clean_block(text: str, limit: int) -> str:
    """`text` with its lines and tabs kept and the rest cleaned, at most about `limit` characters.

    What is too long loses its middle, because a command's output says most at its start and its end; the
    mark tells how many characters are missing.
    """
    text = _visible(text.replace("\r\n", "\n").replace("\r", "\n"), "\n\t")
    if len(text) <= limit:
        return text
    head = limit // 2
    tail = limit - head
    left_out = len(text) - limit
    return f"{text[:head]}\n[... {left_out:,} characters left out ...]\n{text[len(text) - tail :]}"


def quoted(text: str, limit: int = 300) -> str:
    """`text` cleaned and between quotation marks that it cannot close."""
    return '"' + clean(text, limit).replace('"', "'") + '"'


def distinct(keys: Iterable[str], limit: int = 300) -> dict[str, str]:
    """How each of the keys of one object is shown: cleaned, and no two alike.

    A key that needs no cleaning stands for itself, whatever others look like it. Of those, what cannot be seen is
    written out where the name is taken, and what is alike even then is numbered.
    """
    shown = {key: key for key in keys}
    taken = {key for key in shown if clean(key, limit) == key}
    for key in shown:
        if key in taken:
            continue
        name = clean(key, limit)
        if name in taken:
            name = clean("".join(c if _visible(c, " ") else ascii(c)[1:-1] for c in key), limit)
        first, number = name, 1
        while name in taken:
            number += 1
            name = f"{first} ({number})"
        taken.add(name)
        shown[key] = name
    return shown


def harmless(value: JsonValue, *, text: int = 300, items: int = 50) -> JsonValue:
    """JSON from outside with every text cleaned and capped, and every list and object of bounded length."""
    if isinstance(value, str):
        return clean(value, text)
    if isinstance(value, list):
        kept = [harmless(item, text=text, items=items) for item in value[:items]]
        return [*kept, f"[... {len(value) - items} left out ...]"] if len(value) > items else kept
    if isinstance(value, dict):
        pairs = list(value.items())[:items]
        names = distinct((key for key, _ in pairs), text)
        short = {names[key]: harmless(item, text=text, items=items) for key, item in pairs}
        return {**short, "...": f"{len(value) - items} left out"} if len(value) > items else short
    return value
