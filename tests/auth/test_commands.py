"""`fly-mcp agents` as an operator types it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fly_mcp_server.cli import main


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def typed(state: Path, *words: str) -> Result:
    environment = {"FLY_MCP_STATE": str(state), "FLY_MCP_AGENTS": ""}
    return CliRunner(env=environment).invoke(main, ["agents", *words])


def test_a_token_is_printed_once_and_alone(state: Path) -> None:
    """On stdout, so that it can be piped; what else is to be known is on stderr. No other command shows it."""
    result = typed(state, "add", "night-watch")
    assert result.exit_code == 0
    assert re.fullmatch(r"flymcp_[0-9A-Za-z]{43}\n", result.stdout)
    token = result.stdout.strip()
    assert token not in result.stderr
    assert "It is shown this once" in result.stderr
    listed = typed(state, "list")
    assert token not in listed.output
    assert re.fullmatch(
        r"night-watch  [0-9a-f]{8}  \d{4}-\d\d-\d\dT[\d:+]+  \.\.\.[0-9a-f]{4}\n", listed.stdout
    )


def test_a_token_is_changed_without_a_gap(state: Path) -> None:
    """Add another, then revoke the first by its id; without an id all go."""
    first = typed(state, "add", "night-watch")
    number = first.stderr.split("(id ")[1][:8]
    assert "night-watch has 1 more." in typed(state, "add", "night-watch").stderr
    assert typed(state, "revoke", "night-watch", "--id", number).stdout == f"revoked night-watch {number}\n"
    assert len(typed(state, "list").stdout.splitlines()) == 1
    assert typed(state, "revoke", "night-watch").exit_code == 0
    empty = typed(state, "list")
    assert (empty.exit_code, empty.stdout) == (0, "")
    assert "fly-mcp agents add NAME" in empty.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("revoke", "nobody"), "nobody has no token. `fly-mcp agents list` shows all."),
        (("revoke", "nobody", "--id", "x"), "nobody has no token with the id x."),
        (("add", "no/body"), "1 to 64 letters"),
    ],
)
def test_what_cannot_be_done_is_said(state: Path, words: tuple[str, ...], said: str) -> None:
    """Exit code 2, and nothing on stdout."""
    result = typed(state, *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_the_state_can_be_kept_beside_it(state: Path) -> None:
    """Though somebody made the directory with the usual mode: what lies there is all ours."""
    from fly_mcp_tools.state.store import Store

    state.mkdir(mode=0o755)
    assert typed(state, "add", "night-watch").exit_code == 0
    store = Store(state)
    store.open()
    store.close()
    assert state.stat().st_mode & 0o777 == 0o700
