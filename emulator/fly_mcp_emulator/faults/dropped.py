"""Connections that end before they should.

The application cannot touch the connection it answers on, so it raises. What serves it turns that into the
real thing: `fly_mcp_emulator.wire` over sockets, a client's transport in one process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Phase = Literal["request", "answer", "body"]


@dataclass(frozen=True)
class Begun:
    """An answer that began: all of its head, part of its body."""

    status: int
    headers: list[tuple[bytes, bytes]]
    """With the length of the whole body."""
    body: bytes
    """The part that gets through."""


class ConnectionDropped(ConnectionResetError):
    """The connection ends here.

    `phase` says what the caller lost: the `request`, which was not taken; the `answer` to a request that was
    carried out; part of the answer's `body`, and then `begun` is what it got. A caller cannot tell the first
    two apart: in both it has sent its bytes and hears nothing.
    """

    def __init__(self, phase: Phase, begun: Begun | None = None) -> None:
        super().__init__(f"connection dropped by the emulator ({phase})")
        self.phase = phase
        self.begun = begun
