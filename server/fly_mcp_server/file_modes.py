"""Who else may read or write a file that decides what agents may do.

On Windows nobody is asked: the bits are not what decides there.
"""

from __future__ import annotations

import os
import stat
from typing import Protocol


class Opened(Protocol):
    """An open file: it is asked itself, since its name may stand for another by now."""

    def fileno(self) -> int:
        """Its descriptor."""
        ...


def others_may_write(file: Opened) -> bool:
    """Whether its group, or everybody, may write it."""
    return _mode(file, stat.S_IWGRP | stat.S_IWOTH)


def others_may_read(file: Opened) -> bool:
    """Whether its group, or everybody, may read it."""
    return _mode(file, stat.S_IRGRP | stat.S_IROTH)


def _mode(file: Opened, bits: int) -> bool:
    return os.name != "nt" and bool(os.fstat(file.fileno()).st_mode & bits)
