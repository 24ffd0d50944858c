"""Whether a file of events is whole: nothing changed, taken out, put in or swapped.

What a chain alone cannot show is that its tail was cut off, or that all of it was written anew: for that somebody has
to keep a hash elsewhere, and give it as `expect`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from .chain import GENESIS, Damaged, Event, Head, opened, torn

#: Problems that are told; a file that is none of ours has one in each line.
_MOST: Final = 20
_DECODER: Final = json.JSONDecoder()


@dataclass
class Verdict:
    """What was found. `halves`: half lines that killed processes left, which are no events and no harm."""

    events: int = 0
    first: str = ""
    last: str = ""
    problems: list[str] = field(default_factory=list[str])
    halves: int = 0
    #: Bytes of a half line at the very end.
    half_at_end: int = 0
    #: What calls said that they were about to do, and never said that it ended.
    unended: dict[str, str] = field(default_factory=dict[str, str])
    #: The number of the event with the hash that was expected; None: there is none.
    expected: int | None = None

    def wrong(self, line: int, words: str) -> None:
        """Note a problem."""
        if len(self.problems) < _MOST:
            self.problems.append(f"line {line} {words}")
        elif len(self.problems) == _MOST:
            self.problems.append("and more")


def verify(file: BinaryIO, *, expect: str = "") -> Verdict:
    """Read all of it. Raises OSError where it cannot be read."""
    verdict = Verdict()
    head = Head()
    half: tuple[int, bytes] | None = None
    for number, line, ended in _lines(file):
        try:
            event, here = opened(line)
        except Damaged as damage:
            if half is not None:
                verdict.wrong(half[0], "is no audit event")
            half = None
            if "changed" in str(damage):
                verdict.wrong(number, str(damage))
            elif _holds_more_than_a_half(line):
                verdict.wrong(number, "is no audit event, and no half line that a killed process left")
            elif not ended:
                _at_the_end(verdict, number, line)
            else:
                half = (number, line)  # unless the next line knows it
            continue
        _know_half(verdict, half, event)
        half = None
        _follow(verdict, number, event, head, here)
        head = here
        verdict.events += 1
        verdict.first = verdict.first or here.hash
        verdict.last = here.hash
        if expect and here.hash == expect:
            verdict.expected = here.seq
        _keep_unended(verdict, event)
    if half is not None:
        verdict.wrong(half[0], "is no audit event")
    return verdict


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes, bool]]:
    """Each line: its number, its bytes, and whether it has its line break."""
    for number, line in enumerate(file, 1):
        yield number, line.removesuffix(b"\n"), line.endswith(b"\n")


def _know_half(verdict: Verdict, half: tuple[int, bytes] | None, event: Event) -> None:
    """A half line is one that the event after it tells of, by its length and its hash."""
    told = event.get("torn")
    if half is not None:
        if told == torn(half[1]):
            verdict.halves += 1
        else:
            verdict.wrong(half[0], "is no audit event")
    elif told is not None:
        verdict.wrong(int(str(event["seq"])) + 1, "tells of a half line before it, and there is none")


def _follow(verdict: Verdict, number: int, event: Event, head: Head, here: Head) -> None:
    """Hold an event against the one before it."""
    if (event.get("event") == GENESIS) != (head.seq < 0):
        verdict.wrong(
            number,
            "is not the beginning of a trail: what was before it is gone" if head.seq < 0 else "begins anew",
        )
    elif event.get("prev") != head.hash or here.seq != head.seq + 1:
        verdict.wrong(
            number,
            f"does not follow the one before it (number {here.seq} after {head.seq}): something was taken out, put in, "
            "moved or changed here",
        )


def _keep_unended(verdict: Verdict, event: Event) -> None:
    call = event.get("call")
    if isinstance(call, str):
        if event.get("event") == "begun":
            verdict.unended[call] = str(event.get("says", ""))
        else:
            verdict.unended.pop(call, None)


def _holds_more_than_a_half(line: bytes) -> bool:
    """Whether a line that is no event has a whole object in it.

    A write that was cut short holds no closing brace: what has one was changed. Zeros after an event as it was written
    are what a cut of power can leave in place of its line break.
    """
    try:
        _, end = _DECODER.raw_decode(line.decode("latin-1"))
    except (ValueError, RecursionError):
        return False
    if line[end:].strip(b"\0"):
        return True
    try:
        opened(line[:end])
    except Damaged:
        return True
    return False


def _at_the_end(verdict: Verdict, number: int, line: bytes) -> None:
    """A half line at the end, as a killed process leaves one, or a cut of power: those leave zeros too."""
    if line.startswith(b"{") or not line.strip(b"\0"):
        verdict.half_at_end = len(line)
    else:
        verdict.wrong(number, "is no audit event")
