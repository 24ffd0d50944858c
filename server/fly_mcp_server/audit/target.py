"""Where lines go: a file that many processes may append to, or this process's stderr.

A line is written on the event loop's own thread, as rows of the state are: it takes a fraction of a millisecond, and
one that must be durable as long as the disk takes.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol, TextIO

from pydantic import JsonValue

from fly_mcp_server.file_lock import lock, unlock

from .chain import Damaged, Event, Head, opened, sealed, torn

#: Looks at a lock that another process holds, and milliseconds between them: a line takes that one few.
_TRIES: Final = 400
_PAUSE_MS: Final = 5
#: Bytes: longer than two of the longest lines, so that the end of the file always holds a whole one.
_TAIL: Final = 256 * 1024

Genesis = Callable[[], Event]
"""Makes the first event of a new chain."""


class TrailError(OSError):
    """The trail cannot be written; the text says why."""


class Target(Protocol):
    """Takes events."""

    def append(self, event: Mapping[str, JsonValue], *, durable: bool) -> None:
        """Write one. `durable`: return only when it would outlive a cut of power.

        Raises:
            OSError: it was not written, or not surely.
        """
        ...


@dataclass(frozen=True)
class _End:
    """Where a file ends: its last event, its size, and what stands behind its last line break.

    `whole`: that is the last event, and lacks its line break alone. Else a killed process left half of one.
    """

    head: Head
    size: int
    rest: bytes = b""
    whole: bool = False


class ChainFile:
    """A file of events at `path`, made with mode 0600. Any number of processes may append to it.

    Args:
        genesis: makes the first event of a new file.
        pause: waits a few milliseconds for another process that writes; the whole server waits with it.
        tries: how often, before it is an error.
    """

    def __init__(
        self, path: Path, genesis: Genesis, *, pause: Callable[[], object] | None = None, tries: int = _TRIES
    ) -> None:
        self.path = path
        self._genesis = genesis
        self._pause = pause or _pause
        self._tries = tries
        #: Where the file ended when we wrote last: device, inode, bytes. Still so: its end need not be read.
        self._left: tuple[int, int, int] | None = None
        self._head = Head()

    def check(self) -> None:
        """See that events can be appended, and append none.

        Raises:
            OSError: they cannot.
        """
        file, _ = self._locked()
        try:
            self._end(file)
        finally:
            os.close(file)

    def append(self, event: Mapping[str, JsonValue], *, durable: bool) -> None:
        """Write one event, and a genesis before it where the file is new."""
        file, new = self._locked()
        try:
            end = self._end(file)
            head, data = end.head, b"\n" if end.rest else b""
            told: Event = {"torn": torn(end.rest)} if end.rest and not end.whole else {}
            if head.seq < 0:
                line, head = sealed({**self._genesis(), **told}, head)
                data, told = data + line, {}
            event = {**event, **told}
            line, head = sealed(event, head)
            self._left = None  # until it is written, nothing is known
            self._write(file, data + line, end.size)
            status = os.fstat(file)
            self._left, self._head = (status.st_dev, status.st_ino, status.st_size), head
            if durable:
                # Others may append meanwhile: what they write comes after this line, and syncing takes its time.
                unlock(file)
                os.fsync(file)
        finally:
            os.close(file)  # and with it the lock
        if new:
            _sync_directory(self.path.parent)

    def _locked(self) -> tuple[int, bool]:
        """The file, open, locked, and still the one at its path; and whether it was not there before."""
        for _ in range(self._tries):
            new = not self.path.exists()
            file = os.open(
                self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600
            )
            try:
                status = os.fstat(file)
                if not stat.S_ISREG(status.st_mode):
                    raise TrailError("it is no plain file; name one, or say stderr")
                if os.name != "nt" and status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                    raise TrailError("others may write it: chmod 600 it")
                if lock(file):
                    # Moved away meanwhile, by whoever starts a new one: then that is where this belongs.
                    with suppress(FileNotFoundError):
                        if os.path.samestat(os.fstat(file), self.path.stat()):
                            return file, new
            except BaseException:
                os.close(file)
                raise
            os.close(file)
            self._pause()
        raise TrailError("another process holds it locked")

    def _end(self, file: int) -> _End:
        status = os.fstat(file)
        size = status.st_size
        if self._left == (status.st_dev, status.st_ino, size):
            return _End(self._head, size)
        start = max(0, size - _TAIL)
        os.lseek(file, start, os.SEEK_SET)
        tail = b""
        while chunk := os.read(file, _TAIL):
            tail += chunk
        *lines, rest = tail.split(b"\n")
        if rest:
            with suppress(Damaged):
                return _End(opened(rest)[1], size, rest, whole=True)
        # From the end: before a half line there may be another, each told of by the line after it.
        for line in reversed(lines):
            with suppress(Damaged):
                return _End(opened(line)[1], size, rest)
        if start or any(lines):
            raise TrailError("its end is no audit trail: move it away, or name another file")
        return _End(Head(), size, rest)

    def _write(self, file: int, data: bytes, size: int) -> None:
        """Write all of it, or take back what was written of it."""
        written = 0
        try:
            while written < len(data):
                written += os.write(file, data[written:])
        except OSError:
            if written:
                # Nobody else has written since: we have the lock. Where the system forbids it, as for a file
                # that may only grow, the half line stays, and the next one says so.
                with suppress(OSError):
                    os.ftruncate(file, size)
            raise


class ChainStream:
    """Lines to a stream, such as stderr: chained for as long as the process lives.

    Durable means here that the system has taken the line; what becomes of it is for whoever collects it.
    """

    def __init__(self, genesis: Genesis, stream: TextIO | None = None) -> None:
        self._genesis = genesis
        self._stream = stream
        self._head = Head()

    def append(self, event: Mapping[str, JsonValue], *, durable: bool) -> None:
        """Write one event."""
        del durable
        stream = self._stream or sys.stderr
        data, head = b"", self._head
        if head.seq < 0:
            data, head = sealed(self._genesis(), head)
        line, head = sealed(event, head)
        try:
            stream.write((data + line).decode("ascii"))
            stream.flush()
        except ValueError:  # closed
            raise TrailError("stderr is closed") from None
        self._head = head


def _pause() -> None:
    threading.Event().wait(_PAUSE_MS / 1000)


def _sync_directory(directory: Path) -> None:
    """Make the file's name outlive a cut of power, where directories can be synced."""
    if os.name == "nt":
        return
    file = os.open(directory, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems
            os.fsync(file)
    finally:
        os.close(file)
