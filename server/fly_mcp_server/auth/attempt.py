"""What a wrong token was like: said by whoever looked at it, for whoever counts the attempts of an address.

The two stand at the two ends of the SDK's check, which hands on nothing but that a token was wrong.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class Attempt:
    """One request with a token. `guessed`: as far as is known, it was made up."""

    guessed: bool = True


_CURRENT: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


@contextmanager
def attempt() -> Generator[Attempt]:
    """The attempt that is looked at within."""
    made = Attempt()
    token = _CURRENT.set(made)
    try:
        yield made
    finally:
        _CURRENT.reset(token)


def not_guessed() -> None:
    """Say that the token is the issuer's own, though it lets nobody in."""
    made = _CURRENT.get()
    if made is not None:
        made.guessed = False
