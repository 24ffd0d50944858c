"""Judges from outside: the public MCP inspector, and a public grader of tool lists.

Each is fetched once into `.build/`. On a machine without Node or a network these tests are skipped, with the
reason; in CI (`CI=true`) they are not.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.selection import Choice, select

from .child import COMMAND, environment

pytestmark = pytest.mark.outside

INSPECTOR = "@modelcontextprotocol/inspector@2.12.0"
QUALITY = ("mcp-quality==0.7.0", "bpe-openai>=0.1.4")
BUILD = Path(__file__).parents[2] / ".build"
#: Seconds for fetching; a grader needs seconds.
PATIENCE = 300

#: mcp-quality counts tokens with tiktoken, which fetches its vocabulary, and guesses 65 % too many where it
#: cannot. bpe-openai is the same tokenizer with the vocabulary inside.
GRADER = """
import sys, bpe_openai
sys.modules["tiktoken"] = bpe_openai
from mcp_quality.cli import main
sys.exit(main(sys.argv[1:]))
"""


def fetch(command: list[str]) -> None:
    """Run a command that installs. A failure skips the test, but in CI.

    It has the machine's whole environment: how to reach a registry, and by which certificates, is said there.
    """
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode:
        absent(f"could not be fetched: {(done.stderr or done.stdout).strip()[-300:]}")


def absent(why: str) -> None:
    """Skip, and say why; in CI this is a failure."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="module")
def inspector() -> str:
    """The inspector's command."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        absent("the MCP inspector needs Node and npm, and they are not here")
    folder = BUILD / "inspector"
    command = folder / "node_modules" / ".bin" / "mcp-inspector"
    if not command.exists():
        folder.mkdir(parents=True, exist_ok=True)
        quiet = ["--no-audit", "--no-fund", "--loglevel", "error", "--cache", str(BUILD / "npm")]
        fetch([str(npm), "install", "--prefix", str(folder), *quiet, INSPECTOR])
    return str(command)


@pytest.fixture(scope="module")
def grader() -> list[str]:
    """A Python with the grader in it: its dependencies are not ours."""
    python = BUILD / "mcp-quality" / "bin" / "python"
    ready = BUILD / "mcp-quality" / ".ready"
    if not ready.exists():
        fetch([sys.executable, "-m", "venv", str(BUILD / "mcp-quality")])
        quiet = ["--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]
        fetch([str(python), "-m", "pip", "install", *quiet, *QUALITY])
        ready.touch()
    return [str(python), "-c", GRADER]


def inspect(inspector: str, *arguments: str, code: int = 0) -> Any:
    """What the inspector's command line prints of a server's answer."""
    command = [inspector, "--cli", *arguments, "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment(), check=False)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)["result"]


def test_the_public_inspector_lists_the_tools_and_calls_them(inspector: str, tmp_path: Path) -> None:
    """Issue 2, show 3: in both eras; its own check of the schemas finds no error; a refusal is exit code 5."""
    config = tmp_path / "mcp.json"
    server = {"command": COMMAND, "args": ["--emulator"], "protocolEra": "modern"}
    config.write_text(json.dumps({"mcpServers": {"fly": server}}))
    modern, legacy = ("--config", str(config), "--server", "fly"), (COMMAND, "--emulator")
    one = ("--tool-args-json", '{"appName": "catvet-records", "machineId": "7846e45f27e218"}')
    for target in (modern, legacy):
        tools = inspect(inspector, *target, "--method", "tools/list")["tools"]
        assert [tool["name"] for tool in tools] == list(select(Choice(), ACTIONS).actions)
    called = inspect(inspector, *legacy, "--method", "tools/call", "--tool-name", "flyGetMachine", *one)
    assert called["structuredContent"]["name"] == "young-sound-9626"
    refused = inspect(
        inspector, *modern, "--method", "tools/call", "--tool-name", "flyDeleteMachine", *one, code=5
    )
    assert refused["structuredContent"]["error"]["code"] == "confirmation_required"


def test_the_tool_list_is_graded_a(grader: list[str], tmp_path: Path) -> None:
    """Issue 2, show 3: `mcp-quality static`, over what a client is told."""
    listed = tmp_path / "tools.json"
    listed.write_bytes(subprocess.run([COMMAND, "tools", "--json"], capture_output=True, check=True).stdout)
    done = subprocess.run(
        [*grader, "static", str(listed), "--json"],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    report = json.loads(done.stdout)
    assert report["overall"]["grade"] == "A", done.stdout
    assert report["families"]["cost"]["metrics"]["counter"].startswith("tiktoken")
    assert report["overall"]["hard_gate"] is None
