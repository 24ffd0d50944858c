"""Bad arguments: every problem at once, near misses named, no value repeated, nothing sent (the issue)."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from mcp import MCPError
from mcp_types import INVALID_PARAMS

from fly_mcp_tools.action import AnyAction, Gate
from fly_mcp_tools.catalogue import ACTIONS

from .fly import APP, MACHINE, Fly

ONE = {"appName": APP, "machineId": MACHINE}
CANARY = "c4n4ry-sk-live-51H"
ROWS = list(ACTIONS.values())
every = pytest.mark.parametrize("action", ROWS, ids=lambda action: str(action.name))
#: JSON of every kind; each is wrong for some parameter of each type.
JSON_KINDS: list[Any] = [
    None, True, 0, -1, 1.5, 1e400, -1e400, float("nan"), 10**40, "", "x", "\ud800", [], ["x"], [None], {}, {"a": 1},
]  # fmt: skip


@every
async def test_unknown_arguments_are_named(fly: Fly, action: AnyAction) -> None:
    """The issue, 5: unknown arguments named with near misses."""
    extra = {"force": True, "flyApiToken": CANARY}
    error = await fly.refused(action.name, {**action.examples[0].arguments, **extra})
    told = {problem["path"]: problem["message"] for problem in error["problems"]}
    assert told.keys() == extra.keys()
    assert all(f"is not an argument of {action.name}" in message for message in told.values())
    assert CANARY not in fly.said[-1]
    assert not fly.wire.sent


@pytest.mark.parametrize(
    ("name", "wrong", "right"),
    [
        ("flyGetApp", "app_name", "appName"),
        ("flyGetApp", "appname", "appName"),
        ("flyGetApp", "app", "appName"),
        ("flyGetMachine", "machine_id", "machineId"),
        ("flyGetMachine", "machineID", "machineId"),
        ("flyScaleWithVolumes", "volumeSizeGB", "volumeSizeGb"),
        ("flyUpdateMachineConfig", "memory_mb", "memoryMb"),
        ("flyUpdateMachineConfig", "autostop", "autoStop"),
        ("flySetSecrets", "restart_machines", "restartMachines"),
        ("flyDeleteApp", "Confirm", "confirm"),
    ],
)
async def test_a_near_miss_is_named(fly: Fly, name: str, wrong: str, right: str) -> None:
    """The issue, 5."""
    error = await fly.refused(name, {wrong: "x"})
    told = {problem["path"]: problem["message"] for problem in error["problems"]}
    assert f"did you mean {right}?" in told[wrong]


async def test_all_problems_are_told_at_once(fly: Fly) -> None:
    """The issue, 5: missing, unknown and wrong ones in one answer."""
    error = await fly.refused(
        "flyUpdateMachineConfig",
        {
            "appname": APP,
            "machineId": "../x",
            "cpus": "two",
            "memoryMb": -5,
            "env": {"A": 1},
            "autoStop": "on",
        },
    )
    told = {problem["path"]: problem["message"] for problem in error["problems"]}
    assert told.keys() == {"appName", "appname", "machineId", "cpus", "memoryMb", "env.A", "autoStop"}
    assert "is required" in told["appName"]
    assert "suspend, stop, off" in told["autoStop"]
    assert "7 problems" in error["message"]


async def test_a_thousand_problems_are_twenty(fly: Fly) -> None:
    """Ours: a thousand bad items are one mistake."""
    error = await fly.refused("flyUnsetSecrets", appName=APP, secretNames=[1] * 199)
    assert len(error["problems"]) == 20
    assert len(fly.said[-1]) < 6_000


@every
async def test_nothing_but_what_is_required_is_asked_for(fly: Fly, action: AnyAction) -> None:
    """Ours: an empty call names each missing argument and what it is."""
    required = [field.alias for field in action.params.model_fields.values() if field.is_required()]
    if not required:
        return
    error = await fly.refused(action.name, {})
    assert [problem["path"] for problem in error["problems"]] == required
    assert all(problem["message"].startswith("is required: ") for problem in error["problems"])
    assert not fly.wire.sent


@every
async def test_a_value_of_any_kind_is_taken_or_named(fly: Fly, action: AnyAction) -> None:
    """The issue, Bad input: wrong types, whatever JSON there is; never a protocol error, never a traceback."""
    base = {key: value for key, value in action.examples[0].arguments.items() if key != "confirm"}
    for field in action.params.model_fields.values():
        for value in JSON_KINDS:
            fly.wire.sent.clear()
            answer = await fly.either(action.name, **{**base, str(field.alias): value})
            if "error" not in answer:
                continue
            assert answer["error"]["code"] != "internal", (field.alias, value)
            if answer["error"]["code"] == "invalid_arguments" and not fly.wire.sent:
                paths = [problem["path"] for problem in answer["error"]["problems"]]
                assert all(path.startswith(str(field.alias)) for path in paths), (paths, value)


@pytest.mark.parametrize(
    "action", [row for row in ROWS if row.gate is Gate.NEVER], ids=lambda action: str(action.name)
)
async def test_confirm_is_unknown_where_nothing_is_destroyed(fly: Fly, action: AnyAction) -> None:
    """The architecture: there and nowhere else."""
    error = await fly.refused(action.name, {**action.examples[0].arguments, "confirm": True})
    assert [problem["path"] for problem in error["problems"]] == ["confirm"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_an_unknown_tool_is_the_protocols_error(fly: Fly) -> None:
    """The issue, 5: -32602, with near misses."""
    with pytest.raises(MCPError) as caught:
        await fly.client.call_tool("flyListMachine", {})
    assert caught.value.error.code == INVALID_PARAMS
    assert "flyListMachines" in caught.value.error.message


class TestValuesAreNotRepeated:
    """A rejected value may be a secret (the issue, 3: values appear nowhere)."""

    @pytest.mark.parametrize(
        ("name", "arguments", "path"),
        [
            ("flySetSecrets", {"secrets": {"API_KEY": {"value": CANARY}}}, "secrets.API_KEY"),
            ("flySetSecrets", {"secrets": {"API_KEY": [CANARY]}}, "secrets.API_KEY"),
            ("flySetSecrets", {"secrets": {CANARY: "API_KEY"}}, "secrets (name no. 1)"),
            ("flySetSecrets", {"secrets": {"OK": "x", CANARY: 5}}, "secrets (name no. 2)"),
            ("flySetSecrets", {"secrets": CANARY}, "secrets"),
            ("flySetSecrets", {"secrets": [CANARY]}, "secrets"),
            ("flySetSecrets", {"secrets": {"API_KEY": CANARY + "\x00"}}, "secrets.API_KEY"),
            ("flySetSecrets", {"secrets": {"API_KEY": CANARY + "\ud800"}}, "secrets.API_KEY"),
            ("flySetSecrets", {"secrets": {"API_KEY": CANARY * 5_000}}, "secrets.API_KEY"),
            ("flyUnsetSecrets", {"secretNames": [CANARY]}, "secretNames[0]"),
            ("flyUnsetSecrets", {"secretNames": {CANARY: 1}}, "secretNames"),
            ("flyUpdateMachineConfig", {**ONE, "env": {"API_KEY": [CANARY]}}, "env.API_KEY"),
            ("flyUpdateMachineConfig", {**ONE, "env": {"API_KEY": CANARY + "\x00"}}, "env"),
            ("flyUpdateMachineConfig", {**ONE, "env": {CANARY + "=x": "y"}}, "env"),
            ("flyUpdateMachineConfig", {**ONE, "env": CANARY}, "env"),
            ("flyExecCommand", {**ONE, "command": CANARY}, "command"),
            ("flyExecCommand", {**ONE, "command": ["sh", "-c", {"x": CANARY}]}, "command[2]"),
            ("flyGetApp", {"appName": CANARY + "!"}, "appName"),
            ("flyCreateMachine", {"appName": APP, "image": CANARY + " x"}, "image"),
            ("flyCreateVolume", {"appName": APP, "name": CANARY, "region": CANARY}, "name"),
        ],
    )
    async def test_a_wrong_value_is_named_by_its_place(
        self, fly: Fly, name: str, arguments: dict[str, Any], path: str
    ) -> None:
        """Ours: where, and what to send instead."""
        error = await fly.refused(name, {"appName": APP, **arguments})
        assert error["code"] == "invalid_arguments"
        assert path in [problem["path"] for problem in error["problems"]]
        assert CANARY not in fly.said[-1]
        assert not fly.wire.sent

    async def test_what_is_set_is_named_and_not_shown(self, fly: Fly) -> None:
        """The issue, 3."""
        await fly.call("flySetSecrets", appName=APP, secrets={"API_KEY": CANARY}, restartMachines=True)
        await fly.call("flyUpdateMachineConfig", **ONE, env={"DSN": CANARY})
        await fly.call("flyGetMachine", **ONE)
        await fly.call("flyListSecrets", appName=APP)
        assert not [said for said in fly.said if CANARY in said]

    async def test_flys_own_words_about_a_secret_are_left_out(self, fly: Fly) -> None:
        """Ours: Fly may quote what it was sent."""

        def quoting(request: httpx2.Request) -> httpx2.Response:
            return httpx2.Response(400, json={"error": f"cannot store {request.content.decode()}"})

        fly.wire.replace_answers("POST", "/secrets$", quoting)
        await fly.refused("flySetSecrets", appName=APP, secrets={"API_KEY": CANARY})
        assert CANARY not in fly.said[-1]


@pytest.mark.parametrize(
    "names",
    [["1A"], ["A-B"], ["A B"], [""], ["A=B"], ["Ä"], ["A" * 256], [None], [1], "A", [], None],
    ids=repr,
)
async def test_secret_names_that_no_environment_can_carry_are_refused(fly: Fly, names: object) -> None:
    """Reference 2.1: the safe rule."""
    error = await fly.refused("flyUnsetSecrets", appName=APP, secretNames=names)
    assert error["code"] == "invalid_arguments"
    assert not fly.wire.sent


@pytest.mark.parametrize(
    "value", ["", " ", "null", "[1]", '{"a":1}', "ü" * 100, "a\nb", "true", "x" * 65_536]
)
async def test_secret_values_are_taken_as_they_are(fly: Fly, value: str) -> None:
    """The platform notes, 2.3: a value that looks like JSON is text."""
    await fly.call("flySetSecrets", appName=APP, secrets={"A": value})
    assert fly.app().secrets["A"].value == value


@pytest.mark.parametrize("path", ["data", "", "/", "//x\n", "/a\x00", "C:\\x", 5])
async def test_mount_paths_that_are_none_are_refused(fly: Fly, path: object) -> None:
    """Ours: absolute, and not the root."""
    error = await fly.refused("flyCreateMachine", appName=APP, volumeId="vol_abc123", volumePath=path)
    assert [problem["path"] for problem in error["problems"]] == ["volumePath"]
    assert not fly.wire.sent


@pytest.mark.parametrize("token", [None])
async def test_without_a_token_each_call_says_how_to_give_one(fly: Fly, subtests: pytest.Subtests) -> None:
    """The issue, 5: it starts, lists its tools, and each call says how."""
    for action in ROWS:
        with subtests.test(action=action.name):
            error = await fly.refused(action.name, action.examples[0].arguments)
            assert error["code"] == "not_configured"
            assert "FLY_API_TOKEN" in error["hint"]
    assert not fly.wire.sent
