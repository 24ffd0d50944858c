"""What a token may: the scope a row names suffices, a narrower one is refused (reference 1.3)."""

from __future__ import annotations

import pytest

from fly_mcp_emulator.default_world import default_world
from fly_mcp_emulator.world import Token, World
from fly_mcp_tools.action import Access, AnyAction, Scope
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.endpoints import LIST_REGIONS

from .fly import APP, MACHINE, WEB, Fly

ROWS = list(ACTIONS.values())
ONE = {"appName": APP, "machineId": MACHINE}
APPS = (APP, WEB, "my-sandbox")
#: Rows that change an app there is.
CHANGING = [
    row for row in ROWS if row.access is not Access.READ and row.examples[0].arguments.get("appName") in APPS
]


@pytest.fixture
def world() -> World:
    """The documented one, with a token of each scope for each of its apps."""
    world = default_world()
    world.tokens += [
        Token(text="fm2_t_readonly", name="readonly", kind="readonly", org="personal"),
        Token(text="fm2_t_org", name="org", kind="org", org="personal"),
    ]
    for app in APPS:
        world.tokens += [
            Token(text=f"fm2_exec_{app}", name="machine-exec", kind="machine-exec", org="personal", app=app),
            Token(text=f"fm2_deploy_{app}", name="deploy", kind="deploy", org="personal", app=app),
        ]
    return world


def _text(scope: Scope, action: AnyAction) -> str:
    app = action.examples[0].arguments.get("appName")
    return {
        Scope.READONLY: "fm2_t_readonly",
        Scope.MACHINE_EXEC: f"fm2_exec_{app}",
        Scope.DEPLOY: f"fm2_deploy_{app}",
        Scope.ORG: "fm2_t_org",
    }[scope]


@pytest.mark.parametrize(
    ("action", "token"),
    [(row, _text(row.scope, row)) for row in ROWS],
    ids=[f"{row.name}-{row.scope}" for row in ROWS],
)
async def test_the_scope_of_a_row_suffices(fly: Fly, action: AnyAction) -> None:
    """Ours: `scope` is the narrowest token that suffices, and Fly says the same."""
    answer = await fly.call(action.name, **action.examples[0].arguments)
    assert answer.get("outcome", "done") == "done"


NARROWER = [
    (row, scope)
    for row in CHANGING
    for scope in (Scope.READONLY, Scope.MACHINE_EXEC)
    if row.scope is not scope
]


@pytest.mark.parametrize(
    ("action", "token"),
    [(row, _text(scope, row)) for row, scope in NARROWER],
    ids=[f"{row.name}-{scope}" for row, scope in NARROWER],
)
async def test_a_narrower_token_is_refused_and_nothing_changes(fly: Fly, action: AnyAction) -> None:
    """The issue, Bad input: a token without rights."""

    def stop(world: World) -> None:
        world.apps[APP].machines[MACHINE].state = "stopped"

    if action.name == "flyStartMachine":
        fly.edit(stop)
    before = fly.emulator.dump().apps

    error = await fly.refused(action.name, action.examples[0].arguments)

    assert (error["code"], error["status"], error["changed"]) == ("forbidden", 403, "nothing")
    assert "fly tokens create" in error["hint"]
    assert fly.emulator.dump().apps == before


@pytest.mark.parametrize("token", ["fm2_emulator_deploy"])
class TestDeployTokenOfAnotherApp:
    """A token for one app sees no other (the issue, Bad input)."""

    async def test_another_app_is_forbidden(self, fly: Fly) -> None:
        """Reference 1.3."""
        for name, arguments in (
            ("flyGetApp", {"appName": WEB}),
            ("flyListMachines", {"appName": WEB}),
            ("flySetSecrets", {"appName": WEB, "secrets": {"A": "b"}}),
            ("flyDeleteApp", {"appName": WEB, "confirm": True}),
            ("flyScaleMachines", {"appName": WEB, "count": 3}),
        ):
            error = await fly.refused(name, arguments)
            assert (error["code"], error["changed"]) == ("forbidden", "nothing")
        assert fly.app(WEB).secrets == {}

    async def test_its_own_app_works(self, fly: Fly) -> None:
        """Reference 1.3: everything on one app."""
        assert (await fly.call("flyGetApp", appName=APP))["name"] == APP
        assert [app["name"] for app in (await fly.call("flyListApps"))["apps"]] == [APP]


@pytest.mark.parametrize("token", ["fm2_emulator_expired"])
async def test_an_expired_token_is_told_to_be_renewed(fly: Fly, subtests: pytest.Subtests) -> None:
    """Reference 1.3: a token with an expiry of its own gives 401."""
    for action in ROWS:
        if set(action.calls) == {LIST_REGIONS}:
            continue  # public: Fly asks for no token (reference 1.3)
        with subtests.test(action=action.name):
            error = await fly.refused(action.name, action.examples[0].arguments)
            status = 200 if action.calls[0].graphql else 401  # GraphQL refuses in a body of its own
            assert (error["code"], error["status"], error["changed"]) == (
                "unauthenticated",
                status,
                "nothing",
            )
            assert "fly tokens create" in error["hint"]
    assert all(one.status == 401 or one.path == "/graphql" for one in fly.writes())


@pytest.mark.parametrize("token", ["fm2_emulator_machine_exec"])
async def test_a_token_may_be_for_some_commands_alone(fly: Fly) -> None:
    """Reference 1.3: exact or prefix; the refusal is Fly's."""

    def only_ls(world: World) -> None:
        for one in world.tokens:
            one.commands = ["ls"] if one.name == "machine-exec" else one.commands

    fly.edit(only_ls)
    assert (await fly.call("flyExecCommand", **ONE, command=["ls", "/"]))["exit_code"] == 0
    error = await fly.refused("flyExecCommand", **ONE, command=["env"])
    assert error["code"] == "forbidden"


def test_reads_need_a_readonly_token_and_no_more() -> None:
    """Ours: scope follows from access where it can."""
    for row in ROWS:
        assert (row.scope is Scope.READONLY) is (row.access is Access.READ)
        assert (row.scope is Scope.MACHINE_EXEC) is (row.access is Access.EXEC)
