"""`fly-mcp policy`: what the policy file says, without a token and without a network."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from fly_mcp_tools.catalogue import ACTIONS

from .policy.explain import decision, table
from .policy.file import Policy, load
from .policy.rules import about_an_app
from .policy.words import app_pattern, nearest, shown
from .settings import SettingsError, read


def run_check(file: str | None) -> int:
    """Say whether the policy can be used; the exit code. Which tokens there are is not looked at."""
    try:
        policy = _policy(file)
    except SettingsError as error:
        return _refuse(str(error))
    rules = sum(len(agent.rights.rules) for agent in policy.agents.values())
    click.echo(f"{policy.path} can be used: {len(policy.agents)} agents, {rules} rules.")
    return 0


def run_explain(file: str | None, agent: str, action: str | None, app: str | None, org: str) -> int:
    """Print what is decided about a call, or about every action; the exit code: 2 for a question without an answer."""
    try:
        asked = _policy(file).agent(agent, "--agent")
        if app is not None:
            _app(app)
    except SettingsError as error:
        return _refuse(str(error))
    if action is None:
        click.echo(table(asked, app))
        return 0
    row = ACTIONS.get(action)
    if row is None:
        return _refuse(
            f"--action: there is no action {shown(action)}; the nearest is {nearest(action, ACTIONS)}."
        )
    if about_an_app(row) and app is None:
        return _refuse(f"--app: {action} is about an app, and the rules may depend on which.")
    click.echo(decision(asked, row, app, org))
    return 0


def _policy(file: str | None) -> Policy:
    settings = read()
    path = file or settings.policy
    if not path:
        raise SettingsError("There is no policy: name its file, or set FLY_MCP_POLICY.")
    # An agent without a token is a mistake for a server; here it is not what was asked.
    return load(Path(path), embedded=True)


def _app(app: str) -> None:
    try:
        if "*" in app:
            raise ValueError("name one app, without *")
        app_pattern(app)
    except ValueError as error:
        raise SettingsError(f"--app: {error}.") from None


def _refuse(words: str) -> int:
    sys.stderr.write(f"fly-mcp: {words}\n")
    return 2
