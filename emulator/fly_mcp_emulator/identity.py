"""Ids that nobody stores: they follow from what they name, so that they can be found again."""

from __future__ import annotations

import hashlib

_LENGTH = 24


def opaque(kind: str, key: str) -> str:
    """Return an id for something that has a name of its own: the same one each time."""
    return hashlib.blake2b(f"{kind}:{key}".encode(), digest_size=_LENGTH // 2).hexdigest()
