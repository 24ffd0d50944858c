"""What secret keys can do: sealing and signing (reference 4.7).

Hashes are real: `hs256`, `hs384`, `hs512` are HMACs, `nacl_auth` is NaCl's HMAC-SHA-512-256. All other types are
stand-ins of the right sizes, made of keyed hashes: what one call makes the other takes back, and nobody else does.
They protect nothing, and nothing outside the emulator can open or verify what they make.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A type of key."""

    size: int
    """Bytes of a key that is generated."""
    public: int = 0
    """Bytes of the public half; 0 for a key without one."""
    signature: int = 0
    """Bytes of a signature; 0 for a key that does not sign."""
    nonce: int = 0
    """Bytes that a sealed text begins with; 0 for a key that does not encrypt."""
    hash: str = ""
    """Of which hash it is an HMAC."""


KINDS = {
    "es256": Kind(32, public=65, signature=64),
    "hs256": Kind(32, signature=32, hash="sha256"),
    "hs384": Kind(48, signature=48, hash="sha384"),
    "hs512": Kind(64, signature=64, hash="sha512"),
    "xaes256gcm": Kind(32, nonce=24),
    "nacl_auth": Kind(32, signature=32, hash="sha512"),
    "nacl_box": Kind(32, public=32, nonce=24),
    "nacl_secretbox": Kind(32, nonce=24),
    "nacl_sign": Kind(64, public=32, signature=64),
}
_TAG = 16


def fits(kind: Kind, key: bytes) -> bool:
    """Tell whether a key has the size that its type wants; an HMAC takes any that is not empty."""
    return bool(key) if kind.hash else len(key) == kind.size


def public_half(kind: Kind, key: bytes) -> bytes:
    """Return the public half, empty for a type that has none."""
    return _stream(key, b"public", kind.public)


def sign(kind: Kind, key: bytes, text: bytes) -> bytes:
    """Return the signature of a text."""
    if kind.hash:
        return hmac.digest(key, text, kind.hash)[: kind.signature]
    return _stream(key, b"sign" + text, kind.signature)


def verify(kind: Kind, key: bytes, text: bytes, signature: bytes) -> bool:
    """Tell whether a signature is good."""
    return hmac.compare_digest(sign(kind, key, text), signature)


def seal(key: bytes, nonce: bytes, text: bytes, associated: bytes) -> bytes:
    """Return a text that only `unseal` can read: nonce, text, tag."""
    hidden = _mask(key, nonce, text)
    return nonce + hidden + _tag(key, nonce, hidden, associated)


def unseal(kind: Kind, key: bytes, sealed: bytes, associated: bytes) -> bytes | None:
    """Return the text, None when it was sealed otherwise."""
    nonce, hidden, tag = sealed[: kind.nonce], sealed[kind.nonce : -_TAG], sealed[-_TAG:]
    if len(sealed) < kind.nonce + _TAG or not hmac.compare_digest(_tag(key, nonce, hidden, associated), tag):
        return None
    return _mask(key, nonce, hidden)


def _mask(key: bytes, nonce: bytes, text: bytes) -> bytes:
    stream = _stream(key, b"mask" + nonce, len(text))
    return (int.from_bytes(text, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(text), "big")


def _tag(key: bytes, nonce: bytes, hidden: bytes, associated: bytes) -> bytes:
    lengths = len(associated).to_bytes(8, "big") + len(hidden).to_bytes(8, "big")
    return hashlib.blake2b(lengths + nonce + associated + hidden, key=key[:64], digest_size=_TAG).digest()


def _stream(key: bytes, use: bytes, length: int) -> bytes:
    def blocks() -> Iterator[bytes]:
        seed = hashlib.blake2b(use, key=key[:64]).digest()
        for number in range((length + 63) // 64):
            yield hashlib.blake2b(number.to_bytes(8, "big"), key=seed).digest()

    return b"".join(blocks())[:length]
