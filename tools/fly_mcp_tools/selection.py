"""Which actions an operator switches on, and what is fixed for all of them: one app, one organisation.

What is off is not listed and not run. What is fixed disappears from the schemas and is filled in. All of it is
derived from rows, so that it holds for an action that is written tomorrow.

Whoever calls an action cannot widen the choice: it stands in `dispatch`, and once more before each request.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from pydantic import JsonValue, TypeAdapter, ValidationError

from .action import AnyAction, Group
from .endpoint import Endpoint
from .errors import RefusedByUs
from .ids import AppName, OrgSlug

ALL: Final = "all"
#: What is on where nothing is chosen.
USUAL: Final = frozenset(Group) - {Group.TOKENS}

#: Parameters that can be fixed.
APP, ORG = "app_name", "org_slug"
_RULES: Final[Mapping[str, TypeAdapter[str]]] = {APP: TypeAdapter(AppName), ORG: TypeAdapter(OrgSlug)}

#: Under which key an answer names a call that helps, and what that has.
NEXT: Final = "next"
_STEP: Final = frozenset({"tool", "arguments"})

#: How a person sets each of them.
TOOLSETS: Final = "--toolsets (FLY_MCP_TOOLSETS)"
TOOLS: Final = "--tools (FLY_MCP_TOOLS)"
EXCLUDE: Final = "--exclude-tools (FLY_MCP_EXCLUDE_TOOLS)"
READ_ONLY: Final = "--read-only (FLY_MCP_READ_ONLY)"
PINS: Final[Mapping[str, str]] = {APP: "--app (FLY_MCP_APP)", ORG: "--org (FLY_MCP_ORG)"}

#: Calls about no app and no organisation: what Fly offers, and what the token is.
_ABOUT_NO_APP: Final = ("/v1/platform/", "/v1/tokens/")


class WrongChoice(ValueError):
    """A choice that cannot be made; the text names the setting and the nearest word."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What the operator set; words are separated by commas or blanks.

    `toolsets`: these, or `all`. `tools`: these beside the toolsets that are named, and alone where none is.
    `exclude_tools` and `read_only` take away, whatever else is said. `app` and `org`: no other.
    """

    toolsets: str = ""
    tools: str = ""
    exclude_tools: str = ""
    read_only: bool = False
    app: str = ""
    org: str = ""


class Beyond(RefusedByUs):
    """It is about another app or organisation than the fixed one. `why` is the reason alone, in words of ours."""

    def __init__(self, why: str, message: str, *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.why = why


@dataclass(frozen=True)
class Selection:
    """The actions that are on. `off`: each that is not, and by which setting. `pins`: what is fixed, and `by` what."""

    actions: Mapping[str, AnyAction]
    off: Mapping[str, str] = field(default_factory=dict[str, str])
    pins: Mapping[str, str] = field(default_factory=dict[str, str])
    read_only: bool = False
    by: Mapping[str, str] = field(default_factory=lambda: PINS)

    def hidden(self, action: AnyAction) -> frozenset[str]:
        """Arguments of `action` that are filled in: its schema does not have them."""
        return frozenset(_alias(action, name) for name in self.pins if name in action.params.model_fields)

    def fill(self, action: AnyAction, arguments: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """The arguments with what is fixed.

        Raises:
            RefusedByUs: they name another app or organisation.
        """
        given = dict(arguments)
        for name in self.pins.keys() & action.params.model_fields.keys():
            alias, value = _alias(action, name), self.pins[name]
            if given.get(alias) is None:  # left out, or said to be left out
                given[alias] = value
            elif given[alias] != value:
                raise self._beyond(name, action.name, f"leave {alias} out")
        return given

    def within(self, answer: JsonValue) -> None:
        """Take out of an answer, in place, the next steps that cannot be gone: `{"tool": ..., "arguments": {...}}`.

        A tool that is off is no step, and an argument that is fixed is none of its arguments.
        """
        if isinstance(answer, list):
            for item in answer:
                self.within(item)
        elif isinstance(answer, dict):
            for key, item in list(answer.items()):
                if key == NEXT and isinstance(item, dict) and item.keys() == _STEP:
                    self._keep_step(answer, item)
                else:
                    self.within(item)

    def _keep_step(self, answer: dict[str, JsonValue], step: dict[str, JsonValue]) -> None:
        action, arguments = self.actions.get(str(step["tool"])), step["arguments"]
        if action is None or not isinstance(arguments, dict):
            del answer[NEXT]
            return
        hidden = self.hidden(action)
        step["arguments"] = {name: value for name, value in arguments.items() if name not in hidden}

    def guard(self, endpoint: Endpoint, ids: Mapping[str, str]) -> None:
        """Let a request pass that stays within the choice; the last look before it leaves.

        Raises:
            RefusedByUs: it would change something though nothing may, or is about another app or organisation.
        """
        if self.read_only and endpoint.writes:
            raise RefusedByUs(
                f"This server only reads: {READ_ONLY} is set.", hint="Only its operator can change that."
            )
        for name in self.pins.keys() & ids.keys():
            if ids[name] != self.pins[name]:
                raise self._beyond(name, f"The call to {endpoint.name}", "stay with that one")

    def _beyond(self, name: str, what: str, instead: str) -> Beyond:
        kind = "app" if name == APP else "organisation"
        why = (
            f"this server is for the {kind} {self.pins[name]} alone, by {self.by.get(name, PINS[name])}, and another "
            "was named"
        )
        return Beyond(
            why,
            f"{what} was not run: {why}. Nothing was sent.",
            hint=f"For {self.pins[name]}, {instead}. Only the operator of this server can give it more.",
        )


def select(choice: Choice, actions: Mapping[str, AnyAction]) -> Selection:
    """The choice, made among `actions`; the order stays.

    Raises:
        WrongChoice: a word that is unknown, an app or organisation that can be none, or no action is left.
    """
    groups = _groups(choice)
    named = _named(TOOLS, choice.tools, actions)
    excluded = _named(EXCLUDE, choice.exclude_tools, actions)
    pins = {
        name: _pin(name, value) for name, value in ((APP, choice.app), (ORG, choice.org)) if value.strip()
    }
    on: dict[str, AnyAction] = {}
    off: dict[str, str] = {}
    for name, action in actions.items():
        why = _why_not(action, choice, groups=groups, named=named, excluded=excluded, pins=pins)
        if why:
            off[name] = why
        else:
            on[name] = action
    if not on:
        settings = ", ".join(sorted({why.split(":")[0] for why in off.values()}))
        raise WrongChoice(f"{settings}: together they leave no tool.")
    return Selection(MappingProxyType(on), MappingProxyType(off), MappingProxyType(pins), choice.read_only)


def within_one_app(action: AnyAction) -> bool:
    """Whether a call of `action` can be held to one app: it takes the app, and all it sends is about that app."""
    takes = APP in action.params.model_fields
    return all(_within_one_app(endpoint, action, takes=takes) for endpoint in action.calls)


def _within_one_app(endpoint: Endpoint, action: AnyAction, *, takes: bool) -> bool:
    if endpoint.path.startswith(_ABOUT_NO_APP):
        return True
    if APP in endpoint.placeholders:
        return takes
    # A query about the app that must be named, such as one in GraphQL; but no list of all, and no change.
    return takes and action.params.model_fields[APP].is_required() and endpoint.asks


def within_one_org(action: AnyAction) -> bool:
    """Whether a call of `action` can be held to one organisation: it must not list them."""
    return action.group is not Group.ORGS or ORG in action.params.model_fields


def _why_not(
    action: AnyAction,
    choice: Choice,
    *,
    groups: frozenset[Group] | None,
    named: frozenset[str],
    excluded: frozenset[str],
    pins: Mapping[str, str],
) -> str:
    """By which setting the action is off; empty where it is on."""
    if action.name in excluded:
        return EXCLUDE
    if choice.read_only and not action.only_looks:
        return READ_ONLY
    if APP in pins and not within_one_app(action):
        return f"{PINS[APP]}: it reaches beyond one app"
    if ORG in pins and not within_one_org(action):
        return f"{PINS[ORG]}: it reaches beyond one organisation"
    if action.name in named:
        return ""
    if groups is None and named:
        return f"{TOOLS}: it is not among them"
    if action.group not in (USUAL if groups is None else groups):
        return f"{TOOLSETS}: {action.group} is not among them"
    return ""


def _groups(choice: Choice) -> frozenset[Group] | None:
    """The toolsets that are named; None where none is."""
    words = _words(choice.toolsets)
    if not words:
        _no_word(TOOLSETS, choice.toolsets)
        return None
    known = {str(group): group for group in Group}
    for word in words:
        if word not in known and word != ALL:
            near = _nearest(word, (*known, ALL))
            raise WrongChoice(
                f"{TOOLSETS}: there is no toolset {_shown(word)}; the nearest is {near}. "
                f"There are {', '.join(known)}, and {ALL}."
            )
    return frozenset(Group) if ALL in words else frozenset(known[word] for word in words)


def _named(setting: str, text: str, actions: Mapping[str, AnyAction]) -> frozenset[str]:
    words = _words(text)
    if not words:
        _no_word(setting, text)
    for word in words:
        if word not in actions:
            raise WrongChoice(
                f"{setting}: there is no tool {_shown(word)}; the nearest is {_nearest(word, actions)}. "
                "`fly-mcp tools` shows all."
            )
    return frozenset(words)


def _no_word(setting: str, text: str) -> None:
    """Refuse a text that is something and names nothing: it would be taken for no choice, and everything be on."""
    if text.strip():
        raise WrongChoice(f"{setting}: {_shown(text.strip())} names nothing. Leave it out for the default.")


def _pin(name: str, value: str) -> str:
    try:
        return _RULES[name].validate_python(value.strip(), strict=True)
    except ValidationError as error:
        raise WrongChoice(f"{PINS[name]}: {error.errors(include_input=False)[0]['msg']}") from None


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[\s,]+", text) if word]


def _nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is most like it; there is always one."""
    folded = {one.lower(): one for one in known}
    (near,) = difflib.get_close_matches(word.lower(), folded, n=1, cutoff=0.0)
    return folded[near]


def _shown(word: str) -> str:
    """A word of the operator's own, short enough for a line."""
    return word if len(word) <= 40 else f"{word[:40]}..."


def _alias(action: AnyAction, name: str) -> str:
    return action.params.model_fields[name].alias or name
