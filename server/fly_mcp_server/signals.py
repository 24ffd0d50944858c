"""Being told of the signals that ask a process to end."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable


def on_signals(told: Callable[[signal.Signals], None]) -> None:
    """Have `told` called on the running loop for SIGTERM and SIGINT, until that loop is closed."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        if sys.platform == "win32":  # pragma: no cover - its loop knows no signals, but is woken by them
            signal.signal(number, lambda got, _: loop.call_soon_threadsafe(told, signal.Signals(got)))
        else:
            loop.add_signal_handler(number, told, number)
