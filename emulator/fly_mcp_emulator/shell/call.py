"""What a command is given, and the little language its options are read with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from .errors import CommandError, NotModelledError
from .files import absolute
from .machine import Machine
from .session import Session
from .streams import Streams

Command: TypeAlias = "Callable[[Call], int | Awaitable[int]]"
"""Returns the exit code. Complains by raising `CommandError`, `FileError` or `NotModelledError`."""


class Runner(Protocol):
    """Runs what a command names; the interpreter, for commands that can't import it."""

    async def run_program(self, argv: list[str], session: Session, streams: Streams) -> int:
        """Run a program, as `env` and `xargs` do, and return its exit code."""
        ...

    async def run_shell(self, text: str, session: Session, streams: Streams) -> int:
        """Run a script in a shell of its own, as `sh -c` does, and return its exit code."""
        ...

    async def run_text(self, text: str, session: Session, streams: Streams) -> int:
        """Run a script in the caller's own shell, as `eval` does. Raises: `Leave`, `LoopJump`."""
        ...


@dataclass(frozen=True, slots=True)
class Call:
    """One command as it was called; `args` are those after its name."""

    name: str
    args: list[str]
    streams: Streams
    session: Session
    machine: Machine
    runner: Runner

    def out(self, text: str) -> None:
        """Write to standard output."""
        self.streams.out.write(text)

    def err(self, text: str) -> None:
        """Write to standard error."""
        self.streams.err.write(text)

    def complain(self, message: object) -> None:
        """Write an error line with the command's name in front, and go on."""
        self.err(f"{self.name}: {message}\n")

    def path(self, typed: str) -> str:
        """Return the absolute path of what was typed."""
        return absolute(typed, self.session.cwd)

    def read(self, typed: str) -> str:
        """Return the text of a file, or of standard input for `-`. Raises: `FileError`."""
        return self.streams.stdin.rest() if typed == "-" else self.machine.files.read(self.path(typed), typed)


@dataclass(frozen=True, slots=True)
class Options:
    """What `parse_options` found: flags given, values by flag, and everything else."""

    flags: frozenset[str]
    values: Mapping[str, str]
    operands: list[str]

    def number(self, flag: str, default: int, what: str) -> int:
        """Return a flag's value as a whole number of at most 9 digits. Raises: `CommandError`."""
        text = self.values.get(flag)
        return default if text is None else whole_number(text, what)


def whole_number(text: str, what: str, code: int = 1) -> int:
    """Return `text` as a whole number. Raises: `CommandError`, worded as the GNU tools do."""
    digits = text[1:] if text[:1] in ("-", "+") else text
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 9):
        raise CommandError(f"invalid {what}: '{text[:80]}'", code)
    return int(text)


def parse_options(
    call: Call, flags: str = "", valued: str = "", longs: Mapping[str, str] | None = None, ignored: str = ""
) -> Options:
    """Read `-abc`, `-n5`, `-n 5`, `--long`, `--long=5` and `--`; the rest are operands, in any order.

    `longs` gives a long option the letter it is short for. Those in `ignored` change nothing here.
    Raises: `NotModelledError` for an option this emulator does not know.
    """
    found: set[str] = set()
    values: dict[str, str] = {}
    operands: list[str] = []
    waiting = iter(call.args)
    for argument in waiting:
        if argument == "--":
            operands.extend(waiting)
        elif argument.startswith("--"):
            name, equals, value = argument[2:].partition("=")
            letter = (longs or {}).get(name, "")
            if letter in valued and letter:
                values[letter] = value if equals else _following(argument, waiting)
            elif letter and letter in flags + ignored:
                found.add(letter)
            else:
                raise NotModelledError(f"{call.name} {argument[:40]}")
        elif argument.startswith("-") and argument != "-":
            for at, letter in enumerate(argument[1:], start=1):
                if letter in valued:
                    values[letter] = argument[at + 1 :] or _following(f"-{letter}", waiting)
                    break
                if letter not in flags + ignored:
                    raise NotModelledError(f"{call.name} -{letter}")
                found.add(letter)
        else:
            operands.append(argument)
    return Options(frozenset(found), values, operands)


def _following(flag: str, waiting: Iterator[str]) -> str:
    value = next(waiting, None)
    if value is None:
        raise CommandError(f"option requires an argument -- '{flag.lstrip('-')}'", 2)
    return value
