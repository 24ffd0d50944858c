"""Configs of destroyed machines, kept for thirty days under a reference.

An agent gets the reference and never the config: env and files may hold secrets.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from typing import Final

from fly_mcp_tools.chance import Random
from fly_mcp_tools.clock import Clock
from fly_mcp_tools.wire import JsonObject, obj

from .store import Store

#: Seconds for which a config is kept.
KEPT: Final = 30 * 24 * 3600.0


@dataclass(frozen=True)
class Kept:
    """A destroyed machine's config, and where it ran."""

    app_name: str
    config: JsonObject
    region: str
    name: str


class Undo:
    """The kept configs of a store."""

    def __init__(self, store: Store, clock: Clock, rng: Random) -> None:
        self._store, self._clock, self._rng = store, clock, rng

    def keep(self, caller: str, kept: Kept) -> str:
        """Keep a config before its machine is destroyed: the reference that takes it back."""
        reference = f"undo_{self._rng.getrandbits(80):020x}"
        body = json.dumps({"config": kept.config, "region": kept.region, "name": kept.name})
        with self._store.transaction() as db:
            db.execute("DELETE FROM undo WHERE kept < ?", (self._clock.now() - KEPT,))
            db.execute(
                "INSERT INTO undo VALUES (?, ?, ?, ?, ?)",
                (reference, caller, kept.app_name, self._clock.now(), body),
            )
        return reference

    def take(self, caller: str, app_name: str, reference: str) -> Kept | None:
        """The config under `reference`, if this caller kept it for this app and it is not too old."""
        query = "SELECT config FROM undo WHERE reference = ? AND caller = ? AND app = ? AND kept >= ?"
        values = (reference, caller, app_name, self._clock.now() - KEPT)
        with self._store.transaction() as db, closing(db.execute(query, values)) as rows:
            row: tuple[str] | None = rows.fetchone()
        if row is None:
            return None
        body = obj(json.loads(row[0]))
        return Kept(
            app_name, obj(body.get("config")), str(body.get("region") or ""), str(body.get("name") or "")
        )
