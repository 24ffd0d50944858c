"""The guard before every request: composites cannot go around it, and what it asks Fly is little."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_server.access.callers import Caller, OneCaller
from fly_mcp_server.access.desk import Desk
from fly_mcp_server.access.trail import NoRecord
from fly_mcp_server.policy.decision import Effect, NotAllowed
from fly_mcp_server.policy.guard import Guard
from fly_mcp_server.policy.lookups import BELIEVED, Lookups
from fly_mcp_server.policy.rights import Rights
from fly_mcp_server.policy.rules import Rule
from fly_mcp_tools.action import Access
from fly_mcp_tools.call import Call
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.decode import Answer
from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.endpoints import ENDPOINTS, GET_APP
from fly_mcp_tools.errors import RefusedByUs
from fly_mcp_tools.models import Params
from fly_mcp_tools.selection import APP, ORG

from .ground import EVERYTHING, FOREIGN, SANDBOX, SHOP, WEB, Policed, agent, allow, policed

Astray = Callable[[Call], Any]
IDS = {
    "app_name": SHOP, "machine_id": "7846e45f27e218", "volume_id": "vol_abc123", "org_slug": "personal", "ip": "::1",
    "hostname": "www.catvet.example", "key": "a", "key_name": "a", "secret_name": "A"
}  # fmt: skip


async def strays(
    fly: Policed, endpoint: Endpoint, run: Astray, *rules: Rule, access: Access = Access.READ
) -> RefusedByUs:
    """What a row of this class is told that sends what it should not, under these rights (else: everything)."""

    async def astray(call: Call, params: Params) -> Any:
        del params
        return await run(call)

    row = dataclasses.replace(ACTIONS["flyGetApp"], run=astray)
    # Set behind its back: a row that contradicts itself is refused at import.
    object.__setattr__(row, "calls", (endpoint,))
    object.__setattr__(row, "access", access)
    before = len(fly.sent)
    tools = fly.runtime.tools
    tools.actions = {row.name: row}
    everything = Rule(name="all", effect=Effect.ALLOW, access=frozenset(Access))
    guard = Guard(
        Rights("night", "personal", rules or (everything,)), Lookups(tools.client, fly.clock), tools.actions
    )
    desk = Desk(OneCaller(Caller("night", tools, guard)))
    with pytest.raises(RefusedByUs) as caught:
        await desk.call(row.name, {"appName": SHOP})
    assert not [one for one in fly.sent[before:] if not one.startswith("GET")]
    return caught.value


def to(
    endpoint: Endpoint, *, body: JsonValue = None, query: dict[str, Any] | None = None, **other: str
) -> Astray:
    """Send this."""
    ids = {name: other.get(name, IDS[name]) for name in endpoint.placeholders}
    return lambda call: call.send(endpoint, ids, query=query, body=body)


@pytest.mark.parametrize("other", [WEB, SANDBOX, FOREIGN])
@pytest.mark.parametrize(
    "endpoint", [one for one in ENDPOINTS if APP in one.placeholders], ids=lambda one: one.name
)
async def test_a_request_to_an_app_that_the_call_does_not_name_is_stopped(
    tmp_path: Path, endpoint: Endpoint, other: str
) -> None:
    """Issue 6, 3: whatever a composite does, for every endpoint; another app by the rules, or by its organisation."""
    apps = (SHOP,) if other != FOREIGN else ("*",)
    rule = Rule(name="one", effect=Effect.ALLOW, access=frozenset(Access), apps=apps)
    async with policed(tmp_path, agent(allow(EVERYTHING))) as ground:
        access = Access.READ if not endpoint.writes else Access.DESTRUCTIVE
        if endpoint.executes:
            access = Access.EXEC
        refused = await strays(ground, endpoint, to(endpoint, app_name=other), rule, access=access)
        assert isinstance(refused, NotAllowed)
        assert other in str(refused)


@pytest.mark.parametrize(
    "endpoint", [one for one in ENDPOINTS if APP not in one.placeholders], ids=lambda one: one.name
)
async def test_a_request_about_no_app_names_the_agents_organisation_or_is_about_none(
    tmp_path: Path, endpoint: Endpoint
) -> None:
    """Issue 6, 3: what an endpoint without an app in its path is about is known of each, or it is stopped."""
    body: JsonValue = None
    if endpoint.method == "POST":
        body = {ORG: "lab-team", APP: SHOP, "variables": {"name": FOREIGN}}
    query = {ORG: "lab-team"}
    async with policed(tmp_path, agent(allow(EVERYTHING))) as ground:
        astray = to(endpoint, body=body, query=query, org_slug="lab-team")
        access = Access.WRITE if endpoint.writes else Access.READ
        await strays(ground, endpoint, astray, access=access)
        assert not any("lab-team" in one for one in ground.sent)


@pytest.mark.parametrize("access", [Access.READ, Access.WRITE, Access.EXEC])
async def test_an_endpoint_of_another_class_is_stopped(tmp_path: Path, access: Access) -> None:
    """Issue 6, 3: a read rule lets no writing endpoint pass, and so on."""
    beyond = [one for one in ENDPOINTS if APP in one.placeholders and _beyond(one, access)]
    assert beyond
    for endpoint in beyond:
        async with policed(tmp_path, agent(allow(EVERYTHING))) as ground:
            refused = await strays(ground, endpoint, to(endpoint), access=access)
            assert f"which {access} does not cover" in str(refused)


def _beyond(endpoint: Endpoint, access: Access) -> bool:
    if access is Access.READ:
        return endpoint.writes
    if access is Access.WRITE:
        return endpoint.executes or endpoint.destroys
    return endpoint.destroys or (endpoint.writes and not endpoint.executes)


async def test_an_app_that_is_not_there_is_told_of_only_where_the_rules_cover_it(tmp_path: Path) -> None:
    """Ours: else whoever may not see an app could find out which names are taken."""
    async with policed(tmp_path, agent(allow(EVERYTHING, 'apps = ["my-*"]'))) as ground:
        assert await ground.call("flyGetApp", {"appName": "my-nothing"}) == "not_found"
        before = len(ground.sent)
        for app in ("no-such-app", WEB, FOREIGN):
            error = await ground.refusal("flyGetApp", {"appName": app})
            assert error["code"] == "not_allowed"
            assert error["message"].replace(app, "APP") == (
                "flyGetApp on APP was not run: no rule of night allows it. Nothing was sent."
            )
        assert len(ground.sent) == before


async def test_whose_an_app_is_is_asked_once_in_some_minutes(tmp_path: Path) -> None:
    """Ours: a policy costs one read an app, not one a call; and an app that moves is noticed."""
    async with policed(tmp_path, agent(allow(EVERYTHING))) as ground:
        machines = {"appName": SHOP}
        for _ in range(3):
            assert await ground.call("flyListMachines", machines) == "done"
        look = f"GET /v1/apps/{SHOP}"
        assert ground.sent.count(look) == 1
        world = ground.emulator.dump()
        world.apps[SHOP].org = "lab-team"
        ground.emulator.load(world)
        await ground.clock.sleep(BELIEVED)
        assert await ground.call("flyListMachines", machines) == "not_allowed"


async def test_an_app_that_fly_knows_by_another_name_is_nobodys(tmp_path: Path) -> None:
    """Ours: rules are about names, and an app that could be called by its id would slip past a `deny`."""
    async with policed(tmp_path, agent(allow(EVERYTHING), f'effect = "deny"\napps = ["{SHOP}"]')) as ground:
        shown: JsonValue = {"name": SHOP, "organization": {"slug": "personal"}}
        lookups = Lookups(ground.runtime.client, ground.clock)
        lookups.learn(GET_APP, {APP: "its-id"}, Answer(200, shown, None))
        lookups.learn(GET_APP, {APP: SHOP}, Answer(200, shown, None))
        assert await lookups.org_of("its-id", NoRecord().sent) == ""
        assert await lookups.org_of(SHOP, NoRecord().sent) == "personal"
        assert ground.sent == []


@pytest.mark.parametrize("status", [401, 403, 500])
async def test_where_fly_does_not_say_whose_an_app_is_nothing_is_done(tmp_path: Path, status: int) -> None:
    """Ours: not known is not allowed."""
    async with policed(tmp_path, agent(allow(EVERYTHING))) as ground:
        ground.emulator.faults.add(FaultRule(method="GET", path=f"/v1/apps/{SHOP}$", status=status))
        stop = {"appName": SHOP, "machineId": "7846e45f27e218"}
        assert await ground.call("flyStopMachine", stop) not in ("done", "unknown")
        assert ground.writes == []


async def test_a_lease_is_given_back_though_whose_the_app_is_can_no_longer_be_asked(tmp_path: Path) -> None:
    """Ours: what was found good stays so while a call runs."""
    async with policed(tmp_path, agent(allow(EVERYTHING))) as ground:
        stop = {"appName": SHOP, "machineId": "7846e45f27e218"}
        rule = FaultRule(method="POST", path="/stop$", latency=2 * BELIEVED)
        ground.emulator.faults.add(rule)
        await ground.call("flyStopMachine", stop)
        assert [one for one in ground.sent if one.startswith("DELETE")][-1].endswith("/lease")


async def test_a_refusal_says_what_may_be_done_instead_and_nothing_of_other_agents(tmp_path: Path) -> None:
    """Issue 6: each agent with only its own rights, and only its own to know."""
    other = agent(allow('actions = ["flyExecCommand"]', 'apps = ["secret-app"]'), name="day-agent")
    rules = (
        allow('access = ["read"]', f'apps = ["{SHOP}"]'),
        f'effect = "deny"\naccess = ["read"]\napps = ["{WEB}"]',
    )
    async with policed(tmp_path, agent(*rules, allow('access = ["write"]')) + other) as ground:
        error = await ground.refusal("flyListMachines", {"appName": WEB})
        assert "agents.night.rules[1] denies it" in error["message"]
        assert "What you may use on catvet-web: flyCreateMachine" in error["hint"]
        error = await ground.refusal("flyGetApp", {"appName": SANDBOX})
        assert "no rule of night allows it" in error["message"]
        assert "flyCreateApp" in error["hint"]
        for name in ("flyExecCommand", "flyListApps", "flyNothing"):
            said = await ground.call(name, {"appName": "secret-app"})
            assert said == "unknown"
        shown = str([await ground.refusal("flyGetApp", {"appName": "secret-app"}), ground.listed])
        assert "day-agent" not in shown
        assert "flyExecCommand" not in shown


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_unknown_and_hidden_names_are_told_alike_in_both_eras(tmp_path: Path, mode: str) -> None:
    """Issue 6, 3: the nearest among what the agent sees; and the instructions are its own."""
    async with policed(tmp_path, agent(more="read_only = true"), mode=mode) as ground:
        said: list[str] = []
        for name in ("flyDeleteApp", "flyDeletesApp", "flyUpdateApp"):
            with pytest.raises(Exception, match="Unknown tool") as caught:
                await ground.client.call_tool(name, {"appName": SHOP})
            said.append(str(caught.value))
        assert all("no such action; did you mean flyGetApp" in words for words in said)
        assert "flyDelete" not in "".join(said)
        listed = await ground.client.list_tools()
        assert listed.cache_scope != "public"
        assert all("orgSlug" not in tool.input_schema["properties"] for tool in listed.tools)
        assert "The organisation is personal." in (ground.client.instructions or "")
        assert "confirm: true" not in (ground.client.instructions or "")
