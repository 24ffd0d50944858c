"""What is wrong with a policy whose words are all known: rules and agents that contradict each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from fly_mcp_tools.action import Access
from fly_mcp_tools.catalogue import ACTIONS

from .decision import Effect
from .places import Path
from .rows import HOW_TO_NAME_IT, AgentRow
from .rules import Rule
from .words import matches


def of_agent(name: str, row: AgentRow, *, embedded: bool) -> list[tuple[Path, str]]:
    """What is wrong with an agent whose words are all known."""
    wrong: list[tuple[Path, str]] = []
    place: Path = ("agents", name)
    if row.fly_token is None and not embedded:
        wrong.append(((*place, "fly_token"), f"is missing: {HOW_TO_NAME_IT}"))
    seen: dict[Rule, int] = {}
    names: set[str] = set()
    for index, one in enumerate(row.rules):
        at = (*place, "rules", index)
        rule = one.rule("")
        if row.read_only and rule.effect is not Effect.DENY and _beyond_reading(rule):
            wrong.append((at, "grants more than reading, and read_only = true says that nothing does"))
        if rule.orgs and not any(matches(pattern, row.org) for pattern in rule.orgs):
            wrong.append(((*at, "orgs"), f"never matches, since {name} is bound to {row.org}"))
        if one.name and one.name in names:
            wrong.append(((*at, "name"), f"another rule of {name} is called {one.name}"))
        names.add(one.name)
        for other, where in seen.items():
            if _same_calls(rule, other) and rule.effect is not other.effect:
                wrong.append(
                    (at, f"says {rule.effect}, and rules[{where}] says {other.effect}, of the same calls")
                )
        seen[rule] = index
    return wrong


def _beyond_reading(rule: Rule) -> bool:
    return any(
        action.access is not Access.READ for action in ACTIONS.values() if not rule.misses_action(action)
    )


def _same_calls(one: Rule, other: Rule) -> bool:
    def calls(rule: Rule) -> tuple[object, ...]:
        return (frozenset(rule.actions), rule.groups, rule.access, frozenset(rule.apps), frozenset(rule.orgs))

    return calls(one) == calls(other)


def of_bindings(data: Mapping[str, Any]) -> list[tuple[Path, str]]:
    """Two agents for one OAuth name. Found in what was written, so that other problems do not hide it."""
    wrong: list[tuple[Path, str]] = []
    agents: object = data.get("agents")
    whose: dict[str, str] = {}
    for name, row in cast("dict[str, object]", agents).items() if isinstance(agents, dict) else ():
        oauth = cast("dict[str, object]", row).get("oauth") if isinstance(row, dict) else None
        if isinstance(oauth, str) and oauth and oauth in whose:
            wrong.append(
                (("agents", name, "oauth"), f"is that of agents.{whose[oauth]} too: a token is one agent's")
            )
        elif isinstance(oauth, str):
            whose[oauth] = name
    return wrong
