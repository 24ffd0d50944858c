"""The door: one `Shell` per exec, or one per machine; each run starts afresh."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence

from .budget import MAX_COMMAND_TEXT
from .errors import LimitError
from .interpreter import Interpreter
from .machine import Machine
from .model import Clock, ExecResult, Process
from .session import SEARCH_PATH, Session
from .streams import Buffer, Input, Streams

_NOT_MODELLED = 2


class Shell:
    """A pretend machine's command line.

    `files` maps absolute paths to text and is changed by the commands; an empty directory is `"/dir/": ""`.
    `env` and `processes` are only read.
    """

    def __init__(
        self,
        env: Mapping[str, str],
        files: MutableMapping[str, str],
        processes: Sequence[Process],
        clock: Clock,
        hostname: str = "",
    ) -> None:
        self._env = env
        self._files = files
        self._processes = processes
        self._clock = clock
        self._hostname = hostname

    async def run(self, argv: list[str], stdin: str = "") -> ExecResult:
        """Run one command as exec does: `argv` is not parsed by any shell unless it names one.

        Never raises for a bad command: an unknown one is exit code 127, what is not modelled is 2 with
        `emulator: ... is not modelled` on stderr. It takes time only where `sleep` says so; cancelling it
        leaves the files as they are then.
        """
        machine = Machine.of(self._files, self._processes, self._clock, self._hostname)
        out, err = Buffer(machine.budget), Buffer(machine.budget)
        try:
            if sum(len(argument) for argument in argv) > MAX_COMMAND_TEXT:
                raise LimitError("a command longer than 128 KiB")
            if not argv or not argv[0]:
                return ExecResult(127, 0, "", "exec: no command\n")
            streams = Streams(Input(stdin), out, err)
            code = await Interpreter(machine).run_program(
                argv, Session.of({"PATH": SEARCH_PATH, "HOME": "/root", **self._env}), streams
            )
        except LimitError as limit:
            err_text, code = f"{err.text()}{limit}\n", _NOT_MODELLED
        else:
            err_text = err.text()
        return ExecResult(code % 256, 0, _valid(out.text()), _valid(err_text))


def _valid(text: str) -> str:
    """Return `text` as UTF-8 can carry it: JSON may bring half of a surrogate pair in."""
    return text.encode("utf-8", "replace").decode("utf-8")
