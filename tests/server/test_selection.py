"""The choice of tools, over the whole table: no action is named here but in cases."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from mcp import MCPError
from mcp_types import INVALID_PARAMS
from pydantic import TypeAdapter

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.world import Event, Exit, Snapshot, Volume, World
from fly_mcp_tools import endpoints
from fly_mcp_tools.action import Access, AnyAction, Example, Group
from fly_mcp_tools.call import Call
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.composites.listing import OfApp
from fly_mcp_tools.ids import AppName
from fly_mcp_tools.selection import APP, USUAL, Choice, Selection, WrongChoice, select
from tests.actions.fly import APP as SHOP
from tests.actions.fly import FREE_VOLUME, MACHINE, SANDBOX, Fly, opened
from tests.virtual_time import LoopClock

CHOICES: Mapping[str, Choice] = {
    "default": Choice(),
    "read-only": Choice(read_only=True),
    "one app": Choice(app=SHOP),
    "one app, read-only": Choice(app=SHOP, read_only=True, toolsets="all"),
    "one organisation": Choice(org="personal"),
    "without its first tool": Choice(exclude_tools=next(iter(ACTIONS))),
    "its first tool alone": Choice(tools=next(iter(ACTIONS))),
    **{
        str(group): Choice(toolsets=str(group))
        for group in Group
        if any(action.group is group for action in ACTIONS.values())
    },
}
each_choice = pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)

Opened = Callable[[Selection], AbstractAsyncContextManager[Fly]]


@pytest.fixture
def serving() -> Opened:
    """A server with this choice, over a fresh Fly."""

    def make(selection: Selection) -> AbstractAsyncContextManager[Fly]:
        clock = LoopClock()
        return opened(Emulator(clock=clock), clock, selection=selection)

    return make


async def refused(fly: Fly, name: str, arguments: Mapping[str, Any]) -> MCPError:
    """What the protocol says to a call that is no tool's."""
    with pytest.raises(MCPError) as caught:
        await fly.client.call_tool(name, dict(arguments))
    return caught.value


@each_choice
async def test_what_is_off_is_not_listed_and_not_run(choice: Choice, serving: Opened) -> None:
    """Issue 5, Shows 5: for all rows; -32602, which says by which setting, and nothing is sent."""
    selection = select(choice, ACTIONS)
    async with serving(selection) as fly:
        assert list(fly.listed) == list(selection.actions)
        assert {*selection.actions, *selection.off} == set(ACTIONS)
        for name, why in selection.off.items():
            assert name not in fly.listed
            error = await refused(fly, name, ACTIONS[name].examples[0].arguments)
            assert error.code == INVALID_PARAMS
            assert f"{name} is switched off by {why}" in str(error)
            assert "--" in why
            assert "FLY_MCP_" in why
        assert fly.wire.sent == []


@pytest.mark.parametrize("group", Group)
def test_a_toolset_is_its_rows(group: Group) -> None:
    """Issue 5, 2: --toolsets."""
    rows = {name for name, action in ACTIONS.items() if action.group is group}
    if rows:
        assert set(select(Choice(toolsets=str(group)), ACTIONS).actions) == rows


def test_everything_but_tokens_is_on_unless_said_otherwise() -> None:
    """Issue 5, 2: the default; `all` is all."""
    assert {action.group for action in select(Choice(), ACTIONS).actions.values()} <= USUAL
    assert Group.TOKENS not in USUAL
    assert all(
        action.group is Group.TOKENS for action in map(ACTIONS.get, select(Choice(), ACTIONS).off) if action
    )
    assert not select(Choice(toolsets="all"), ACTIONS).off


@pytest.mark.parametrize("name", ACTIONS)
def test_a_tool_can_be_named_alone_or_beside_a_toolset_or_taken_away(name: str) -> None:
    """Issue 5, 2: --tools and --exclude-tools."""
    assert set(select(Choice(tools=name), ACTIONS).actions) == {name}
    beside = select(Choice(tools=name, toolsets="apps"), ACTIONS).actions
    assert set(beside) == {*select(Choice(toolsets="apps"), ACTIONS).actions, name}
    assert name not in select(Choice(toolsets="all", exclude_tools=name), ACTIONS).actions
    if ACTIONS[name].access is not Access.READ:
        with pytest.raises(WrongChoice, match="--read-only"):
            select(Choice(tools=name, read_only=True), ACTIONS)


