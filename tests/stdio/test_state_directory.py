"""FLY_MCP_STATE, as an operator meets it: the whole process, real files, real ends (issue 4, sections 2 and 7)."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
from collections.abc import AsyncGenerator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from .child import child, serving
from .pretend import APP, MACHINE, ONE, Pretend, pretend_fly

SANDBOX = "my-sandbox"
VOLUME = {"appName": SANDBOX, "name": "data", "region": "fra", "requestId": "one"}
FILE = "state.sqlite3"
SECRETS = {word: f"c4n4ry-{word}-77b1e0" for word in ("secret", "env", "command", "output")}

posix = pytest.mark.skipif(os.name == "nt", reason="modes and kill -9 are of POSIX")


@pytest.fixture
async def fly() -> AsyncGenerator[Pretend]:
    async with pretend_fly() as fly:
        yield fly


def settings(fly: Pretend, **more: str) -> dict[str, str]:
    """What every process here is given."""
    return {"FLY_API_TOKEN": "fm2_word", "FLY_API_HOSTNAME": fly.address, **more}


def mode(path: Path) -> int:
    """Of a file or directory."""
    return stat.S_IMODE(path.stat().st_mode)


@posix
async def test_it_is_made_private_and_outlives_the_process(fly: Pretend, tmp_path: Path) -> None:
    """The issue: a directory, 0700, and what is in it 0600; the next process gives the first answer."""
    directory = tmp_path / "deep" / "state"
    given = settings(fly, FLY_MCP_STATE=str(directory))
    async with serving(**given) as client:
        # One that was asked for is there from the start, before anything depends on it.
        assert mode(directory) == 0o700
        first = (await client.call("flyCreateVolume", **VOLUME))["structuredContent"]
        assert {mode(path) for path in directory.iterdir()} == {0o600}
        assert client.errors == ""
    sent = len(fly.log)
    async with serving(**given) as client:
        again = (await client.call("flyCreateVolume", **VOLUME))["structuredContent"]
    assert again == {**first, "already_done": True}
    assert len(fly.log) == sent


@posix
async def test_the_default_is_the_users_state_directory_and_opened_when_needed(
    fly: Pretend, tmp_path: Path
) -> None:
    """The issue: XDG's; a server that is never asked for it makes none."""
    given = settings(fly, XDG_STATE_HOME=str(tmp_path), FLY_MCP_STATE=" ")
    async with serving(**given) as client:
        await client.call("flyGetMachine", **ONE)
        assert os.listdir(tmp_path) == []
        await client.call("flyCreateVolume", **VOLUME)
        assert mode(tmp_path / "fly-mcp") == 0o700
        assert mode(tmp_path / "fly-mcp" / FILE) == 0o600


async def test_a_default_that_cannot_be_used_is_memory_with_one_warning(fly: Pretend) -> None:
    """Ours: a read-only container serves too; ids are known while the process lives, and the undo says so."""
    async with serving(**settings(fly, XDG_STATE_HOME="/dev/null")) as client:
        await client.call("flyCreateVolume", **VOLUME)
        again = await client.call("flyCreateVolume", **VOLUME)
        assert again["structuredContent"]["already_done"] is True
        deleted = await client.call("flyDeleteMachine", **ONE, confirm=True)
        assert "while this server runs" in deleted["structuredContent"]["undo"]["how"]
    (line,) = client.errors.splitlines()
    assert "WARNING" in line
    assert "/dev/null/fly-mcp cannot be used" in line
    assert "state is kept in memory" in line


async def test_the_embedded_fly_leaves_nothing_behind(tmp_path: Path) -> None:
    """Ours: its world ends with the process."""
    async with serving("--emulator", XDG_STATE_HOME=str(tmp_path)) as client:
        await client.call("flyCreateVolume", **VOLUME)
    assert os.listdir(tmp_path) == []


def _file(path: Path) -> None:
    path.write_text("a file")


def _damaged(path: Path) -> None:
    path.mkdir(mode=0o700)
    (path / FILE).write_bytes(b"no database at all. " * 400)


def _foreign(path: Path) -> None:
    path.mkdir(mode=0o700)
    with closing(sqlite3.connect(path / FILE)) as db:
        db.execute("CREATE TABLE mine (x)")


def _shared(path: Path) -> None:
    path.mkdir()
    (path / "somebodys").touch()
    path.chmod(0o1777)


@posix
@pytest.mark.parametrize("command", ["serve", "check"])
@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (_file, "File exists"),
        (_damaged, "not a database"),
        (_foreign, "not fly-mcp's"),
        (_shared, "others can enter it"),
    ],
)
async def test_one_that_was_asked_for_and_cannot_be_used_refuses_to_start(
    fly: Pretend, tmp_path: Path, spoil: Callable[[Path], None], why: str, command: str
) -> None:
    """Ours: exit code 2 and a sentence, since promises could not be kept; nothing on stdout, no traceback."""
    directory = tmp_path / "state"
    spoil(directory)
    given = settings(fly, FLY_MCP_STATE=str(directory))
    async with child(command, settings=given, raw=True) as one:
        code = await one.end()
    said = one.errors + one.printed
    assert code == (2 if command == "serve" else code)
    assert code != 0
    assert f"The state directory {directory} cannot be used" in said
    assert why in said
    assert "Traceback" not in said
    if command == "serve":
        assert one.printed == ""
        assert len(one.errors.splitlines()) == 1
    assert fly.log == []


