"""A pretend machine for the shell's tests: the default world's, on a clock that only moves when told."""

from __future__ import annotations

from dataclasses import dataclass, field

from fly_mcp_emulator.shell import ExecResult, Process, Shell
from fly_mcp_emulator.shell.samples import (
    DEFAULT_BOOTED_AT,
    default_files,
    default_processes,
    default_volume_files,
)


@dataclass
class FakeClock:
    time: float = DEFAULT_BOOTED_AT + 4000
    slept: list[float] = field(default_factory=list[float])

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


def _files() -> dict[str, str]:
    return {**default_files(), **default_volume_files()}


@dataclass
class PretendMachine:
    env: dict[str, str] = field(default_factory=lambda: {"FLY_APP_NAME": "catvet-records", "BLANKS": "a  b"})
    files: dict[str, str] = field(default_factory=_files)
    processes: list[Process] = field(default_factory=default_processes)
    clock: FakeClock = field(default_factory=FakeClock)

    async def run(self, *argv: str, stdin: str = "") -> ExecResult:
        shell = Shell(self.env, self.files, self.processes, self.clock, "7846e45f27e218")
        return await shell.run(list(argv), stdin)

    async def sh(self, text: str, stdin: str = "") -> ExecResult:
        return await self.run("sh", "-c", text, stdin=stdin)

    async def out(self, text: str, stdin: str = "") -> str:
        """Run a script that has to succeed without a complaint, and return what it printed."""
        result = await self.sh(text, stdin)
        assert (result.exit_code, result.stderr) == (0, ""), result
        return result.stdout