def test_read_only_makes_no_credentials() -> None:
    """Ours: an identity token is written to a file, and whoever has it is this machine for some minutes."""
    with pytest.raises(WrongChoice, match="--read-only"):
        select(Choice(tools="flyGetOidcToken", read_only=True), ACTIONS)
    assert "flyGetTokenInfo" in select(Choice(toolsets="all", read_only=True), ACTIONS).actions


@pytest.mark.parametrize("choice", [choice for choice in CHOICES.values() if choice.read_only])
async def test_read_only_sends_nothing_that_writes(choice: Choice, serving: Opened) -> None:
    """Issue 5, 2: whatever the row says of itself, the endpoints and the hints agree."""
    selection = select(choice, ACTIONS)
    async with serving(selection) as fly:
        for name, action in selection.actions.items():
            assert not any(endpoint.writes for endpoint in action.calls)
            annotations = fly.listed[name].annotations
            assert annotations is not None
            assert annotations.read_only_hint is True


PINNED = [
    (name, example)
    for name, action in select(Choice(app=SHOP, toolsets="all"), ACTIONS).actions.items()
    for example in action.examples
]


@pytest.mark.parametrize(
    ("name", "example"), PINNED, ids=lambda value: value if isinstance(value, str) else ""
)
async def test_a_pinned_app_need_not_be_named(name: str, example: Example, serving: Opened) -> None:
    """Issue 5, 2: the parameter disappears from the schema and is filled in; another app is out of reach."""
    app = str(example.arguments.get("appName", SHOP))
    selection = select(Choice(app=app, toolsets="all"), ACTIONS)
    async with serving(selection) as fly:
        properties = fly.listed[name].input_schema["properties"]
        assert "appName" not in properties
        assert "appName" not in fly.listed[name].input_schema.get("required", [])
        if "appName" in example.arguments:
            before = len(fly.wire.sent)
            error = await fly.refused(name, {**example.arguments, "appName": f"{app}-2"})
            assert error["code"] == "not_allowed"
            assert app in error["message"]
            assert len(fly.wire.sent) == before
        left = {key: value for key, value in example.arguments.items() if key != "appName"}
        answer = await fly.call(name, **left)
        assert answer.get("outcome", "done") == "done"
        paths = [sent.split()[1].split("?")[0].split("/") for sent in fly.wire.sent]
        assert {path[3] for path in paths if path[2:3] == ["apps"] and len(path) > 3} <= {app}
        assert all(path[2] in ("apps", "platform", "tokens") for path in paths if path[1] == "v1")


async def test_naming_the_pinned_app_itself_is_fine(serving: Opened) -> None:
    """Ours: a model that knows the name from the talk may say it."""
    async with serving(select(Choice(app=SHOP), ACTIONS)) as fly:
        assert (await fly.call("flyGetApp", appName=SHOP))["name"] == SHOP


@pytest.mark.parametrize("other", [SANDBOX, "", 5, [SHOP], {"a": 1}, True])
async def test_whatever_else_is_named_is_refused(other: object, serving: Opened) -> None:
    """Issue 5, 2: other apps are out of reach."""
    async with serving(select(Choice(app=SHOP), ACTIONS)) as fly:
        assert (await fly.refused("flyGetApp", {"appName": other}))["code"] == "not_allowed"
        assert fly.wire.sent == []


