"""What a composite writes down before it acts.

A note is on the disk before the request that it speaks of leaves. So whoever goes on after a kill -9 knows what
may have been done, and looks before doing it again.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from dataclasses import dataclass, field

from pydantic import JsonValue

from fly_mcp_tools.errors import FlyError

_log = logging.getLogger("fly_mcp_tools")
Notes = dict[str, JsonValue]


@dataclass
class Journal:
    """The notes of a call without a request id: nobody will ever read them, so they are nowhere but here."""

    #: What the marks of this intent are made from.
    seed: bytes
    #: A call of the same intent was begun before and did not come to `done`.
    resumed: bool = False
    notes: Notes = field(default_factory=Notes)

    def note(self, key: str, value: JsonValue) -> None:
        """Write down what is about to be done, or what was found. No secret may be in it.

        Raises:
            NotConfigured: it cannot be kept; then nothing may be sent either.
        """
        self.notes[key] = value

    def jot(self, key: str, value: JsonValue) -> bool:
        """Note what is known after a write, to save a look later: whether that could be kept.

        Where it could not, the log says so, and no more: what was done is done, and the mark finds it again.
        """
        try:
            self.note(key, value)
        except FlyError as error:
            _log.warning("a note could not be kept: %s", error.message)
            return False
        return True

    def mark(self, step: str) -> str:
        """A value that this step of this intent has always and no other has ever: 16 hex digits."""
        return hmac.new(self.seed, step.encode(), hashlib.sha256).hexdigest()[:16]
