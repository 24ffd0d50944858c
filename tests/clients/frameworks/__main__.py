"""Agent frameworks against fly-mcp, and fly-mcp against the emulator: over stdio, HTTP and SSE, without a model.

    EMULATOR=http://127.0.0.1:PORT python -m tests.clients.frameworks NAME PYTHON

NAME is a program of this folder and PYTHON an interpreter that has its packages: the frameworks cannot be installed
beside the project, or beside one another. Each program is what docs/clients.md shows, and is run as it stands; what
it prints is checked here. Prints "ok CALL - what" or "not ok CALL - what => why". Run by tests/clients/run.py.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
DOCS = HERE.parents[2] / "docs" / "clients.md"
COMMAND = Path(sys.executable).with_name("fly-mcp")
TRANSPORTS = ("stdio", "http", "sse")
#: The programs, and over which transports their client can put a question: an older one not over stateless HTTP.
PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "langchain_client": ("stdio", "sse"),
    "pydantic_ai_client": TRANSPORTS,
}
_SECONDS = 60
_SHOWN = re.compile(r"^```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SERVING = re.compile(r"serving on (http://127\.0\.0\.1:\d+)/mcp")

#: Everything about one organisation, and a restart only with a human's yes.
POLICY = """
[agents.builder]
fly_token = { env = "BUILDER_TOKEN" }
org = "personal"

[[agents.builder.rules]]
effect = "allow"
access = ["read", "write", "exec", "destructive"]

[[agents.builder.rules]]
effect = "ask"
actions = ["flyRestartMachine"]
"""


def settings(folder: Path, emulator: str) -> dict[str, str]:
    """What fly-mcp is told by its environment."""
    policy = folder / "policy.toml"
    policy.write_text(POLICY, encoding="utf-8")
    return {
        "FLY_API_HOSTNAME": emulator,
        "FLY_MCP_POLICY": str(policy),
        "FLY_MCP_AGENT": "builder",  # on stdio; over the network the token says who calls
        "FLY_MCP_STATE": str(folder / "state"),
        "BUILDER_TOKEN": "fm2_of_the_builder",
    }


@contextmanager
def serving(environment: Mapping[str, str]) -> Generator[str]:
    """fly-mcp over the network; its address."""
    command = [str(COMMAND), "serve", "--http", "--port", "0"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            line = process.stderr.readline() if process.stderr else ""
            found = _SERVING.search(line)
            if not found:
                raise RuntimeError(f"fly-mcp does not serve: {line.strip()}")
            yield found[1]
        finally:
            process.terminate()


def expected(program: str, transport: str) -> str:
    """What it prints, as docs/clients.md shows it."""
    _, _, rest = DOCS.read_text(encoding="utf-8").partition(code_of(program))
    texts = _SHOWN.findall(rest.partition("```python")[0])
    return str(texts[transport not in PROGRAMS[program]])


def code_of(program: str) -> str:
    """The program, to the letter."""
    return (HERE / f"{program}.py").read_text(encoding="utf-8")


def run(program: str, python: str, environment: Mapping[str, str]) -> int:
    """Run it over each transport, and say how it went; how many went wrong."""
    failed = 0
    for transport in TRANSPORTS:
        done = subprocess.run(
            [python, str(HERE / f"{program}.py"), transport],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        shown, problem = expected(program, transport), ""
        if done.stdout != shown:
            errors = " ".join(done.stderr.split())[-700:]
            problem = f"it printed {done.stdout!r}, and docs/clients.md shows {shown!r}; {errors}"
        asks = "asks a human" if transport in PROGRAMS[program] else "cannot ask a human"
        what = f"lists, calls, is refused, {asks}"
        sys.stdout.write(
            f"not ok {transport} - {what} => {problem}\n" if problem else f"ok {transport} - {what}\n"
        )
        sys.stdout.flush()
        failed += bool(problem)
    return failed


def main(program: str, python: str) -> int:
    """Serve, and run one program; 1 when anything went wrong."""
    emulator = os.environ.get("EMULATOR", "")
    if not emulator or program not in PROGRAMS:
        sys.stderr.write(f"EMULATOR has to be set, and the program one of {', '.join(PROGRAMS)}\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="fly-mcp-frameworks-") as place:
        told = settings(Path(place), emulator)
        path = f"{COMMAND.parent}{os.pathsep}{os.environ.get('PATH', '')}"
        kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        environment = {**kept, **told, "PATH": path}
        made = subprocess.run(
            [str(COMMAND), "agents", "add", "builder"],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        with serving(environment) as address:
            ours = {"FLY_MCP_URL": address, "FLY_MCP_TOKEN": made.stdout.split()[0]}
            return 1 if run(program, python, {**environment, **ours}) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
