"""What holds for the trail of every row: the laws, which name no action."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from fly_mcp_emulator.log import RequestRecord
from fly_mcp_tools.action import Access, AnyAction, Example
from fly_mcp_tools.catalogue import ACTIONS
from tests.actions.fly import Fly

from .kept import Kept

ROWS = [(name, example) for name, action in ACTIONS.items() for example in action.examples]
DANGEROUS = (Access.EXEC, Access.DESTRUCTIVE)
#: Examples that scale up destroy nothing; these do.
UP = [one for one in ROWS if one[0].startswith("flyScale")]
DOWN = [
    (name, Example("down", {"appName": app, "count": 0, "confirm": True}))
    for name, app in (("flyScaleMachines", "catvet-web"), ("flyScaleWithVolumes", "catvet-records"))
]
#: Can be the name of a secret or of a key, and no id.
CANARY = "C4N4RY_5f3a9E1c0B7"


def named(rows: list[tuple[str, Example]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        ("name", "example"), rows, ids=lambda one: one if isinstance(one, str) else ""
    )


@named(ROWS)
async def test_a_call_is_one_event(fly: Fly, kept: Kept, name: str, example: Example) -> None:
    """Issue 6: who, what, on which app and machine, outcome, duration, Fly's request ids."""
    await fly.call(name, **example.arguments)

    event, action = kept.one(), ACTIONS[name]
    assert event["caller"] == "local"
    assert (event["action"], event["access"]) == (name, str(action.access))
    assert event["outcome"] in ("done", "pending")
    assert event["requests"] == len(fly.emulator.requests)
    assert sorted(event["fly_requests"]) == sorted(one.request_id for one in fly.emulator.requests)
    assert event.get("app") == _app(action, example)
    for key, list_name in (("machineId", "machines"), ("volumeId", "volumes")):
        if key in example.arguments:
            assert example.arguments[key] in event[list_name]
    assert event["says"].startswith("local asked to ")
    assert event["says"].endswith("; no policy is in force.")
    assert str(event.get("app", "")) in event["says"]


@named([*ROWS, *DOWN])
async def test_what_destroys_or_executes_was_said_before(
    fly: Fly, kept: Kept, name: str, example: Example
) -> None:
    """Issue 6: durable before a destructive request leaves. One line for each such request, and none else."""
    action = ACTIONS[name]
    said_first: list[bool] = []

    def arrives(_: object) -> None:
        # What this request is, the emulator knows when it has it; here, that a line is there for each so far.
        sent = sum(_dangerous(action, one) for one in fly.emulator.requests)
        written = len(kept.events("begun")) if kept.path.exists() else 0
        said_first.append(written >= sent)

    for method in ("POST", "DELETE"):
        fly.wire.tap(method, ".", arrives, 99)
    await fly.call(name, **example.arguments)

    begun = kept.events("begun")
    assert len(begun) == sum(_dangerous(action, one) for one in fly.emulator.requests)
    assert all(said_first)
    for event in begun:
        assert event["call"] == kept.one()["call"]
        assert event["says"].startswith("local is about to ")
        assert event["seq"] < kept.one()["seq"]


@named([one for one in [*ROWS, *DOWN] if one not in UP and ACTIONS[one[0]].access in DANGEROUS])
async def test_without_the_trail_nothing_is_destroyed(
    fly: Fly, kept: Kept, name: str, example: Example
) -> None:
    """Issue 6: if the trail can't be written, nothing is destroyed, and no command is run."""
    kept.disk.full = "all"

    error = await fly.refused(name, example.arguments)

    assert error["code"] == "internal"
    assert "No space left on device" in json.dumps(error)  # a composite tells it of each thing
    assert not any(_dangerous(ACTIONS[name], one) for one in fly.emulator.requests)


@named(ROWS)
async def test_no_value_of_an_argument_is_kept(fly: Fly, kept: Kept, name: str, example: Example) -> None:
    """Issue 6: secrets and tokens never. So every string that is no id goes in as a canary, and none comes out."""
    await fly.either(name, **_poisoned(dict(example.arguments)))
    await fly.either(
        name, **dict.fromkeys(example.arguments, CANARY), **{CANARY: CANARY, "requestId": CANARY}
    )
    assert CANARY.lower() not in kept.path.read_text().lower()
    assert [one["action"] for one in kept.events()] == [name, name]


def _app(action: AnyAction, example: Example) -> str | None:
    """The app that an example is about, under whatever the row calls it."""
    field = action.params.model_fields.get("app_name")
    value = example.arguments.get(field.alias or "") if field else None
    return value if isinstance(value, str) else None


def _dangerous(action: AnyAction, record: RequestRecord) -> bool:
    """Whether a request is of an endpoint of this row that destroys or executes."""
    found = [one for one in action.calls if one.method == record.method and _same(one.path, record.endpoint)]
    return any(one.destroys or one.executes for one in found)


def _same(path: str, route: str) -> bool:
    ours, theirs = path.split("/"), route.removeprefix("POST ").split("/")
    return len(ours) == len(theirs) and all(
        a == b or ("{" in a and "{" in b) for a, b in zip(ours, theirs, strict=True)
    )


def _poisoned(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments, with a canary for every string that stands deeper than an id does, and for free text."""
    free = ("name", "description", "search")
    return {
        key: CANARY if isinstance(one, str) and key in free else one if isinstance(one, str) else _deep(one)
        for key, one in arguments.items()
    }


def _deep(value: object) -> object:
    """A canary for every string in it, names of secrets and keys of metadata too."""
    if isinstance(value, dict):
        inside = cast("dict[str, object]", value)
        return {f"{CANARY}{number}": _deep(one) for number, one in enumerate(inside.values())}
    if isinstance(value, list):
        return [_deep(one) for one in cast("list[object]", value)]
    return CANARY if isinstance(value, str) else value
