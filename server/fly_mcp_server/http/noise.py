"""One log line for a burst, not one for each request: what strangers can cause must not fill a disk.

uvicorn and the SDK write a line for each request they refuse, the SDK with what the client sent in it. That is left
out: it may be half of a secret, and is nobody's business here.
"""

from __future__ import annotations

import logging
import re

from pydantic import ValidationError

from fly_mcp_tools.clock import Clock

#: Whose lines strangers can cause.
_CAUSED_FROM_OUTSIDE = ("fly_mcp_server.http", "mcp.", "sse_starlette", "uvicorn")
#: Who quotes what was sent: in f-strings behind a colon, else as arguments. Not so the one about `requestState`, whose
#: words are fixed, and say why.
_QUOTES = ("mcp.", "sse_starlette")
_QUOTES_NOT = ("mcp.server.request_state",)
_PLACE = re.compile(r"%\.?\d*[a-z]")
_EVERY = 60.0
_LONGEST = 300


class OncePerBurst(logging.Filter):
    """Lets a line of one kind through once a minute; the next one says how many there were between."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self._last: dict[tuple[str, int], float] = {}
        self._swallowed: dict[tuple[str, int], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written; it is cut where it is long."""
        if not record.name.startswith(_CAUSED_FROM_OUTSIDE):
            return True
        kind = (record.name, record.lineno)
        now = self._clock.monotonic()
        if now - self._last.get(kind, -_EVERY) < _EVERY:
            self._swallowed[kind] = self._swallowed.get(kind, 0) + 1
            return False
        self._last[kind] = now
        more = self._swallowed.pop(kind, 0)
        words = _fixed(record)
        record.msg = words[:_LONGEST] + (f" (and {more} more like it)" if more else "")
        record.args = ()
        if record.exc_info and isinstance(record.exc_info[1], ValidationError):
            record.exc_text = None
            record.exc_info = None  # it quotes what the client sent, which may be half of a secret
        return True


def _fixed(record: logging.LogRecord) -> str:
    """Its words, without those that may be the client's."""
    if not record.name.startswith(_QUOTES) or record.name.startswith(_QUOTES_NOT):
        return record.getMessage()
    words = str(record.msg)
    return _PLACE.sub("...", words) if record.args else words.partition(": ")[0]
