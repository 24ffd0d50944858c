"""Secrets, and the keys that an app uses for cryptography (reference 3.5, 4.7)."""

from __future__ import annotations

from pydantic import Field

from .base import Record


class Secret(Record):
    """A secret as it is stored. The value is in the dump: this is no place for real ones."""

    name: str
    value: str
    digest: str = ""
    """Made up when empty."""
    created_at: float = 0.0
    updated_at: float = 0.0


class BootSecrets(Record):
    """The secrets that a machine's version booted with."""

    version: int = 0
    values: dict[str, str] = Field(default_factory=dict[str, str])


class SecretKey(Record):
    """A key that an app uses for cryptography; not environment. `value` is base64."""

    name: str
    type: str
    value: str
    public_key: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0
