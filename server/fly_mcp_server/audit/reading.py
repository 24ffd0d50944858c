"""The events of a file, for people and for other programs."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

from fly_mcp_tools.foreign import clean

from .chain import Damaged, Event, opened


def events(file: BinaryIO, *, agent: str = "") -> Iterator[tuple[Event, bytes]]:
    """Each event, and its line. What is no event, or was changed, is passed over: `verify` tells of that."""
    for line in file:
        bare = line.removesuffix(b"\n")
        try:
            event, _ = opened(bare)
        except Damaged:
            continue
        if not agent or event.get("caller") == agent:
            yield event, bare


def last(file: BinaryIO, count: int, *, agent: str = "") -> list[tuple[Event, bytes]]:
    """The last `count` events, of one agent or of all."""
    return list(deque(events(file, agent=agent), maxlen=count))


def plain(event: Event) -> str:
    """An event as a line for people: when, and what was done."""
    # Cleaned: whoever can write the file can make it pass, and a terminal must not obey it.
    return f"{clean(str(event.get('time', '')), 40)}  {clean(str(event.get('says', '')), 1000)}"
