"""What one agent may do: the decision, from its rules alone. It asks nobody and works offline."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from fly_mcp_tools.action import AnyAction
from fly_mcp_tools.selection import within_one_org

from .decision import Decision, Effect
from .rules import Rule, about_an_app

#: The weightiest first: the order of rules in the file does not matter.
_WEIGHT: Final = (Effect.DENY, Effect.ASK, Effect.ALLOW)
_SAYS: Final = {Effect.DENY: "denies it", Effect.ASK: "wants a human asked first", Effect.ALLOW: "allows it"}


@dataclass(frozen=True)
class Rights:
    """The rules of the agent `agent`, which is bound to the organisation `org`."""

    agent: str
    org: str
    rules: tuple[Rule, ...]

    def decide(self, action: AnyAction, app: str | None = None, org: str = "") -> Decision:
        """Whether a call is allowed. Deny beats ask, ask beats allow, and what no rule is about is denied.

        `app`: which app the call is about; None: about none, or about a whole organisation. `org`: of which
        organisation the app is; the agent's own where it is not known.
        """
        if org and org != self.org:
            return Decision(
                Effect.DENY,
                "",
                f"{self.agent} is bound to the organisation {self.org}, and {org} is another.",
            )
        if not within_one_org(action):
            return Decision(
                Effect.DENY,
                "",
                f"{action.name} reaches beyond one organisation, and every agent is bound to one.",
            )
        about = [rule for rule in self.rules if not rule.misses(action, app, self.org)]
        for effect in _WEIGHT:
            for rule in about:
                if rule.effect is effect:
                    return Decision(effect, rule.name, f"{rule.name} {_SAYS[effect]}.")
        return Decision(Effect.DENY, "", f"No rule of {self.agent} allows it.")

    def sees(self, action: AnyAction) -> bool:
        """Whether some call of the action can be allowed: it is listed then."""
        if not within_one_org(action):
            return False
        about = [rule for rule in self.rules if not rule.misses_action(action)]
        always = [rule for rule in about if not rule.misses(action, None, self.org)]
        if any(rule.effect is Effect.DENY for rule in always):
            return False
        possible = about if about_an_app(action) else always
        return any(rule.effect is not Effect.DENY for rule in possible)

    def instead(self, app: str | None, actions: Iterable[AnyAction]) -> str:
        """What the agent may do, for one that was refused: one sentence, of its own rights alone."""
        names = [
            action.name
            for action in actions
            if about_an_app(action) == (app is not None)
            and self.decide(action, app).effect is not Effect.DENY
        ]
        if names:
            more = f" and {len(names) - 5} more" if len(names) > 5 else ""
            on = f" on {app}" if app is not None else ""
            return f"What you may use{on}: {', '.join(names[:5])}{more}."
        apps = sorted({one for rule in self.rules if rule.effect is not Effect.DENY for one in rule.apps})
        if apps:
            return f"Your rules are for these apps: {', '.join(apps[:10])}."
        return "Nothing like it is allowed for you."
