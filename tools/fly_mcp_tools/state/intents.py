"""The same request id does the same thing once.

An agent that lost an answer repeats its call with the same `requestId`. Within a day it then gets the first
answer, or the work goes on where it stopped; never a second machine. The same id with other arguments is a
conflict.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
from pydantic import JsonValue

from fly_mcp_tools.chance import Random
from fly_mcp_tools.clock import Clock
from fly_mcp_tools.errors import Code, Conflict, FlyError, RefusedByUs

from . import undo
from .journal import Journal
from .store import Store

#: Seconds for which an id is remembered.
KEPT: Final = 24 * 3600.0
#: Seconds without a note after which whoever held an intent is taken for dead: longer than any call takes.
_SILENT: Final = 900.0

_log = logging.getLogger("fly_mcp_tools")
_Key = tuple[str, str]


@dataclass
class Intent(Journal):
    """One caller's request id at work. Its notes are on the disk."""

    store: Store = field(kw_only=True)
    clock: Clock = field(kw_only=True)
    key: _Key = field(kw_only=True)
    holder: str = field(kw_only=True)

    def note(self, key: str, value: JsonValue) -> None:
        """Write down, before it is sent, what is about to be done: a killed process goes on from here.

        Raises:
            NotConfigured: it cannot be kept; then nothing may be sent either.
            RefusedByUs: this was silent for so long that another process has taken it over.
        """
        self.notes[key] = value
        with self.store.transaction() as db:
            kept = db.execute(
                "UPDATE intents SET notes = ?, touched = ? WHERE caller = ? AND request_id = ? AND holder = ?",
                (json.dumps(self.notes), self.clock.now(), *self.key, self.holder),
            )
        if not kept.rowcount:
            raise _at_work()


class Intents:
    """All request ids of a store."""

    def __init__(self, store: Store, clock: Clock, rng: Random) -> None:
        self._store = store
        self._clock = clock
        self._name = f"{rng.getrandbits(64):016x}"
        self._holder = ""
        self._working: dict[_Key, anyio.Event] = {}
        #: Answers that the store did not take when they came; it gets them before anybody asks again.
        self._unkept: dict[_Key, str] = {}

    async def begin(
        self, caller: str, request_id: str, action: str, arguments: Mapping[str, JsonValue]
    ) -> Intent | dict[str, Any]:
        """An intent to work on, or the answer that the same call came to before.

        Where this process is at work on the same id, its end is waited for.

        Raises:
            Conflict: the id was used with other arguments.
            RefusedByUs: another process is at work on it right now.
            NotConfigured: the store cannot be used.
        """
        key = (caller, request_id)
        digest = self._digest(action, arguments)
        while True:
            found = self._look(key, action, digest)
            if found is not None:
                return found
            await self._working[key].wait()

    def finish(self, intent: Intent, answer: Mapping[str, Any]) -> None:
        """Keep the answer of a call that is done for whoever asks again.

        What is done is done: where the answer cannot be kept, the log says so and the caller gets it all the same.
        """
        try:
            with self._store.transaction() as db:
                db.execute(
                    "UPDATE intents SET touched = ?, answer = ? WHERE caller = ? AND request_id = ?",
                    (self._clock.now(), json.dumps(answer), *intent.key),
                )
        except FlyError as error:
            self._unkept[intent.key] = json.dumps(answer)
            _log.warning("an answer could not be kept: %s", error.message)
        finally:
            self._left(intent.key)

    def leave(self, intent: Intent, *, nothing_done: bool) -> None:
        """The call did not come to `done`: forget it if nothing was done, else let it be resumed."""
        try:
            with self._store.transaction() as db:
                change = (
                    "DELETE FROM intents"
                    if nothing_done and not intent.resumed
                    else "UPDATE intents SET holder = ''"
                )
                db.execute(
                    f"{change} WHERE caller = ? AND request_id = ? AND holder = ?",
                    (*intent.key, intent.holder),
                )
        except FlyError as error:
            _log.warning("an intent could not be left in order: %s", error.message)
        finally:
            self._left(intent.key)

    def _look(self, key: _Key, action: str, digest: str) -> Intent | dict[str, Any] | None:
        """What `begin` gives; None where this process is at work on it."""
        now = self._clock.now()
        self._holder = self._holder or self._store.enter(self._name)
        self._bring_late()
        with self._store.transaction() as db:
            # One that is being worked on, or was a moment ago, is not forgotten in the middle.
            db.execute("DELETE FROM intents WHERE began < ? AND touched < ?", (now - KEPT, now - _SILENT))
            undo.drop_old(db, now)
            row: tuple[str, str, str | None, str, str, float, float] | None = db.execute(
                "SELECT action, digest, answer, notes, holder, touched, began FROM intents"
                " WHERE caller = ? AND request_id = ?",
                key,
            ).fetchone()
            resumed = row is not None
            if row is not None:
                before, known, answer, notes, holder, touched, began = row
                if not hmac.compare_digest(known, digest):
                    raise _other_arguments(before)
                if answer is not None:
                    kept: dict[str, Any] = json.loads(answer)
                    return kept
                if key in self._working:
                    return None
                # Our own, and not among those at work: it was not left in order.
                others = holder and holder != self._holder
                if others and now - touched < _SILENT and self._store.is_present(holder):
                    raise _at_work()
                db.execute(
                    "UPDATE intents SET holder = ?, touched = ? WHERE caller = ? AND request_id = ?",
                    (self._holder, now, *key),
                )
            else:
                notes, began = "{}", now
                db.execute(
                    "INSERT INTO intents (caller, request_id, action, digest, began, touched, holder)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (*key, action, digest, now, now, self._holder),
                )
        self._working[key] = anyio.Event()
        # With its beginning: the same id is another intent a day later, and has other marks.
        made_of = json.dumps([*key, digest, began]).encode()
        seed = hmac.new(self._store.key, made_of, hashlib.sha256).digest()
        return Intent(
            seed,
            resumed,
            json.loads(notes),
            store=self._store,
            clock=self._clock,
            key=key,
            holder=self._holder,
        )

    def _bring_late(self) -> None:
        if not self._unkept:
            return
        with self._store.transaction() as db:
            for key, answer in self._unkept.items():
                db.execute(
                    "UPDATE intents SET answer = ? WHERE caller = ? AND request_id = ?", (answer, *key)
                )
        self._unkept.clear()

    def _left(self, key: _Key) -> None:
        if event := self._working.pop(key, None):
            event.set()

    def _digest(self, action: str, arguments: Mapping[str, JsonValue]) -> str:
        # Keyed: the arguments may hold secrets, and a bare hash of a short one can be guessed. Whoever can read the
        # whole file has the key too; that is what its mode keeps people from.
        text = json.dumps([action, dict(arguments)], sort_keys=True, separators=(",", ":")).encode()
        return hmac.new(self._store.key, text, hashlib.sha256).hexdigest()


def _other_arguments(action: str) -> Conflict:
    return Conflict(
        f"This requestId was used within 24 hours for {action} with other arguments. Nothing was sent.",
        hint="Use a new requestId for a new intent; the same one only to repeat the same call.",
        facts={"action": action},
    )


def _at_work() -> RefusedByUs:
    return RefusedByUs(
        "Another process is at work on a call with this requestId. Nothing was sent.",
        code=Code.CONFLICT,
        hint="Wait for its end, then repeat this call to read its answer.",
        retryable=True,
    )
