"""Where state lies: one SQLite file, so that a killed process leaves whole rows.

SQLite with a write-ahead log: a row that was committed survives kill -9 and a cut of power, two processes may
write, and there is nothing to install. Calls are made on the event loop's own thread: a row takes about a
millisecond, and the thread that would be saved costs as much.
"""

from __future__ import annotations

import logging
import os
import secrets
import sqlite3
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from fly_mcp_tools.errors import NotConfigured

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS keys (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS intents (
  caller TEXT NOT NULL, request_id TEXT NOT NULL, action TEXT NOT NULL, digest TEXT NOT NULL,
  began REAL NOT NULL, touched REAL NOT NULL, holder TEXT NOT NULL, answer TEXT,
  notes TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (caller, request_id)
) STRICT;
CREATE TABLE IF NOT EXISTS undo (
  reference TEXT PRIMARY KEY, caller TEXT NOT NULL, app TEXT NOT NULL, kept REAL NOT NULL, config TEXT NOT NULL
) STRICT;
"""
#: Seconds to wait for another process that is writing.
_BUSY: Final = 5.0
_FILE: Final = "state.sqlite3"

_log = logging.getLogger("fly_mcp_tools")


class Store:
    """A state directory, opened at its first use; `None` keeps everything in memory while the process lives.

    Args:
        directory: made with mode 0700 where it is not there.
        or_memory: the directory is a default that nobody asked for. Where it cannot be used, as in a container
            whose file system is read-only, memory takes its place, and the log says so.
    """

    def __init__(self, directory: Path | None, *, or_memory: bool = False) -> None:
        self._directory = directory
        self._or_memory = or_memory
        self._db: sqlite3.Connection | None = None
        self._made: bytes | None = None

    def open(self) -> None:
        """Open it now.

        Raises:
            NotConfigured: the directory cannot be made or written, or holds something else under our name.
        """
        if self._db is not None:
            return
        try:
            self._db = _open(self._directory)
        except (OSError, sqlite3.Error) as error:
            if not self._or_memory:
                raise _unusable(self._directory, error) from None
            _log.warning("%s cannot be used (%s): state is kept in memory", self._directory, error)
            self._db = _open(None)

    @property
    def lasting(self) -> bool:
        """Whether it outlives the process."""
        return self._directory is not None

    @property
    def key(self) -> bytes:
        """The key of this store's marks and digests: made once, never shown."""
        if self._made is None:
            with self.transaction() as db:
                db.execute("INSERT OR IGNORE INTO keys VALUES ('digest', ?)", (secrets.token_bytes(32),))
                with closing(db.execute("SELECT value FROM keys WHERE name = 'digest'")) as rows:
                    self._made = bytes(rows.fetchone()[0])
        return self._made

    @contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """All or nothing; other processes wait.

        Raises:
            NotConfigured: the disk is full, the file is damaged, or the like.
        """
        self.open()
        db = self._db
        assert db is not None
        try:
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.execute("COMMIT")
        except sqlite3.Error as error:
            _roll_back(db)
            raise _unusable(self._directory, error) from None
        except BaseException:
            _roll_back(db)
            raise

    def row(self, query: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
        """The first row of a query."""
        with self.transaction() as db, closing(db.execute(query, values)) as rows:
            found: tuple[Any, ...] | None = rows.fetchone()
        return found

    def close(self) -> None:
        """Close the file. May be called twice."""
        if self._db is not None:
            self._db.close()
            self._db = None


def default_directory(environment: Mapping[str, str]) -> Path:
    """The user's state directory for this program: XDG's rules, or LOCALAPPDATA on Windows."""
    if os.name == "nt":
        return Path(environment.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "fly-mcp"
    return Path(environment.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "fly-mcp"


def _roll_back(db: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):
        if db.in_transaction:
            db.execute("ROLLBACK")


def _unusable(directory: Path | None, error: Exception) -> NotConfigured:
    return NotConfigured(
        f"The state directory {directory or '(memory)'} cannot be used: {error}.",
        hint="Free some space, or set FLY_MCP_STATE to a directory that this user may write, and start again.",
    )


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
        db.execute("PRAGMA synchronous = FULL")
    db.executescript(_SCHEMA)
    return db
