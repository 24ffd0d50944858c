"""One rule, and which calls it is about."""

from __future__ import annotations

from dataclasses import dataclass

from fly_mcp_tools.action import Access, AnyAction, Group
from fly_mcp_tools.selection import APP, USUAL

from .decision import Effect
from .words import matches


def about_an_app(action: AnyAction) -> bool:
    """Whether a call of the action names the app that it is about. Others are over an organisation, or about none."""
    return APP in action.params.model_fields


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule of an agent. What it does not name does not limit it. `name`: how answers and the trail call it."""

    name: str
    effect: Effect
    actions: tuple[str, ...] = ()
    groups: frozenset[Group] = frozenset()
    access: frozenset[Access] = frozenset()
    apps: tuple[str, ...] = ()
    orgs: tuple[str, ...] = ()

    def misses(self, action: AnyAction, app: str | None, org: str) -> str:
        """Why the rule is not about this call; empty where it is. `app` None: the call is about no app."""
        if why := self.misses_action(action):
            return why
        if self.orgs and not any(matches(pattern, org) for pattern in self.orgs):
            return f"the organisation {org} is not among {', '.join(self.orgs)}"
        if not self.apps:
            return ""
        if app is None:
            return "it is for calls about one app, and this one is about none or about a whole organisation"
        if not any(matches(pattern, app) for pattern in self.apps):
            return f"the app {app} is not among {', '.join(self.apps)}"
        return ""

    def misses_action(self, action: AnyAction) -> str:
        """Why the rule is about no call of this action; empty where it may be."""
        named = any(matches(pattern, action.name) for pattern in self.actions)
        if self.actions and not named:
            return f"{action.name} is not among its actions"
        if self.groups and action.group not in self.groups:
            return f"the group {action.group} is not among {', '.join(sorted(self.groups))}"
        if self.access and action.access not in self.access:
            return f"it is for {', '.join(sorted(self.access))}, and {action.name} is {action.access}"
        grants = self.effect is not Effect.DENY
        if grants and action.group not in USUAL and not named and action.group not in self.groups:
            # What a token is, and tokens that say who a machine is, are off unless named everywhere else too.
            return f"the group {action.group} has to be named by its actions or groups"
        if self.apps and not about_an_app(action):
            return (
                "it is for calls about one app, and this action is about none or about a whole organisation"
            )
        return ""
