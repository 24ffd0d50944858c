"""An answer against the history: was what it claims true at some moment between the call and its answer?

One judge for each action that claims something that can be held against the world. Only `done` is held against
it, and reads; of `pending` just that the thing it names is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

from .history import AppLife, History, MachineLife, Timeline
from .model import Intent, Json, Told

Judge = Callable[[Told, History], Iterator[str]]
_DOWN = {"stopped", "failed", "destroying", "destroyed"}


def before(told: Told, history: History) -> Any:
    """What has to be kept at the beginning of a call: how often a machine had booted."""
    life = history.machines.get(told.intent.asked.machine)
    return life.beings.now.booted if life else None


def _since(told: Told) -> float:
    """From when on what was asked for counts as done: an earlier call of the same intent may have done it."""
    return told.intent.calls[0].began


def differs(first: Told, again: Told) -> str:
    """The keys in which a kept answer is another one than the first. A command's output is not kept."""
    aside = {"already_done", "note"} | (
        {"stdout", "stderr", "truncated"} if first.intent.asked.token else set[str]()
    )
    keys = (first.content.keys() | again.content.keys()) - aside
    return ", ".join(sorted(key for key in keys if first.content.get(key) != again.content.get(key)))


def made_too_many(intent: Intent, machines_asked: int, history: History) -> Iterator[str]:
    """More machines or volumes than were asked for: known by names that no other intent uses."""
    asked = intent.asked
    machines = history.by_image.get(asked.image, []) if asked.image else []
    if len(machines) > machines_asked:
        yield f"{len(machines)} machines of image {asked.image}: {', '.join(one.id for one in machines)}"
    if asked.label:
        volumes = [one for one in history.volumes.values() if one.volume.name == asked.label]
        if len(volumes) > 1:
            yield f"{len(volumes)} volumes {asked.label}: {', '.join(one.id for one in volumes)}"
    if asked.action in ("flyScaleMachines", "flyScaleWithVolumes"):
        yield from _scaled_too_far(intent, history.apps.get(asked.app))


def _scaled_too_far(intent: Intent, life: AppLife | None) -> Iterator[str]:
    if life is None:
        return
    made = [one for one in life.machines.values() if one.by is not None and one.by.intent is intent]
    # What is on a host that does not answer is not counted, and answers say so.
    fewest = min(life.readable.within(intent.began, max(one.beings.began for one in made))) if made else 0
    # A machine that Fly hides for a moment is not counted by anybody.
    hidden = sum(
        one.machine.hidden_until >= intent.began for one in life.machines.values() if one not in made
    )
    allowed = max(0, intent.asked.arguments["count"] - fewest) + hidden
    if len(made) > allowed:
        yield f"{len(made)} machines made where {allowed} were missing: {', '.join(one.id for one in made)}"


def _machine(told: Told, history: History, key: str = "id") -> MachineLife | None:
    return history.machines.get(str(told.content.get(key)))


def _state_was_so(told: Told, life: MachineLife | None) -> Iterator[str]:
    state = told.content.get("state")
    if life is None:
        yield f"machine {told.content.get('id')} was never there"
        return
    was = life.states(told.began, told.ended)
    # A destroyed machine answers 404 soon, or is said to be what it was when Fly was last asked.
    if state not in was:
        yield f"machine {life.id} is said to be {state}, and was {', '.join(sorted(was))}"


def _final(judge: Judge) -> Judge:
    """Only of `done`, and of the call that did it: a kept answer is about its own time."""

    def of(told: Told, history: History) -> Iterator[str]:
        if told.ending == "done" and not told.already_done:
            yield from judge(told, history)

    return of


