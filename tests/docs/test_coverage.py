"""All that Fly offers, held against what the actions are declared to send, and against what they send."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest

from fly_mcp_emulator import Emulator
from fly_mcp_server.docs_coverage import operations, senders, shape
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.coverage import BEYOND, OPERATIONS, PARAMETERS, Fixed, Instead, LeftOut, Offered, Ours
from fly_mcp_tools.describe import acts_on, principal, rate
from fly_mcp_tools.schema import input_schema
from tests.actions.fly import Fly, opened
from tests.virtual_time import LoopClock

from .coverage_calls import FROM_BEFORE, LOST, MORE

_DATA = Path(__file__).parents[1] / "data"
DOCUMENT: dict[str, Any] = json.loads((_DATA / "fly-openapi-2026-05-07.json").read_text())
GUIDE: list[dict[str, str]] = json.loads((_DATA / "seeds_guide.json").read_text())
SEED: dict[str, list[str]] = json.loads((_DATA / "seeds_openapi.json").read_text())

#: All that may be missing altogether (issue 5, 1); managed Postgres is not in this edition.
MAY_BE_MISSING = (
    r"POST /tokens/(kms|authenticate|authorize)",
    r"POST /apps/\{\}/deploy_token",
    r"POST /apps/\{\}/secretkeys/\{\}(/(encrypt|decrypt|sign|verify))?",
    r"(POST /apps/\{\}/certificates/custom|DELETE /apps/\{\}/certificates/\{\}/custom)",
)
#: The seed's OpenAPI text is a third party's, and names this one as Fly does not (shared reference, 9).
MISNAMED = {"POST /apps/{app_name}/volumes": {"unique_zones_only": "require_unique_zone"}}


def published() -> dict[str, set[str]]:
    """Of each operation of Fly's document, the parameters that are not in its path."""
    return {
        f"{method.upper()} {path}": set(_parameters(row))
        for path, methods in DOCUMENT["paths"].items()
        for method, row in methods.items()
        if method in ("get", "put", "post", "patch", "delete")
    }


def _parameters(row: Mapping[str, Any]) -> Iterator[str]:
    for one in row.get("parameters", ()):
        if one["in"] == "query":
            yield f"?{one['name']}"
        elif one["in"] == "header":
            yield f"{one['name']}:"
    for content in row.get("requestBody", {}).get("content", {}).values():
        schema = content["schema"]
        while "$ref" in schema:
            schema = DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
        yield from schema.get("properties", ())


PUBLISHED = published()


def test_every_operation_is_an_action_or_part_of_one_or_has_a_reason() -> None:
    """Issue 5, 1: 76 operations, no unexplained gap, and no reason that is out of date."""
    assert len(PUBLISHED) == 76
    sent = senders()
    shapes = {shape(name): name for name in PUBLISHED}
    assert {shape(name) for name in operations()} == shapes.keys()
    assert {shapes[one] for one in shapes.keys() - sent.keys()} == OPERATIONS.keys()


def test_what_is_left_out_whole_is_no_more_than_may_be() -> None:
    """Issue 5, 1: the list is closed."""
    for name, decision in OPERATIONS.items():
        if isinstance(decision, LeftOut):
            assert any(re.fullmatch(one, shape(name)) for one in MAY_BE_MISSING), name
        else:
            assert shape(decision.by) in senders(), name
        assert len(decision.why) > 20, name


def test_every_parameter_has_its_decision() -> None:
    """Issue 5, 1: every query parameter and body field is offered, fixed by us, or left out with a reason."""
    assert {name: set(parameters) for name, parameters in PARAMETERS.items()} == {
        name: parameters for name, parameters in PUBLISHED.items() if parameters
    }
    for name, parameters in BEYOND.items():
        assert not parameters.keys() & PUBLISHED[name]


def test_what_is_offered_is_an_argument_of_an_action_that_sends_the_operation() -> None:
    """Ours: the declaration against the rows."""
    for operation, parameters in PARAMETERS.items():
        for name, decision in parameters.items():
            if not isinstance(decision, Offered | Ours):
                assert len(decision.why) > 15, (operation, name)
                continue
            tool, argument = decision.argument.split(".")
            assert argument in input_schema(ACTIONS[tool])["properties"], (operation, name)
            if isinstance(decision, Offered):
                assert tool in {action.name for action in senders()[shape(operation)]}, (operation, name)


@dataclass
class Call:
    """A call, and what was sent for it."""

    tool: str
    arguments: Mapping[str, Any]
    sent: dict[str, set[str]] = field(default_factory=dict[str, set[str]])


_ROUTES = sorted(
    (
        (name, re.compile("/v1" + re.sub(r"\\{[^}]*}", "[^/]+", re.escape(name.split()[1]))))
        for name in PUBLISHED
    ),
    key=lambda route: route[0].count("{"),
)


