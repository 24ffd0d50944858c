"""What the texts say is so: tables are fresh, commands and links exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from fly_mcp_server import docs_tables
from fly_mcp_server.cli import main
from fly_mcp_server.docs_command import BLOCKS, run
from fly_mcp_server.settings import rows

from .checkout import ROOT, blocks, documents

_INLINE = re.compile(r"`((?:fly-mcp|make)(?: [^`]*)?)`")
_LINK = re.compile(r"\[[^\]]+\]\((?!https?://)([^)#]+)")
_TARGET = re.compile(r"^([a-z-]+):", re.MULTILINE)

every_document = pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.name))


def commands(path: Path) -> list[list[str]]:
    """Every command line of ours in a text, in a block of its own or in a sentence."""
    lines = [line for text in blocks(path, "console") for line in text.splitlines()]
    lines += _INLINE.findall(path.read_text(encoding="utf-8"))
    return [words for line in lines if (words := shlex.split(line))]


def test_generated_parts_are_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    """House rule 18: docs that can be generated are generated and checked."""
    assert run(str(ROOT), write=False) == 0, capsys.readouterr().err


def test_every_generated_document_is_there() -> None:
    """House rule 18."""
    assert {ROOT / name for name in BLOCKS} <= set(documents())


@every_document
def test_every_command_in_a_text_exists(path: Path) -> None:
    """House rule 18: an example nobody runs is fiction."""
    targets = _TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8"))
    for program, *words in commands(path):
        if program == "make":
            assert set(words) <= {*targets, "..."}, f"make {words}"
        elif program == "fly-mcp":
            command: click.Command = main
            if words and not words[0].startswith("-"):
                assert words[0] in main.commands, f"fly-mcp {words[0]}"
                command = main.commands[words.pop(0)]
            if isinstance(command, click.Group) and command is not main and words:
                assert words[0] in command.commands, f"fly-mcp {words}"
                command = command.commands[words.pop(0)]
            known = {name for parameter in command.params for name in parameter.opts}
            assert {word for word in words if word.startswith("-")} <= known, words


@every_document
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    """A newcomer follows them."""
    for target in _LINK.findall(path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_every_environment_variable_of_a_flag_is_a_setting() -> None:
    """The architecture: every flag and its variable stand in one generated table."""
    assert set(docs_tables.flags_by_variable()) <= {name for name, _ in rows()}


def test_every_setting_has_a_description() -> None:
    """House rule 18: configuration comes from one table."""
    assert all(description for _, description in rows())


def test_the_readme_owns_where_it_differs_from_the_brief() -> None:
    """The issue: a section names what is not literal."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split("## Where we differ from the brief")[1].split("\n## ")[0]
    for word in ("httpx2", "pytest-anyio", "server/", "tools/"):
        assert word in section
