"""The same request id does the same thing once.

An agent that lost an answer repeats its call with the same `requestId`. Within a day it then gets the first
answer, or the work goes on where it stopped; never a second machine. The same id with other arguments is a
conflict.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import JsonValue

from fly_mcp_tools.clock import Clock
from fly_mcp_tools.errors import Code, Conflict, RefusedByUs

from .store import Store

#: Seconds for which an id is remembered.
KEPT: Final = 24 * 3600.0

Notes = dict[str, JsonValue]


@dataclass
class Intent:
    """One caller's request id at work. `notes` is the journal of what was begun; no secret is in it."""

    store: Store
    caller: str
    request_id: str
    #: A call with this id was begun before and did not come to an answer.
    resumed: bool
    notes: Notes = field(default_factory=Notes)

    def note(self, key: str, value: JsonValue) -> None:
        """Write down, before it is sent, what is about to be done: a killed process goes on from here."""
        self.notes[key] = value
        with self.store.transaction() as db:
            db.execute(
                "UPDATE intents SET notes = ? WHERE caller = ? AND request_id = ?",
                (json.dumps(self.notes), self.caller, self.request_id),
            )

    def mark(self, step: str) -> str:
        """A value that this intent's step has always and no other has ever: 16 hex digits."""
        text = json.dumps([self.caller, self.request_id, step]).encode()
        return hmac.new(self.store.key, text, hashlib.sha256).hexdigest()[:16]


class Intents:
    """All request ids of a store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._working: set[tuple[str, str]] = set()

    def begin(
        self, caller: str, request_id: str, action: str, arguments: Mapping[str, JsonValue]
    ) -> Intent | dict[str, Any]:
        """An intent to work on, or the answer that the same call got before.

        Raises:
            Conflict: the id was used with other arguments.
            RefusedByUs: a call with this id is at work right now.
        """
        digest = self._digest(action, arguments)
        if (caller, request_id) in self._working:
            raise RefusedByUs(
                "A call with this requestId is at work right now.",
                code=Code.CONFLICT,
                hint="Wait for its answer, then repeat this call to read it.",
                retryable=True,
            )
        with self._store.transaction() as db:
            db.execute("DELETE FROM intents WHERE began < ?", (self._clock.now() - KEPT,))
            row = _row(db, caller, request_id)
            if row is None:
                db.execute(
                    "INSERT INTO intents (caller, request_id, action, digest, began) VALUES (?, ?, ?, ?, ?)",
                    (caller, request_id, action, digest, self._clock.now()),
                )
        if row is None:
            self._working.add((caller, request_id))
            return Intent(self._store, caller, request_id, resumed=False)
        before, known, answer, notes = row
        if not hmac.compare_digest(known, digest):
            raise Conflict(
                f"This requestId was used within 24 hours for {before} with other arguments.",
                hint="Use a new requestId for a new intent; the same one only to repeat the same call.",
                facts={"action": before},
            )
        if answer is not None:
            found: dict[str, Any] = json.loads(answer)
            return found
        self._working.add((caller, request_id))
        return Intent(self._store, caller, request_id, resumed=True, notes=json.loads(notes))

    def finish(self, intent: Intent, answer: Mapping[str, Any]) -> None:
        """Keep the answer for whoever asks again."""
        self._working.discard((intent.caller, intent.request_id))
        with self._store.transaction() as db:
            db.execute(
                "UPDATE intents SET ended = ?, answer = ? WHERE caller = ? AND request_id = ?",
                (self._clock.now(), json.dumps(answer), intent.caller, intent.request_id),
            )

    def leave(self, intent: Intent, *, nothing_done: bool) -> None:
        """The call ended without an answer to keep: forget it if nothing was done, else let it be resumed."""
        self._working.discard((intent.caller, intent.request_id))
        if nothing_done and not intent.resumed:
            with self._store.transaction() as db:
                db.execute(
                    "DELETE FROM intents WHERE caller = ? AND request_id = ?",
                    (intent.caller, intent.request_id),
                )

    def _digest(self, action: str, arguments: Mapping[str, JsonValue]) -> str:
        # Keyed: the arguments may hold secrets, and a bare hash of a short one can be guessed.
        text = json.dumps([action, dict(arguments)], sort_keys=True, separators=(",", ":")).encode()
        return hmac.new(self._store.key, text, hashlib.sha256).hexdigest()


def _row(db: sqlite3.Connection, caller: str, request_id: str) -> tuple[str, str, str | None, str] | None:
    query = "SELECT action, digest, answer, notes FROM intents WHERE caller = ? AND request_id = ?"
    with closing(db.execute(query, (caller, request_id))) as rows:
        found: tuple[str, str, str | None, str] | None = rows.fetchone()
    return found