def _note(call: Call, request: httpx2.Request) -> None:
    path = request.url.path
    found = (name for name, at in _ROUTES if name.split()[0] == request.method and at.fullmatch(path))
    operation = next(found, None)
    if operation is None:
        return
    names = {f"?{key}" for key in request.url.params} | {
        f"{key.lower()}:" for key in request.headers if key.lower().startswith("fly-machine")
    }
    body: object = json.loads(request.content) if request.content else None
    if isinstance(body, dict):
        names |= {key for key, value in cast("dict[str, Any]", body).items() if value is not None}
    call.sent.setdefault(operation, set()).update(names)


@pytest.fixture(scope="module")
async def calls() -> list[Call]:
    """Every example of every row, and what no example shows: each against a fresh Fly."""
    made: list[Call] = []
    examples = [
        [(name, example.arguments)] for name, action in ACTIONS.items() for example in action.examples
    ]
    for steps in (*examples, *MORE):
        clock = LoopClock()
        async with opened(Emulator(clock=clock), clock) as fly:
            before: Mapping[str, Any] = {}
            for number, (tool, arguments) in enumerate(steps):
                call = Call(tool, {key: _given(value, before) for key, value in arguments.items()})
                _listen(fly, call, lost=steps is LOST and not number)
                before = await fly.either(tool, **call.arguments)
                assert "error" not in before or before["error"]["code"] == "unclear", (call, before)
                made.append(call)
    return made


def _given(value: object, before: Mapping[str, Any]) -> object:
    return before[value[1:-1]] if isinstance(value, str) and value in FROM_BEFORE else value


def _listen(fly: Fly, call: Call, *, lost: bool) -> None:
    """Note all that is sent for `call`; `lost`: instead, lose the answer of a create and all that tells of it."""
    fly.wire.mend()
    if lost:

        def lose(_: httpx2.Request) -> httpx2.Response:
            fly.wire.lose_answers("GET", r"/machines$")
            return httpx2.Response(502)

        fly.wire.replace_answers("POST", r"/machines$", lose, arrives=True)
        return
    for method in ("GET", "PUT", "POST", "PATCH", "DELETE"):
        fly.wire.tap(method, "", lambda request: _note(call, request), times=9999)


async def test_what_is_sent_is_what_is_declared(calls: list[Call]) -> None:
    """Ours: the wire against the declaration; nothing that is left out, and nothing that nobody wrote down."""
    for call in calls:
        for operation, names in call.sent.items():
            for name in names:
                decision = PARAMETERS.get(operation, {}).get(name)
                if decision is None and name == "fly-machine-lease-nonce:":
                    continue  # the document names it for leases alone; it goes with every change of a machine
                known = isinstance(decision, Offered | Fixed) or name in BEYOND.get(operation, {})
                assert known, f"{call.tool} sends {name} with {operation}: {decision}"


async def test_what_is_declared_is_sent(calls: list[Call]) -> None:
    """Ours: an argument that is offered reaches Fly, and what we fix is really fixed."""
    unseen: list[str] = []
    for operation, parameters in PARAMETERS.items():
        for name, decision in parameters.items():
            seen = [call for call in calls if name in call.sent.get(operation, ())]
            if isinstance(decision, Offered):
                tool, argument = decision.argument.split(".")
                seen = [call for call in seen if call.tool == tool and argument in call.arguments]
            elif not isinstance(decision, Fixed):
                continue
            if not seen:
                unseen.append(f"{operation} {name}: {decision}")
    assert not unseen, "\n".join(unseen)


@pytest.mark.parametrize("row", GUIDE, ids=lambda row: row["endpoint"])
def test_every_endpoint_of_the_guide_can_be_had(row: dict[str, str]) -> None:
    """Issue 5, 1: the 31 endpoints of the seed guide, what they act on, and their rates."""
    assert row["endpoint"] in PUBLISHED
    decision = OPERATIONS.get(row["endpoint"])
    endpoint = decision.by if isinstance(decision, Instead) else row["endpoint"]
    actions = senders()[shape(endpoint)]
    for action in actions:
        first = principal(action)
        if shape(f"{first.method} {first.path.removeprefix('/v1')}") == shape(endpoint):
            assert acts_on(action) == row["acts_on"] or action.group in ("scaling", "tokens", "machines")
    (limit,) = {
        rate(one.rate)
        for action in actions
        for one in action.calls
        if shape(f"{one.method} {one.path.removeprefix('/v1')}") == shape(endpoint)
    }
    assert (
        limit
        == {
            "Standard limits apply": "1/s, 3 at once",
            "1 req/s (burst 3)": "1/s, 3 at once",
            "5 req/s (burst 10)": "5/s, 10 at once",
            "100 per minute": "100 a minute over all apps",
        }[row["rate"]]
    )


def test_the_guide_has_31_endpoints() -> None:
    """The seed says so."""
    assert len({row["endpoint"] for row in GUIDE}) == 31


@pytest.mark.parametrize("operation", SEED)
def test_every_operation_of_the_seeds_document_is_covered(operation: str) -> None:
    """Issue 5, 1: the seed OpenAPI, its parameters too."""
    assert operation in PUBLISHED
    known = PARAMETERS.get(operation, {}).keys() | BEYOND.get(operation, {}).keys()
    names = {MISNAMED.get(operation, {}).get(name, name) for name in SEED[operation]}
    assert names <= known
