"""When a ULID was made: Fly's machine versions are ULIDs (reference 2.1), whose first part is a time."""

from __future__ import annotations

from datetime import UTC, datetime

_ALPHABET = {letter: value for value, letter in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ")}
_LENGTH, _TIME_LENGTH = 26, 10
#: 48 bits of milliseconds.
_MOST = 2**48


def made_at(text: str) -> datetime | None:
    """The time in a ULID; None for anything that is not one."""
    if len(text) != _LENGTH:
        return None
    milliseconds = 0
    for letter in text[:_TIME_LENGTH].upper():
        value = _ALPHABET.get(letter)
        if value is None:
            return None
        milliseconds = milliseconds * 32 + value
    if milliseconds >= _MOST:
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (OverflowError, ValueError):
        return None
