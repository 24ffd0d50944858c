"""How lines hang together: each carries the hash of the one before it, and its own.

A line is canonical JSON: keys sorted, no blanks, ASCII. `hash` is the SHA-256 of the same object without `hash`, in the
same form, so that anybody can check it in any language. The first line of a file is its genesis, and has a name of
chance, so that no file can stand in for another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue, TypeAdapter, ValidationError

#: What the first line has in place of the hash before it.
NOTHING_BEFORE: Final = "0" * 64
GENESIS: Final = "genesis"

Event = dict[str, JsonValue]

_EVENT: Final = TypeAdapter(Event)


class Damaged(ValueError):
    """A line that is none of ours, or was changed; the text says which."""


@dataclass(frozen=True)
class Head:
    """Where a chain ends: the number and the hash of its last line. A new chain has number -1."""

    seq: int = -1
    hash: str = NOTHING_BEFORE


def canonical(event: Mapping[str, JsonValue]) -> bytes:
    """The one way to write an event."""
    text = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return text.encode("ascii")


def sealed(event: Mapping[str, JsonValue], after: Head) -> tuple[bytes, Head]:
    """The line of an event that follows `after`, with its line break; and the new end."""
    body: Event = {**event, "seq": after.seq + 1, "prev": after.hash}
    digest = hashlib.sha256(canonical(body)).hexdigest()
    return canonical({**body, "hash": digest}) + b"\n", Head(after.seq + 1, digest)


def opened(line: bytes) -> tuple[Event, Head]:
    """The event of a line (without its line break), and the end of a chain that ends with it.

    Raises:
        Damaged: it is no event, or it is not as it was written, to the byte.
    """
    try:
        event = _EVENT.validate_json(line)
    except ValidationError:
        raise Damaged("is no audit event") from None
    seq, digest = event.get("seq"), event.get("hash")
    if not isinstance(seq, int) or isinstance(seq, bool) or not isinstance(digest, str):
        raise Damaged("is no audit event")
    body = {key: value for key, value in event.items() if key != "hash"}
    # The bytes too: a key that stands twice, say, is read once and shown twice.
    if hashlib.sha256(canonical(body)).hexdigest() != digest or canonical(event) != line:
        raise Damaged("was changed after it was written")
    return event, Head(seq, digest)


def torn(fragment: bytes) -> Event:
    """What the next line says of a half line before it, which a killed process left: so it stays known as one."""
    return {"bytes": len(fragment), "sha256": hashlib.sha256(fragment).hexdigest()}
