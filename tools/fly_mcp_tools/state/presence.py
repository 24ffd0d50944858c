"""Who is still at work on a store: a file of its own for each user of it, locked while that one lives.

The system lets go of a lock when its process ends, however it ends. Numbers of processes tell less: they are used
again, and two containers that share a directory each have a process 1.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

#: How the files are called; the rest of the name is the holder's.
PREFIX: Final = "holder-"


class Presence:
    """One user of a directory (None: of memory, which no other process has).

    Args:
        directory: of the store; there already.
        name: what it would be called. It gets a number where somebody present has that name.

    Raises:
        OSError: no file can be made.
    """

    def __init__(self, directory: Path | None, name: str) -> None:
        self.name = name
        self._path: Path | None = None
        self._file = -1
        if directory is None:
            return
        for path in directory.glob(PREFIX + "*"):
            _remove_left(path)
        for number in count(1):
            path = directory / (PREFIX + self.name)
            with suppress(FileExistsError):
                self._file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
                if _lock(self._file, shared=False) is not False and _is_at(self._file, path):
                    self._path = path
                    return
                os.close(self._file)  # another has just taken it for one that was left behind
            self.name = f"{name}-{number}"

    def end(self) -> None:
        """Be gone. May be called twice."""
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink()  # before the lock is gone: nobody else removes it then
            os.close(self._file)
            self._path = None


def _is_at(file: int, path: Path) -> bool:
    """Whether the path still leads to the file."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except OSError:
        return False


def is_present(directory: Path, name: str) -> bool:
    """Whether the user of a directory who was called so is still there. Not for asking after oneself."""
    try:
        file = os.open(directory / (PREFIX + name), os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # another user's: it cannot be told
    try:
        return _lock(file, shared=True) is not True
    finally:
        os.close(file)


def _remove_left(path: Path) -> None:
    """Remove the file of a process that was killed."""
    with suppress(OSError):
        file = os.open(path, os.O_RDWR)
        try:
            if _lock(file, shared=True):
                path.unlink()  # under the lock: whoever makes one meanwhile sees that it is gone
        finally:
            os.close(file)


def _lock(file: int, *, shared: bool) -> bool | None:
    """Take the lock: whether it was free; None where the file system has no locks. `shared`: only to look."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        return None
    return True
