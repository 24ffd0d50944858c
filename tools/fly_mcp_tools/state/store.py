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
import stat
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from fly_mcp_tools.errors import Code, NotConfigured

from .presence import PREFIX, Presence, is_present

#: What SQLite's `application_id` says of a file of ours ("flym"), and the version of the tables in it.
_OURS: Final = 0x666C796D
_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE keys (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
CREATE TABLE intents (
  caller TEXT NOT NULL, request_id TEXT NOT NULL, action TEXT NOT NULL, digest TEXT NOT NULL,
  began REAL NOT NULL, touched REAL NOT NULL, holder TEXT NOT NULL, answer TEXT,
  notes TEXT NOT NULL DEFAULT '{}',
  PRIMARY KEY (caller, request_id)
) STRICT;
CREATE TABLE undo (
  reference TEXT PRIMARY KEY, caller TEXT NOT NULL, app TEXT NOT NULL, kept REAL NOT NULL, config TEXT NOT NULL
) STRICT;
"""
#: Seconds to wait for another process that is writing. A row takes a millisecond; the whole server waits with it.
_BUSY: Final = 2.0
#: Tries at what another process that opens the same new file may be at, too.
_TRIES: Final = 10
_FILE: Final = "state.sqlite3"
#: What else a server of ours keeps there: the file of agents' tokens.
BESIDE: Final = ("agents.json",)

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
        self._present: dict[str, Presence] = {}

    def open(self) -> None:
        """Open it now.

        Raises:
            NotConfigured: the directory cannot be made or written, is shared with others, or holds something else
                under our name.
        """
        if self._db is not None:
            return
        try:
            self._db = _open(self._directory)
        except (OSError, sqlite3.Error) as error:
            if not self._or_memory:
                raise _unusable(self._directory, error) from None
            _log.warning("%s cannot be used (%s): state is kept in memory", self._directory, error)
            self._directory = None
            self._db = _open(None)

    @property
    def lasting(self) -> bool:
        """Whether it outlives the process."""
        return self._directory is not None

    def enter(self, name: str) -> str:
        """Be at work on it, until it is closed or the process ends; the name by which others know that.

        Raises:
            NotConfigured: the directory cannot be used.
        """
        self.open()
        try:
            one = Presence(self._directory, name)
        except OSError as error:
            raise _unusable(self._directory, error) from None
        self._present[one.name] = one
        return one.name

    def is_present(self, name: str) -> bool:
        """Whether whoever entered under this name is still there, in this process or another."""
        if name in self._present or self._directory is None:
            return name in self._present
        return bool(name) and is_present(self._directory, name)

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
            NotConfigured: the disk is full, the file is damaged, or the like; as a conflict, and retryable, where
                another process does not stop writing.
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

    def close(self) -> None:
        """Close the file. May be called twice."""
        while self._present:
            self._present.popitem()[1].end()
        if self._db is not None:
            self._db.close()
            self._db = None

    def __del__(self) -> None:
        """Close what nobody closed: one in memory has no owner."""
        self.close()


def default_directory(environment: Mapping[str, str]) -> Path | None:
    """The user's state directory for this program: XDG's rules, or LOCALAPPDATA on Windows.

    None for a user without a home, as in a container that is run under a number.
    """
    name, beside = (
        ("LOCALAPPDATA", "AppData/Local") if os.name == "nt" else ("XDG_STATE_HOME", ".local/state")
    )
    given = Path(environment.get(name) or "")
    if given.is_absolute():  # XDG: a relative one is to be ignored
        return given / "fly-mcp"
    try:
        return Path.home() / beside / "fly-mcp"
    except RuntimeError:
        return None


def _roll_back(db: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):
        if db.in_transaction:
            db.execute("ROLLBACK")


def _unusable(directory: Path | None, error: Exception) -> NotConfigured:
    if getattr(error, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
        return NotConfigured(
            f"Another process is writing to the state directory {directory}, for longer than {_BUSY:.0f} s.",
            code=Code.CONFLICT,
            hint="Repeat the call, with its requestId if it had one. If that does not help, look which process it is.",
            retryable=True,
        )
    hint = "Free some space, or set FLY_MCP_STATE to a directory that this user may write, and start again."
    if isinstance(error, _Refused):
        hint = error.hint
    elif isinstance(error, sqlite3.DatabaseError) and not isinstance(error, sqlite3.OperationalError):
        hint = (
            f"{_FILE} in it is damaged, or not SQLite's: move it away, or set FLY_MCP_STATE to another directory, "
            "and start again. With it go the request ids of a day, and what undoes deletions."
        )
    return NotConfigured(f"The state directory {directory or '(memory)'} cannot be used: {error}.", hint=hint)


class _Refused(OSError):
    """A directory or file that could be used, and must not be."""

    def __init__(self, why: str, hint: str) -> None:
        super().__init__(why)
        self.hint = hint


def _open(directory: Path | None) -> sqlite3.Connection:
    if directory is None:
        place = ":memory:"
    else:
        _claim(directory)
        place = str(_made_private(directory / _FILE))
    db = sqlite3.connect(place, isolation_level=None, timeout=_BUSY, check_same_thread=False)
    try:
        # What is dropped is overwritten: configs may hold secrets, and their days are over.
        db.execute("PRAGMA secure_delete = ON")
        db.execute("BEGIN")  # what is read has to be of one moment
        _is_new(db)  # raises before anything in somebody else's file is changed
        db.execute("COMMIT")
        _write_ahead(db)
        db.execute("PRAGMA synchronous = FULL")
        _prepare(db)
    except BaseException:
        db.close()
        raise
    return db


def _claim(directory: Path) -> None:
    """Make the directory, or make sure that an existing one is ours alone.

    One that others can enter is tightened where nothing but our files is in it. Where there is more, as in a home
    or /tmp, somebody may rely on its mode, so it is refused.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name == "nt" or not _open_to_others(directory):
        return
    if any(not one.name.startswith((_FILE, PREFIX, *BESIDE)) for one in directory.iterdir()):
        raise _Refused(
            "others can enter it, and it holds more than fly-mcp's files",
            "Set FLY_MCP_STATE to a directory of its own, which is made where it is not there; or chmod 700 this one.",
        )
    directory.chmod(0o700)
    if _open_to_others(directory):
        raise _Refused(
            "others can enter it, and its file system keeps no modes",
            "Set FLY_MCP_STATE to a directory on a file system of this machine.",
        )


def _open_to_others(directory: Path) -> bool:
    return bool(stat.S_IMODE(directory.stat().st_mode) & 0o077)


def _made_private(path: Path) -> Path:
    """The file, with its mode before SQLite opens it: at no moment is it readable by others.

    The log beside it takes the same mode. A file that is there is not opened here: closing it would let go of every
    lock that SQLite has on it in this process.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        if not stat.S_ISREG(path.lstat().st_mode):
            raise _Refused(f"{_FILE} in it is no plain file", "Move that away, and start again.") from None
        path.chmod(0o600)
    return path


def _write_ahead(db: sqlite3.Connection) -> None:
    """Switch the write-ahead log on. SQLite does not wait with that while another process does the same."""
    for attempt in range(_TRIES):
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if attempt == _TRIES - 1:
                raise
            db.execute("BEGIN EXCLUSIVE")  # this waits
            db.execute("ROLLBACK")
        else:
            return


def _is_new(db: sqlite3.Connection) -> bool:
    """Whether nothing is in the file yet. Raises _Refused where it is somebody else's, or of a later fly-mcp."""
    (whose,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables and whose != _OURS:
        raise _Refused(
            f"{_FILE} in it is not fly-mcp's", "Set FLY_MCP_STATE to a directory of its own, and start again."
        )
    if version > _VERSION:
        raise _Refused(f"{_FILE} in it is of a later fly-mcp", "Use that one, or another FLY_MCP_STATE.")
    return not tables


def _prepare(db: sqlite3.Connection) -> None:
    """Make the tables in a new file. All of them at once: a process that is killed leaves none."""
    db.execute("BEGIN IMMEDIATE")
    try:
        if _is_new(db):
            for statement in _SCHEMA.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA application_id = {_OURS}")
            db.execute(f"PRAGMA user_version = {_VERSION}")
        db.execute("COMMIT")
    except BaseException:
        _roll_back(db)
        raise
