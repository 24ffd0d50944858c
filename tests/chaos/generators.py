"""For each action a maker of random calls. A test holds this table against the actions'."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from fly_mcp_tools.action import AnyAction

from . import ground
from .history import AppLife, History, MachineLife, VolumeLife
from .model import Asked, Model

#: So many machines and volumes of an app are enough: more are deleted rather than made.
_CROWDED = 8
_SHARED_LABELS = ("data", "logs", "cache")
_CONTESTED = ("MODE", "LEVEL")


@dataclass
class Draw:
    """What a maker has to choose from. `number` is one that nobody else gets."""

    rng: Random
    history: History
    model: Model
    agent: str
    number: int
    actions: Mapping[str, AnyAction]

    @property
    def tag(self) -> str:
        """A word that nobody else gets."""
        return f"i-{self.number:06d}"

    @property
    def image(self) -> str:
        """An image that nobody else names."""
        return f"{ground.REPOSITORY}:{self.tag}"

    def chance(self, part: float) -> bool:
        """True so often."""
        return self.rng.random() < part

    def app(self, *names: str) -> AppLife:
        """One of these apps."""
        return self.history.apps[self.rng.choice(names)]

    def machine(self, *apps: str) -> MachineLife | None:
        """A machine of these apps that is there."""
        found = [one for name in apps for one in self.history.apps[name].machines.values() if one.alive]
        return self.rng.choice(found) if found else None

    def volume(self, app: str, *, free: bool) -> VolumeLife | None:
        """A volume of the app that is there; `free`: that no machine has."""
        found = [
            one
            for one in self.history.apps[app].volumes.values()
            if one.alive and not (free and one.owner.now)
        ]
        return self.rng.choice(found) if found else None


Maker = Callable[[Draw], Asked | None]
"""Makes a call; None where nothing is there to call it with."""
_OWN = (ground.SHARED, *ground.POOLS, ground.DISKS)


def _of_app(action: str) -> Maker:
    def make(draw: Draw) -> Asked:
        return Asked(action, {"appName": draw.app(*_OWN).name})

    return make


def _list_apps(_: Draw) -> Asked:
    return Asked("flyListApps", {})


def _create_app(draw: Draw) -> Asked:
    # Every now and then a name that the foreign person has taken before.
    taken = [name for name in draw.history.apps if name.startswith("chaos-taken-")]
    name = draw.rng.choice(taken) if taken and draw.chance(0.1) else f"chaos-new-{draw.number}"
    return Asked("flyCreateApp", {"appName": name}, app=name)


def _delete_app(draw: Draw) -> Asked | None:
    if draw.chance(0.4):
        return Asked("flyDeleteApp", {"appName": draw.app(*_OWN).name})  # never confirmed: see `gated`
    found = [name for name in draw.history.apps if name.startswith("chaos-new-")]
    if not found:
        return None
    name = draw.rng.choice(found)
    return Asked("flyDeleteApp", {"appName": name}, app=name, gated=True)


def _get_machine(draw: Draw) -> Asked | None:
    return _of_machine("flyGetMachine", draw, *_OWN)


def _of_machine(action: str, draw: Draw, *apps: str, gated: bool = False) -> Asked | None:
    found = draw.machine(*apps)
    if found is None:
        return None
    arguments = {"appName": found.app, "machineId": found.id}
    return Asked(action, arguments, machine=found.id, app=found.app, gated=gated)


def _create_machine(draw: Draw) -> Asked | None:
    life = draw.app(*ground.POOLS, ground.DISKS)
    if life.count.now >= _CROWDED:
        return None
    if draw.chance(0.15) and (again := _undo(draw)) is not None:
        return again
    arguments: dict[str, object] = {"appName": life.name, "image": draw.image}
    if draw.chance(0.4):
        arguments["name"] = draw.tag
    if draw.chance(0.3):
        arguments["region"] = draw.rng.choice(ground.REGIONS)
    if life.name == ground.DISKS:
        volume = draw.volume(ground.DISKS, free=True)
        if volume is not None:
            arguments |= {"volumeId": volume.id}
            arguments.pop("region", None)
    if draw.chance(0.2):
        arguments["autoStop"] = draw.rng.choice(("stop", "suspend", "off"))
    return Asked("flyCreateMachine", arguments, image=draw.image, app=life.name)


def _undo(draw: Draw) -> Asked | None:
    """A machine that was deleted, made again."""
    for told in reversed(draw.model.calls[-400:]):
        life = draw.history.machines.get(told.intent.asked.machine)
        if told.intent.asked.action != "flyDeleteMachine" or not told.undo or life is None:
            continue
        if not life.alive and life.image != ground.BASE and draw.chance(0.3):
            arguments = {"appName": life.app, "undo": told.undo}
            return Asked(
                "flyCreateMachine",
                arguments,
                image=life.image,
                app=life.app,
                like=life.id,
                like_since=told.intent.began,
            )
    return None


def _restore(draw: Draw) -> Asked | None:
    """A volume that was deleted, made again from its last snapshot."""
    for told in reversed(draw.model.calls[-400:]):
        if told.intent.asked.action == "flyDeleteVolume" and told.undo and draw.chance(0.3):
            label = f"u_{draw.number:06d}"
            arguments = {"appName": ground.DISKS, "name": label, "region": "fra", "snapshotId": told.undo}
            return Asked("flyCreateVolume", arguments, app=ground.DISKS, label=label)
    return None


def _delete_machine(draw: Draw) -> Asked | None:
    return _of_machine("flyDeleteMachine", draw, *ground.POOLS, ground.DISKS, gated=True)


def _state(action: str) -> Maker:
    def make(draw: Draw) -> Asked | None:
        return _of_machine(action, draw, *_OWN)

    return make


def _wait(draw: Draw) -> Asked | None:
    asked = _of_machine("flyWaitForMachine", draw, *_OWN)
    if asked is not None:
        state = draw.rng.choice(("started", "stopped", "suspended", "destroyed"))
        asked.arguments.update(state=state, timeout=draw.rng.choice((2, 10, 40)))
    return asked


def _update(draw: Draw) -> Asked | None:
    app = ground.SHARED if draw.chance(0.85) else draw.rng.choice(ground.POOLS)
    found = draw.machine(app)
    if app == ground.SHARED and draw.chance(0.7):
        found = draw.history.machines[ground.CROWDED]  # where they meet
    if found is None:
        return None
    env: dict[str, str | None] = {}
    unique: set[str] = set()
    if draw.chance(0.85):
        env[f"KEY_{draw.number}"] = f"v{draw.number}"
        unique.add(f"KEY_{draw.number}")
    if draw.chance(0.4):
        env[draw.rng.choice(_CONTESTED)] = None if draw.chance(0.15) else f"{draw.agent}-{draw.number}"
    arguments: dict[str, object] = {"appName": app, "machineId": found.id}
    if env:
        arguments["env"] = env
    if not env or draw.chance(0.15):
        arguments["memoryMb"] = draw.rng.choice((256, 512, 1024))
    if app == ground.SHARED and draw.chance(0.15):
        arguments["autoStop"] = draw.rng.choice(("stop", "suspend", "off"))
    return Asked(
        "flyUpdateMachineConfig",
        arguments,
        machine=found.id,
        app=app,
        env=env,
        unique=frozenset(unique),
    )


def _exec(draw: Draw) -> Asked | None:
    asked = _of_machine("flyExecCommand", draw, *_OWN)
    if asked is None:
        return None
    command = ["sh", "-c", f"echo {draw.tag} >> /tmp/chaos; exit {draw.rng.choice((0, 0, 3))}"]
    asked.arguments["command"] = command
    return Asked(asked.action, asked.arguments, machine=asked.machine, app=asked.app, token=draw.tag)


def _set_secrets(draw: Draw) -> Asked:
    app = _secret_app(draw)
    secrets: dict[str, str | None] = {f"S_{draw.number}": f"v{draw.number}"}
    if draw.chance(0.3):
        secrets[draw.rng.choice(_CONTESTED)] = f"{draw.agent}-{draw.number}"
    arguments: dict[str, object] = {"appName": app, "secrets": secrets}
    if draw.chance(0.35):
        arguments["restartMachines"] = True
    unique = frozenset({f"S_{draw.number}"})
    return Asked("flySetSecrets", arguments, app=app, secrets=secrets, unique=unique)


def _unset_secrets(draw: Draw) -> Asked:
    app = _secret_app(draw)
    stored = [name for name, line in draw.history.apps[app].secrets.items() if line.now is not None]
    # Nobody else's unique names: those are never touched again.
    names = [name for name in stored if name in _CONTESTED]
    chosen = draw.rng.choice(names) if names and draw.chance(0.8) else "NEVER_SET"
    arguments: dict[str, object] = {"appName": app, "secretNames": [chosen]}
    if draw.chance(0.2):
        arguments["restartMachines"] = True
    return Asked("flyUnsetSecrets", arguments, app=app, secrets={chosen: None})


def _secret_app(draw: Draw) -> str:
    return draw.rng.choice((ground.plain_app(draw.agent), *ground.POOLS))


def _scale(draw: Draw) -> Asked:
    app = ground.plain_app(draw.agent)
    arguments: dict[str, object] = {"appName": app, "count": draw.rng.randint(1, 4)}
    if draw.chance(0.3):
        arguments["region"] = draw.rng.choice(ground.REGIONS)
    return Asked("flyScaleMachines", arguments, app=app, gated=True)


def _scale_disks(draw: Draw) -> Asked:
    app = ground.disk_app(draw.agent)
    return Asked(
        "flyScaleWithVolumes", {"appName": app, "count": draw.rng.randint(1, 3)}, app=app, gated=True
    )


def _create_volume(draw: Draw) -> Asked | None:
    life = draw.history.apps[ground.DISKS]
    if sum(one.alive for one in life.volumes.values()) >= 3 * _CROWDED:
        return None
    if draw.chance(0.15) and (again := _restore(draw)) is not None:
        return again
    shared = draw.chance(0.5)
    label = draw.rng.choice(_SHARED_LABELS) if shared else f"u_{draw.number:06d}"
    arguments: dict[str, object] = {"appName": ground.DISKS, "name": label}
    arguments["region"] = draw.rng.choice(ground.REGIONS[:2])
    if draw.chance(0.3):
        arguments["sizeGb"] = 2
    return Asked(
        "flyCreateVolume",
        arguments,
        app=ground.DISKS,
        label="" if shared else label,
        shared=label if shared else "",
    )


def _delete_volume(draw: Draw) -> Asked | None:
    found = draw.volume(ground.DISKS, free=draw.chance(0.8))
    if found is None:
        return None
    arguments: dict[str, object] = {"appName": ground.DISKS, "volumeId": found.id}
    if draw.chance(0.3):
        arguments["snapshot"] = False
    return Asked("flyDeleteVolume", arguments, app=ground.DISKS, gated=True)


#: How often, and what maker. Together about a fifth are reads.
GENERATORS: dict[str, tuple[float, Maker]] = {
    "flyListApps": (2, _list_apps),
    "flyGetApp": (2, _of_app("flyGetApp")),
    "flyCreateApp": (9, _create_app),
    "flyDeleteApp": (7, _delete_app),
    "flyListMachines": (3, _of_app("flyListMachines")),
    "flyGetMachine": (3, _get_machine),
    "flyCreateMachine": (16, _create_machine),
    "flyDeleteMachine": (11, _delete_machine),
    "flyStartMachine": (7, _state("flyStartMachine")),
    "flyStopMachine": (7, _state("flyStopMachine")),
    "flyRestartMachine": (3, _state("flyRestartMachine")),
    "flySuspendMachine": (4, _state("flySuspendMachine")),
    "flyWaitForMachine": (3, _wait),
    "flyUpdateMachineConfig": (28, _update),
    "flyExecCommand": (8, _exec),
    "flyListSecrets": (2, _of_app("flyListSecrets")),
    "flySetSecrets": (6, _set_secrets),
    "flyUnsetSecrets": (4, _unset_secrets),
    "flyScaleMachines": (6, _scale),
    "flyScaleWithVolumes": (5, _scale_disks),
    "flyListVolumes": (2, _of_app("flyListVolumes")),
    "flyCreateVolume": (11, _create_volume),
    "flyDeleteVolume": (7, _delete_volume),
}


def draw_one(draw: Draw) -> Asked:
    """A random call of a random action."""
    names = list(GENERATORS)
    weights = [GENERATORS[name][0] for name in names]
    while True:
        (name,) = draw.rng.choices(names, weights)
        asked = GENERATORS[name][1](draw)
        if asked is not None:
            return asked
