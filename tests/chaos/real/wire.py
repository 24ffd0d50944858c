"""Whose request it is that knocks at the door: found out from what it says, since nothing in it tells.

In one process a context variable knows. From other processes come bytes: a request belongs to the call under way
in the process that sent it whose action may send such a request, about this app, this machine and these names.
Where several could have sent it, nobody is said to: the judge then knows less, and is never wrong for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import anyio

from fly_mcp_tools.catalogue import ACTIONS
from tests.chaos.line import CURRENT
from tests.chaos.model import Told

from .fly import Knock

#: Seconds for which a call that nobody waits for any more may still send something.
_FORSAKEN = 15.0


def _patterns() -> dict[tuple[str, str], list[re.Pattern[str]]]:
    """The paths that an action may send requests to, by its name and the method."""
    found: dict[tuple[str, str], list[re.Pattern[str]]] = {}
    for action in ACTIONS.values():
        for endpoint in action.calls:
            pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", endpoint.path))
            found.setdefault((action.name, endpoint.method), []).append(pattern)
    return found


_PATHS = _patterns()
#: Ids in a path, and the arguments that they are given by.
_GIVEN_BY = {"app_name": "appName", "machine_id": "machineId", "volume_id": "volumeId"}


@dataclass
class UnderWay:
    """A call, and the process that it was given to."""

    told: Told
    caller: str
    #: When its caller left, on the loop's clock.
    forsaken: float | None = None


@dataclass
class Attribution:
    """All calls under way, and those that their callers have left."""

    calls: list[UnderWay] = field(default_factory=list[UnderWay])
    known: int = 0
    unknown: int = 0
    #: Numbers of intents whose requests are not all known.
    blurred: set[int] = field(default_factory=set[int])

    def arriving(self, knock: Knock) -> None:
        """Note whose request it is, for the judge and in the request's context."""
        told = self.whose(knock)
        self.known += told is not None
        self.unknown += told is None
        CURRENT.set(told)
        if told is not None:
            told.requests.append(knock.place)

    def whose(self, knock: Knock) -> Told | None:
        """The call that sent it; None where several could have."""
        over = anyio.current_time() - _FORSAKEN
        self.calls = [one for one in self.calls if one.forsaken is None or one.forsaken > over]
        found = [one for one in self.calls if one.caller == knock.caller and _can_send(one.told, knock)]
        named = [one for one in found if _names(one.told, knock)]
        found = named or found
        intents = {one.told.intent.number for one in found}
        if len(intents) != 1:
            self.blurred |= intents
            return None
        waiting = [one for one in found if one.forsaken is None]
        # Of twins the first does the work, and the other waits for its answer.
        return (waiting[0] if waiting else found[-1]).told

    def ended(self, one: UnderWay, *, forsaken: bool) -> None:
        """A call was answered, or its caller left: then it may go on for a while."""
        if forsaken:
            one.forsaken = anyio.current_time()
        else:
            self.calls.remove(one)


def _can_send(told: Told, knock: Knock) -> bool:
    if b'"fly-mcp ' in knock.body and f'"fly-mcp {told.intent.asked.action} '.encode() not in knock.body:
        return False  # a lease says which action it is for
    for pattern in _PATHS.get((told.intent.asked.action, knock.method), ()):
        found = pattern.fullmatch(knock.path)
        if found is not None:
            ids = found.groupdict()
            wanted = {key: told.arguments.get(name, ids.get(key)) for key, name in _GIVEN_BY.items()}
            if all(wanted[key] == value for key, value in ids.items() if key in wanted):
                return True
    return False


def _names(told: Told, knock: Knock) -> bool:
    """Whether its body has a word in it that no other call uses."""
    asked = told.intent.asked
    words = [asked.image, asked.label, *asked.unique]
    if asked.action == "flyCreateApp":
        words.append(asked.app)
    quoted = [f'"{word}"' for word in words if word] + ([asked.token] if asked.token else [])
    return any(word.encode() in knock.body for word in quoted)
