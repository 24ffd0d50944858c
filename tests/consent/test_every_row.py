"""What holds for every row: asked, shown, declined, accepted; in both eras."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from mcp_types import ElicitResult

from fly_mcp_tools.action import Access, AnyAction, Example
from fly_mcp_tools.catalogue import ACTIONS

from .ground import Ground, error_of

ROWS = [(name, example) for name, action in ACTIONS.items() for example in action.examples]
named = pytest.mark.parametrize(
    ("name", "example"), ROWS, ids=lambda one: one if isinstance(one, str) else ""
)
#: What an agent may say and a human is shown, besides what Fly confirmed.
SHOWN = {"command", "region", "signal"}


@named
async def test_a_row_that_is_declined_changes_nothing(ground: Ground, name: str, example: Example) -> None:
    """The emulator is the judge: nothing but reads."""
    ground.human.answer = ElicitResult(action="decline")
    result = await ground.client.call_tool(name, dict(example.arguments))
    assert error_of(result)["details"]["consent"] == "declined"
    assert ground.writes() == []
    assert len(ground.human.asked) == 1


@named
async def test_a_row_that_is_accepted_is_run(ground: Ground, name: str, example: Example) -> None:
    """After one question."""
    answer = await ground.call(name, **example.arguments)
    assert answer.get("outcome", "done") == "done"
    (text,) = ground.human.asked
    action = ACTIONS[name]
    assert f"Action: {action.title} ({name}; {action.access}). {action.summary}" in text
    assert 'Agent: "builder"' in text
    assert len(text) < 4000


@named
async def test_a_question_holds_none_of_the_agents_text(ground: Ground, name: str, example: Example) -> None:
    """Every string of the arguments that neither Fly confirmed nor is one of our own closed words."""
    action = ACTIONS[name]
    ground.human.answer = ElicitResult(action="decline")
    before = ground.emulator.dump().model_dump_json()
    await ground.client.call_tool(name, dict(example.arguments))
    (text,) = ground.human.asked
    for word in _texts(action, dict(example.arguments)):
        if word not in before:
            assert word not in text, word
    if action.access is Access.EXEC:
        assert json.dumps(example.arguments["command"]) in text


def _texts(action: AnyAction, arguments: dict[str, Any]) -> list[str]:
    """What the agent wrote freely: at least four characters, so that it is found for what it is."""
    fields = {field.alias or name: name for name, field in action.params.model_fields.items()}
    closed = json.dumps(action.params.model_json_schema())
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, str) and len(value) >= 4 and f'"{value}"' not in closed:
            found.append(value)
        elif isinstance(value, dict):
            for key, item in cast("dict[str, Any]", value).items():
                walk(key)
                walk(item)
        elif isinstance(value, list):
            for item in cast("list[object]", value):
                walk(item)

    for key, value in arguments.items():
        if fields.get(key) not in SHOWN and key not in ("confirm", "requestId"):
            walk(value)
    return found
