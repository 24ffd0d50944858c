"""What is said of a row: for a model, purpose first, what else matters, a short fixed tail; for a person, more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .action import AnyAction, Gate, Group
from .endpoint import Endpoint, Rate

_TAILS = {
    Gate.NEVER: "",
    Gate.ALWAYS: "Without confirm: true it only says what would be lost.",
    Gate.BY_PLAN: "",
}


def description(action: AnyAction) -> str:
    """What the tool list says of the action."""
    return " ".join(part for part in (action.summary, action.notes, _TAILS[action.gate]) if part)


#: What the actions of a toolset act on, and words of a path that say it more exactly.
_THINGS: Final[Mapping[Group, tuple[str, Mapping[str, str]]]] = {
    Group.APPS: ("app", {}),
    Group.MACHINES: ("machine", {}),
    Group.LEASES: ("lease", {}),
    Group.METADATA: ("machine metadata", {}),
    Group.SECRETS: ("secret", {"secretkeys": "secret key"}),
    Group.SCALING: ("app", {}),
    Group.VOLUMES: ("volume", {"snapshots": "snapshot"}),
    Group.CERTIFICATES: ("certificate", {}),
    Group.IPS: ("IP address", {}),
    Group.LOGS: ("log", {}),
    Group.ORGS: ("organisation", {}),
    Group.PLATFORM: ("platform", {}),
    Group.TOKENS: ("token", {}),
}


def acts_on(action: AnyAction) -> str:
    """The thing that the action is about: an app, a machine, a volume, an organisation, the platform, a token."""
    thing, closer = _THINGS[action.group]
    path = principal(action).path.split("/")
    return next((words for word, words in closer.items() if word in path), thing)


def principal(action: AnyAction) -> Endpoint:
    """The call that the action is there for: the first that changes what it is to change, else the first."""
    changing = [endpoint for endpoint in action.calls if action.counts(endpoint)]
    return (changing or action.calls)[0]


def rate(limit: Rate) -> str:
    """A published rate in words. Each counts for an action and a machine, or else an app."""
    value = limit.value
    if limit is Rate.APP_DELETE:
        return "100 a minute over all apps"
    return f"{value.per_second:g}/s, {value.burst} at once"
