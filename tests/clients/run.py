"""Real clients of Fly's API, and agent frameworks through fly-mcp, against the emulator: `make test-clients`.

    python tests/clients/run.py [NAME...]

Sets up what is needed, serves an emulator to each client, checks every answer against Fly's document, sends
malformed requests, and prints a table of client x call x result. A client that the machine lacks is said out loud;
with CI=true it is a failure. Exits with 1 when anything failed.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

if __package__ in (None, ""):
    # Run as a file: the folder above `tests` is where modules are looked for.
    sys.path[0] = str(Path(__file__).parents[2])

from tests.clients import environments, schema
from tests.clients.environments import BUILD, HERE, ROOT, Broken, Missing

_CLIENT_SECONDS = 120
_FUZZ_SECONDS = 110
_LINE = re.compile(r"(?P<not>not )?ok (?P<call>\S+) - (?P<what>.*)")
_CLIENTS: dict[str, Callable[[], Sequence[str]]] = {
    "fly-go": environments.fly_go,
    "fly-admin": environments.fly_admin,
    "flaude": environments.flaude,
    "conformance": environments.conformance,
    "langchain": environments.langchain,
    "pydantic-ai": environments.pydantic_ai,
}
# With words of its own in the path it gets little further than the path: there it is sent few bodies.
_FUZZING = {
    "fuzz": ("--phases", "examples,fuzzing", "--max-examples", "12"),
    "fuzz-known": ("--phases", "examples,coverage,fuzzing", "--max-examples", "4"),
}


@dataclass(frozen=True)
class Row:
    """A line of the table. `problem` is empty for what went well."""

    client: str
    call: str
    what: str
    problem: str = ""
    skipped: bool = False

    @property
    def result(self) -> str:
        """Say how it went."""
        return "FAILED" if self.problem else "skipped" if self.skipped else "ok"


class Runner:
    """Runs clients, each against an emulator of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.document = schema.Document()
        self.findings = schema.Findings()
        self._lock = threading.Lock()

    def client(self, name: str) -> list[Row]:
        """Run one client; return a row for each of its calls, and one for the answers it got."""
        began = time.monotonic()
        try:
            command = _CLIENTS[name]()
        except Missing as missing:
            return [_missing(name, str(missing))]
        except Broken as broken:
            return [Row(name, "(set-up)", "", str(broken))]
        _say(f"{name}: ready after {time.monotonic() - began:.0f} s")
        with self._emulator(name) as address:
            output, code = _finish(command, _CLIENT_SECONDS, EMULATOR=address, FLY_FLAPS_BASE_URL=address)
        rows = [_row(name, found) for found in map(_LINE.fullmatch, output.splitlines()) if found]
        if not rows or (code != 0 and not any(row.problem for row in rows)):
            rows.append(Row(name, "(run)", "to its end", f"exit code {code}: {output[-300:]}"))
        _say(f"{name}: {len(rows)} calls, {time.monotonic() - began:.0f} s")
        return [*rows, *self._answers(name)]

    def fuzz(self, name: str) -> list[Row]:
        """Send malformed requests to every operation; return a row for each."""
        began = time.monotonic()
        try:
            program = environments.schemathesis()
        except Broken as broken:
            return [Row(name, "(set-up)", "", str(broken))]
        folder = self._folder / name
        folder.mkdir()
        with self._emulator(name, "--restore", "--speed", "600") as address:
            known = name == "fuzz-known"
            config = ("--config-file", str(HERE / "fuzz" / "known.toml")) if known else ()
            command = [
                *(str(program), *config, "run", str(schema.DOCUMENT), *_FUZZING[name]),
                *("--url", f"{address}/v1", "--header", "Authorization: Bearer any-token"),
                *("--checks", "not_a_server_error", "--seed", "7", "--workers", "1", "--no-shrink"),
                *("--request-timeout", "10", "--continue-on-failure"),
            ]
            environment = {"SCHEMATHESIS_HOOKS": str(HERE / "fuzz" / "known_bodies.py")} if known else {}
            output, code = _finish(command, _FUZZ_SECONDS, folder, **environment)
        rows = [*self._operations(name), *self._answers(name)]
        if code != 0:
            end = output[output.find("= FAILURES") : output.find("= SUMMARY")] or output
            rows.append(Row(name, "(run)", "without a failure of its own", f"exit code {code}: {end[:1500]}"))
        _say(f"{name}: {time.monotonic() - began:.0f} s")
        return rows

    def complete(self) -> Row:
        """Check that all of Fly's document was answered, and that no list of exceptions is out of date."""
        problems = schema.unreached(self.findings, self.document)
        good = sum(min(statuses) < 400 for statuses in self.findings.answered.values())
        what = f"{good} of {len(self.document.operations)} operations answered, the others on a list"
        return Row("document", "(operations)", what, "; ".join(problems))

    @contextmanager
    def _emulator(self, name: str, *more: str) -> Generator[str]:
        record = str(self._record(name))
        command = [sys.executable, "-m", "tests.clients.recorder", "--record", record, *more]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            try:
                line = process.stdout.readline() if process.stdout else ""
                if not line.startswith("listening on "):
                    raise RuntimeError(f"the emulator for {name} does not listen")
                yield f"http://127.0.0.1:{line.split()[-1]}"
            finally:
                process.terminate()

    def _record(self, name: str) -> Path:
        return self._folder / f"{name}.jsonl"

    def _answers(self, name: str) -> list[Row]:
        found = self.document.check(schema.read(self._record(name)))
        with self._lock:
            self.findings.merge(found)
        problems = "; ".join(f"{times} x {problem}" for problem, times in sorted(found.problems.items()))
        return [Row(name, "(schema)", f"{found.exchanges} answers as in Fly's document", problems)]

    def _operations(self, name: str) -> Iterable[Row]:
        statuses: dict[str, list[int]] = {operation: [] for operation in self.document.operations}
        for exchange in schema.read(self._record(name)):
            operation = self.document.find(exchange["method"], exchange["path"])
            if operation is not None:
                statuses[operation].append(exchange["status"])
        for operation, seen in statuses.items():
            worst = max(seen, default=0)
            problem = "" if 0 < worst < 500 else f"worst status {worst}" if seen else "no request"
            yield Row(name, operation, f"{len(seen)} requests, no 500", problem)


