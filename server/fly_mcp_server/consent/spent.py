"""Questions that were answered. Each counts once, in every process that shares the state directory."""

from __future__ import annotations

from fly_mcp_tools.state.store import Store

# Made where it is used: the store's own tables say what version of it this is, and an older fly-mcp is not
# disturbed by one more.
_TABLE = "CREATE TABLE IF NOT EXISTS consents (question TEXT PRIMARY KEY, until REAL NOT NULL) STRICT"


class Spent:
    """The answered questions of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def spend(self, question: str, *, until: float, now: float) -> bool:
        """Note an answer, on the disk: whether it is the first to that question.

        `until`, `now`: seconds since the epoch. What is over may be forgotten, since an expired answer is refused
        without looking here.

        Raises:
            NotConfigured: it cannot be noted; then the answer must not count either.
        """
        with self._store.transaction() as db:
            db.execute(_TABLE)
            db.execute("DELETE FROM consents WHERE until < ?", (now,))
            made = db.execute("INSERT OR IGNORE INTO consents VALUES (?, ?)", (question, until))
            return made.rowcount == 1
