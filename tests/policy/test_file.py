"""The policy file: what is wrong with one is told all at once, each with its place; no value that may be a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from fly_mcp_server.policy.file import PolicyError, load
from fly_mcp_server.policy.places import dotted, line_of, lines

from .ground import EVERYTHING, agent, allow

#: What is written, and what is said of it.
WRONG: list[tuple[str, str]] = [
    ("", "line"),
    ("[agent.night]", "line 1, agent: unknown key; the nearest is agents"),
    ("[agents]", "agents: "),
    ("agents = 5", "line 1, agents: "),
    ('[agents."a b"]\norg = "personal"', "is no name"),
    (agent(name="local"), "line 1, agents.local: is the name of callers that are no agents"),
    (agent(name="Nobody"), "line 1, agents.Nobody: is the name of callers that are no agents"),
    ("[agents.night]\n", "agents.night.org: is missing"),
    (agent(more="red_only = true"), "line 4, agents.night.red_only: unknown key; the nearest is read_only"),
    (agent(more='read_only = "yes"'), "agents.night.read_only: "),
    (agent(org="My Org"), "line 3, agents.night.org: organisation slugs are"),
    (
        agent('effect = "alow"'),
        "line 6, agents.night.rules[0].effect: there is no effect alow; the nearest is allow",
    ),
    (agent('access = ["read"]'), "agents.night.rules[0].effect: is missing"),
    (
        agent(allow('acces = ["read"]')),
        "line 7, agents.night.rules[0].acces: unknown key; the nearest is access",
    ),
    (
        agent(allow('access = ["raed"]')),
        "rules[0].access[0]: there is no access class raed; the nearest is read",
    ),
    (agent(allow('access = "read"')), "rules[0].access: "),
    (agent(allow('groups = ["machine"]', EVERYTHING)), "there is no group machine; the nearest is machines"),
    (
        agent(allow('actions = ["flyDeletApp"]')),
        "there is no action flyDeletApp; the nearest is flyDeleteApp",
    ),
    (agent(allow('actions = ["deploy*"]')), "there is no action deploy*; the nearest is"),
    (agent(allow(EVERYTHING, 'apps = ["Web"]')), "rules[0].apps[0]: names of apps are lower-case"),
    (agent(allow(EVERYTHING, "apps = []")), "apps: is an empty list"),
    (agent(allow()), "rules[0]: names neither actions nor access, so it grants nothing"),
    (agent(allow('apps = ["web"]')), "names neither actions nor access"),
    (agent(allow('groups = ["machines"]')), "names neither actions nor access"),
    (agent('effect = "deny"'), "denies everything, which is so without it"),
    (
        agent(allow('actions = ["*"]')),
        "* is about destructive, exec, read, write: say which of these with access",
    ),
    (agent(allow('actions = ["fly*Machine"]')), "say which of these with access"),
    (agent(allow('actions = ["flyDeleteApp"]', 'access = ["read"]')), "is about no action at all"),
    (
        agent(allow('access = ["read"]', 'apps = ["web"]', 'groups = ["platform"]')),
        "is about no action at all",
    ),
    (agent(allow(EVERYTHING, 'orgs = ["lab-*"]')), "orgs: never matches, since night is bound to personal"),
    (
        agent(allow(EVERYTHING), 'effect = "deny"\n' + EVERYTHING),
        "rules[1]: says deny, and rules[0] says allow",
    ),
    (agent(allow(EVERYTHING), more="read_only = true"), "rules[0]: grants more than reading"),
    (agent(allow(EVERYTHING, 'name = "x"'), 'effect = "deny"\nname = "x"\napps = ["a"]'), "is called x"),
    (
        agent(more='oauth = "sub"') + agent(name="day", more='oauth = "sub"'),
        "agents.day.oauth: is that of agents.night",
    ),
    ('[agents.night]\norg = "personal"\n', "agents.night.fly_token: is missing: write { env"),
    ('[agents.night]\norg = "personal"\nfly_token = {}', "agents.night.fly_token: write { env"),
    ("[agents.night\n", "is no TOML"),
]
SECRET = "fm2_canary0123456789"


def problems(tmp_path: Path, text: str) -> str:
    """What is said of this file."""
    file = tmp_path / "policy.toml"
    file.write_text(text)
    with pytest.raises(PolicyError) as caught:
        load(file)
    assert str(file) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("text", "says"), WRONG, ids=[says for _, says in WRONG])
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    """Issue 6, 3: unknown keys refuse to start with their place in the file."""
    assert "FLY_MCP_POLICY" in problems(tmp_path, text)
    if text:
        assert says in problems(tmp_path, text)


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_one_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    """Review of issue 6: they could give themselves every right. The agents' file and the trail are refused too."""
    file = tmp_path / "policy.toml"
    file.write_text(agent(allow(EVERYTHING)))
    file.chmod(mode)
    with pytest.raises(PolicyError, match="can be written by others") as caught:
        load(file)
    assert f"FLY_MCP_POLICY: {file}" in str(caught.value)
    file.chmod(0o644)
    assert load(file).agents


