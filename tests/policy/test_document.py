"""docs/policy.md: its policy can be used, and its commands print what it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from fly_mcp_server.cli import main
from fly_mcp_server.policy.decision import Effect
from fly_mcp_server.policy.rights import Rights
from fly_mcp_server.policy.rows import RuleRow
from fly_mcp_server.policy.rules import Rule
from fly_mcp_tools.action import Access
from fly_mcp_tools.catalogue import ACTIONS

DOCUMENT = Path(__file__).parents[2] / "docs" / "policy.md"


AUDIT = DOCUMENT.with_name("audit.md")
#: Rows of the class `write` after which something is lost that nobody can read back.
LOSING = {"flySetSecrets", "flyUnsetSecrets"}


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


def test_writes_that_lose_what_nobody_can_bring_back_are_named_as_exceptions() -> None:
    """The review of issue 6, 14: neither a confirm nor a durable line is expected of `write`, so it has to be said."""
    assert {ACTIONS[name].access for name in LOSING} == {Access.WRITE}
    for document in (DOCUMENT, AUDIT):
        text = document.read_text()
        assert {name for name in LOSING if f"`{name}`" in text} == LOSING, document.name


def test_a_rule_can_ask_for_one_such_write_alone() -> None:
    """Ours: that is what the document advises."""
    write = Rule(name="write", effect=Effect.ALLOW, access=frozenset({Access.WRITE}))
    ask = Rule(name="ask", effect=Effect.ASK, actions=("flyUnsetSecrets",))
    rights = Rights("night", "personal", (write, ask))
    decided = {name: rights.decide(ACTIONS[name], "an-app").effect for name in LOSING}
    assert decided == {"flySetSecrets": Effect.ALLOW, "flyUnsetSecrets": Effect.ASK}
