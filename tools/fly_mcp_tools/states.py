"""The states that a caller may ask for: a word that is none would find nothing, and nothing would be said of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from .wire import DYING_VOLUME, GONE_MACHINE, RUNNING

MACHINE: Final = (
    RUNNING
    | GONE_MACHINE
    | frozenset(
        {
            "created",
            "creating",
            "stopped",
            "stopping",
            "suspended",
            "suspending",
            "failed",
            "launch_failed",
            "pending",
            "migrated",
        }
    )
)
VOLUME: Final = DYING_VOLUME | frozenset(
    {
        "created",
        "creating",
        "attached",
        "detached",
        "enabling_remote_export",
        "extending",
        "failed",
        "hydrating",
        "initializing",
        "recovering",
        "restoring",
    }
)


def one_of(known: frozenset[str]) -> Callable[[str], str]:
    """A validator for one of these words."""

    def check(word: str) -> str:
        if word not in known:
            raise ValueError(f"must be one of: {', '.join(sorted(known))}")
        return word

    return check


def some_of(known: frozenset[str]) -> Callable[[str], str]:
    """A validator for some of these words, with commas between."""
    check = one_of(known)
    return lambda text: ",".join(check(word.strip()) for word in text.split(","))
