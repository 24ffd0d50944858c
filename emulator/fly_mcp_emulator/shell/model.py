"""What goes into the pretend shell and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """The emulator's time: the wall's, or one that a test moves by hand."""

    def now(self) -> float:
        """Return seconds since the epoch, UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait `seconds` of this clock's time; a cancellation comes through."""
        ...


@dataclass(frozen=True, slots=True)
class ExecResult:
    """What Fly answers to `exec` (reference 3.5). `exit_signal` is 0 when no signal ended the command."""

    exit_code: int
    exit_signal: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class ListenSocket:
    """An address a process listens on, as Fly's process list names it: `("tcp", "0.0.0.0:8080")`."""

    proto: str
    address: str


@dataclass(frozen=True, slots=True)
class Process:
    """A pretend process. `cpu` is percent, `rss_kb` is KiB, `stime` the start in epoch seconds."""

    pid: int
    ppid: int
    user: str
    command: str
    cpu: float = 0.0
    rss_kb: int = 4096
    stime: float = 0.0
    directory: str = "/"
    listen_sockets: tuple[ListenSocket, ...] = ()
