"""What must hold of the world at the end, for all that was ever claimed.

Needs no history, just the world and the model: so it judges runs against an emulator in another process too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from fly_mcp_emulator.world import App, Machine, World

from .model import Intent, Model, Told

#: A law, words, and the call that it is about.
Broken = tuple[str, str, Told]
#: An app, a label, a region and a size: volumes of a kind cannot be told apart.
_Kind = tuple[str, str, str, int]


def judge(world: World, model: Model, *, foreign_volumes: frozenset[str] = frozenset()) -> Iterator[Broken]:
    """Everything that is wrong. `foreign_volumes`: ids of those that another client made."""
    machines = {one.id: one for app in world.apps.values() for one in app.machines.values()}
    yield from _machines(machines, world, model)
    yield from _volumes(world, model, foreign_volumes)
    for intent in model.writes():
        yield from _keys(intent, machines)
        yield from _secrets(intent, world)


def leases(world: World, now: float) -> list[str]:
    """Machines that a lease of ours still holds."""
    return [
        machine.id
        for app in world.apps.values()
        for machine in app.machines.values()
        if machine.lease
        and machine.lease.expires_at > now
        and machine.lease.description.startswith("fly-mcp")
    ]


def _machines(machines: dict[str, Machine], world: World, model: Model) -> Iterator[Broken]:
    images = Counter(machine.versions[0].config.image for machine in machines.values())
    named: dict[str, Told] = {}
    for intent in model.writes():
        asked = intent.asked
        if not asked.image or not intent.calls or asked.app not in world.apps:
            continue
        if images[asked.image] > model.machines_of(asked.image):
            yield "doubled", f"{images[asked.image]} machines of image {asked.image}", intent.calls[-1]
        if intent.refused and images[asked.image] and not asked.like:
            yield (
                "wrong refused",
                f"it was refused, and a machine of image {asked.image} is there",
                intent.calls[-1],
            )
        for told in _first(intent, "done"):
            made = str(told.content.get("id"))
            if made not in machines:
                yield "wrong done", f"machine {made} was never there", told
            elif made in named:
                yield "doubled", f"machine {made} is also that of call {named[made].number}", told
            named[made] = told


def _volumes(world: World, model: Model, foreign: frozenset[str]) -> Iterator[Broken]:
    ours = [
        (app.name, volume)
        for app in world.apps.values()
        for volume in app.volumes.values()
        if volume.id not in foreign
    ]
    labels = Counter(volume.name for _, volume in ours)
    kinds = Counter((app, volume.name, volume.region, volume.size_gb) for app, volume in ours)
    shared: dict[_Kind, list[Intent]] = {}
    named: dict[str, Told] = {}
    for intent in model.writes():
        asked = intent.asked
        if asked.action != "flyCreateVolume" or not intent.calls:
            continue
        if asked.label and labels[asked.label] > 1:
            yield "doubled", f"{labels[asked.label]} volumes {asked.label}", intent.calls[-1]
        if asked.shared:
            kind = (asked.app, asked.shared, asked.arguments["region"], asked.arguments.get("sizeGb", 1))
            shared.setdefault(kind, []).append(intent)
        for told in _first(intent, "done"):
            made = str(told.content.get("id"))
            if made in named:
                yield "doubled", f"volume {made} is also that of call {named[made].number}", told
            named[made] = told
    for kind, intents in shared.items():
        yield from _shared_label(kind, intents, kinds[kind])


def _shared_label(kind: _Kind, intents: list[Intent], made: int) -> Iterator[Broken]:
    done = sum(intent.done for intent in intents)
    may_be = sum(not intent.done and not intent.refused for intent in intents)
    if not done <= made <= done + may_be:
        law = "doubled" if made > done else "wrong done"
        words = f"{made} volumes {kind}, where {done} are said to be made and {may_be} may be"
        yield law, words, intents[-1].calls[-1]


def _keys(intent: Intent, machines: dict[str, Machine]) -> Iterator[Broken]:
    asked, machine = intent.asked, machines.get(intent.asked.machine)
    if machine is None or not machine.alive or not intent.done:
        return
    for key in asked.unique:
        value = (machine.config.env or {}).get(key)
        if asked.env and value != asked.env[key]:
            yield "lost key", f"{key} of machine {machine.id} is {value!r}", intent.answers("done")[0]


def _secrets(intent: Intent, world: World) -> Iterator[Broken]:
    asked = intent.asked
    app: App | None = world.apps.get(asked.app)
    if app is None or not intent.done or not asked.secrets:
        return
    for name in asked.unique:
        secret = app.secrets.get(name)
        if secret is None or secret.value != asked.secrets[name]:
            yield "lost key", f"secret {name} of {asked.app} is not what was set", intent.answers("done")[0]


def _first(intent: Intent, ending: str) -> list[Told]:
    return [told for told in intent.calls if told.ending == ending and told.expected != "conflict"][:1]
