"""What all commands of one run share: the pretend machine, and the bounds."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from .budget import Budget
from .files import Files
from .model import Clock, Process
from .session import SHELL_PID

_KIB_PER_MIB = 1024
_DEFAULT_MEMORY_KIB = 1024 * _KIB_PER_MIB
_MAX_EPOCH = 253_402_300_799.0
"""The last second of the year 9999, where Python's calendar ends."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Files, processes, clock and name."""

    files: Files
    base_processes: Sequence[Process]
    clock: Clock
    hostname: str
    budget: Budget

    @classmethod
    def of(
        cls, entries: MutableMapping[str, str], processes: Sequence[Process], clock: Clock, hostname: str
    ) -> Machine:
        """Set a machine up for one run, with bounds of its own."""
        budget = Budget()
        return cls(Files(entries, budget), processes, clock, hostname, budget)

    def name(self) -> str:
        """Return the host name: the one given, else what `/etc/hostname` says."""
        if self.hostname:
            return self.hostname
        given = self.files.read("/etc/hostname").strip() if self.files.is_file("/etc/hostname") else ""
        return given or "localhost"

    def now(self) -> datetime:
        """Return the time, UTC, as every Fly machine has it."""
        return when(self.clock.now())

    def booted_at(self) -> float:
        """Return when the first process started; without one, now."""
        return min((process.stime for process in self.base_processes), default=self.clock.now())

    def uptime(self) -> float:
        """Return seconds since boot."""
        return max(0.0, self.clock.now() - self.booted_at())

    def free_pid(self) -> int:
        """Return a process id that nothing has had yet: past all there are, and it grows with time."""
        highest = max((process.pid for process in self.base_processes), default=SHELL_PID)
        return max(highest, SHELL_PID) + 20 + int(self.uptime()) % 30_000

    def memory_kib(self) -> tuple[int, int]:
        """Return total and used memory; the total from `/proc/meminfo` where there is one, else 1 GiB."""
        total = _DEFAULT_MEMORY_KIB
        if self.files.is_file("/proc/meminfo"):
            for line in self.files.read("/proc/meminfo").splitlines():
                words = line.split()
                if len(words) >= 2 and words[0] == "MemTotal:" and words[1].isdecimal():
                    total = int(words[1][:12]) or total
        used = sum(process.rss_kb for process in self.base_processes) + 30 * _KIB_PER_MIB
        return total, min(used, total)


def when(epoch: float) -> datetime:
    """Return the UTC time of epoch seconds, kept inside the calendar."""
    return datetime.fromtimestamp(min(max(epoch, 0.0), _MAX_EPOCH), UTC)