def _created_machine(told: Told, history: History) -> Iterator[str]:
    life, image = _machine(told, history), told.intent.asked.image
    if life is None or (image and life.image != image):
        yield f"machine {told.content.get('id')} of image {image} was never there"
        return
    if told.ending != "done":
        return
    yield from _state_was_so(told, life)
    if told.intent.asked.like and not _is_like(life, told, history):
        yield f"machine {life.id} has not the environment of {told.intent.asked.like}"
    volume = told.intent.asked.arguments.get("volumeId")
    if volume and life.machine.volume_id != volume:
        yield f"it is said to have volume {volume}, and has {life.machine.volume_id}"


def _is_like(life: MachineLife, told: Told, history: History) -> bool:
    asked = told.intent.asked
    # A deletion that was late may have met a later version than the one that was read for it.
    kept = history.machines[asked.like].versions_within(asked.like_since, told.ended)
    return life.versions[0].env in [version.env for version in kept]


def _reached(*goals: str) -> Judge:
    def of(told: Told, history: History) -> Iterator[str]:
        life = _machine(told, history)
        yield from _state_was_so(told, life)
        if life is not None and not life.states(_since(told), told.ended) & set(goals):
            yield f"machine {life.id} was not {' or '.join(goals)} at any moment"

    return of


def _restarted(told: Told, history: History) -> Iterator[str]:
    life = _machine(told, history)
    yield from _state_was_so(told, life)
    if life is None:
        return
    beings = life.beings.within(_since(told), told.ended)
    if max(being.booted for being in beings) <= told.intent.calls[0].before:
        yield f"machine {life.id} was not started anew"
    for name in told.content.get("applied_secrets", []):
        stored = history.apps[life.app].secrets.get(name)
        values = stored.within(_since(told), told.ended) if stored else [None]
        if not any(being.secrets.get(name) in values for being in beings):
            yield f"secret {name} was not brought to machine {life.id}"


def _updated(told: Told, history: History) -> Iterator[str]:
    life = _machine(told, history)
    yield from _state_was_so(told, life)
    if life is None:
        return
    asked = told.intent.asked
    size, stop = asked.arguments.get("memoryMb"), asked.arguments.get("autoStop")
    for version in life.versions_within(told.began, told.ended):
        config = version.config
        memory = config.guest.memory_mb if config.guest else None
        if (
            all(version.env.get(key) == value for key, value in asked.env.items())
            and size in (None, memory)
            and (stop is None or {_word(one.autostop) for one in config.services or []} == {stop})
        ):
            return
    yield f"no version of machine {life.id} had what was asked for"


def _word(autostop: object) -> str:
    return {True: "stop", False: "off", None: "off"}.get(cast("bool", autostop), str(autostop))


def _changed_secrets(told: Told, history: History) -> Iterator[str]:
    asked = told.intent.asked
    life = history.apps[asked.app]
    for name, value in asked.secrets.items():
        line = life.secrets.get(name)
        values = line.within(_since(told), told.ended) if line else [None]
        if value not in values:
            yield f"secret {name} was never as it is said to be"
    rows: list[Json] = told.content.get("machines") or []
    for row in rows:
        machine = history.machines.get(str(row["id"]))
        if row["outcome"] != "done" or machine is None:
            continue
        stored = {name: _from(life.secrets.get(name), value, told) for name, value in asked.secrets.items()}
        beings = machine.beings.within(_since(told), told.ended)
        if not any(all(one.secrets.get(name) in stored[name] for name in stored) for one in beings):
            yield f"machine {machine.id} never had the secrets it is said to have"


def _from(line: Timeline[str | None] | None, value: str | None, told: Told) -> list[str | None]:
    """This value and those after it: where somebody else changes a secret next, the machine may have theirs."""
    if line is None:
        return [None]
    values = line.within(_since(told), told.ended)
    return values[values.index(value) :] if value in values else []


def _scaled(told: Told, history: History) -> Iterator[str]:
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


def _deleted_machine(told: Told, history: History) -> Iterator[str]:
    life = _machine(told, history)
    yield from _state_was_so(told, life)
    if life is not None and "destroyed" not in life.states(_since(told), told.ended):
        yield f"machine {life.id} was not destroyed"


