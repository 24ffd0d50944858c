"""A trail and its file, as tests look at them."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from fly_mcp_server.audit.target import ChainFile
from fly_mcp_server.audit.trail import AuditTrail, genesis
from fly_mcp_server.audit.verify import Verdict, verify
from fly_mcp_tools.clock import Clock

Json = dict[str, Any]


class FullDisk:
    """A target whose disk may be full. `full`: for which writes, "none", "durable" or "all"."""

    def __init__(self, file: ChainFile) -> None:
        self._file = file
        self.full = "none"

    def append(self, event: Mapping[str, JsonValue], *, durable: bool) -> None:
        if self.full == "all" or (self.full == "durable" and durable):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._file.append(event, durable=durable)


class Kept:
    """The trail of a test."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self.transport = "stdio"
        self.file = ChainFile(path, lambda: genesis(clock))
        self.disk = FullDisk(self.file)
        self.trail = AuditTrail(self.disk, clock, transport=lambda: self.transport)

    def events(self, kind: str = "call") -> list[Json]:
        """The events of a kind, oldest first."""
        return [one for one in self.all() if one["event"] == kind]

    def all(self) -> list[Json]:
        """All of them."""
        return [json.loads(line) for line in self.path.read_bytes().splitlines()]

    def one(self) -> Json:
        """The only call."""
        (event,) = self.events()
        return event

    def verdict(self, expect: str = "") -> Verdict:
        """Whether the file is whole."""
        with self.path.open("rb") as file:
            return verify(file, expect=expect)


def lines(path: Path, count: int) -> list[bytes]:
    """A file of a genesis and `count` events; its lines, with their breaks."""
    file = ChainFile(path, lambda: {"event": "genesis", "time": "2026-01-01T00:00:00.000Z"})
    for number in range(count):
        file.append({"event": "call", "caller": "night-watch", "says": f"No. {number}."}, durable=False)
    return path.read_bytes().splitlines(keepends=True)
