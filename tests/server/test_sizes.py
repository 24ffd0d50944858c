"""The bound on tokens, against the tokenizer itself."""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Mapping
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fly_mcp_server.costs import counter
from fly_mcp_tools.sizes import at_most, exceeds

tokens = counter()
_N = 4000
_DICE = Random(1)


def of(letters: str, length: int = _N) -> str:
    """Random text of these letters."""
    return "".join(_DICE.choices(letters, k=length))


def between(first: int, last: int) -> str:
    """Random characters of a stretch of Unicode."""
    return of("".join(map(chr, range(first, last))))


HOSTILE: Mapping[str, str] = {
    "hex": of("0123456789abcdef"),
    "HEX": of("0123456789ABCDEF"),
    "base64": of(string.ascii_letters + string.digits + "+/"),
    "lower": of(string.ascii_lowercase),
    "upper": of(string.ascii_uppercase),
    "letters": of(string.ascii_letters),
    "rare letters": of("qxzjkvw"),
    "RARE LETTERS": of("QXZJKVW"),
    "three rare letters": " ".join(of("qxzjkvw", 3) for _ in range(_N // 4)),
    "digits": of(string.digits),
    "digits apart": " ".join(of(string.digits)),
    "letters and digits in turn": "".join(of("qxzj", 1) + of(string.digits, 1) for _ in range(_N)),
    "letters and marks in turn": "".join(of("qxzj", 1) + of("~^`|", 2) for _ in range(_N)),
    "marks": of(string.punctuation),
    "printable": of(string.printable),
    "blanks": of(" \t\n"),
    "words of hex": " ".join(of("0123456789abcdef", 8) for _ in range(_N // 8)),
    "quoted": json.dumps(of('"\\')),
    "emoji": between(0x1F300, 0x1F650),
    "newer emoji": between(0x1F900, 0x1FA70),
    "flags": between(0x1F1E6, 0x1F200),
    "families": "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 500,
    "Cyrillic": between(0x430, 0x450),
    "accents": "a" + between(0x300, 0x36F),
    "Chinese": between(0x4E00, 0x9FFF),
    "rare Chinese": between(0x20000, 0x2A000),
    "Korean": between(0xAC00, 0xD7A0),
    "cuneiform": between(0x12000, 0x12300),
    "any": between(0xA0, 0xD800),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_costs_more_than_is_said(text: str) -> None:
    """Issue 5, 3: the hard cap stands on it."""
    assert tokens(text) <= at_most(text)


@given(st.text(min_size=1, max_size=2000))
def test_no_text_at_all_costs_more_than_its_bytes(text: str) -> None:
    """What makes counting short texts needless."""
    assert tokens(text) <= len(text.encode())
    assert not exceeds(text, len(text.encode()))


@pytest.mark.parametrize("made", [json.dumps, str])
def test_lists_of_machines_are_not_thought_twice_as_dear(made: Callable[[object], str]) -> None:
    """Ours: what is usual must not be cut because of what is hostile."""
    rows = [
        {"id": of("0123456789abcdef", 14), "name": f"fleet-{i}", "state": "started", "region": "fra"}
        for i in range(100)
    ]
    assert at_most(made(rows)) < 2 * tokens(made(rows))
