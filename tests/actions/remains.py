"""What calls leave behind at Fly, without what differs from run to run: ids of what is new, marks and times."""

from __future__ import annotations

import json
import re
from typing import Any

from fly_mcp_emulator.world import App, IpAddress, Machine, Volume, World
from fly_mcp_tools.config import MARK

from .fly import Json


def references_in(answer: Json) -> set[str]:
    """The undo references that an answer tells."""
    return set(re.findall(r"undo_[0-9a-f]{16}", json.dumps(answer)))


def remains_of(world: World, first: World, now: float) -> Json:
    """What counts of each app; `first`: the world that it was before."""
    known = {
        one
        for app in first.apps.values()
        for one in (*app.machines, *app.volumes, *app.ips, *(key.value for key in app.secret_keys.values()))
    }
    return {name: _app(app, known, now) for name, app in world.apps.items()}


def _app(app: App, known: set[str], now: float) -> Json:
    machines = app.machines.values()
    dead = sum(not machine.alive for machine in machines)
    return {
        "leased": [one.id for one in machines if one.alive and one.lease and one.lease.expires_at > now],
        "machines": sorted(_machine(one, known) for one in machines if one.alive),
        "destroyed": dead,
        "volumes": sorted(_volume(one, known) for one in app.volumes.values()),
        "secrets": {secret.name: secret.value for secret in app.secrets.values()},
        "keys": {key.name: f"{key.type} {_id(key.value, known)}" for key in app.secret_keys.values()},
        "addresses": sorted(_address(one, known) for one in app.ips.values()),
        "certificates": {one.hostname: (one.acme, one.custom) for one in app.certificates.values()},
    }


def _address(one: IpAddress, known: set[str]) -> str:
    family = "v6" if ":" in one.ip else "v4"
    return f"{_id(one.ip, known)} {family} {one.region} shared={one.shared} egress={one.egress}"


def _machine(machine: Machine, known: set[str]) -> str:
    config: dict[str, Any] = machine.config.model_dump(exclude_none=True)
    config["metadata"].pop(MARK, None)
    for mount in config.get("mounts", ()):
        mount["volume"] = _id(mount["volume"], known)
    told = {
        "id": _id(machine.id, known),
        "region": machine.region,
        "state": machine.state,
        "boots": machine.booted,
        "versions": len(machine.versions),
        "cordoned": machine.cordoned,
        "memory": machine.memory_limit_mb,
        "secrets": machine.secrets.values,
        "config": config,
    }
    return json.dumps(told, sort_keys=True)


def _volume(volume: Volume, known: set[str]) -> str:
    told = {
        "id": _id(volume.id, known),
        "name": volume.name,
        "region": volume.region,
        "size": volume.size_gb,
        "state": volume.state,
        "on": _id(volume.attached_machine_id, known),
        "kept for": volume.snapshot_retention,
        "scheduled": volume.auto_backup_enabled,
        "snapshots": len(volume.snapshots),
    }
    return json.dumps(told, sort_keys=True)


def _id(one: str | None, known: set[str]) -> str | None:
    """An id that was there at first, or that it is a new one."""
    return one if one is None or one in known else "new"
