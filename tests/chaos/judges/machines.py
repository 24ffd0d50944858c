"""What answers claim that make, destroy or change machines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from tests.chaos.history import History
from tests.chaos.lives import MachineLife, Version
from tests.chaos.model import Asked, Told

from .common import Judge, has_all, machine_of, since, state_was_so

DOWN = {"stopped", "failed", "destroying", "destroyed"}
"""States in which nothing runs."""


def created(told: Told, history: History) -> Iterator[str]:
    """A new machine: by its image, which nobody else names, with what was asked of its config."""
    asked = told.intent.asked
    life = machine_of(told, history)
    if life is None or (asked.image and life.image != asked.image):
        yield f"machine {told.content.get('id')} of image {asked.image} was never there"
        return
    if life.by is None or life.by.intent is not told.intent:
        yield f"machine {life.id} was made by somebody else"
    if told.ending != "done":
        return
    yield from state_was_so(told, life)
    first = life.versions[0]
    if asked.like and not _is_like(life, told, history):
        yield f"machine {life.id} has not the environment of {asked.like}"
    if not has_all(first.env, asked.made_env) or not has_all(
        dict(first.config.metadata or {}), asked.metadata
    ):
        yield f"machine {life.id} was not made with the env and metadata that were asked for"
    if not _has_policy(first, asked):
        yield f"machine {life.id} was not made with its restart policy"
    volume = asked.arguments.get("volumeId")
    if volume and life.machine.volume_id != volume:
        yield f"it is said to have volume {volume}, and has {life.machine.volume_id}"


def cloned(told: Told, history: History) -> Iterator[str]:
    """A clone is a new machine like another, and its volume is its own."""
    yield from created(told, history)
    life, source = machine_of(told, history), history.machines[told.intent.asked.like]
    if life is None or told.ending != "done":
        return
    if told.content.get("cloned_from") != source.id or life.id == source.id:
        yield f"machine {life.id} is said to be a clone of {told.content.get('cloned_from')}"
    has, said, theirs = life.machine.volume_id, told.content.get("volume_id"), source.machine.volume_id
    if has != said or (has is None) != (theirs is None) or (has is not None and has == theirs):
        yield f"clone {life.id} of {source.id} has volume {has}; said is {said}, and the other has {theirs}"
    volume = history.volumes.get(has or "")
    if volume is not None and (volume.by is None or volume.by.intent is not told.intent):
        yield f"volume {has} of clone {life.id} was made by somebody else"
    region = told.intent.asked.arguments.get("region")
    if region and life.machine.region != region:
        yield f"clone {life.id} is in {life.machine.region}"


def _is_like(life: MachineLife, told: Told, history: History) -> bool:
    asked = told.intent.asked
    # A deletion that was late may have met a later version than the one that was read for it.
    kept = history.machines[asked.like].versions_within(asked.like_since or since(told), told.ended)
    return life.versions[0].env in [version.env for version in kept]


def reached(*goals: str) -> Judge:
    """A machine is in one of these states."""

    def of(told: Told, history: History) -> Iterator[str]:
        life = machine_of(told, history)
        yield from state_was_so(told, life)
        if life is not None and not life.states(since(told), told.ended) & set(goals):
            yield f"machine {life.id} was not {' or '.join(goals)} at any moment"

    return of


def restarted(told: Told, history: History) -> Iterator[str]:
    """A machine has booted anew, with the secrets that are named."""
    life = machine_of(told, history)
    yield from state_was_so(told, life)
    if life is None:
        return
    beings = life.beings.within(since(told), told.ended)
    if max(being.booted for being in beings) <= told.intent.calls[0].before:
        yield f"machine {life.id} was not started anew"
    for name in told.content.get("applied_secrets", []):
        stored = history.apps[life.app].secrets.get(name)
        values = stored.within(since(told), told.ended) if stored else [None]
        if not any(being.secrets.get(name) in values for being in beings):
            yield f"secret {name} was not brought to machine {life.id}"


def updated(told: Told, history: History) -> Iterator[str]:
    """One version of the machine had all that was asked for."""
    life = machine_of(told, history)
    yield from state_was_so(told, life)
    if life is not None and not any(
        _has(version, told.intent.asked) for version in life.versions_within(told.began, told.ended)
    ):
        # Keys of metadata come and go without a version.
        asked, seen = told.intent.asked, life.metadata.within(told.began, told.ended)
        if not (asked.metadata and any(has_all(one, asked.metadata) for one in seen)):
            yield f"no version of machine {life.id} had what was asked for"


def _has(version: Version, asked: Asked) -> bool:
    wanted, config = asked.arguments, version.config
    size, stop, image = wanted.get("memoryMb"), wanted.get("autoStop"), wanted.get("image")
    return (
        has_all(version.env, asked.env)
        and has_all(dict(config.metadata or {}), asked.metadata)
        and size in (None, config.guest.memory_mb if config.guest else None)
        and (stop is None or {_word(one.autostop) for one in config.services or []} == {stop})
        and image in (None, config.image)
        and _has_policy(version, asked)
    )


def _has_policy(version: Version, asked: Asked) -> bool:
    restart = cast("dict[str, Any]", asked.arguments.get("config") or {}).get("restart")
    return restart is None or (
        version.config.restart is not None and version.config.restart.policy == restart["policy"]
    )


def _word(autostop: object) -> str:
    return {True: "stop", False: "off", None: "off"}.get(cast("bool", autostop), str(autostop))


def deleted(told: Told, history: History) -> Iterator[str]:
    """A machine is destroyed."""
    life = machine_of(told, history)
    yield from state_was_so(told, life)
    if life is not None and "destroyed" not in life.states(since(told), told.ended):
        yield f"machine {life.id} was not destroyed"


def scaled(told: Told, history: History) -> Iterator[str]:
    """So many machines are there, and each step was made."""
    life = history.apps[told.intent.asked.app]
    wanted, count = told.intent.asked.arguments["count"], told.content.get("count")
    if count != wanted:
        yield f"done with {count} machines where {wanted} were asked for"
    there = [*life.count.within(told.began, told.ended), *life.readable.within(told.began, told.ended)]
    if count not in there:
        yield f"{count} machines are said to be there, and there were {there}"
    for step in told.content.get("machines", []):
        machine = history.machines.get(str(step.get("id")))
        if machine is None:
            yield f"machine {step.get('id')} was never there"
        elif step["did"] == "destroyed" and machine.alive:
            yield f"machine {machine.id} is said to be destroyed, and is {machine.beings.now.state}"
    ids = [step.get("id") for step in told.content.get("machines", [])]
    if len(ids) != len(set(ids)):
        yield f"a machine is named twice: {ids}"


def read_one(told: Told, history: History) -> Iterator[str]:
    """The state of one machine."""
    yield from state_was_so(told, machine_of(told, history))


def read_many(told: Told, history: History) -> Iterator[str]:
    """The state of each machine of a list."""
    for row in told.content["machines"]:
        life = history.machines.get(row["id"])
        if life is None or row["state"] not in life.states(told.began, told.ended):
            yield f"machine {row['id']} is listed as {row['state']}"


def waited(told: Told, history: History) -> Iterator[str]:
    """The state that was waited for."""
    if told.content["reached"]:
        yield from state_was_so(told, machine_of(told, history))
