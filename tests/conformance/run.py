"""MCP's own conformance suite, against the app that agents get: `make conformance`.

Twice: with the suite's fixtures behind the very same app, all that a revision asks for; and `fly-mcp serve --http`
itself, as far as that needs no fixtures. What fails has to be in expected.toml, with its reason, and nothing else
may fail; what is there has to fail. Prints figures, and exits with 1 where it is not so.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import tempfile
import time
import tomllib
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import anyio.to_thread

if __package__ in (None, ""):
    # Run as a file: the folder above `tests` is where modules are looked for.
    sys.path[0] = str(Path(__file__).parents[2])

from tests.clients.environments import Broken, Missing, mcp_conformance
from tests.stdio.child import COMMAND, environment

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
REVISIONS = ("2025-11-25", "2026-07-28")
#: What a server without resources, prompts and the suite's tools can be asked.
WITHOUT_FIXTURES = {
    "2025-11-25": (
        "server-initialize",
        "ping",
        "tools-list",
        "resources-list",
        "prompts-list",
        "dns-rebinding-protection",
    ),
    "2026-07-28": (
        "tools-list",
        "resources-list",
        "prompts-list",
        "caching",
        "dns-rebinding-protection",
        "http-header-validation",
        "input-required-result-unsupported-methods",
        "sep-2164-resource-not-found",
        "server-sse-multiple-streams",
        "server-stateless",
    ),
}
#: The emulator behind it, and an agent that may do everything: the suite has no token.
POLICY = """
[agents.judge]
org = "personal"
[[agents.judge.rules]]
effect = "allow"
actions = ["*"]
access = ["read", "write", "exec", "destructive"]
"""
_SCENARIO = re.compile(r"server-(?P<name>.+)-\d{4}-\d\d-\d\dT[\d-]+Z")
#: What the suite says of a check for which the server lacks a fixture.
_NOT_TESTABLE = "Not testable"
_SECONDS = 60


@dataclass(frozen=True)
class Check:
    """One check of a scenario, as the suite judged it."""

    scenario: str
    check: str
    status: str
    words: str


@dataclass(frozen=True)
class Served:
    """A server to be judged, and what it has to show."""

    kind: str
    url: str

    def wanted(self, revision: str) -> Sequence[str] | None:
        """The scenarios that count; None: all."""
        return None if self.kind == "fixtures" else WITHOUT_FIXTURES[revision]


async def main() -> int:
    """Judge both; the exit code."""
    try:
        suite = await anyio.to_thread.run_sync(mcp_conformance)
    except (Missing, Broken) as error:
        sys.stderr.write(f"conformance: {error}\n")
        return 1
    began = time.perf_counter()
    expected = tomllib.loads((HERE / "expected.toml").read_text(encoding="utf-8"))
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="fly-mcp-conformance-") as folder:
        (Path(folder) / "policy.toml").write_text(POLICY, encoding="utf-8")
        async with _fixtures() as fixtures, _real(Path(folder)) as real:
            for served in (fixtures, real):
                for revision in REVISIONS:
                    checks = await _judged(suite, served, revision, Path(folder))
                    wrong += _compared(served, revision, checks, expected[served.kind][revision])
    for line in wrong:
        print(f"not as expected: {line}")  # noqa: T201 - a program
    print(f"{'failed' if wrong else 'passed'} in {time.perf_counter() - began:.0f} s")  # noqa: T201 - a program
    return 1 if wrong else 0


@asynccontextmanager
async def _fixtures() -> AsyncGenerator[Served]:
    port = _free_port()
    command = [sys.executable, "-m", "tests.conformance.fixtures", str(port)]
    async with _started(command, {"PYTHONPATH": str(ROOT)}) as url:
        yield Served("fixtures", url)


@asynccontextmanager
async def _real(folder: Path) -> AsyncGenerator[Served]:
    port = _free_port()
    settings = {
        "FLY_MCP_POLICY": str(folder / "policy.toml"),
        "FLY_MCP_AGENT": "judge",
        # The suite's own: it tries whether a page of this very server is answered.
        "FLY_MCP_ALLOWED_ORIGINS": f"http://127.0.0.1:{port}",
    }
    command = [COMMAND, "serve", "--http", "--port", str(port), "--emulator", "--no-auth"]
    async with _started(command, settings) as url:
        yield Served("real", url)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@asynccontextmanager
async def _started(command: Sequence[str], settings: dict[str, str]) -> AsyncGenerator[str]:
    """Start a server that says where it is; its address. It is stopped at the end."""
    process = await anyio.open_process(command, cwd=ROOT, stderr=-2, env=environment(**settings))
    said, up = "", anyio.Event()

    async def listen() -> None:
        nonlocal said
        assert process.stdout is not None
        async for chunk in process.stdout:
            said += chunk.decode()
            if "serving on " in said:
                up.set()
        up.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listen)
        with anyio.fail_after(_SECONDS):
            await up.wait()
        found = re.search(r"serving on (http://\S+/mcp)", said)
        assert found, f"{command[0]} did not start: {said}"
        yield found.group(1)
        process.terminate()
        await process.wait()


async def _judged(suite: Sequence[str], served: Served, revision: str, folder: Path) -> list[Check]:
    """Run all scenarios of a revision; every check of those that count."""
    results = folder / f"{served.kind}-{revision}"
    command = [*suite, "server", "--url", served.url, "--requirements", revision, "-o", str(results)]
    with anyio.fail_after(_SECONDS):
        # Its exit code says that something failed, which is for expected.toml to judge.
        await anyio.run_process(command, check=False, cwd=folder)
    wanted = served.wanted(revision)
    checks: list[Check] = []
    for path in sorted(results.glob("*/checks.json")):
        found = _SCENARIO.fullmatch(path.parent.name)
        assert found, path
        name = found.group("name")
        if wanted is None or name in wanted:
            checks += [
                Check(name, one["id"], one["status"], str(one.get("errorMessage", "")))
                for one in json.loads(path.read_text(encoding="utf-8"))
            ]
    return checks


def _compared(served: Served, revision: str, checks: Sequence[Check], expected: dict[str, str]) -> list[str]:
    """Print the figures; what is not as expected."""
    lacking = [one for one in checks if served.kind == "real" and one.words.startswith(_NOT_TESTABLE)]
    judged = [one for one in checks if one not in lacking]
    failed = [one for one in judged if one.status == "FAILURE"]
    seen = {one.scenario for one in checks}
    where = f"{served.kind} {revision}"
    print(  # noqa: T201 - a program
        f"{where}: {len(seen)} scenarios, {sum(one.status == 'SUCCESS' for one in judged)} checks passed, "
        f"{len(failed)} failed ({len(expected)} scenarios are expected to), {len(lacking)} not testable without "
        "fixtures"
    )
    wrong = [
        f"{where}: {one.scenario}: {one.check}: {one.words}"
        for one in failed
        if one.scenario not in expected and f"{one.scenario}:{one.check}" not in expected
    ]
    fails = {one.scenario for one in failed} | {f"{one.scenario}:{one.check}" for one in failed}
    wrong += [
        f"{where}: {name} passes now: take it out of expected.toml" for name in expected if name not in fails
    ]
    wrong += [f"{where}: {name} was not run" for name in served.wanted(revision) or () if name not in seen]
    if not checks:
        wrong.append(f"{where}: the suite gave no results")
    return wrong


if __name__ == "__main__":
    sys.exit(anyio.run(main))
