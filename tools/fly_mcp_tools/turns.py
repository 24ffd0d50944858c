"""Turns: the calls of this process that change one machine do so one after another.

A lease keeps other processes out. Among the calls of one process a line is better than a lease each: nobody
polls, nobody is refused, first come, first served.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio

from .clock import Clock

Key = tuple[str, ...]

#: Lines remembered at most, besides those in use.
_KEPT = 256
#: Seconds of turns without a pause after which this process stands back once.
_RUN = 10.0
#: Seconds that it stands back: longer than another process that waits for the lease lets pass between two looks.
_STAND_BACK = 3.5
#: Seconds between two words to somebody in line.
_SAY_EVERY = 10.0


class TooLong(Exception):
    """The line did not come to an end in time."""


@dataclass
class _Line:
    """Who has the turn, and who waits for it. `began` and `left`: of the present run of turns, monotonic seconds."""

    busy: bool = False
    waiting: deque[anyio.Event] = field(default_factory=deque[anyio.Event])
    began: float = 0.0
    left: float | None = None

    @property
    def idle(self) -> bool:
        """Nobody has it or wants it."""
        return not self.busy and not self.waiting

    def pass_on(self) -> None:
        """Give the turn to the next."""
        if self.waiting:
            self.waiting.popleft().set()
        else:
            self.busy = False


class Turns:
    """A line for each key. Idle ones are forgotten, so that a long-lived server does not grow."""

    def __init__(self) -> None:
        self._lines: OrderedDict[Key, _Line] = OrderedDict()

    def __len__(self) -> int:
        """How many lines are kept."""
        return len(self._lines)

    @asynccontextmanager
    async def taken(
        self, key: Key, clock: Clock, *, within: float, say: Callable[[float], Awaitable[None]]
    ) -> AsyncGenerator[bool]:
        """Wait for the turn and have it; passed on whatever happens. Gives whether there was anything to wait for.

        Args:
            within: seconds in line at most.
            say: told every now and then how many seconds it has been.

        Raises:
            TooLong: it took longer than `within`.
        """
        line = self._line(key)
        waited = line.busy
        if waited:
            await _stand(line, clock, within, say)
        line.busy = True
        try:
            yield await _stand_back(line, clock) or waited
        finally:
            line.left = clock.monotonic()
            line.pass_on()

    def _line(self, key: Key) -> _Line:
        line = self._lines.get(key)
        if line is None:
            too_many = max(0, len(self._lines) - _KEPT + 1)
            for old in [one for one, kept in self._lines.items() if kept.idle][:too_many]:
                del self._lines[old]
            line = self._lines[key] = _Line()
        self._lines.move_to_end(key)
        return line


async def _stand(line: _Line, clock: Clock, within: float, say: Callable[[float], Awaitable[None]]) -> None:
    began = clock.monotonic()
    ticket = anyio.Event()
    line.waiting.append(ticket)
    try:
        while True:
            spent = clock.monotonic() - began
            with anyio.move_on_after(min(_SAY_EVERY, within - spent)):
                await ticket.wait()
            if ticket.is_set():
                return
            spent = clock.monotonic() - began
            if spent >= within - 0.001:  # floats: what is left may be too little for a clock to move
                raise TooLong
            await say(spent)
    except BaseException:
        if ticket.is_set():
            line.pass_on()  # it came just when its caller went away
        else:
            line.waiting.remove(ticket)
        raise


async def _stand_back(line: _Line, clock: Clock) -> bool:
    """Let another process have the lease for once: it only looks every few seconds, and we come without a gap."""
    now = clock.monotonic()
    if line.left is None or now - line.left >= _STAND_BACK:
        line.began = now
        return False
    if now - line.began < _RUN:
        return False
    await clock.sleep(line.left + _STAND_BACK - now)
    line.began = clock.monotonic()
    return True
