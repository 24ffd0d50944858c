"""Each agent with its own Fly token, organisation, request ids and list; the tokens are told to nobody."""

from __future__ import annotations

from pathlib import Path

import pytest
from mcp import Client
from mcp.server.auth.middleware.auth_context import auth_context_var
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp_types import CallToolResult

from fly_mcp_emulator import Emulator
from fly_mcp_server import runtime, sdk
from fly_mcp_server.access.callers import NOBODY
from fly_mcp_server.access.desk import Desk
from fly_mcp_server.activity import Activity
from fly_mcp_server.runtime import Runtime
from fly_mcp_server.settings import Settings, SettingsError
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.client import FlyClient
from fly_mcp_tools.errors import FlyError
from tests.virtual_time import LoopClock

from .ground import EVERYTHING, SHOP, WEB, agent, allow, world

ONE, OTHER = "fm2_one0123456789", "fm2_other0123456789"


def from_env(name: str, variable: str, rules: str = allow(EVERYTHING)) -> str:
    """An agent whose token is in this variable."""
    return agent(rules, name=name).replace('"FLY_TOKEN"', f'"{variable}"')


def built(
    tmp_path: Path, policy: str, name: str = "", *, network: bool = True, **settings: object
) -> Runtime:
    """As `fly-mcp serve` builds it for the real Fly; nothing is sent."""
    file = tmp_path / "policy.toml"
    file.write_text(policy)
    told = {"policy": str(file), "agent": name, "state": str(tmp_path / "state"), **settings}
    return runtime.build(Settings.model_validate(told), network=network)


def as_agent(name: str | None) -> None:
    """Make the calls that follow in this task those of an agent, as a verified token does."""
    user = AuthenticatedUser(AccessToken(token="hidden", client_id=name, scopes=[])) if name else None
    auth_context_var.set(user)


def test_every_token_that_cannot_be_had_is_named_and_none_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 6, 2: an environment variable or a file, never its value."""
    monkeypatch.setenv("BLANK", "  ")
    monkeypatch.setenv("BROKEN", f"{ONE} and {OTHER}")
    monkeypatch.delenv("MISSING", raising=False)
    (tmp_path / "empty").write_text("\n")
    file = agent(allow(EVERYTHING), name="four").replace('env = "FLY_TOKEN"', 'file = "none/here"')
    empty = agent(allow(EVERYTHING), name="five").replace('env = "FLY_TOKEN"', 'file = "empty"')
    nowhere = agent(allow(EVERYTHING), name="six").replace('env = "FLY_TOKEN"', 'file = "~nobody-here/token"')
    policy = file + empty + nowhere
    policy += from_env("one", "MISSING") + from_env("two", "BLANK") + from_env("three", "BROKEN")
    with pytest.raises(SettingsError) as caught:
        built(tmp_path, policy)
    said = str(caught.value)
    assert "agents.one.fly_token.env: the environment variable MISSING is not set." in said
    assert "agents.two.fly_token.env: the environment variable BLANK is not set." in said
    assert "agents.three.fly_token: BROKEN holds no Fly token on one line." in said
    assert f"agents.four.fly_token.file: {tmp_path}/none/here cannot be read" in said
    assert f"agents.five.fly_token.file: {tmp_path}/empty is empty." in said
    assert "agents.six.fly_token.file: there is no home directory for ~nobody-here/token." in said
    assert ONE not in said
    assert OTHER not in said


def test_a_token_that_others_may_write_is_refused_and_one_that_they_may_read_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Review of issue 6: who may write it could have an agent act with another token."""
    policy = agent(allow(EVERYTHING)).replace('env = "FLY_TOKEN"', 'file = "night.token"')
    token = tmp_path / "night.token"
    token.write_text(ONE)
    token.chmod(0o620)
    with pytest.raises(SettingsError, match=r"agents\.night\.fly_token\.file: .* can be written by others"):
        built(tmp_path, policy)
    token.chmod(0o600)
    built(tmp_path, policy)
    assert not caplog.records
    token.chmod(0o644)
    built(tmp_path, policy)
    (told,) = caplog.messages
    assert f"agents.night.fly_token.file: {token} can be read by others" in told
    assert ONE not in caplog.text


def test_agents_on_one_token_share_a_client_and_others_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Issue 6: Fly counts calls by token; a file is found beside the policy."""
    monkeypatch.setenv("ONE", ONE)
    (tmp_path / "token").write_text(f"{OTHER}\n")
    file = agent(allow(EVERYTHING), name="c").replace('env = "FLY_TOKEN"', 'file = "token"')
    made = built(tmp_path, from_env("a", "ONE") + from_env("b", "ONE") + file)
    clients: dict[str, FlyClient] = {}
    for name in ("a", "b", "c"):
        as_agent(name)
        clients[name] = made.callers.current().tools.client
    assert clients["a"] is clients["b"]
    assert clients["a"] is not clients["c"]
    assert set(made.clients) >= set(clients.values())
    assert made.redact(f"{ONE} {OTHER}") == "[token] [token]"
    assert ONE not in repr(made)
    assert OTHER not in repr(made)


@pytest.mark.parametrize(
    ("name", "says"),
    [("", "FLY_MCP_AGENT is not set"), ("nigth", "the nearest is night"), ("NIGHT", "nearest is night")],
)
def test_over_stdio_the_agent_is_said_and_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, says: str
) -> None:
    """Issue 6, 3: with a policy the caller is FLY_MCP_AGENT."""
    monkeypatch.setenv("ONE", ONE)
    with pytest.raises(SettingsError, match=says):
        built(tmp_path, from_env("night", "ONE"), name, network=False)


def test_over_stdio_only_the_one_agents_token_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours: the policy can be everybody's, and the token on this machine one agent's."""
    monkeypatch.setenv("ONE", ONE)
    made = built(tmp_path, from_env("night", "ONE") + from_env("day", "MISSING"), "night", network=False)
    assert made.callers.current().name == "night"
    assert made.client is made.tools.client