@posix
async def test_two_processes_share_one_and_a_kill_leaves_it_whole(fly: Pretend, tmp_path: Path) -> None:
    """The issue, 7: the second is told that the first is at work, and takes its work up once that is killed."""
    given = settings(fly, FLY_MCP_STATE=str(tmp_path))
    fly.slow("POST", f"/{SANDBOX}/volumes$", 30.0)
    async with serving(**given) as first:
        await first.start("flyCreateVolume", **VOLUME)
        await fly.asked("POST volumes")
        async with serving(**given) as second:
            result = await second.call("flyCreateVolume", **VOLUME)
            error = result["structuredContent"]["error"]
            assert (error["code"], error["outcome"], error["retryable"]) == ("conflict", "refused", True)
            assert "Another process is at work" in error["message"]
            # What is not this id's is not held up.
            other = await second.call("flyStopMachine", **ONE, requestId="other")
            assert other["structuredContent"]["outcome"] == "done"
        first.signal(signal.SIGKILL)
        await first.end()
    fly.emulator.faults.clear()
    async with serving(**given) as third:
        result = await third.call("flyCreateVolume", **{**VOLUME, "name": "elsewhere"})
        error = result["structuredContent"]["error"]
        assert error["code"] == "conflict"
        assert "other arguments" in error["message"]
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = db.execute("SELECT request_id, answer IS NULL FROM intents ORDER BY request_id").fetchall()
    assert rows == [("one", 1), ("other", 0)]


@posix
async def test_a_machine_is_made_again_by_another_process(fly: Pretend, tmp_path: Path) -> None:
    """The issue, 6: the reference outlives the server that gave it; the answers show no config."""
    given = settings(fly, FLY_MCP_STATE=str(tmp_path))
    before = fly.machine
    async with serving(**given) as one:
        answer = (await one.call("flyDeleteMachine", **ONE, confirm=True))["structuredContent"]
        one.signal(signal.SIGKILL)
        await one.end()
    async with serving(**given) as two:
        made = (await two.call("flyCreateMachine", appName=APP, undo=answer["undo"]["reference"]))[
            "structuredContent"
        ]
        assert made["outcome"] == "done", made
    after = fly.emulator.dump().apps[APP].machines[made["id"]]
    assert (after.name, after.region, after.config.env) == (before.name, before.region, before.config.env)
    assert after.config.mounts == before.config.mounts
    assert "development" not in "".join(one.lines + two.lines)


@posix
@pytest.mark.parametrize("end", ["hang up", "kill"])
async def test_no_secret_lies_in_it_but_a_destroyed_machines_config(
    fly: Pretend, tmp_path: Path, end: str
) -> None:
    """The issue: every byte of every file, as a clean end and as a kill leave them."""
    given = settings(fly, FLY_MCP_STATE=str(tmp_path))
    async with serving("--log-level", "debug", **given) as client:
        calls: list[tuple[str, dict[str, Any]]] = [
            ("flySetSecrets", {"appName": APP, "secrets": {"A": SECRETS["secret"]}}),
            ("flyUpdateMachineConfig", {**ONE, "env": {"DSN": SECRETS["env"]}}),
            ("flyExecCommand", {**ONE, "command": ["test", "-n", SECRETS["command"]]}),
            ("flyExecCommand", {**ONE, "command": ["sh", "-c", "printf 'c4n4ry-%s-77b1e0' output"]}),
        ]
        for number, (name, arguments) in enumerate(calls):
            result = await client.call(name, **arguments, requestId=f"id-{number}")
            assert result["structuredContent"]["outcome"] == "done", result
        held = _held(tmp_path)
        assert held == {word: [] for word in SECRETS}
        await client.call("flyDeleteMachine", **ONE, confirm=True, requestId="last")
        if end == "kill":
            client.signal(signal.SIGKILL)
            await client.end()
    held = _held(tmp_path)
    assert held.pop("env")
    assert held == {"secret": [], "command": [], "output": []}
    with closing(sqlite3.connect(tmp_path / FILE)) as db:
        for table, wanted in (("keys", 0), ("intents", 0), ("undo", 1)):
            rows = repr(db.execute(f"SELECT * FROM {table}").fetchall())
            assert rows.count(SECRETS["env"]) == wanted, table
    shown = [line for line in client.lines if SECRETS["output"] not in line]
    assert len(client.lines) - len(shown) == 1
    assert not [word for word in SECRETS.values() if word in "".join(shown) + client.errors]
    assert MACHINE in "".join(shown)


def _held(directory: Path) -> dict[str, list[str]]:
    """In which files each of them is."""
    return {
        word: [path.name for path in directory.iterdir() if value.encode() in path.read_bytes()]
        for word, value in SECRETS.items()
    }
