"""What was asked, and what each answer claimed. Knows nothing of the world."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, cast

Json = dict[str, Any]
Ending = Literal["done", "pending", "unclear", "refused", "read", "failed_read", "cancelled"]
Expected = Literal["already_done", "conflict"]

#: The four answers of a write.
FOUR: tuple[Ending, ...] = ("done", "pending", "unclear", "refused")


@dataclass(frozen=True)
class Asked:
    """What an agent means to do. `arguments` without `requestId` and `confirm`.

    `image` and `label`: names that no other intent uses, by which what it made is known in the world. `shared`: a
    label that several use. `like`: a machine that is to be made again, with its image, as it was at some moment of
    the call, or since `like_since`: when the deletion of one that is gone began. `env`, `secrets`, `metadata`: what it
    wants of single keys; None: to be gone. `unique`: those of its keys that no other intent ever touches. `made_env`:
    what a new machine is to have.
    """

    action: str
    arguments: Json
    image: str = ""
    label: str = ""
    shared: str = ""
    like: str = ""
    like_since: float = 0.0
    machine: str = ""
    app: str = ""
    env: dict[str, str | None] = field(default_factory=dict[str, str | None])
    secrets: dict[str, str | None] = field(default_factory=dict[str, str | None])
    metadata: dict[str, str | None] = field(default_factory=dict[str, str | None])
    made_env: dict[str, str | None] = field(default_factory=dict[str, str | None])
    unique: frozenset[str] = frozenset()
    gated: bool = False
    #: A word in a command's text that no other intent has.
    token: str = ""


@dataclass(eq=False)
class Told:
    """One call and what came back."""

    number: int
    intent: Intent
    arguments: Json
    began: float
    expected: Expected | None = None
    ended: float = math.inf
    ending: Ending | None = None
    #: The structured content: a result, or what stands under `error`.
    content: Json = field(default_factory=Json)
    #: Places of its requests in the emulator's log.
    requests: list[int] = field(default_factory=list[int])
    #: A read that this call is judged by: kept by `laws` at its beginning.
    before: Any = None
    #: Where it is to be cut short: with so many requests sent, and what does it.
    cut_after: int = 0
    cut: Callable[[], None] | None = None

    @property
    def code(self) -> str:
        """An error's code, else empty."""
        return str(self.content.get("code", ""))

    @property
    def undo(self) -> str:
        """The reference of an answer to a deletion that takes it back, else empty."""
        undo = cast("Json", self.content.get("undo") or {})
        return str(undo.get("reference") or "")

    @property
    def retryable(self) -> bool:
        """Whether the answer itself says that a repetition may help."""
        return bool(self.content.get("retryable"))

    @property
    def already_done(self) -> bool:
        """Whether it is the answer of an earlier call."""
        return bool(self.content.get("already_done"))


@dataclass(eq=False)
class Intent:
    """What an agent means to do, and its calls for it: all with the same id, or just one without."""

    number: int
    agent: str
    asked: Asked
    request_id: str | None
    began: float
    calls: list[Told] = field(default_factory=list[Told])

    def answers(self, *endings: Ending) -> list[Told]:
        """Its calls that ended so; those that were to be a conflict are another matter."""
        return [told for told in self.calls if told.ending in endings and told.expected != "conflict"]

    @property
    def done(self) -> bool:
        """Whether an answer said done."""
        return bool(self.answers("done"))

    @property
    def refused(self) -> bool:
        """Whether all there is of it is refusals: nothing was changed by any of its calls."""
        own = [told for told in self.calls if told.expected != "conflict"]
        return bool(own) and all(told.ending == "refused" for told in own)

    def open_at(self, moment: float) -> bool:
        """Whether it may change the world at this moment: a request of an unclear call can arrive at any time."""
        if moment < self.began:
            return False
        if self.done:
            return moment <= min(told.ended for told in self.answers("done"))
        return not self.refused or moment <= max(told.ended for told in self.calls)


class Model:
    """All intents of a run."""

    def __init__(self) -> None:
        self.intents: list[Intent] = []
        self.calls: list[Told] = []
        self._wishes: dict[tuple[str, str], list[Intent]] = {}
        self._images: Counter[str] = Counter()

    def intent(self, agent: str, asked: Asked, request_id: str | None, now: float) -> Intent:
        """Write a new intent down."""
        intent = Intent(len(self.intents) + 1, agent, asked, request_id, now)
        self.intents.append(intent)
        self._images[asked.image] += 1
        for key in asked.env:
            self._wishes.setdefault((asked.machine, key), []).append(intent)
        for key in asked.metadata:
            self._wishes.setdefault((f"metadata of {asked.machine}", key), []).append(intent)
        for key in asked.secrets:
            self._wishes.setdefault((f"app {asked.app}", key), []).append(intent)
        return intent

    def call(self, intent: Intent, arguments: Json, now: float, expected: Expected | None = None) -> Told:
        """Write down that a call begins."""
        told = Told(len(self.calls) + 1, intent, arguments, now, expected)
        self.calls.append(told)
        intent.calls.append(told)
        return told

    def wishes(self, where: str, key: str) -> list[Intent]:
        """Who ever asked something of this key: of a machine by its id, else by `metadata of ID` or `app NAME`."""
        return self._wishes.get((where, key), [])

    def machines_of(self, image: str) -> int:
        """How many machines of this image were asked for: one, and one more for each time it is to be made again."""
        return self._images[image]

    def writes(self) -> Iterator[Intent]:
        """Intents of agents that were to change something; the foreign person's are not among them."""
        return (intent for intent in self.intents if intent.agent != FOREIGN)


#: Who the person with another client is.
FOREIGN = "foreign"
