"""What stops a command, a script or the whole run.

ShellError              told to the caller of exec on stderr, never raised out of `Shell.run`
    NotModelledError    a real machine would do it; this one says that it does not (exit code 2)
    LimitError          a bound of the emulator was met: ends the whole run (exit code 2)
    SyntaxFaultError    no shell would take it (exit code 2)
    ExpansionError      `${X:?}`, an unset variable under `set -u`, division by zero (exit code 2)
    CommandError        a command's own complaint
    FileError           a path and what is wrong with it
Unwind                  not an error: how `exit`, `break` and `continue` leave where they stand
"""

from __future__ import annotations


class ShellError(Exception):
    """Anything that goes to stderr of the pretend machine."""


class NotModelledError(ShellError):
    """Something real machines know and this one does not. The message completes `... is not modelled`."""

    def __str__(self) -> str:
        return f"emulator: {self.args[0]} is not modelled"


class LimitError(NotModelledError):
    """A bound of the emulator; nothing may go on after it, or the bound would be none."""


class SyntaxFaultError(ShellError):
    """Text that is not shell at all. `line` counts from 1."""

    def __init__(self, message: str, line: int = 1) -> None:
        super().__init__(message)
        self.line = line


class ExpansionError(ShellError):
    """An expansion that ends a non-interactive shell."""


class CommandError(ShellError):
    """A command's complaint; the command's name is put before it."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


NO_SUCH_FILE = "No such file or directory"


class FileError(ShellError):
    """A path as it was typed, and the C library's words for what is wrong with it."""

    def __init__(self, path: str, reason: str = NO_SUCH_FILE, *, reading: bool = False) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
        self.reading = reading


class Unwind(BaseException):
    """Leaves a construct. Not an `Exception`, as `GeneratorExit` is none: nothing went wrong."""


class Leave(Unwind):
    """`exit`: ends the shell or the subshell around it."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class LoopJump(Unwind):
    """`break` (`again` is false) or `continue`, out of `levels` loops."""

    def __init__(self, levels: int, *, again: bool) -> None:
        super().__init__(levels)
        self.levels = levels
        self.again = again
