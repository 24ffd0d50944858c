"""The text that a human decides by.

Made of facts read from Fly and of the action table's own words. What the agent wrote is not in it: a sentence in a
machine's name or an app's would otherwise argue for itself before the one person who is to judge it. Numbers, yes
and no, words of a closed list and region codes are what is asked for and can argue nothing. One exception: a command
to be run cannot be judged unseen, so it is shown, as JSON, whole, and said to be the agent's; about one that is too
long for that nobody is asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, Literal, cast, get_args, get_origin

from pydantic import JsonValue

from fly_mcp_tools.action import AnyAction, Gate
from fly_mcp_tools.foreign import clean, harmless, quoted
from fly_mcp_tools.models import Params

from .facts import Facts

#: The one field of the form, and what it is called there.
APPROVE: Final = "approve"
FORM: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        APPROVE: {
            "type": "boolean",
            "title": "Approve",
            "description": "Yes: run this one call. Anything else: it is not run.",
        }
    },
    "required": [APPROVE],
}

#: Characters of a command, as it is shown. What harms would stand where it was cut.
LONGEST_COMMAND: Final = 1000
#: Characters of a sentence and of a list that are shown.
_SENTENCE: Final = 700
_LIST: Final = 400
#: Characters of a name or an image.
_NAME: Final = 120
#: Identified by what was read from Fly, or none of the human's business.
_SAID_BY_FACTS: Final = frozenset(
    {"app_name", "machine_id", "volume_id", "source_volume_id", "org_slug", "nonce"}
)
#: The one argument of the agent's own words that is shown.
_COMMAND: Final = "command"
#: Words of a list that a validator knows and the annotation does not.
_CLOSED: Final = frozenset({"region", "signal"})
#: What a preview says that stands in a line of its own already.
_TOLD_OF_ONE: Final = frozenset({"machine_id", "volume_id", "name", "state", "region", "image", "size_gb"})
_TOLD_OF_APP: Final = frozenset({"app", "organization"})


def command_of(params: Params) -> str:
    """The command that a call is to run, as it is shown; empty where it runs none."""
    command = getattr(params, _COMMAND, None)
    return "" if command is None else json.dumps(command)


def text(action: AnyAction, agent: str, params: Params, facts: Facts, until: float) -> str:
    """The question. `until`: seconds since the epoch from which an answer is too late."""
    lines = [
        "An agent asks to do something at Fly.io that its operator wants a human to approve.",
        "",
        f"Agent: {quoted(agent, _NAME)}",
        f"Action: {action.title} ({action.name}; {action.access}). {action.summary}",
        *_about(facts),
        *_lost(action, facts),
        *_asked_for(params),
        "",
        f"An answer counts until {_moment(until)}, for this one call.",
    ]
    return "\n".join(lines)


def _about(facts: Facts) -> Iterator[str]:
    if (app := facts.app) is not None:
        org = quoted(app.organization.slug, _NAME) if app.organization else "unknown"
        yield f"App: {quoted(app.name, _NAME)}, organisation {org}, {clean(app.status, 40) or 'no status'}"
    if facts.organisation:
        yield f"App: a new one, in the organisation {quoted(facts.organisation, _NAME)}"
    if facts.machines is not None:
        states = ", ".join(f"{count} {clean(state, 40)}" for state, count in sorted(facts.states.items()))
        yield f"Its machines: {states or 'none'}"
    for kind, names in facts.named.items():
        yield f"Of the {kind} it names, these exist: {_json([*names]) if names else 'none'}"
    if (machine := facts.machine) is not None:
        yield (
            f"Machine: {clean(machine.id, 40)} {quoted(machine.name, _NAME)}, {clean(machine.state, 40)}, in "
            f"{clean(machine.region, 10)}, image {quoted(machine.image, 200)}"
        )
    if (volume := facts.volume) is not None:
        at = volume.attached_machine_id
        yield (
            f"Volume: {clean(volume.id, 40)} {quoted(volume.name, _NAME)}, {volume.size_gb} GB, in "
            f"{clean(volume.region, 10)}, {f'attached to machine {clean(at, 40)}' if at else 'attached to no machine'}"
        )


def _lost(action: AnyAction, facts: Facts) -> Iterator[str]:
    if facts.warning:
        yield f"What it means: {clean(facts.warning, _SENTENCE)}"
    told = _TOLD_OF_ONE if facts.machine or facts.volume else _TOLD_OF_APP
    for name, value in facts.loss.items():
        lines = value if isinstance(value, dict) else {name: value}
        for key, item in lines.items():
            if key not in told:
                yield f"- {clean(key, 60).replace('_', ' ')}: {_json(item)}"
    if action.gate is Gate.NEVER and not action.additive:
        yield "What it means: something that exists is changed; nothing is destroyed."


def _asked_for(params: Params) -> Iterator[str]:
    shown: list[str] = []
    unseen: list[str] = []
    for name, value in params:
        field = type(params).model_fields[name]
        word = field.alias or name
        if value is None or name in _SAID_BY_FACTS:
            continue
        if name == _COMMAND:
            yield f"The command, in the agent's own words: {command_of(params)}"
        elif isinstance(value, bool | int | float) or name in _CLOSED or _is_closed(field.annotation):
            shown.append(f"{word} = {json.dumps(value)}")
        else:
            unseen.append(f"{word}{_size(value)}")
    if shown:
        yield f"With: {', '.join(shown)}"
    if unseen:
        yield f"The agent's own text, not shown here: {', '.join(unseen)}"


def _size(value: object) -> str:
    return f" ({len(cast('list[object]', value))} entries)" if isinstance(value, dict | list) else ""


def _is_closed(annotation: object) -> bool:
    """Whether it is a word of a list that is ours."""
    if get_origin(annotation) is Literal:
        return True
    return any(_is_closed(one) for one in get_args(annotation) if one is not type(None)) and all(
        one is type(None) or _is_closed(one) for one in get_args(annotation)
    )


def _json(value: JsonValue) -> str:
    return _cut(json.dumps(harmless(value, text=_NAME, items=10), ensure_ascii=False), _LIST)


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else f"{words[:most]} [... {len(words) - most} characters left out]"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
