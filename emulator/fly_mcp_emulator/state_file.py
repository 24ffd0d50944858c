"""A world that outlives its emulator: one file, whole at every moment.

A state is written to a second file next to it, brought to the disk, and then takes the name of the first: whoever
opens the file, after whatever end, finds the old state or the new one. The emulator writes before it answers, so
an answered write is in the file.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Literal

from pydantic import Field, ValidationError

from .problems import BadWorld, problems_of
from .world import World
from .world.base import Record
from .world_file import parsed, world_of


class ClockState(Record):
    """How far the emulator's clock is from the wall clock's time."""

    offset: float = Field(default=0.0, allow_inf_nan=False)
    """Seconds it is ahead, through jumps."""
    frozen_at: float | None = Field(default=None, allow_inf_nan=False)
    """Where it stands still; null when it runs."""


class Kept(Record):
    """What a state file holds. Rules for faults and the log of requests are not kept."""

    format: Literal[1] = 1
    """The version of this shape."""
    clock: ClockState
    world: dict[str, Any]
    """A world, complete."""


class InUse(Exception):
    """Another emulator has the file."""


class StateFile:
    """The file. `open` before anything else: two emulators must not write the same one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._new = path.with_name(f"{path.name}.new")
        self._lock: IO[bytes] | None = None

    def open(self) -> None:
        """Reserve the file for this process, until `close` or its end. Raises: `InUse`, `OSError`."""
        lock = self.path.with_name(f"{self.path.name}.lock").open("ab")
        if not _locked(lock):
            lock.close()
            raise InUse(f"{self.path} is in use by another emulator")
        self._lock = lock

    def close(self) -> None:
        """Give the file free."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def read(self) -> tuple[ClockState, World] | None:
        """Return what was kept, None when there is no such file. Raises: `BadWorld`, `OSError`."""
        try:
            text = self.path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            kept = Kept.model_validate(parsed(text))
        except ValidationError as error:
            raise BadWorld(problems_of(error)) from None
        return kept.clock, world_of(kept.world, "world.")

    def write(self, clock: ClockState, world: World) -> None:
        """Keep a state: when this returns, it is on the disk. Raises: `OSError`; the old state is then there."""
        text = f'{{"format":1,"clock":{clock.model_dump_json()},"world":{world.model_dump_json()}}}\n'
        # Only for its owner: there are secrets in it, though this is no place for real ones.
        handle = os.open(self._new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as new:
            new.write(text.encode())
            new.flush()
            os.fsync(new.fileno())
        os.replace(self._new, self.path)
        if sys.platform != "win32":  # the new name, too, has to reach the disk
            folder = os.open(self.path.parent, os.O_RDONLY)
            with suppress(OSError):
                os.fsync(folder)
            os.close(folder)


def _locked(file: IO[bytes]) -> bool:
    if sys.platform == "win32":  # pragma: no cover - there an open file cannot be replaced
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
