"""What each client needs on this machine, made under `.build/clients` and kept until its description changes."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
BUILD = ROOT / ".build" / "clients"
_SET_UP_SECONDS = 240


class Missing(Exception):
    """The machine has not what a client needs."""


class Broken(Exception):
    """Setting up went wrong."""


def fly_go() -> Sequence[str]:
    """Build the Go program on Fly's own client library; return how to run it."""
    _need("go", "Go 1.25.8 or newer")
    program = BUILD / "fly-go-client"
    # Never another Go than the one that is here. Building what is built takes no time.
    _run(["go", "build", "-o", str(program), "."], HERE / "go", GOTOOLCHAIN="local")
    return [str(program)]


def fly_admin() -> Sequence[str]:
    """Install the npm package; return how to run the script that uses it."""
    node = _need("node", "Node 20 or newer")
    npm = _need("npm", "npm, which comes with Node")
    folder = BUILD / "fly-admin"

    def install() -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / "js" / name, folder)
        _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder)

    _once(folder, [HERE / "js" / "package-lock.json"], install)
    # `require` looks into NODE_PATH for packages, wherever the script is.
    return ["env", f"NODE_PATH={folder / 'node_modules'}", node, str(HERE / "js" / "fly_admin.cjs")]


def flaude() -> Sequence[str]:
    """Install the PyPI package; return how to run the script that uses it."""
    python = _environment("flaude", HERE / "flaude-requirements.txt")
    return [str(python), "-m", "tests.clients.flaude_client"]


def langchain() -> Sequence[str]:
    """Install langchain-mcp-adapters; return how to run the program that uses it against fly-mcp."""
    return _framework("langchain", "langchain_client")


def pydantic_ai() -> Sequence[str]:
    """Install pydantic-ai; return how to run the program that uses it against fly-mcp."""
    return _framework("pydantic-ai", "pydantic_ai_client")


def _framework(name: str, program: str) -> Sequence[str]:
    python = _environment(name, HERE / "frameworks" / f"{name}-requirements.txt")
    return [sys.executable, "-m", "tests.clients.frameworks", program, str(python)]


def conformance() -> Sequence[str]:
    """Return how to run the checks over plain HTTP: they need what the project needs."""
    return [sys.executable, "-m", "tests.clients.conformance"]


def mcp_conformance() -> Sequence[str]:
    """Install MCP's conformance suite, and a Node that is new enough for it; return how to run it."""
    npm = _need("npm", "npm, which comes with Node")
    described = HERE.parent / "conformance"
    folder = BUILD / "mcp-conformance"

    def install() -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(described / name, folder)
        _run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], folder)

    _once(folder, [described / "package-lock.json"], install)
    brought = sorted((folder / "node_modules").glob("node-*/bin/node"))
    node = str(brought[0]) if brought else _need("node", "Node 22 or newer")
    return [node, str(folder / "node_modules/@modelcontextprotocol/conformance/dist/index.js")]


def schemathesis() -> Path:
    """Install schemathesis; return its program."""
    return _environment("schemathesis", HERE / "fuzz" / "requirements.txt").with_name("st")


def _environment(name: str, requirements: Path) -> Path:
    """Make a virtual environment with the packages of a file; return its interpreter."""
    folder = BUILD / name
    python = folder / "bin" / "python"

    def install() -> None:
        uv = shutil.which("uv")
        if uv:
            _run([uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(folder)])
            _run([uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(requirements)])
            return
        # Debian's Python may lack ensurepip: the pip that is here fills the environment.
        _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
        pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
        _run([*pip, "install", "--quiet", "-r", str(requirements)])

    _once(folder, [requirements], install)
    return python


def _once(folder: Path, described_by: Sequence[Path], install: Callable[[], None]) -> None:
    described = hashlib.sha256(b"".join(path.read_bytes() for path in described_by)).hexdigest()
    stamp = folder / ".ready"
    if stamp.exists() and stamp.read_text() == described:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    install()
    stamp.write_text(described)


def _need(program: str, what: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise Missing(f"{what} is not on this machine")
    return found


def _run(command: Sequence[str], folder: Path = ROOT, **environment: str) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SET_UP_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Broken(f"{' '.join(command[:3])} took more than {_SET_UP_SECONDS} s") from None
    if done.returncode != 0:
        raise Broken(f"{' '.join(command[:3])}: {' '.join(done.stdout.split())[-500:]}")
