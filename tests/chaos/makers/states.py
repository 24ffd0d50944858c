"""Calls about one machine as it runs: its state, its memory, its metadata, its lease."""

from __future__ import annotations

from typing import Any

from tests.chaos import ground
from tests.chaos.draw import CONTESTED, OWN, Draw, Maker, of_machine
from tests.chaos.model import Asked, Told

_SIGNALS = ("SIGHUP", "SIGUSR1", "SIGTERM", "SIGKILL")
_DRIVEN = ("flyStartMachine", "flyStopMachine", "flyCordonMachine", "flyUncordonMachine", "flyRestartMachine")
#: What is a nonce, and that of no lease.
_WRONG = "0123456789abcdef"


def wait(draw: Draw) -> Asked | None:
    asked = of_machine("flyWaitForMachine", draw, *OWN)
    if asked is not None:
        state = draw.rng.choice(("started", "stopped", "suspended", "destroyed"))
        asked.arguments.update(state=state, timeout=draw.rng.choice((2, 10, 40)))
    return asked


def signal(draw: Draw) -> Asked | None:
    asked = of_machine("flySignalMachine", draw, *ground.POOLS, ground.DISKS)
    if asked is not None:
        asked.arguments["signal"] = draw.rng.choice(_SIGNALS)
    return asked


def set_memory(draw: Draw) -> Asked | None:
    asked = of_machine("flySetMemory", draw, *ground.POOLS, ground.DISKS)
    if asked is not None:
        what = draw.rng.choice(("limit", "reclaim", "both"))
        if what != "reclaim":
            asked.arguments["limitMb"] = draw.rng.choice((128, 192, 256))
        if what != "limit":
            asked.arguments["reclaimMb"] = draw.rng.choice((16, 64))
    return asked


def set_metadata(draw: Draw) -> Asked | None:
    found = draw.machine(ground.SHARED, *ground.POOLS)
    if found is None:
        return None
    wanted: dict[str, str | None] = {f"t_{draw.number}": draw.tag}
    if draw.chance(0.3):
        wanted[draw.rng.choice(CONTESTED)] = draw.tag
    arguments = {"appName": found.app, "machineId": found.id, "metadata": wanted}
    return Asked("flySetMetadata", arguments, machine=found.id, app=found.app, metadata=wanted)


def delete_metadata(draw: Draw) -> Asked | None:
    found = draw.machine(ground.SHARED, *ground.POOLS)
    if found is None:
        return None
    keys = [draw.rng.choice(CONTESTED)] if draw.chance(0.7) else [*CONTESTED]
    arguments = {"appName": found.app, "machineId": found.id, "keys": keys}
    return Asked(
        "flyDeleteMetadata", arguments, machine=found.id, app=found.app, metadata=dict.fromkeys(keys)
    )


def get_metadata(draw: Draw) -> Asked | None:
    found = draw.machine(*OWN)
    if found is None:
        return None
    key = draw.rng.choice([*(found.metadata.now or ["NEVER_SET"])])
    return Asked("flyGetMetadata", {"appName": found.app, "machineId": found.id, "key": key})


def acquire_lease(draw: Draw) -> Asked | None:
    """A short one, on a machine that nobody needs for something else; or more time for one that it holds."""
    if draw.chance(0.25) and (held := _held(draw)) is not None:
        return _with(held, "flyAcquireLease", ttl=draw.rng.choice((10, 30)))
    asked = of_machine("flyAcquireLease", draw, ground.HELD)
    if asked is not None:
        asked.arguments["ttl"] = draw.rng.choice((3, 10, 20, 40))
        if draw.chance(0.5):
            asked.arguments["description"] = f"work of {draw.agent}"
    return asked


def release_lease(draw: Draw) -> Asked | None:
    held = _held(draw)
    if held is not None:
        return _with(held, "flyReleaseLease")
    asked = of_machine("flyReleaseLease", draw, ground.HELD)
    if asked is None or not draw.chance(0.2):
        return None
    return _with_nonce(asked, _WRONG)


def under_lease(draw: Draw) -> Asked | None:
    """A change of a machine whose lease the agent holds; or of one that may be held, with a wrong nonce or none."""
    held = _held(draw)
    if held is not None:
        action = draw.rng.choice(("flyUpdateMachineConfig", *_DRIVEN))
        asked = _with(held, action)
    else:
        found = of_machine(draw.rng.choice(_DRIVEN), draw, ground.HELD)
        if found is None:
            return None
        asked = _with_nonce(found, _WRONG) if draw.chance(0.2) else found
    if asked.action == "flyUpdateMachineConfig":
        env: dict[str, str | None] = {f"KEY_{draw.number}": f"v{draw.number}"}
        arguments = {**asked.arguments, "env": env}
        return Asked(
            asked.action, arguments, machine=asked.machine, app=asked.app, env=env, unique=frozenset(env)
        )
    return asked


def or_under_lease(otherwise: Maker, part: float) -> Maker:
    """This one, and so often one of a machine whose lease the agent holds."""

    def make(draw: Draw) -> Asked | None:
        return under_lease(draw) if draw.chance(part) else otherwise(draw)

    return make


def _held(draw: Draw) -> Told | None:
    """A call of this agent that took a lease which it has not given back. It may have run out."""
    released = {told.arguments.get("nonce") for told in draw.recent("flyReleaseLease")}
    for told in draw.recent("flyAcquireLease"):
        nonce = told.content.get("nonce")
        if told.intent.agent == draw.agent and told.ending == "done" and nonce and nonce not in released:
            return told
    return None


def _with(held: Told, action: str, **arguments: Any) -> Asked:
    own = held.intent.asked
    where = {"appName": own.app, "machineId": own.machine}
    return Asked(
        action,
        {**where, "nonce": held.content["nonce"], **arguments},
        machine=own.machine,
        app=own.app,
    )


def _with_nonce(asked: Asked, nonce: str) -> Asked:
    return Asked(asked.action, {**asked.arguments, "nonce": nonce}, machine=asked.machine, app=asked.app)
