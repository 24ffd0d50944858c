"""`fly-mcp audit`: whether a trail is whole, and what it says."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

from .audit.reading import last, plain
from .audit.verify import Verdict, verify
from .settings import SettingsError, read

T = TypeVar("T")
_HASH = re.compile(r"[0-9a-f]{64}")


def run_verify(path: str | None, expect: str) -> int:
    """Check a file; the exit code: 0 whole, 1 not, 2 it cannot be read."""
    expect = expect.strip().lower()
    if expect and not _HASH.fullmatch(expect):
        return _refuse("--expect: give a hash as `fly-mcp audit verify` prints it: 64 hex digits.")
    verdict = _with(path, lambda file: verify(file, expect=expect))
    if verdict is None:
        return 2
    if not verdict.events and not verdict.problems:
        verdict.problems.append("it has no event")
    lost = bool(expect) and verdict.expected is None
    for line in _report(verdict, expect):
        sys.stdout.write(f"{line}\n")
    return 1 if verdict.problems or lost else 0


def run_tail(path: str | None, agent: str, count: int, *, as_json: bool) -> int:
    """Print the last events; the exit code."""
    found = _with(path, lambda file: last(file, count, agent=agent))
    if found is None:
        return 2
    for event, line in found:
        sys.stdout.write(f"{line.decode('ascii') if as_json else plain(event)}\n")
    if not found:
        whose = f" of {agent}" if agent else ""
        sys.stderr.write(f"fly-mcp: there is no event{whose} in it.\n")
    return 0


def _report(verdict: Verdict, expect: str) -> list[str]:
    lines = [f"{'DAMAGED' if verdict.problems else 'whole'}: {verdict.events} events"]
    if verdict.events:
        lines += [f"first {verdict.first}", f"last  {verdict.last}"]
    lines += [f"- {problem}" for problem in verdict.problems]
    if verdict.halves:
        lines.append(
            f"{verdict.halves} half lines, left by processes that were killed: no events, and no harm."
        )
    if verdict.half_at_end:
        lines.append(
            f"A half line of {verdict.half_at_end} bytes at the end: a process was killed while it wrote, or "
            "writes now, or the file was cut there. It is no event."
        )
    lines += [f"Begun, and not ended: {says}" for says in verdict.unended.values()]
    if not expect:
        lines.append(
            "That its tail was cut off cannot be seen in the file: keep the last hash elsewhere, and give it next time "
            "with --expect."
        )
    elif verdict.expected is None:
        lines.append("The expected hash is not in it: its tail was cut off, or it is another file.")
    else:
        lines.append(f"The expected hash is that of event {verdict.expected}: nothing up to it was cut off.")
    return lines


def _with(path: str | None, use: Callable[[BinaryIO], T]) -> T | None:
    """What `use` makes of the file; None where it cannot be read, which is then said."""
    try:
        named = path or read().audit.strip()
        if not named or named.lower() == "stderr":
            _refuse("say which file: there is none in FLY_MCP_AUDIT.")
            return None
        with Path(named).expanduser().open("rb") as file:
            return use(file)
    except (SettingsError, RuntimeError) as error:
        _refuse(str(error))
    except OSError as error:
        _refuse(f"{path or 'the file of FLY_MCP_AUDIT'} cannot be read: {error.strerror}.")
    return None


def _refuse(words: str) -> int:
    sys.stderr.write(f"fly-mcp: {words}\n")
    return 2