def _created_app(told: Told, history: History) -> Iterator[str]:
    lives = history.lives(told.intent.asked.app)
    if not any(life.there(_since(told), told.ended) for life in lives):
        yield f"app {told.intent.asked.app} was not there"
    elif not any(life.by is not None and life.by.intent is told.intent for life in lives):
        yield f"app {told.intent.asked.app} was made by somebody else"


def _deleted_app(told: Told, history: History) -> Iterator[str]:
    lives = history.lives(told.intent.asked.app)
    if not all(life.missing(_since(told), told.ended) for life in lives):
        yield f"app {told.intent.asked.app} was there all the time"


def _created_volume(told: Told, history: History) -> Iterator[str]:
    life = history.volumes.get(str(told.content.get("id")))
    asked = told.intent.asked
    if life is None:
        yield f"volume {told.content.get('id')} was never there"
        return
    if life.volume.name != (asked.label or asked.shared):
        yield f"volume {life.id} is called {life.volume.name}"
    if told.ending == "done" and told.content["state"] not in life.states.within(told.began, told.ended):
        yield f"volume {life.id} was not {told.content['state']}"


def _deleted_volume(told: Told, history: History) -> Iterator[str]:
    life = history.volumes.get(str(told.content.get("id")))
    if life is None:
        yield f"volume {told.content.get('id')} was never there"
    elif life.alive:
        yield f"volume {life.id} is said to be {told.content.get('state')}, and is {life.states.now}"
    elif told.undo and told.undo not in [one.id for one in life.volume.snapshots if one.status == "created"]:
        yield f"snapshot {told.undo} of volume {life.id} is not there, or not complete"


def _read_machine(told: Told, history: History) -> Iterator[str]:
    yield from _state_was_so(told, _machine(told, history))


def _read_machines(told: Told, history: History) -> Iterator[str]:
    for row in told.content["machines"]:
        life = history.machines.get(row["id"])
        if life is None or row["state"] not in life.states(told.began, told.ended):
            yield f"machine {row['id']} is listed as {row['state']}"


def _waited(told: Told, history: History) -> Iterator[str]:
    if told.content["reached"]:
        yield from _state_was_so(told, _machine(told, history))


def _read_volumes(told: Told, history: History) -> Iterator[str]:
    for row in told.content["volumes"]:
        life = history.volumes.get(row["id"])
        if life is None or row["state"] not in life.states.within(told.began, told.ended):
            yield f"volume {row['id']} is listed as {row['state']}"


CLAIMS: dict[str, Judge] = {
    "flyCreateApp": _final(_created_app),
    "flyDeleteApp": _final(_deleted_app),
    "flyListMachines": _read_machines,
    "flyGetMachine": _read_machine,
    "flyCreateMachine": lambda told, history: (
        _created_machine(told, history)
        if told.ending in ("done", "pending") and not told.already_done
        else iter(())
    ),
    "flyDeleteMachine": _final(_deleted_machine),
    "flyStartMachine": _final(_reached("started")),
    "flyStopMachine": _final(_reached(*_DOWN)),
    "flyRestartMachine": _final(_restarted),
    "flySuspendMachine": _final(_reached("suspended", "stopped")),
    "flyWaitForMachine": _waited,
    "flyUpdateMachineConfig": _final(_updated),
    "flySetSecrets": _final(_changed_secrets),
    "flyUnsetSecrets": _final(_changed_secrets),
    "flyScaleMachines": _final(_scaled),
    "flyScaleWithVolumes": _final(_scaled),
    "flyListVolumes": _read_volumes,
    "flyCreateVolume": lambda told, history: (
        _created_volume(told, history)
        if told.ending in ("done", "pending") and not told.already_done
        else iter(())
    ),
    "flyDeleteVolume": _final(_deleted_volume),
}
"""The judges. Reads that are not here claim nothing that can be held against the world."""
