"""`fly-mcp docs`: markers are kept, and nothing goes stale unseen."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from fly_mcp_server import costs, docs_command, docs_tables
from fly_mcp_server.cli import main
from fly_mcp_server.docs_command import BadMarkers, refresh

GOOD = "before\n<!-- generated: one -->\nold\n<!-- end generated -->\nafter\n"


def test_a_block_is_replaced_and_all_else_is_kept() -> None:
    """Ours: text around a block is a person's."""
    text, stale = refresh(GOOD, {"one": "new"})
    assert stale == ["one"]
    assert text == "before\n<!-- generated: one -->\n\nnew\n\n<!-- end generated -->\nafter\n"
    assert refresh(text, {"one": "new"}) == (text, [])


def test_what_a_schema_says_is_kept_to_its_dots() -> None:
    """Ours: "1, 2, 4, ..." says that it goes on."""
    assert "| CPUs: 1, 2, 4, ...; 1 to 128 |" in docs_tables.tool_reference()


def test_what_the_tools_cost_is_measured_and_not_remembered() -> None:
    """Issue 5, 3: the README's figure is that of the table."""
    listed = [cost.listed for cost in costs.table().values()]
    assert f"all {len(listed)} tools cost {sum(listed):,} o200k tokens" in costs.said()


def test_a_backslash_in_a_block_is_text() -> None:
    """Ours: a replacement is no pattern."""
    text, _ = refresh(GOOD, {"one": r"a \1 b \| c"})
    assert r"a \1 b \| c" in text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nothing here\n", "exactly one <!-- generated: one -->"),
        (GOOD + GOOD, "exactly one <!-- generated: one -->"),
        (GOOD + GOOD.replace("one", "two"), "nothing generates <!-- generated: two -->"),
        ("<!-- generated: one -->\nold\n", "its own <!-- end generated -->"),
        (GOOD + "<!-- end generated -->\n", "its own <!-- end generated -->"),
    ],
    ids=["missing", "twice", "unknown", "not closed", "closed twice"],
)
def test_wrong_markers_are_an_error(text: str, says: str) -> None:
    """The brief of `fly-mcp docs`: a missing marker is an error."""
    with pytest.raises(BadMarkers, match=says):
        refresh(text, {"one": "new"})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of one text with one block, which is out of date."""
    monkeypatch.setattr(docs_command, "BLOCKS", {"A.md": {"one": lambda: "new"}})
    monkeypatch.setattr(docs_command, "FILES", {"B.json": lambda: "{}\n"})
    (tmp_path / "A.md").write_text(GOOD, encoding="utf-8")
    return tmp_path


def test_check_names_the_stale_block_and_writes_nothing(folder: Path) -> None:
    """CI must say what to do, and do nothing."""
    result = CliRunner().invoke(main, ["docs", "--check", str(folder)])
    assert result.exit_code == 1
    assert "A.md: block one is out of date" in result.stderr
    assert "B.json: is out of date" in result.stderr
    assert (folder / "A.md").read_text(encoding="utf-8") == GOOD
    assert not (folder / "B.json").exists()


def test_what_was_written_passes_the_check(folder: Path) -> None:
    """Write and check are of one mind."""
    assert CliRunner().invoke(main, ["docs", "--write", str(folder)]).exit_code == 0
    assert CliRunner().invoke(main, ["docs", "--check", str(folder)]).exit_code == 0


def test_a_missing_document_is_named(folder: Path) -> None:
    """Run in the wrong folder, it says so."""
    (folder / "A.md").unlink()
    result = CliRunner().invoke(main, ["docs", "--write", str(folder)])
    assert result.exit_code == 1
    assert "A.md: is not there" in result.stderr


@pytest.mark.parametrize("flags", [[], ["--write", "--check"]], ids=["neither", "both"])
def test_write_and_check_exclude_each_other(flags: list[str]) -> None:
    """Ours: which of the two is never guessed."""
    assert CliRunner().invoke(main, ["docs", *flags]).exit_code == 2
