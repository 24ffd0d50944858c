"""A decision in words, and how each rule came to it. Needs the policy file alone: no token, no network."""

from __future__ import annotations

from fly_mcp_tools.action import AnyAction
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.selection import within_one_org

from .decision import Effect
from .file import Agent
from .rules import about_an_app

_WORDS = {
    Effect.ALLOW: "allowed",
    Effect.ASK: "allowed once a human has accepted",
    Effect.DENY: "denied",
}


def decision(agent: Agent, action: AnyAction, app: str | None, org: str) -> str:
    """One call: the decision, which rule decides and why, and every rule with what it says to this call."""
    rights = agent.rights
    app = app if about_an_app(action) else None
    decided = rights.decide(action, app, org)
    on = f" on {app}" if app is not None else f" over the organisation {rights.org}"
    lines = [
        f"{agent.name}: {action.name} ({action.access}, {action.group}){on}: {_WORDS[decided.effect]}.",
        decided.why,
    ]
    if (org and org != rights.org) or not within_one_org(action):
        return "\n".join(lines)
    if not rights.rules:
        lines.append(f"{agent.name} has no rules, and what no rule allows is denied.")
    for rule in rights.rules:
        misses = rule.misses(action, app, rights.org)
        says = f"no match: {misses}" if misses else f"matches, and says {rule.effect}"
        mark = ">" if rule.name == decided.rule else " "
        lines.append(f"{mark} {rule.name}: {says}.")
    if len({rule.effect for rule in rights.rules if not rule.misses(action, app, rights.org)}) > 1:
        lines.append("Deny beats ask, and ask beats allow; the order of rules does not matter.")
    if decided.effect is not Effect.DENY and app is not None:
        lines.append(f"Before the call runs, Fly is asked whether {app} is of the organisation {rights.org}.")
    if decided.effect is not Effect.DENY and action.mints:
        lines.append("Over a network no agent has it: what it makes is the server's own.")
    return "\n".join(lines)


def table(agent: Agent, app: str | None) -> str:
    """Every action: what is decided about it. `app` None: some app, as far as any rule allows one."""
    wide = max(map(len, ACTIONS))
    lines: list[str] = []
    for action in ACTIONS.values():
        if about_an_app(action) and app is None:
            says = "on some apps" if agent.rights.sees(action) else "denied"
        else:
            found = agent.rights.decide(action, app if about_an_app(action) else None)
            says = f"{_WORDS[found.effect]} ({found.rule})" if found.rule else _WORDS[found.effect]
            says += ", over stdio alone" if action.mints and found.effect is not Effect.DENY else ""
        lines.append(f"{action.name:<{wide}}  {action.access:<11}  {says}")
    return "\n".join(lines)
