"""Calls about apps, their secrets and their scale."""

from __future__ import annotations

from tests.chaos import ground
from tests.chaos.draw import CONTESTED, OWN, Draw
from tests.chaos.model import Asked


def create_app(draw: Draw) -> Asked:
    # Every now and then a name that the foreign person has taken before.
    taken = [name for name in draw.history.apps if name.startswith("chaos-taken-")]
    name = draw.rng.choice(taken) if taken and draw.chance(0.1) else f"chaos-new-{draw.number}"
    arguments: dict[str, object] = {"appName": name}
    if draw.chance(0.2):
        arguments["network"] = f"net-{draw.number}"
    return Asked("flyCreateApp", arguments, app=name)


def delete_app(draw: Draw) -> Asked | None:
    if draw.chance(0.4):
        return Asked("flyDeleteApp", {"appName": draw.app(*OWN).name})  # never confirmed: see `gated`
    found = [name for name in draw.history.apps if name.startswith("chaos-new-")]
    if not found:
        return None
    name = draw.rng.choice(found)
    return Asked("flyDeleteApp", {"appName": name}, app=name, gated=True)


def set_secrets(draw: Draw) -> Asked:
    app = _secret_app(draw)
    secrets: dict[str, str | None] = {f"S_{draw.number}": f"v{draw.number}"}
    if draw.chance(0.3):
        secrets[draw.rng.choice(CONTESTED)] = f"{draw.agent}-{draw.number}"
    arguments: dict[str, object] = {"appName": app, "secrets": secrets}
    if draw.chance(0.35):
        arguments["restartMachines"] = True
    unique = frozenset({f"S_{draw.number}"})
    return Asked("flySetSecrets", arguments, app=app, secrets=secrets, unique=unique)


def unset_secrets(draw: Draw) -> Asked:
    app = _secret_app(draw)
    stored = [name for name, line in draw.history.apps[app].secrets.items() if line.now is not None]
    # Nobody else's unique names: those are never touched again.
    names = [name for name in stored if name in CONTESTED]
    chosen = draw.rng.choice(names) if names and draw.chance(0.8) else "NEVER_SET"
    arguments: dict[str, object] = {"appName": app, "secretNames": [chosen]}
    if draw.chance(0.2):
        arguments["restartMachines"] = True
    return Asked("flyUnsetSecrets", arguments, app=app, secrets={chosen: None})


def get_secret(draw: Draw) -> Asked | None:
    app = _secret_app(draw)
    names = [name for name, line in draw.history.apps[app].secrets.items() if line.now is not None]
    return Asked("flyGetSecret", {"appName": app, "name": draw.rng.choice(names)}) if names else None


def _secret_app(draw: Draw) -> str:
    return draw.rng.choice((ground.plain_app(draw.agent), *ground.POOLS))


def scale(draw: Draw) -> Asked:
    app = ground.plain_app(draw.agent)
    arguments: dict[str, object] = {"appName": app, "count": draw.rng.randint(1, 4)}
    if draw.chance(0.3):
        arguments["region"] = draw.rng.choice(ground.REGIONS)
    return Asked("flyScaleMachines", arguments, app=app, gated=True)


def scale_disks(draw: Draw) -> Asked:
    app = ground.disk_app(draw.agent)
    return Asked(
        "flyScaleWithVolumes", {"appName": app, "count": draw.rng.randint(1, 3)}, app=app, gated=True
    )


#: Keys that several generate and delete: Fly replaces one that is there, and nobody may let it.
_KEYS = ("sessions", "cookies")
_TYPES = ("hs256", "es256", "nacl_secretbox")


def generate_key(draw: Draw) -> Asked:
    name = draw.rng.choice(_KEYS) if draw.chance(0.35) else f"k-{draw.number}"
    app = draw.rng.choice(ground.POOLS)
    arguments = {"appName": app, "name": name, "type": draw.rng.choice(_TYPES)}
    return Asked("flyGenerateSecretKey", arguments, app=app)


def delete_key(draw: Draw) -> Asked | None:
    app = draw.rng.choice(ground.POOLS)
    names = list(draw.history.apps[app].keys.now) or ["sessions"]
    return Asked("flyDeleteSecretKey", {"appName": app, "name": draw.rng.choice(names)}, app=app, gated=True)
