"""What the server says of itself, for each choice of tools."""

from __future__ import annotations

import re

import pytest

from fly_mcp_server.instructions import ABOUT, MOST, instructions
from fly_mcp_tools.action import Gate, Group
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.selection import Choice, Selection, select

from .test_selection import CHOICES

each_choice = pytest.mark.parametrize(
    "choice", [*CHOICES.values(), Choice(toolsets="all", org="personal")], ids=[*CHOICES, "all"]
)


@each_choice
def test_the_instructions_fit_where_clients_cut_them(choice: Choice) -> None:
    """Claude Code shows 2,048 characters."""
    assert len(instructions(select(choice, ACTIONS))) < MOST


@each_choice
def test_they_name_only_what_is_on(choice: Choice) -> None:
    """Issue 5, 2: a model is not sent to a tool that it does not have."""
    selection = select(choice, ACTIONS)
    text = instructions(selection)
    assert set(re.findall(r"fly[A-Z]\w+", text)) <= selection.actions.keys()
    groups = {action.group for action in selection.actions.values()}
    assert {group for group in Group if f"- {group}: " in text} == groups


@each_choice
def test_the_map_and_the_rule_of_confirming_come_first(choice: Choice) -> None:
    """Issue 5, 2: what is cut off is the least."""
    selection = select(choice, ACTIONS)
    gated = [name for name, action in selection.actions.items() if action.gate is not Gate.NEVER]
    parts = instructions(selection).split("\n\n")
    assert parts[1].startswith("- ")
    assert parts[2].startswith("Confirm: ") is bool(gated)
    assert all(name in parts[2] for name in gated)
    assert ("requestId" in "".join(parts)) is any(action.writes for action in selection.actions.values())


def test_every_toolset_is_described() -> None:
    """Ours: a new one is not forgotten."""
    assert ABOUT.keys() == set(Group)


def test_a_pinned_app_is_named() -> None:
    """Ours: the schemas no longer say which app it is."""
    assert "shop-db" in instructions(select(Choice(app="shop-db"), ACTIONS))


def test_everything_on_fits_too() -> None:
    """The largest there is."""
    assert len(instructions(Selection(ACTIONS))) < MOST
