"""`fly-mcp policy`: which rule decides and why, without a token and without a network."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fly_mcp_server.cli import main
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.selection import APP

from .ground import BEYOND, EVERYTHING, agent, allow

POLICY = agent(
    allow('access = ["read"]'),
    allow('actions = ["flyRestartMachine"]', 'apps = ["web-*"]', 'name = "restarts"'),
    'effect = "ask"\naccess = ["destructive"]\napps = ["web-*"]',
    'effect = "deny"\napps = ["web-prod"]',
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """Run the command on POLICY, with no token in the environment."""
    file = tmp_path / "policy.toml"
    file.write_text(POLICY)
    monkeypatch.setenv("FLY_MCP_POLICY", str(file))
    monkeypatch.delenv("FLY_TOKEN", raising=False)
    return file


def explained(*arguments: str) -> Result:
    """What the command says."""
    return CliRunner().invoke(main, ["policy", "explain", "--agent", "night", *arguments])


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("action", "app", "said"),
    [
        ("flyRestartMachine", "web-a", ["web-a: allowed.", "restarts allows it.", "> restarts: matches"]),
        (
            "flyRestartMachine",
            "web-prod",
            ["denied.", "> agents.night.rules[3]: matches, and says deny", "Deny beats ask"],
        ),
        (
            "flyRestartMachine",
            "shop",
            ["denied.", "No rule of night allows it.", "the app shop is not among web-*"],
        ),
        (
            "flyDeleteApp",
            "web-a",
            ["once a human has accepted", "agents.night.rules[2] wants a human asked first."],
        ),
        (
            "flyGetApp",
            "shop",
            ["allowed.", "> agents.night.rules[0]", "no match: flyGetApp is not among its actions"],
        ),
        ("flyExecCommand", "web-a", ["denied.", "it is for destructive, and flyExecCommand is exec"]),
    ],
)
def test_it_says_which_rule_decides_and_why_and_what_every_other_says(
    action: str, app: str, said: list[str]
) -> None:
    """Issue 6, 3."""
    told = explained("--action", action, "--app", app)
    assert told.exit_code == 0, told.output
    for words in said:
        assert words in told.output
    for rule in ("agents.night.rules[0]", "restarts", "agents.night.rules[2]", "agents.night.rules[3]"):
        assert rule in told.output


@pytest.mark.usefixtures("run")
def test_an_action_over_the_organisation_needs_no_app(run: object) -> None:
    """Ours: a rule for apps says nothing about it."""
    told = explained("--action", "flyListApps")
    assert "flyListApps (read, apps) over the organisation personal: allowed." in told.output
    assert "denied" in explained("--action", "flyListApps", "--org", "lab-team").output
    for name in BEYOND:
        assert "reaches beyond one organisation" in explained("--action", name).output


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--action", "flyRestartMachin", "--app", "a"), "the nearest is flyRestartMachine"),
        (("--action", "flyGetApp"), "--app: flyGetApp is about an app"),
        (("--action", "flyGetApp", "--app", "A B"), "--app: names of apps"),
        (("--action", "flyGetApp", "--app", "web-*"), "--app: name one app"),
    ],
)
def test_a_question_without_an_answer_is_refused(arguments: tuple[str, ...], says: str) -> None:
    """Ours: each with the next step."""
    told = explained(*arguments)
    assert told.exit_code == 2
    assert says in told.output
    assert (
        "the nearest is night" in CliRunner().invoke(main, ["policy", "explain", "--agent", "nigth"]).output
    )


@pytest.mark.usefixtures("run")
def test_without_an_action_every_one_is_told() -> None:
    """Ours: what an agent may do with an app, at a glance."""
    told = explained("--app", "web-a").output
    for name in ACTIONS:
        assert name in told
    assert len(explained().output.splitlines()) == len(ACTIONS)


def test_a_policy_is_checked_without_tokens(tmp_path: Path, run: Path) -> None:
    """Ours: before it is rolled out, where the tokens are not."""
    told = CliRunner().invoke(main, ["policy", "check"])
    assert (told.exit_code, "1 agents, 4 rules" in told.output) == (0, True)
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(agent(allow('acces = ["read"]')))
    told = CliRunner().invoke(main, ["policy", "check", str(wrong)])
    assert told.exit_code == 2
    assert "the nearest is access" in told.output


@pytest.mark.parametrize("name", ACTIONS)
def test_what_is_explained_is_what_is_decided(tmp_path: Path, name: str) -> None:
    """Ours: over all rows, with the rights that the guard uses."""
    from fly_mcp_server.policy.file import load

    file = tmp_path / "policy.toml"
    file.write_text(agent(allow(EVERYTHING, 'apps = ["web-*"]'), allow('access = ["read"]')))
    rights = load(file).agents["night"].rights
    action = ACTIONS[name]
    about = ("--app", "web-a") if APP in action.params.model_fields else ()
    told = CliRunner().invoke(
        main, ["policy", "explain", "--policy", str(file), "--agent", "night", "--action", name, *about]
    )
    decided = rights.decide(action, *about[1:])
    assert decided.why in told.output


def test_it_says_what_no_agent_has_over_a_network(tmp_path: Path) -> None:
    """The review of issue 6, 19: the rules are the same over every transport, and this is not."""
    file = tmp_path / "minting.toml"
    file.write_text(agent(allow('actions = ["flyGetOidcToken"]')))
    one = explained("--policy", str(file), "--action", "flyGetOidcToken")
    assert "Over a network no agent has it" in one.output
    table = explained("--policy", str(file))
    assert "allowed (agents.night.rules[0]), over stdio alone" in table.output
