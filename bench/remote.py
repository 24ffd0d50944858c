"""`python -m bench.remote`: 64 agents at once over HTTP, each with its own token, against an SDK echo server.

    64 agents -> serve --http (auth, policy, audit trail) -> the emulator in another process

The two servers take turns under the same load, so that what the machine is busy with meets both. Memory is read from
/proc while the agents are at work; where there is no /proc it is not told.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from fly_mcp_server.auth.agents_file import AgentsFile
from fly_mcp_tools.clock import SystemClock

from .fly import APP, emulator, populate
from .pipe import FLY_MCP, plain_environment

AGENTS = 64
#: Fly lets each machine be read five times a second: so many that no bucket is met.
MACHINES = 600
#: Turns of the two servers.
TURNS = 4
_VERSION = "2026-07-28"
_UP_WITHIN = 30.0


@dataclass
class Load:
    """What came of the calls to one server."""

    seconds: float = 0.0
    took: list[float] = field(default_factory=list[float])
    errors: list[str] = field(default_factory=list[str])
    #: Resident memory in MiB, read while the agents were at work.
    memory: list[float] = field(default_factory=list[float])

    @property
    def rate(self) -> float:
        """Calls a second."""
        return len(self.took) / self.seconds

    def slowest(self, part: float) -> float:
        """The time within which this part of the calls was answered."""
        return sorted(self.took)[int(part * (len(self.took) - 1))]


@dataclass(frozen=True)
class Target:
    """A server and how it is called."""

    url: str
    pid: int
    tool: str
    tokens: tuple[str, ...]
    arguments: tuple[Mapping[str, str], ...]


def measure(seconds: float) -> tuple[Load, Load]:
    """Ours and the echo server, `seconds` each."""
    with tempfile.TemporaryDirectory() as folder, emulator() as fly:
        machines = populate(fly, MACHINES)
        with _ours(Path(folder), fly, machines) as ours, _echo(machines) as echo:
            loads = Load(), Load()
            for _ in range(TURNS):
                for target, load in zip((ours, echo), loads, strict=True):
                    asyncio.run(_work(target, load, seconds / TURNS))
    return loads


async def _work(target: Target, load: Load, seconds: float) -> None:
    """Let all agents call, one call after another each, for so long."""
    until = time.perf_counter() + seconds
    began = time.perf_counter()
    limits = httpx2.Limits(max_connections=AGENTS, max_keepalive_connections=AGENTS)
    async with (
        httpx2.AsyncClient(timeout=60, limits=limits, trust_env=False) as client,
        asyncio.TaskGroup() as agents,
    ):
        for number in range(AGENTS):
            agents.create_task(_agent(client, target, number, load, until))
        while time.perf_counter() < until:
            load.memory += _memory(target.pid)
            await asyncio.sleep(min(1.0, seconds / 10))
    load.seconds += time.perf_counter() - began


async def _agent(client: httpx2.AsyncClient, target: Target, number: int, load: Load, until: float) -> None:
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": _VERSION,
        "mcp-method": "tools/call",
        "mcp-name": target.tool,
    }
    if target.tokens:
        headers["authorization"] = f"Bearer {target.tokens[number]}"
    meta = {
        "io.modelcontextprotocol/protocolVersion": _VERSION,
        "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    # Each has machines of its own, so that all of them are read equally often.
    turn = itertools.cycle(target.arguments[number::AGENTS])
    while time.perf_counter() < until:
        body = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": target.tool, "arguments": next(turn), "_meta": meta},
        }
        began = time.perf_counter()
        try:
            answer = await client.post(target.url, json=body, headers=headers)
            wrong = _wrong(answer)
        except httpx2.HTTPError as error:
            wrong = repr(error)
        load.took.append(time.perf_counter() - began)
        if wrong:
            load.errors.append(wrong)


def _wrong(answer: httpx2.Response) -> str:
    if answer.status_code != 200:
        return f"{answer.status_code} {answer.text[:200]}"
    # A call that takes long is answered as a stream of events.
    events = re.findall(r"^data: (\{.*)$", answer.text, re.MULTILINE)
    message: Any = json.loads(events[-1] if events else answer.text)
    return "" if message.get("result", {}).get("isError") is False else answer.text[:300]


@contextmanager
def _ours(folder: Path, fly: str, machines: list[str]) -> Generator[Target]:
    """`fly-mcp serve --http` with as many agents, a policy and a trail."""
    names = [f"agent-{number}" for number in range(AGENTS)]
    policy = folder / "policy.toml"
    policy.write_text(
        "\n".join(
            f'[agents.{name}]\nfly_token = {{ env = "FLY_TOKEN" }}\norg = "personal"\nread_only = true\n'
            for name in names
        )
    )
    file = AgentsFile(folder / "agents.json", SystemClock())
    tokens = tuple(file.add(name)[1] for name in names)
    settings = {
        "FLY_TOKEN": "fm2_bench",
        "FLY_API_HOSTNAME": fly,
        "FLY_MCP_POLICY": str(policy),
        "FLY_MCP_AGENTS": str(folder / "agents.json"),
        "FLY_MCP_AUDIT": str(folder / "audit.jsonl"),
        "FLY_MCP_STATE": str(folder / "state"),
    }
    process = subprocess.Popen(
        [*FLY_MCP, "serve", "--http", "--port", "0"],
        env={**plain_environment(), **settings},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Target(
            f"{_address(process)}/mcp",
            process.pid,
            "flyGetMachine",
            tokens,
            tuple({"appName": APP, "machineId": one} for one in machines),
        )
    finally:
        process.terminate()
        process.wait(40)


@contextmanager
def _echo(machines: list[str]) -> Generator[Target]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.echo_http", str(port)],
        stdout=subprocess.DEVNULL,  # its access log
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/mcp"
    try:
        _await(port)
        yield Target(url, process.pid, "echo", (), tuple({"text": one} for one in machines))
    finally:
        process.terminate()
        process.wait(40)


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    said: list[str] = []
    for line in process.stderr:
        said.append(line)
        if found := re.search(r"serving on (http://[^/]+)/mcp", line):
            return found[1]
    raise RuntimeError(f"serve --http did not start: {''.join(said)}")


def _await(port: int) -> None:
    began = time.perf_counter()
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.perf_counter() - began > _UP_WITHIN:
                raise
            time.sleep(0.1)
        else:
            return


def _memory(pid: int) -> list[float]:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return []
    return [int(found[1]) / 1024 for found in re.finditer(r"VmRSS:\s+(\d+) kB", text)]


def report(ours: Load, echo: Load) -> list[str]:
    """What was seen, in lines."""
    lines = [
        f"{AGENTS} agents at once, {ours.seconds:.0f} s each in {TURNS} turns",
        "",
        *(
            f"{name}: {len(load.took)} calls, {len(load.errors)} errors, {load.rate:.0f} a second, "
            f"median {statistics.median(load.took) * 1000:.0f} ms, 99 % within {load.slowest(0.99) * 1000:.0f} ms"
            for name, load in (("fly-mcp, flyGetMachine", ours), ("SDK, echo", echo))
        ),
        f"ratio of calls a second: {ours.rate / echo.rate:.2f}",
    ]
    if ours.memory:
        quarter = max(1, len(ours.memory) // 4)
        early, late = ours.memory[quarter : 2 * quarter], ours.memory[-quarter:]
        lines.append(
            f"memory of fly-mcp: {statistics.median(early or ours.memory):.0f} MiB in the second quarter, "
            f"{statistics.median(late):.0f} MiB in the last, {max(ours.memory):.0f} MiB at most"
        )
    return [*lines, *(f"error: {words}" for words in ours.errors[:5] + echo.errors[:5])]


def main() -> int:
    """Measure, print; 1 where a call failed."""
    parser = argparse.ArgumentParser(prog="python -m bench.remote", description="64 agents over HTTP.")
    parser.add_argument("--minutes", type=float, default=float(os.environ.get("BENCH_MINUTES", "0.5")))
    ours, echo = measure(parser.parse_args().minutes * 60)
    print("\n".join(report(ours, echo)))
    return 1 if ours.errors or echo.errors else 0


if __name__ == "__main__":
    sys.exit(main())
