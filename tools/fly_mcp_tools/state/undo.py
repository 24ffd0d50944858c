"""Configs of destroyed machines, kept for thirty days under a reference.

An agent gets the reference and never the config: env and files may hold secrets.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Final

from fly_mcp_tools.clock import Clock
from fly_mcp_tools.wire import JsonObject, obj

from .store import Store

#: Seconds for which a config is kept.
KEPT: Final = 30 * 24 * 3600.0


@dataclass(frozen=True)
class Kept:
    """A destroyed machine's config, and where it ran."""

    app_name: str
    machine_id: str
    config: JsonObject
    region: str
    name: str


def drop_old(db: sqlite3.Connection, now: float) -> None:
    """Forget what is too old. Done at every use of the store: no secret outstays its days in one that is used."""
    db.execute("DELETE FROM undo WHERE kept < ?", (now - KEPT,))


class Undo:
    """The kept configs of a store."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    @property
    def lasting(self) -> bool:
        """Whether what is kept outlives this process."""
        return self._store.lasting

    def keep(self, caller: str, mark: str, kept: Kept) -> tuple[str, float]:
        """Keep a config before its machine is destroyed.

        Returns the reference that takes it back and until when (seconds since the epoch). The same `mark`, which
        a repeated call has, gives the same reference.

        Raises:
            NotConfigured: it cannot be kept.
        """
        now = self._clock.now()
        reference = f"undo_{mark}"
        body = {
            "machine_id": kept.machine_id, "config": kept.config, "region": kept.region, "name": kept.name
        }  # fmt: skip
        with self._store.transaction() as db:
            drop_old(db, now)
            db.execute(
                "INSERT OR REPLACE INTO undo VALUES (?, ?, ?, ?, ?)",
                (reference, caller, kept.app_name, now, json.dumps(body)),
            )
        return reference, now + KEPT

    def drop(self, reference: str) -> None:
        """Forget a config: its machine was not destroyed after all."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM undo WHERE reference = ?", (reference,))

    def take(self, caller: str, app_name: str, reference: str) -> Kept | None:
        """The config under `reference`, if this caller kept it for this app and it is not too old."""
        with self._store.transaction() as db:
            drop_old(db, self._clock.now())
            row: tuple[str] | None = db.execute(
                "SELECT config FROM undo WHERE reference = ? AND caller = ? AND app = ?",
                (reference, caller, app_name),
            ).fetchone()
        if row is None:
            return None
        body = obj(json.loads(row[0]))
        words = {key: str(body.get(key) or "") for key in ("machine_id", "region", "name")}
        return Kept(app_name, words["machine_id"], obj(body.get("config")), words["region"], words["name"])
