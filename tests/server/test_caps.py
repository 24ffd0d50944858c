"""No answer costs more than 6,000 tokens, whatever is in it; and one that was cut says so and fits its schema."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any, cast

import jsonschema
import pytest
from pydantic import JsonValue

from fly_mcp_emulator import Emulator
from fly_mcp_server import answers, capping
from fly_mcp_server.capping import MARK, MOST
from fly_mcp_tools.action import AnyAction
from fly_mcp_tools.call import Call
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.composites.paging import Paged, page
from fly_mcp_tools.errors import FlyError
from fly_mcp_tools.models import Result
from fly_mcp_tools.schema import output_schema
from tests.actions.fly import APP, MACHINE, Fly, content_of, opened, text_of
from tests.virtual_time import LoopClock

from .test_sizes import HOSTILE, of, tokens

HEX, EMOJI = HOSTILE["hex"], HOSTILE["emoji"]
every = pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: str(action.name))


def filled(schema: Mapping[str, Any], text: str, many: int) -> Any:
    """A value that fits the schema, with `text` for every text and `many` of whatever there can be many of."""
    for choice in schema.get("anyOf", ()):
        return filled({**schema, "anyOf": (), **choice}, text, many)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    kind = kind if isinstance(kind, str) else next(one for one in kind if one != "null")
    if kind == "string":
        return text
    if kind == "array":
        return [filled(schema.get("items", {}), text, many) for _ in range(many)]
    if kind == "object":
        named = {key: filled(node, text, many) for key, node in schema.get("properties", {}).items()}
        others = schema.get("additionalProperties")
        free = range(many) if not named and others is not False else ()
        inner = cast("dict[str, Any]", others) if isinstance(others, dict) else {"type": "string"}
        return named | {f"{text[:20]}{n}": filled(inner, text, many) for n in free}
    return {"integer": 7, "number": 7.5, "boolean": True, "null": None}[kind]


@every
@pytest.mark.parametrize(
    ("text", "many"), [(HEX, 3), (EMOJI, 3), (HEX[:40], 60), (EMOJI[:10], 60), ("a", 1000)], ids=lambda _: ""
)
def test_whatever_a_row_answers_is_capped_and_still_fits_its_schema(
    action: AnyAction, text: str, many: int
) -> None:
    """Issue 5, 3: a hard cap with a visible mark and the way to the rest."""
    schema = output_schema(action)
    if many > 100 and json.dumps(schema).count('"array"') > 1:
        many = 70  # lists in lists
    whole = filled(schema, text, many)
    jsonschema.validate(whole, schema)

    result = answers.success(whole, action)

    said, content = text_of(result), result.structured_content
    assert content is not None
    assert tokens(said) <= MOST
    assert json.loads(said) == content
    jsonschema.validate(content, schema)
    if content != whole:
        assert next(iter(content)) == MARK
        assert "left out. " in content[MARK]
        assert content[MARK].split("left out. ")[1]
        assert tokens(said) > MOST / 5, "no more is cut than need be"
    else:
        assert MARK not in content


@every
def test_no_row_uses_the_key_of_the_mark(action: AnyAction) -> None:
    """Ours: the mark must not hide an answer of the row's own."""
    assert MARK not in output_schema(action)["properties"]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
async def test_the_output_of_a_command_is_capped(text: str) -> None:
    """Issue 5, 3: whoever wrote it."""
    clock = LoopClock()
    action = ACTIONS["flyExecCommand"]

    async def run(call: Call, params: object) -> Any:
        return action.result(outcome="done", stdout=text * 4, stderr=text, exit_code=0)

    row: AnyAction = dataclasses.replace(action, run=run)
    async with opened(Emulator(clock=clock), clock, actions={row.name: row}) as fly:
        result = await fly.result(row.name, row.examples[0].arguments)
        assert not result.is_error
        assert tokens(text_of(result)) <= MOST
        assert tokens(fly.said[-1]) <= 3 * MOST


