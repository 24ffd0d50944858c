"""Tokens with narrower rights than the default (reference 1.3)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Record

TokenKind = Literal["org", "deploy", "readonly", "machine-exec", "user"]


class Token(Record):
    """A token that the world knows. Any other non-empty token is good for everything."""

    text: str
    """As it stands in the header, without scheme; a leading `fm2_` is optional."""
    name: str
    """What the request log calls it."""
    kind: TokenKind = "org"
    org: str | None = None
    """The only organisation it sees; None (kind `user`) sees all."""
    app: str | None = None
    """The only app it sees (kinds `deploy` and `machine-exec`)."""
    expires_at: float | None = None
    """From then on it is answered with 401."""
    commands: list[str] = Field(default_factory=list[str])
    """For `machine-exec`: first words of allowed commands; empty = any."""