async def test_a_row_that_strays_to_another_app_is_stopped_before_the_request_leaves() -> None:
    """Ours: the choice is held against every request too, so that a composite's mistake stays inside."""

    async def stray(call: Call, params: OfApp) -> Any:
        del params
        await call.send(endpoints.GET_APP, {"app_name": SANDBOX})

    row: AnyAction = dataclasses.replace(ACTIONS["flyGetApp"], run=stray)
    clock = LoopClock()
    actions = {row.name: row}
    selection = Selection(actions, pins={APP: SHOP})
    async with opened(Emulator(clock=clock), clock, actions=actions, selection=selection) as fly:
        assert (await fly.refused("flyGetApp"))["code"] == "not_allowed"
        assert fly.wire.sent == []


async def test_a_read_only_server_stops_a_write_before_it_leaves() -> None:
    """Ours: the same for --read-only."""
    clock = LoopClock()
    selection = Selection(ACTIONS, read_only=True)
    async with opened(Emulator(clock=clock), clock, selection=selection) as fly:
        error = await fly.refused("flyCreateApp", appName="new-app")
        assert error["code"] == "not_allowed"
        assert fly.writes() == []


def test_no_row_takes_a_second_app() -> None:
    """Ours: a row that named another app beside `appName` would reach past the pin."""
    pattern = TypeAdapter(AppName).json_schema()["description"]
    for action in ACTIONS.values():
        names = {
            name for name, field in action.params.model_fields.items() if field.description == pattern
        } | {name for name in action.params.model_fields if name.endswith(("app", "app_name", "apps"))}
        assert names <= {APP}, action.name


@pytest.mark.parametrize("dying", [False, True], ids=["there", "deleted"])
@pytest.mark.parametrize("name", ["flyCreateVolume", "flyCloneMachine"])
async def test_a_snapshot_is_the_pinned_apps_own(name: str, dying: bool, serving: Opened) -> None:
    """Ours: it stands in a body, where Fly does not hold it to the app in the path."""
    arguments = {
        "flyCreateVolume": {"name": "copy", "region": "fra"},
        "flyCloneMachine": {"machineId": MACHINE, "volume": "snapshot"},
    }[name]

    def snapshots(world: World) -> None:
        for app, volume, id_ in ((SHOP, FREE_VOLUME, "vs_own"), (SANDBOX, "vol_other", "vs_other")):
            disks = world.apps[app].volumes
            disks.setdefault(volume, Volume(id=volume, name="data", region="fra"))
            disks[volume].snapshots.append(Snapshot(id=id_, created_at=1e9, volume_size=2**30))
        if dying:
            world.apps[SHOP].volumes[FREE_VOLUME].state = "pending_destroy"

    async with serving(select(Choice(app=SHOP), ACTIONS)) as fly:
        fly.edit(snapshots)
        error = await fly.refused(name, **arguments, snapshotId="vs_other")
        assert error["code"] == "not_found"
        assert f"for {SHOP} alone" in error["message"]
        assert fly.changes() == []
        assert (await fly.call(name, **arguments, snapshotId="vs_own"))["outcome"] == "done"


async def test_a_pinned_organisation_is_filled_in_and_no_other_is_named(serving: Opened) -> None:
    """Ours: --org; FLY_ORG_SLUG stays what it was, a default for calls that name none."""
    selection = select(Choice(org="personal", toolsets="all"), ACTIONS)
    async with serving(selection) as fly:
        for name, action in selection.actions.items():
            assert "orgSlug" not in fly.listed[name].input_schema["properties"]
            if "org_slug" in action.params.model_fields:
                arguments = {**action.examples[0].arguments, "orgSlug": "someone-elses"}
                assert (await fly.refused(name, arguments))["code"] == "not_allowed"
        assert fly.wire.sent == []
        assert (await fly.call("flyListApps"))["organization"] == "personal"
        assert any("org_slug=personal" in sent for sent in fly.wire.sent)


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        (Choice(toolsets="apps,machine"), "no toolset machine; the nearest is machines"),
        (Choice(toolsets="Apps"), "the nearest is apps"),
        (Choice(toolsets="alle"), "the nearest is all"),
        (Choice(tools="flyListApp"), "no tool flyListApp; the nearest is flyListApps"),
        (Choice(tools="flylistapps"), "the nearest is flyListApps"),
        (Choice(exclude_tools="flyDeletApp flyListApps"), "the nearest is flyDeleteApp"),
        (Choice(toolsets=","), "names nothing"),
        (Choice(tools=" , ,"), "names nothing"),
        (Choice(exclude_tools=","), "names nothing"),
        (Choice(app="Shop"), "--app"),
        (Choice(app="a/../b"), "--app"),
        (Choice(org="../x"), "--org"),
        (Choice(tools="flyDeleteApp", exclude_tools="flyDeleteApp"), "leave no tool"),
    ],
)
def test_what_cannot_be_chosen_is_refused_and_the_nearest_named(choice: Choice, says: str) -> None:
    """Issue 5, 2: unknown words refuse to start."""
    with pytest.raises(WrongChoice, match="FLY_MCP_") as caught:
        select(choice, ACTIONS)
    assert says in str(caught.value)


