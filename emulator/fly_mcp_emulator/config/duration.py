"""Durations as Go writes and reads them (reference 3.3: strings in answers, bare numbers are nanoseconds)."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import BeforeValidator

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # the micro sign,
    "μs": 1_000,  # and the Greek letter: Go takes both
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_LARGEST = 2**63 - 1


def nanoseconds(text: str) -> int:
    """Read a Go duration such as `1m30s`. Raises: `ValueError` with Go's wording."""
    body = text[1:] if text[:1] in ("-", "+") else text
    if body == "0":
        return 0
    total, position = Decimal(0), 0
    while position < len(body):
        part = _PART.match(body, position)
        if part is None:
            break
        try:
            total += Decimal(part[1]) * _UNITS[part[2]]
        except InvalidOperation:
            break
        position = part.end()
    if not body or position < len(body) or not body.isprintable() or total > _LARGEST:
        raise ValueError(f'time: invalid duration "{text}"')
    return int(total) * (-1 if text.startswith("-") else 1)


def go_text(duration: int) -> str:
    """Write nanoseconds as Go does: `1m30s`, `15s`, `1.5s`, `250ms`."""
    sign, left = ("-", -duration) if duration < 0 else ("", duration)
    if left == 0:
        return "0s"
    for unit in ("ns", "µs", "ms"):
        if left < _UNITS[unit] * 1000:
            return f"{sign}{_decimal(left, _UNITS[unit])}{unit}"
    minutes, rest = divmod(left, _UNITS["m"])
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, _UNITS['s'])}s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{sign}{hours}h{text}" if hours else f"{sign}{text}"


def _decimal(value: int, unit: int) -> str:
    whole, part = divmod(value, unit)
    if not part:
        return str(whole)
    return f"{whole}.{str(part).zfill(len(str(unit)) - 1).rstrip('0')}"


def _canonical(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("unknown duration type: bool")
    if isinstance(value, int | float):
        return go_text(int(value))
    if isinstance(value, str):
        return go_text(nanoseconds(value))
    return value


Duration = Annotated[str, BeforeValidator(_canonical, json_schema_input_type=str | float)]
"""A duration in a request: a Go string, or a number of nanoseconds. Kept and answered as a Go string."""


def seconds_of(duration: str) -> float:
    """Return a duration in seconds. Raises: `ValueError`."""
    return nanoseconds(duration) / 1_000_000_000
