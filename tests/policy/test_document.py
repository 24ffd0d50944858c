"""docs/policy.md: its policy can be used, and its commands print what it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from fly_mcp_server.cli import main
from fly_mcp_server.policy.rows import RuleRow

DOCUMENT = Path(__file__).parents[2] / "docs" / "policy.md"


def blocks(language: str) -> list[str]:
    """The blocks of the document in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)


def test_its_commands_print_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours: an example nobody runs is fiction."""
    (policy,) = blocks("toml")
    (tmp_path / "policy.toml").write_text(policy)
    monkeypatch.chdir(tmp_path)
    (shown,) = blocks("console")
    for part in shown.removeprefix("$ ").split("\n$ "):
        command, _, expected = part.partition("\n")
        program, *arguments = command.split()
        assert program == "fly-mcp"
        printed = CliRunner().invoke(main, arguments).output
        assert printed.strip() == expected.strip()


def test_it_names_every_key_of_a_rule() -> None:
    """Ours: and none that there is not."""
    rows = set(re.findall(r"^\| `(\w+)` \|", DOCUMENT.read_text(), re.MULTILINE))
    assert rows == set(RuleRow.model_fields)
