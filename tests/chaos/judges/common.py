"""What judges share."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.chaos.history import History
from tests.chaos.lives import MachineLife
from tests.chaos.model import Told

Judge = Callable[[Told, History], Iterator[str]]
"""Says what an answer claims and was not so."""


def since(told: Told) -> float:
    """From when on what was asked for counts as done: an earlier call of the same intent may have done it."""
    return told.intent.calls[0].began


def final(judge: Judge) -> Judge:
    """Only of `done`, and of the call that did it: a kept answer is about its own time."""

    def of(told: Told, history: History) -> Iterator[str]:
        if told.ending == "done" and not told.already_done:
            yield from judge(told, history)

    return of


def of_new(judge: Judge) -> Judge:
    """Of `pending` too: the new thing that it names is there."""

    def of(told: Told, history: History) -> Iterator[str]:
        if told.ending in ("done", "pending") and not told.already_done:
            yield from judge(told, history)

    return of


def machine_of(told: Told, history: History, key: str = "id") -> MachineLife | None:
    """The machine that an answer names."""
    return history.machines.get(str(told.content.get(key)))


def state_was_so(told: Told, life: MachineLife | None) -> Iterator[str]:
    """The state of a machine in an answer."""
    state = told.content.get("state")
    if life is None:
        yield f"machine {told.content.get('id')} was never there"
        return
    was = life.states(told.began, told.ended)
    # A destroyed machine answers 404 soon, or is said to be what it was when Fly was last asked.
    if state not in was:
        yield f"machine {life.id} is said to be {state}, and was {', '.join(sorted(was))}"


def has_all(have: dict[str, str], wanted: dict[str, str | None]) -> bool:
    """Whether each key is as it was wanted; None: gone."""
    return all(have.get(key) == value for key, value in wanted.items())