def test_every_problem_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    """Ours: one round of putting right, not ten."""
    text = (
        agent(allow('acces = ["read"]'), 'effect = "dny"\napps = ["A"]', name="one")
        + agent(allow(EVERYTHING), more="read_only = true", name="two")
        + '[agents.three]\norg = "personal"\n'
    )
    _, *told = problems(tmp_path, text).splitlines()
    places = [line.split(", ")[1].split(": ")[0] for line in told]
    assert places == [
        "agents.one.rules[0].acces",
        "agents.one.rules[1].effect",
        "agents.one.rules[1].apps[0]",
        "agents.two.rules[0]",
        "agents.three.fly_token",
    ]
    numbers = [int(line.split()[1].rstrip(",")) for line in told]
    assert numbers == sorted(numbers)


@pytest.mark.parametrize(
    "token",
    [
        f'"{SECRET}"',
        f'{{ env = "{SECRET} x" }}',
        f'{{ env = "A", file = "{SECRET}" }}',
        f'["{SECRET}"]',
        f'{{ token = "{SECRET}" }}',
    ],
)
def test_a_token_written_into_the_policy_is_refused_and_not_repeated(tmp_path: Path, token: str) -> None:
    """Ours: a policy is committed and mailed; tokens have their own places."""
    said = problems(tmp_path, f'[agents.night]\norg = "personal"\nfly_token = {token}\n')
    assert "agents.night.fly_token" in said
    assert SECRET not in said


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    """Ours."""
    file = tmp_path / "policy.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(PolicyError, match=str(file)):
        load(file)


def test_what_is_right_is_read(tmp_path: Path) -> None:
    """Ours: rules are named by their place, or as the operator calls them."""
    file = tmp_path / "policy.toml"
    named = allow('actions = ["flyRestartMachine"]', 'name = "restarts"', 'apps = ["web-*"]')
    file.write_text(
        agent(
            named,
            'effect = "ask"\naccess = ["exec"]',
            more='read_only = true\noauth = "sub"'.replace("read_only = true\n", ""),
        )
    )
    policy = load(file)
    night = policy.agents["night"]
    assert [rule.name for rule in night.rights.rules] == ["restarts", "agents.night.rules[1]"]
    assert policy.bound == {"sub": "night"}
    with pytest.raises(PolicyError, match="the nearest is night"):
        policy.agent("nigth", "FLY_MCP_AGENT")


def test_lines_are_found_as_toml_is_written() -> None:
    """Ours: tables, lists of tables, quoted names, dotted keys, and what stands inside a longer value."""
    text = """# a
[agents."a.b"]
org = "x"
fly_token.env = "A"
[[agents."a.b".rules]]
[[agents."a.b".rules]]
  access = [
    "read",
  ]
"""
    known = lines(text)
    assert line_of(("agents", "a.b", "org"), known) == 3
    assert line_of(("agents", "a.b", "fly_token", "env"), known) == 4
    assert line_of(("agents", "a.b", "rules", 1), known) == 6
    assert line_of(("agents", "a.b", "rules", 1, "access", 0), known) == 7
    assert line_of(("other",), known) is None
    assert dotted(("agents", "a", "rules", 1, "access")) == "agents.a.rules[1].access"
