"""An event loop on which time passes only when nobody has anything to do.

Every `sleep`, timeout and deadline of a test is exact and takes no time: when all tasks are waiting, the
loop's clock jumps to the next timer. Sockets and pipes still work, since they are polled before each jump.
"""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed import FileDescriptorLike

# Something outside the loop (a thread, a child process) may be what everybody waits for. Then no timer is
# set, `select` is asked to wait for ever, and waiting in real time is the right thing.
_FOREVER_POLL = 0.05


class _VirtualSelector(selectors.BaseSelector):
    """Polls the real descriptors without waiting; a wait for a timer becomes a jump of the clock."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.elapsed = 0.0

    def register(
        self, fileobj: FileDescriptorLike, events: int, data: object = None
    ) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: FileDescriptorLike, events: int, data: object = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return self._real.select(_FOREVER_POLL)
        ready = self._real.select(0)
        if not ready and timeout > 0:
            self.elapsed += timeout
        return ready

    def get_map(self) -> Mapping[FileDescriptorLike, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop whose `time()` starts at 0 and jumps from timer to timer."""

    def __init__(self) -> None:
        self._virtual = _VirtualSelector()
        super().__init__(self._virtual)

    def time(self) -> float:
        return self._virtual.elapsed


class LoopClock:
    """A clock on the loop's own time, for the emulator and for the tools: `start_epoch` plus what has passed."""

    def __init__(self, start_epoch: float = 1_780_000_000.0) -> None:
        self._start_epoch = start_epoch
        self._began: float | None = None

    def now(self) -> float:
        """Return epoch seconds. Needs a running loop."""
        moment = anyio.current_time()
        if self._began is None:
            self._began = moment
        return self._start_epoch + moment - self._began

    def monotonic(self) -> float:
        """Return seconds that only grow: the loop's own."""
        return anyio.current_time()

    async def sleep(self, seconds: float) -> None:
        """Sleep in the loop's time."""
        await anyio.sleep(max(0.0, seconds))
