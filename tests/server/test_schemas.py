"""What every tool publishes, over the whole table: no action is named here."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, cast

import jsonschema
import pytest
from mcp import Client
from mcp_types import Tool

from fly_mcp_server import answers, sdk
from fly_mcp_server.access.desk import alone
from fly_mcp_server.activity import Activity
from fly_mcp_tools.action import Access
from fly_mcp_tools.base_url import parse_base_url
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.client import FlyClient
from fly_mcp_tools.clock import SystemClock
from fly_mcp_tools.dispatch import FlyTools

#: The words of JSON Schema that are used. A new one is added here, when it is one.
WORDS = {
    "type",
    "properties",
    "required",
    "additionalProperties",
    "description",
    "enum",
    "items",
    "anyOf",
    "default",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "pattern",
}


@pytest.fixture
async def tools() -> dict[str, Tool]:
    clock, rng = SystemClock(), Random(1)
    client = FlyClient(credentials=None, base_url=parse_base_url(), clock=clock, rng=rng)
    server = sdk.server(alone(FlyTools(client, clock=clock, rng=rng)), Activity())
    async with Client(server) as mcp:
        return {tool.name: tool for tool in (await mcp.list_tools()).tools}


def words(schema: object) -> Iterator[str]:
    """Every word of a schema that stands where JSON Schema's own words stand."""
    if isinstance(schema, list):
        for item in cast("list[object]", schema):
            yield from words(item)
    elif isinstance(schema, dict):
        for word, value in cast("dict[str, Any]", schema).items():
            yield word
            if word == "properties":
                for item in value.values():
                    yield from words(item)
            elif word not in ("default", "enum", "required"):
                yield from words(value)


@pytest.mark.parametrize("name", ACTIONS)
async def test_its_schemas_are_json_schemas(name: str, tools: dict[str, Tool]) -> None:
    """The protocol: objects at the root; ours: no word that a validator would pass over in silence."""
    for schema in (tools[name].input_schema, tools[name].output_schema):
        assert schema is not None
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
        assert set(words(schema)) <= WORDS
    assert tools[name].input_schema["additionalProperties"] is False


@pytest.mark.parametrize("name", ACTIONS)
async def test_its_examples_fit_what_it_takes(name: str, tools: dict[str, Tool]) -> None:
    """Ours: a client that checks arguments before it sends them lets every documented call through."""
    for example in ACTIONS[name].examples:
        jsonschema.validate(dict(example.arguments), tools[name].input_schema)


@pytest.mark.parametrize("name", ACTIONS)
async def test_a_failure_fits_what_it_gives(name: str, tools: dict[str, Tool]) -> None:
    """TypeScript SDK, issue 1943: its clients hold failures against the schema too, and hide those that do not fit."""
    schema = tools[name].output_schema
    assert schema is not None
    jsonschema.validate(answers.internal(name, changes=ACTIONS[name].writes).structured_content, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({}, schema)


@pytest.mark.parametrize("name", ACTIONS)
async def test_its_hints_are_all_given_and_true(name: str, tools: dict[str, Tool]) -> None:
    """Issue 2: where a hint is missing, the protocol assumes the worst."""
    action, hints = ACTIONS[name], tools[name].annotations
    assert hints is not None
    assert hints.read_only_hint is action.only_looks
    assert hints.open_world_hint is True
    assert hints.destructive_hint is not None
    assert hints.idempotent_hint is not None
    assert not (hints.read_only_hint and hints.destructive_hint)
    assert hints.destructive_hint or action.access is not Access.DESTRUCTIVE
    assert hints.title == tools[name].title == action.title


async def test_the_list_has_the_order_of_the_table(tools: dict[str, Tool]) -> None:
    """The protocol recommends a fixed order, since lists are cached; no name stands twice."""
    assert list(tools) == list(ACTIONS)
