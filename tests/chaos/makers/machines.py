"""Calls that make and destroy machines, or change their config."""

from __future__ import annotations

from typing import Any

from tests.chaos import ground
from tests.chaos.draw import CONTESTED, CROWDED, OWN, Draw, of_machine
from tests.chaos.model import Asked

_POLICIES = ("always", "on-failure", "no")


def create_machine(draw: Draw) -> Asked | None:
    life = draw.app(*ground.POOLS, ground.DISKS)
    if life.count.now >= CROWDED:
        return None
    if draw.chance(0.15) and (again := _undo(draw)) is not None:
        return again
    arguments: dict[str, Any] = {"appName": life.name, "image": draw.image}
    env: dict[str, str | None] = {}
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
    metadata: dict[str, str | None] = {f"m_{draw.number}": draw.tag} if draw.chance(0.2) else {}
    if metadata:
        arguments["metadata"] = metadata
    if draw.chance(0.2):
        env = {"MADE": draw.tag}
        arguments["config"] = {"env": env, "restart": {"policy": draw.rng.choice(_POLICIES)}}
        if draw.chance(0.3):
            # Like the app's first machine, but of this image.
            arguments["config"]["image"] = arguments.pop("image")
    return Asked(
        "flyCreateMachine", arguments, image=draw.image, app=life.name, made_env=env, metadata=metadata
    )


def _undo(draw: Draw) -> Asked | None:
    """A machine that was deleted, made again."""
    for told in draw.recent("flyDeleteMachine"):
        life = draw.history.machines.get(told.intent.asked.machine)
        if not told.undo or life is None or life.app == ground.CLONES:
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


def clone_machine(draw: Draw) -> Asked | None:
    """Of machines that have a volume in their own app: elsewhere volumes are known by labels that are used once."""
    app = draw.rng.choice((ground.CLONES, *ground.POOLS))
    found = draw.machine(app)
    if found is None or draw.history.apps[app].count.now >= CROWDED:
        return None
    arguments: dict[str, object] = {"appName": app, "machineId": found.id}
    if draw.chance(0.4):
        arguments["name"] = draw.tag
    if draw.chance(0.3):
        arguments["region"] = draw.rng.choice(ground.REGIONS[:2])
    if found.machine.volume_id and draw.chance(0.6):
        arguments["volume"] = draw.rng.choice(("empty", "snapshot", "fork"))
    image = "" if found.image == ground.BASE else found.image
    return Asked("flyCloneMachine", arguments, image=image, app=app, like=found.id)


def delete_machine(draw: Draw) -> Asked | None:
    crowded = draw.history.apps[ground.CLONES].count.now > 4
    if draw.chance(0.3 if crowded else 0.1):
        return of_machine("flyDeleteMachine", draw, ground.CLONES, gated=True, ground_too=False)
    return of_machine("flyDeleteMachine", draw, *ground.POOLS, ground.DISKS, gated=True)


def update(draw: Draw) -> Asked | None:
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
        env[draw.rng.choice(CONTESTED)] = None if draw.chance(0.15) else f"{draw.agent}-{draw.number}"
    arguments: dict[str, Any] = {"appName": app, "machineId": found.id}
    if env:
        # The same by another argument.
        arguments |= {"config": {"env": env}} if draw.chance(0.1) else {"env": env}
    if not env or draw.chance(0.15):
        arguments["memoryMb"] = draw.rng.choice((256, 512, 1024))
    if app == ground.SHARED and draw.chance(0.15):
        arguments["autoStop"] = draw.rng.choice(("stop", "suspend", "off"))
    metadata: dict[str, str | None] = {f"u_{draw.number}": draw.tag} if draw.chance(0.1) else {}
    if metadata:
        arguments["metadata"] = metadata
    if draw.chance(0.05):
        config = arguments.setdefault("config", {})
        config["restart"] = {"policy": draw.rng.choice(_POLICIES)}
    if app == ground.SHARED and draw.chance(0.05):
        arguments["image"] = draw.image  # those of other apps are known by theirs
    return Asked(
        "flyUpdateMachineConfig",
        arguments,
        machine=found.id,
        app=app,
        env=env,
        metadata=metadata,
        unique=frozenset(unique),
    )


def execute(draw: Draw) -> Asked | None:
    asked = of_machine("flyExecCommand", draw, *OWN)
    if asked is None:
        return None
    command = ["sh", "-c", f"echo {draw.tag} >> /tmp/chaos; exit {draw.rng.choice((0, 0, 3))}"]
    asked.arguments["command"] = command
    return Asked(asked.action, asked.arguments, machine=asked.machine, app=asked.app, token=draw.tag)
