"""One writer of a file at a time, over processes: the system lets go of the lock however its holder ends.

Ours, since the libraries lock a second file beside the first, which is left behind and can be removed by whoever
tidies up; the trail has to be locked itself.
"""

from __future__ import annotations

import os
import sys

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

#: Windows locks bytes, and keeps others from reading them: one far beyond any end harms nobody.
_FAR = 1 << 40


def lock(file: int) -> bool:
    """Take the lock on an open file, if it is free. It ends with the file's closing.

    Returns whether it was free. Raises OSError where the file system has no locks.
    """
    try:
        if sys.platform == "win32":
            os.lseek(file, _FAR, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def unlock(file: int) -> None:
    """Let the lock go before the file is closed."""
    if sys.platform == "win32":
        os.lseek(file, _FAR, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_UNLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_UN)


def lock_waiting(file: int) -> None:
    """Take the lock, however long that lasts: for commands, never on an event loop."""
    if sys.platform == "win32":
        os.lseek(file, _FAR, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_LOCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX)