def test_another_organisation_of_the_operators_choice_is_a_contradiction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ours: --org would pin every agent."""
    monkeypatch.setenv("ONE", ONE)
    with pytest.raises(SettingsError, match=r"agents\.night\.org"):
        built(tmp_path, from_env("night", "ONE"), org="lab-team")


@pytest.mark.parametrize("policy", ["", None])
async def test_over_a_network_without_a_policy_nothing_is_allowed(tmp_path: Path, policy: str | None) -> None:
    """Issue 6, 3: and whoever is no agent of a policy may do as little."""
    if policy is None:
        made = runtime.build(Settings(emulator=True), network=True)
    else:
        made = built(tmp_path, agent(allow(EVERYTHING)), emulator=True)
    for name in ("stranger", NOBODY, None):
        as_agent(name)
        async with Client(sdk.server(Desk(made.callers), Activity())) as client:
            assert (await client.list_tools()).tools == []
            for action in ACTIONS:
                with pytest.raises(Exception, match="no such action"):
                    await client.call_tool(action, {"appName": SHOP})
        # Whoever got past the door all the same is refused by the desk.
        with pytest.raises((FlyError, LookupError)):
            await Desk(made.callers).call("flyListRegions", {})
    assert made.emulator is not None
    assert made.emulator.requests == []


@pytest.mark.parametrize("chosen", ["", "flyGetOidcToken,flyListRegions"])
@pytest.mark.parametrize("network", [True, False])
async def test_over_a_network_nobody_makes_the_identity_of_the_servers_machine(
    tmp_path: Path, *, network: bool, chosen: str
) -> None:
    """The review of issue 6, 19: it is not the agent's, and all would share its file; over stdio it is one's own."""
    rules = (allow(EVERYTHING), allow('actions = ["flyGetOidcToken"]'))
    made = built(tmp_path, agent(*rules), "night", network=network, emulator=True, tools=chosen)
    as_agent("night")
    async with Client(sdk.server(Desk(made.callers), Activity())) as client:
        listed = {tool.name for tool in (await client.list_tools()).tools}
        assert "flyListRegions" in listed
        assert ("flyGetOidcToken" in listed) is not network
        if network:
            with pytest.raises(Exception, match="no such action"):
                await client.call_tool("flyGetOidcToken", {})
    assert made.emulator is not None
    assert made.emulator.requests == []
    assert not [*(tmp_path / "state").glob("oidc-*")]


async def test_each_agent_has_its_own_list_rights_and_request_ids(tmp_path: Path) -> None:
    """Issue 6: one process, many agents: the same call by each of them."""
    file = tmp_path / "policy.toml"
    file.write_text(
        agent(allow(EVERYTHING, f'apps = ["{SHOP}"]'), name="shop")
        + agent(allow(EVERYTHING, f'apps = ["{WEB}"]'), name="web")
        + agent(name="reader", more="read_only = true")
    )
    clock = LoopClock()
    emulator = Emulator(world(), clock=clock)
    made = runtime.build(
        Settings(policy=str(file), emulator=True), emulator=emulator, clock=clock, network=True
    )
    server = sdk.server(Desk(made.callers), Activity())
    done: dict[tuple[str, str], bool] = {}
    listed: dict[str, int] = {}
    for name in ("shop", "web", "reader"):
        as_agent(name)
        async with Client(server) as client:
            listed[name] = len((await client.list_tools()).tools)
            for app in (SHOP, WEB):
                arguments = {"appName": app, "requestId": "same", "name": "data", "region": "fra"}
                if name == "reader":
                    with pytest.raises(Exception, match="no such action"):
                        await client.call_tool("flyCreateVolume", arguments)
                    continue
                result = await client.call_tool("flyCreateVolume", arguments)
                assert isinstance(result, CallToolResult)
                done[name, app] = not result.is_error
    assert done == {("shop", SHOP): True, ("shop", WEB): False, ("web", SHOP): False, ("web", WEB): True}
    assert listed["shop"] == listed["web"] > listed["reader"] > 0
    made_volumes = [
        one for one in emulator.requests if one.method == "POST" and one.path.endswith("/volumes")
    ]
    assert len(made_volumes) == 2
    for one in made.clients:
        await one.aclose()


@pytest.mark.parametrize(
    ("unasked", "name", "caller"), [(True, "night", "night"), (True, "", NOBODY), (False, "night", NOBODY)]
)
def test_where_nobody_is_asked_who_they_are_all_are_the_named_agent(
    tmp_path: Path, unasked: bool, name: str, caller: str
) -> None:
    """Issue 6, 2: only where the operator says so in so many words; a token that is no agent's is nobody's even so."""
    file = tmp_path / "policy.toml"
    file.write_text(agent(allow(EVERYTHING)))
    settings = Settings(policy=str(file), agent=name, emulator=True)
    made = runtime.build(settings, network=True, unasked=unasked)
    as_agent(None)
    assert made.callers.current().name == caller
    as_agent("stranger")
    assert made.callers.current().name == NOBODY