async def test_what_is_missing_of_an_output_is_counted_once_and_whole() -> None:
    """Ours: a command's output is cut for its length and then for the answer's; both are missing."""
    clock = LoopClock()
    async with opened(Emulator(clock=clock), clock) as fly:
        answer = await fly.call(
            "flyExecCommand", appName=APP, machineId=MACHINE, command=["sh", "-c", "seq 1 20000"]
        )
        whole = "".join(f"{number}\n" for number in range(1, 20_001))
        (mark,) = re.findall(r"\n\[\.\.\. [0-9,]+ characters left out \.\.\.\]\n", answer["stdout"])
        missing = len(whole) - (len(answer["stdout"]) - len(mark))
        assert mark.split()[1] == f"{missing:,}"
        assert f"{missing:,} characters of long texts" in answer[MARK]


def test_a_stranger_who_writes_the_mark_changes_no_count() -> None:
    """Ours: only the one in the very middle is ours."""
    said = "\n[... 999,999 characters left out ...]\n" + "".join(of(HEX, 1) for _ in range(9)) * 3000
    content = answers.success({"stdout": said}, ACTIONS["flyExecCommand"]).structured_content
    assert content is not None
    assert int(re.findall(r"([0-9,]+) characters of long", content[MARK])[0].replace(",", "")) < len(said)


class _Row(Result):
    id: str
    text: str


class _Rows(Result):
    rows: list[_Row]
    showing: str | None = None
    next_cursor: str | None = None


class _Many(Paged):
    """Nothing but the page."""


@pytest.mark.parametrize("width", [40, 400, 30_000])
async def test_a_page_that_is_too_long_is_made_shorter_and_its_cursor_leads_on(width: int) -> None:
    """Issue 5, Shows 4: within the caps, and each row exactly once over all pages."""
    clock = LoopClock()
    every_row = [
        _Row(id=f"{n:04}", text=of("0123456789abcdef", width)) for n in range(150 if width < 9999 else 7)
    ]

    async def run(call: Call, params: _Many) -> _Rows:
        shown = page(params, every_row, lambda row: row.id)
        return _Rows(rows=shown.rows, showing=shown.showing, next_cursor=shown.next_cursor)

    row: AnyAction = dataclasses.replace(
        ACTIONS["flyListApps"], name="flyListRows", params=_Many, result=_Rows, run=run
    )
    async with opened(Emulator(clock=clock), clock, actions={row.name: row}) as fly:
        seen: list[str] = []
        arguments: dict[str, Any] = {"limit": 100}
        while True:
            answer = await _capped(fly, row.name, arguments)
            seen += [one["id"] for one in answer["rows"]]
            if "next_cursor" not in answer:
                break
            arguments["cursor"] = answer["next_cursor"]
    assert seen == [row.id for row in every_row]


async def _capped(fly: Fly, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    result = await fly.result(name, arguments)
    assert tokens(text_of(result)) <= MOST
    return content_of(result)


@pytest.mark.parametrize("text", [HEX, EMOJI], ids=["hex", "emoji"])
def test_an_error_is_capped_too(text: str) -> None:
    """Ours: what would be destroyed may be a thousand machines."""
    facts: dict[str, JsonValue] = {"machines": [text[:60] for _ in range(2000)], text[:30]: text * 9}
    error = FlyError("no", hint="Do this.", facts=facts)
    result = answers.failure(error)
    assert tokens(text_of(result)) <= MOST
    assert "left out" in text_of(result)
    assert "Do this." in text_of(result)
    assert tokens(json.dumps(result.structured_content, ensure_ascii=False)) <= MOST


def test_a_short_answer_is_the_same_object() -> None:
    """Ours: the usual answer costs nothing more."""
    answer: dict[str, Any] = {"apps": [], "organization": "personal"}
    assert capping.capped(answer, ACTIONS["flyListApps"]) is answer
