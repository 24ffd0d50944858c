"""`fly-mcp audit` as an operator types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fly_mcp_server.audit.target import ChainFile
from fly_mcp_server.cli import main

from .kept import lines


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of a genesis and five events."""
    path = tmp_path / "audit.jsonl"
    lines(path, 5)
    return path


def typed(*words: str, **environment: str) -> Result:
    return CliRunner(env={"FLY_MCP_AUDIT": "", **environment}).invoke(main, ["audit", *words])


def hashes(path: Path) -> list[str]:
    return [json.loads(line)["hash"] for line in path.read_bytes().splitlines()]


def test_a_whole_file_is_said_to_be(path: Path) -> None:
    """With its number of events and its first and last hash, which are to be kept; the setting names it too."""
    for result in (typed("verify", str(path)), typed("verify", FLY_MCP_AUDIT=str(path))):
        assert result.exit_code == 0
        first, *_, last = hashes(path)
        assert result.output.splitlines()[:3] == ["whole: 6 events", f"first {first}", f"last  {last}"]
        assert "keep the last hash elsewhere" in result.output


def test_a_damaged_file_is_said_to_be_and_where(path: Path) -> None:
    """Issue 6, Shows 6: one flipped byte."""
    path.write_bytes(path.read_bytes().replace(b"No. 2", b"No. 3", 1))
    result = typed("verify", str(path))
    assert result.exit_code == 1
    assert result.output.startswith("DAMAGED: ")
    assert "- line 4 was changed after it was written" in result.output


def test_a_hash_that_was_kept_finds_a_cut_tail(path: Path) -> None:
    """And says up to where nothing was cut."""
    kept = hashes(path)[3]
    assert "that of event 3" in typed("verify", str(path), "--expect", kept).output
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    assert typed("verify", str(path)).exit_code == 0
    result = typed("verify", str(path), "--expect", kept)
    assert result.exit_code == 1
    assert "its tail was cut off" in result.output


def test_a_half_line_is_told_apart_from_damage(path: Path) -> None:
    """What a killed process leaves is no event, and no reason for alarm."""
    path.write_bytes(path.read_bytes()[:-20])
    result = typed("verify", str(path))
    assert result.exit_code == 0
    assert "A half line of" in result.output


def test_what_was_begun_and_not_ended_is_told(path: Path) -> None:
    """Somebody has to look what became of it."""
    ChainFile(path, dict).append(
        {"event": "begun", "call": "a", "says": "night is about to delete app x"}, durable=True
    )
    assert "Begun, and not ended: night is about to delete app x" in typed("verify", str(path)).output


def test_the_last_events_are_printed(path: Path) -> None:
    """As sentences, or as they are; of one agent, or of all."""
    ChainFile(path, dict).append(
        {"event": "call", "caller": "other", "says": "Other.", "time": "T"}, durable=False
    )
    assert [line.split("  ")[1] for line in typed("tail", str(path), "-n", "3").output.splitlines()] == [
        "No. 3.",
        "No. 4.",
        "Other.",
    ]
    found = typed("tail", str(path), "--agent", "night-watch", "-n", "1", "--json")
    assert found.output.encode() == path.read_bytes().splitlines(keepends=True)[5]
    assert "no event of nobody" in typed("tail", str(path), "--agent", "nobody").output


def test_what_is_printed_cannot_drive_a_terminal(path: Path) -> None:
    """Whoever can write the file can give it a line that passes."""
    ChainFile(path, dict).append({"event": "call", "says": "\x1b[2J\x1b]0;owned\x07gone"}, durable=False)
    assert "\x1b" not in typed("tail", str(path)).output
    assert "owned" not in typed("tail", str(path)).output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("verify", "/nowhere/at/all"), "cannot be read: No such file or directory"),
        (("verify",), "there is none in FLY_MCP_AUDIT"),
        (("tail",), "there is none in FLY_MCP_AUDIT"),
        (("verify", "x", "--expect", "abc"), "64 hex digits"),
    ],
)
def test_what_cannot_be_done_is_said(words: tuple[str, ...], said: str) -> None:
    """Exit code 2: it is not known whether it is whole."""
    result = typed(*words)
    assert result.exit_code == 2
    assert said in result.output


def test_an_empty_file_is_no_trail(tmp_path: Path) -> None:
    """Cut to nothing is cut."""
    path = tmp_path / "empty.jsonl"
    path.touch()
    result = typed("verify", str(path))
    assert result.exit_code == 1
    assert "it has no event" in result.output
