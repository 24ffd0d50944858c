"""Laws of the policy over every row: no action is named here but in cases. The emulator's log is the judge."""

from __future__ import annotations

from pathlib import Path

import pytest

from fly_mcp_tools.action import Access, Group
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.selection import APP

from .ground import BEYOND, EVERYTHING, FOREIGN, SANDBOX, agent, allow, example, policed

ROWS = [name for name in ACTIONS if name not in BEYOND]
#: What a token is has to be named.
TOKENS = allow('access = ["read"]', 'groups = ["tokens"]')
each_row = pytest.mark.parametrize("name", ROWS)


@pytest.mark.parametrize("access", Access)
async def test_a_rule_for_one_class_grants_no_other(tmp_path: Path, access: Access) -> None:
    """Issue 6, 3: exactly the rows of that class are listed and reach Fly, each with its own example."""
    rule = allow(f'access = ["{access}"]')
    tokens = [TOKENS] if access is Access.READ else []
    expected = [name for name in ROWS if ACTIONS[name].access is access]
    async with policed(tmp_path, agent(rule, *tokens)) as fly:
        assert fly.listed == expected
        for name, action in ACTIONS.items():
            fly.begin_again()
            outcome = await fly.call(name, example(action))
            assert (outcome == "unknown") is (name not in expected), name
            if name in expected:
                assert outcome == "done", (name, outcome)
                assert fly.sent
            else:
                assert fly.sent == []


async def test_read_only_is_one_word_for_every_read(tmp_path: Path) -> None:
    """Issue 6, 3: and what a token is stays off unless it is named, as without a policy."""
    async with policed(tmp_path, agent(more="read_only = true")) as fly:
        reads = [name for name in ROWS if ACTIONS[name].access is Access.READ]
        assert fly.listed == [name for name in reads if ACTIONS[name].group is not Group.TOKENS]
        for name, action in ACTIONS.items():
            await fly.call(name, example(action))
        assert fly.writes == []


@each_row
async def test_a_rule_for_an_app_grants_calls_about_that_app_alone(tmp_path: Path, name: str) -> None:
    """Issue 6, 3: another app is refused by its name, before anything is sent; an organisation is no app."""
    action = ACTIONS[name]
    app = str(example(action).get("appName", ""))
    other = SANDBOX if app != SANDBOX else "catvet-web"
    async with policed(tmp_path, agent(allow(EVERYTHING, f'apps = ["{other}"]'))) as fly:
        assert (name in fly.listed) is (APP in action.params.model_fields)
        outcome = await fly.call(name, example(action))
        assert outcome == ("not_allowed" if name in fly.listed else "unknown")
        assert fly.sent == []
    async with policed(tmp_path, agent(allow(EVERYTHING, 'apps = ["*"]'))) as fly:
        if app:
            assert await fly.call(name, example(action)) == "done"


@each_row
async def test_an_app_of_another_organisation_is_refused_whatever_the_rules(
    tmp_path: Path, name: str
) -> None:
    """Issue 6, 3 and Shows 3: nothing reaches Fly but the look whose it is."""
    action = ACTIONS[name]
    async with policed(tmp_path, agent(allow(EVERYTHING), TOKENS)) as fly:
        if APP in action.params.model_fields:
            error = await fly.refusal(name, example(action, FOREIGN))
            assert error["code"] == "not_allowed"
            assert error["changed"] == "nothing"
            assert fly.sent == [f"GET /v1/apps/{FOREIGN}"]
        elif "org_slug" in action.params.model_fields:
            assert await fly.call(name, {**example(action), "orgSlug": "lab-team"}) == "not_allowed"
            assert fly.sent == []


@each_row
async def test_deny_beats_every_other_rule_wherever_it_stands(tmp_path: Path, name: str) -> None:
    """Issue 6, 3: the order of rules does not matter."""
    action = ACTIONS[name]
    deny = f'effect = "deny"\nactions = ["{name}"]'
    ask = f'effect = "ask"\nactions = ["{name}"]\ngroups = ["{action.group}"]'
    for rules in ((deny, allow(EVERYTHING), ask), (allow(EVERYTHING), ask, deny)):
        async with policed(tmp_path, agent(*rules)) as fly:
            assert name not in fly.listed
            assert await fly.call(name, example(action)) == "unknown"
            assert fly.sent == []


@each_row
async def test_where_a_human_is_to_be_asked_and_cannot_be_nothing_is_changed(
    tmp_path: Path, name: str
) -> None:
    """Issue 6, 3: a client that can't be asked means no."""
    action = ACTIONS[name]
    rules = f'effect = "ask"\nactions = ["{name}"]', allow(EVERYTHING)
    async with policed(tmp_path, agent(*rules)) as fly:
        assert name in fly.listed
        error = await fly.refusal(name, example(action))
        assert error["code"] == "not_allowed"
        assert error["changed"] == "nothing"
        assert fly.writes == []


@pytest.mark.parametrize(
    "group", [group for group in Group if any(a.group is group for a in ACTIONS.values())]
)
async def test_a_rule_can_be_for_a_group(tmp_path: Path, group: Group) -> None:
    """Issue 6, 3: within the classes that it names."""
    async with policed(tmp_path, agent(allow(EVERYTHING, f'groups = ["{group}"]'))) as fly:
        assert fly.listed == [name for name in ROWS if ACTIONS[name].group is group]


async def test_an_agent_without_rules_sees_nothing_and_reaches_nothing(tmp_path: Path) -> None:
    """Issue 6, 3: denied by default."""
    async with policed(tmp_path, agent()) as fly:
        assert fly.listed == []
        for name, action in ACTIONS.items():
            assert await fly.call(name, example(action)) == "unknown"
        assert fly.sent == []