def _row(name: str, found: re.Match[str]) -> Row:
    what = found["what"]
    if not found["not"]:
        return Row(name, found["call"], what)
    what, _, problem = what.partition(" => ")
    return Row(name, found["call"], what, problem or "failed")


def _missing(name: str, why: str) -> Row:
    if os.environ.get("CI", "").lower() in ("1", "true"):
        return Row(name, "(set-up)", "", f"{why}, and in CI it has to be")
    return Row(name, "(set-up)", f"{why.upper()}: NOT TESTED", skipped=True)


def _finish(
    command: Sequence[str], seconds: int, folder: Path = ROOT, **environment: str
) -> tuple[str, int | None]:
    """Run a program to its end; return what it printed, and its exit code (None: it took too long)."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        try:
            output, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            output, _ = process.communicate()
            return f"{output}\ntook more than {seconds} s", None
        return output, process.returncode


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _table(rows: Sequence[Row]) -> None:
    widths = [max(len(getattr(row, name)) for row in rows) for name in ("client", "call")]
    widths[1] = min(widths[1], 66)
    _say(f"\n{'client':{widths[0]}}  {'call':{widths[1]}}  {'result':7}  what")
    for row in rows:
        _say(f"{row.client:{widths[0]}}  {row.call:{widths[1]}}  {row.result:7}  {row.what}")
        if row.problem:
            _say(f"{'':{widths[0]}}  {'':{widths[1]}}  {'':7}  -> {row.problem}")


def _in_turn(run: Callable[[str], list[Row]], names: Sequence[str]) -> list[Row]:
    rows: list[Row] = []
    for name in names:
        try:
            rows += run(name)
        except Exception as error:  # noqa: BLE001 - the others still run, and the table says it
            rows.append(Row(name, "(run)", "to its end", f"{type(error).__name__}: {error}"))
    return rows


def _rows(runner: Runner, names: Sequence[str]) -> list[Row]:
    clients = [name for name in _CLIENTS if not names or name in names]
    fuzzing = [name for name in _FUZZING if not names or name in names]
    # Clients mostly wait, schemathesis mostly computes: side by side they take two cores.
    with ThreadPoolExecutor(2) as pool:
        calls = pool.submit(_in_turn, runner.client, clients)
        malformed = pool.submit(_in_turn, runner.fuzz, fuzzing)
        rows = [*calls.result(), *malformed.result()]
    if not names and not any(row.call == "(set-up)" for row in rows):
        rows.append(runner.complete())
    return rows


def main(names: Sequence[str]) -> int:
    """Run the clients of these names, or all."""
    began = time.monotonic()
    unknown = set(names) - set(_CLIENTS) - set(_FUZZING)
    if unknown:
        _say(f"no such client: {', '.join(sorted(unknown))}; there are {', '.join((*_CLIENTS, *_FUZZING))}")
        return 2
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="run-", dir=BUILD) as folder:
        rows = _rows(Runner(Path(folder)), names)
    _table(rows)
    counts = {result: sum(row.result == result for row in rows) for result in ("ok", "FAILED", "skipped")}
    for row in rows:
        if row.skipped:
            _say(f"\n{row.client}: {row.what}")
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    _say(f"\nin {time.monotonic() - began:.0f} s\n{counts['ok']} passed, {counts['FAILED']} failed{skipped}")
    return 1 if counts["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
