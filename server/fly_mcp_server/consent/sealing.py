"""The keys under which a question travels: the SDK seals it (AES-256-GCM), and we say with what.

The SDK also binds the seal to the method, the tool, the arguments, the server's name and the authenticated client,
and lets it expire by the wall clock; `state` binds it once more by our own rules, which have words of their own.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from typing import Final

from mcp.server.mcpserver import RequestStateSecurity
from mcp.server.request_state import AESGCMRequestStateCodec

from fly_mcp_tools.state.store import Store

#: Characters of a key at least: the SDK's own bound, for 256 bits.
SHORTEST: Final = 32
#: Seconds that the SDK's seal outlives the question, so that "expired" is said by us.
_OUTLIVES: Final = 3600.0
_PURPOSE: Final = b"fly-mcp consent v1"


class WrongKey(ValueError):
    """A key that cannot be used; the text shows nothing of it."""


def keys_of(setting: str) -> tuple[str, ...]:
    """The keys of FLY_MCP_CONSENT_KEY, with commas or blanks between: the first seals, all open.

    Raises:
        WrongKey: one is too short, or stands twice.
    """
    keys = tuple(word for word in re.split(r"[\s,]+", setting) if word)
    short = [str(place) for place, key in enumerate(keys, 1) if len(key) < SHORTEST]
    if short:
        raise WrongKey(
            f"key {' and '.join(short)} of {len(keys)} has fewer than {SHORTEST} characters; "
            'make one with: python3 -c "import secrets; print(secrets.token_hex(32))"'
        )
    if len(set(keys)) < len(keys):
        raise WrongKey("the same key stands twice")
    return keys


def security(keys: Sequence[str], store: Store, lasts: float) -> RequestStateSecurity:
    """How the SDK is to seal. Without `keys` it is the state directory's own, made at random and kept in it.

    `lasts`: seconds for which an answer counts.
    """

    def ring() -> Sequence[str | bytes]:
        return keys or (hmac.new(store.key, _PURPOSE, hashlib.sha256).digest(),)

    return RequestStateSecurity(codec=_Late(ring), ttl=lasts + _OUTLIVES)


class _Late:
    """The SDK's codec, made when something is first sealed: most servers never ask, and need not open the store."""

    def __init__(self, ring: Callable[[], Sequence[str | bytes]]) -> None:
        self._ring = ring
        self._made: AESGCMRequestStateCodec | None = None

    def seal(self, payload: bytes) -> str:
        """The payload as a token. Raises NotConfigured where the store's key cannot be read."""
        return self._codec.seal(payload)

    def unseal(self, token: str) -> bytes:
        """The payload of a token. Raises InvalidRequestState."""
        return self._codec.unseal(token)

    @property
    def _codec(self) -> AESGCMRequestStateCodec:
        if self._made is None:
            self._made = AESGCMRequestStateCodec(self._ring())
        return self._made
