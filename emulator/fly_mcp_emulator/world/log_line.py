"""What machines and those around them write down (reference 8.1)."""

from __future__ import annotations

from typing import Literal

from .base import Record


class LogLine(Record):
    """One line of an app's log."""

    at_ns: int
    """Epoch nanoseconds: the token that the next page begins after. Lines may share one, as those of a busy app do."""
    message: str
    machine: str
    region: str
    provider: Literal["app", "runner", "health"] = "app"
    """Who wrote it: what runs inside the machine, its host, or the health checks."""
    level: Literal["debug", "info", "warn", "error"] = "info"
