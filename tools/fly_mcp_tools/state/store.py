"""Where state lies: one SQLite file, so that a killed process leaves whole rows.

SQLite with a write-ahead log: a row that was committed survives kill -9, two processes may write, and there
is nothing to install. Calls are made on the event loop's own thread: one row takes well under a millisecond.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from fly_mcp_tools.errors import NotConfigured

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS keys (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS intents (
  caller TEXT NOT NULL, request_id TEXT NOT NULL, action TEXT NOT NULL, digest TEXT NOT NULL,
  began REAL NOT NULL, ended REAL, answer TEXT, notes TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (caller, request_id)
) STRICT;
CREATE TABLE IF NOT EXISTS undo (
  reference TEXT PRIMARY KEY, caller TEXT NOT NULL, app TEXT NOT NULL, kept REAL NOT NULL, config TEXT NOT NULL
) STRICT;
"""
#: Seconds to wait for another process that is writing.
_BUSY: Final = 5.0
_FILE: Final = "state.sqlite3"


class Store:
    """An open state directory; `None` keeps everything in memory, for tests and one-off use.

    Raises:
        NotConfigured: the directory cannot be made, is not ours alone, or does not hold our file.
    """

    def __init__(self, directory: Path | None) -> None:
        self.directory = directory
        try:
            self._db = _open(directory)
        except (OSError, sqlite3.Error) as error:
            raise NotConfigured(
                f"FLY_MCP_STATE: {directory} cannot be used ({type(error).__name__}).",
                hint="Name a directory that this user may write, or leave it unset.",
            ) from None
        self.key = self._key()

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """All or nothing; other processes wait."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._db.close()

    def _key(self) -> bytes:
        """The key of this store's digests: made once, never shown."""
        with self.transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO keys VALUES ('digest', ?)",
                (secrets.token_bytes(32),),
            )
            with closing(db.execute("SELECT value FROM keys WHERE name = 'digest'")) as rows:
                found: bytes = rows.fetchone()[0]
        return found


def default_directory(environment: dict[str, str] | None = None) -> Path:
    """The user's state directory for this program, after the XDG rules."""
    env = dict(os.environ) if environment is None else environment
    if os.name == "nt":
        return Path(env.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "fly-mcp"
    return Path(env.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "fly-mcp"


def _open(directory: Path | None) -> sqlite3.Connection:
    if directory is None:
        db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    else:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.chmod(0o700)
        path = directory / _FILE
        # Made with its mode before SQLite opens it, so that it is at no moment readable by others; the log
        # beside it takes the same mode.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        path.chmod(0o600)
        db = sqlite3.connect(path, isolation_level=None, timeout=_BUSY, check_same_thread=False)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
    db.executescript(_SCHEMA)
    return db
