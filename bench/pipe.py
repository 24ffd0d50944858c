"""An MCP server as a child process, spoken to in raw lines: the same few instructions for every server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

FLY_MCP = [str(Path(sysconfig.get_path("scripts")) / "fly-mcp")]
BARE = [sys.executable, str(Path(__file__).with_name("bare_server.py"))]

_HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "bench", "version": "1"},
}


class Server:
    """A running server. `seconds` of each exchange are from the line written to the answer read."""

    def __init__(self, command: list[str], environment: Mapping[str, str] | None = None) -> None:
        self._id = 0
        self.began = time.perf_counter()
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**plain_environment(), **(environment or {})},
        )
        self.ask("initialize", _HELLO)
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def ask(self, method: str, params: Mapping[str, Any] | None = None) -> tuple[dict[str, Any], float]:
        """Send a request; its result and the seconds it took."""
        self._id += 1
        request = {"jsonrpc": "2.0", "id": self._id, "method": method, "params": params or {}}
        began = time.perf_counter()
        self._send(request)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        seconds = time.perf_counter() - began
        answer = json.loads(line)
        if answer.get("id") != self._id or "result" not in answer:
            raise RuntimeError(f"{method}: unexpected answer {line[:200]!r}")
        return answer["result"], seconds

    def call(self, tool: str, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], float]:
        """Call a tool that must succeed."""
        result, seconds = self.ask("tools/call", {"name": tool, "arguments": arguments})
        if result.get("isError"):
            raise RuntimeError(f"{tool}: {result['content'][0]['text'][:300]}")
        return result, seconds

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")
        self._process.stdin.flush()


def plain_environment() -> dict[str, str]:
    """This process's, without settings of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("FLY_")}
