"""The bounds of one run, so that no text typed into an exec can hang the emulator or fill its memory."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from anyio.lowlevel import checkpoint

from .errors import LimitError

MAX_TEXT = 1024 * 1024
"""Characters in one output, one file, one variable."""
MAX_COMMAND_TEXT = 128 * 1024
"""Characters in a script or a single argument: Linux's MAX_ARG_STRLEN."""
MAX_WORK = 1_000_000
"""Units of work: about a second of the host's time."""
MAX_DEPTH = 24
"""Shells in shells, substitutions in substitutions; each costs Python a dozen frames."""
MAX_SLEEP = 3600.0
"""Seconds of the emulator's clock. The longest exec is 300, so nobody sees a sleeper wake after this."""

COMMAND_COST = 50
_CHARACTERS_PER_UNIT = 16
_COMMANDS_PER_BREATH = 200


class Budget:
    """Counts down; raises `LimitError` at zero."""

    def __init__(self, work: int = MAX_WORK) -> None:
        self._work = work
        self._depth = 0
        self._slept = 0.0
        self._commands = 0

    def charge(self, units: int) -> None:
        """Take `units` of work."""
        self._work -= units
        if self._work < 0:
            raise LimitError("a command of so many steps")

    def charge_text(self, length: int) -> None:
        """Take the work of copying `length` characters."""
        self.charge(length // _CHARACTERS_PER_UNIT + 1)

    def check_text(self, length: int) -> None:
        """Take the work of making a text, and refuse one that is too long to keep."""
        self.charge_text(length)
        if length > MAX_TEXT:
            raise LimitError("a text longer than 1 MiB")

    async def charge_command(self) -> None:
        """Take one command's work; now and then let other tasks run, so that a cancellation gets through."""
        self.charge(COMMAND_COST)
        self._commands += 1
        if self._commands % _COMMANDS_PER_BREATH == 0:
            await checkpoint()

    def sleep(self, seconds: float) -> float:
        """Return how long a sleep of `seconds` may last."""
        left = MAX_SLEEP - self._slept
        if left <= 0:
            raise LimitError("sleeping for more than an hour")
        allowed = min(seconds, left)
        self._slept += allowed
        return allowed

    @contextmanager
    def deeper(self) -> Generator[None]:
        """Go one level down."""
        if self._depth >= MAX_DEPTH:
            raise LimitError(f"nesting deeper than {MAX_DEPTH} levels")
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