def test_words_are_separated_by_commas_or_blanks() -> None:
    """Ours: both are written."""
    wanted = select(Choice(toolsets="apps,volumes"), ACTIONS).actions
    for text in ("apps, volumes", "apps volumes", ",volumes,,apps,", " apps\nvolumes "):
        assert select(Choice(toolsets=text), ACTIONS).actions == wanted


@each_choice
async def test_the_list_is_the_same_for_every_request_of_one_configuration(
    choice: Choice, serving: Opened
) -> None:
    """Issue 5, 2: it can be cached, by a client and by a model's provider; the protocol's hints say so."""
    selection = select(choice, ACTIONS)
    texts: list[str] = []
    for _ in range(2):
        async with serving(selection) as fly:
            for _ in range(2):
                listed = await fly.client.list_tools()
                assert listed.ttl_ms
                assert listed.cache_scope == "public"
                texts.append(listed.model_dump_json(by_alias=True))
    assert len(set(texts)) == 1


async def test_output_schemas_can_be_left_out(serving: Opened) -> None:
    """Issue 5, 3: published, with a switch."""
    async with serving(select(Choice(), ACTIONS)) as fly:
        assert all(tool.output_schema for tool in fly.listed.values())
    clock = LoopClock()
    async with opened(Emulator(clock=clock), clock, output_schemas=False) as fly:
        assert not any(tool.output_schema for tool in fly.listed.values())
        assert (await fly.call("flyListApps"))["apps"]


def _starved(fly: Fly) -> None:
    """The shop's machine was ended for want of memory, and rests."""

    def change(world: World) -> None:
        (one,) = world.apps[SHOP].machines.values()
        one.state = "stopped"
        how = Exit(exit_code=137, signal=9, oom_killed=True)
        at = fly.clock.now() - 5
        one.events.insert(0, Event(id="01HM", type="exit", status="stopped", source="flyd", at=at, exit=how))

    fly.edit(change)


@pytest.mark.parametrize(
    ("choice", "arguments"),
    [
        (Choice(), {"appName", "machineId", "memoryMb"}),
        (Choice(app=SHOP), {"machineId", "memoryMb"}),
        (Choice(read_only=True), None),
        (Choice(app=SHOP, tools="flyGetAppStatus"), None),
    ],
    ids=["all", "one app", "read-only", "one tool"],
)
async def test_a_next_step_is_one_that_can_be_gone(
    choice: Choice, arguments: set[str] | None, serving: Opened
) -> None:
    """The review: it named a tool that is off, and an argument that is fixed and that no schema has."""
    async with serving(select(choice, ACTIONS)) as fly:
        _starved(fly)
        given = {} if choice.app else {"appName": SHOP}
        (problem, *_) = (await fly.call("flyGetAppStatus", **given))["problems"]
        assert problem["problem"] == "out_of_memory"
        step = problem.get("next")
        assert (set(step["arguments"]) if step else None) == arguments
        if step:
            schema = fly.listed[step["tool"]].input_schema
            assert set(step["arguments"]) <= schema["properties"].keys()
            assert (await fly.call(step["tool"], **step["arguments"]))["outcome"] == "done"
