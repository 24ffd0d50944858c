"""The world a run begins in: apps for each kind of quarrel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fly_mcp_emulator.config import MachineConfig
from fly_mcp_emulator.world import App, Certificate, Machine, Org, Snapshot, Volume, World

#: Machines that everybody updates and nobody deletes.
SHARED = "chaos-shared"
#: Machines that come and go.
POOLS = ("chaos-pool-a", "chaos-pool-b")
#: Volumes, and machines that have one.
DISKS = "chaos-disks"
#: Machines that are cloned, with and without a volume.
CLONES = "chaos-clones"
#: Machines whose leases agents take and keep for a while.
HELD = "chaos-held"
REGIONS = ("fra", "ams", "iad")
#: A machine of ours is of this repository, with a tag of its own for each intent.
REPOSITORY = "registry.fly.io/chaos"
#: The image of the machines that are there at first.
BASE = f"{REPOSITORY}:base"
_SHARED_MACHINES = 4
_CERTIFICATES = 4
_HELD_MACHINES = 3
#: Long before any run's now.
_MADE = 1_779_900_000.0


def _id(number: int) -> str:
    return f"d{number:013x}"


#: The one machine of those that most quarrel about.
CROWDED = _id(0)


def plain_app(agent: str) -> str:
    """An app that only this agent scales; its machines have no volumes."""
    return f"chaos-scale-{agent}"


def disk_app(agent: str) -> str:
    """The same, each machine with a volume."""
    return f"chaos-scale-disks-{agent}"


def world(agents: Sequence[str]) -> World:
    """The world for these agents."""
    apps = [
        _app(SHARED, [_machine(number, web=True) for number in range(_SHARED_MACHINES)]),
        *(_app(name, [_machine(100 + number)]) for number, name in enumerate(POOLS)),
        _app(DISKS, [], _full("vol_seed0000")),
        _app(CLONES, [_machine(400, volume="vol_origin00"), _machine(401)], _full("vol_origin00")),
        _app(HELD, [_machine(500 + number) for number in range(_HELD_MACHINES)]),
    ]
    for number, agent in enumerate(agents):
        apps.append(_app(plain_app(agent), [_machine(200 + number)]))
        disk = Volume(id=f"vol_scale{number:04d}", name="data", region="fra", created_at=_MADE)
        apps.append(_app(disk_app(agent), [_machine(300 + number, volume=disk.id)], disk))
    for app in apps:
        app.certificates = {name: _certificate(name) for name in _hostnames(app.name)}
    return World(
        orgs={"personal": Org(slug="personal", name="Personal", type="PERSONAL")},
        apps={app.name: app for app in apps},
    )


def _full(volume_id: str) -> Volume:
    """A volume with something on it, and a snapshot of that."""
    files = {"/data.txt": f"of {volume_id}"}
    kept = Snapshot(id=f"vs_{volume_id[4:]}", created_at=_MADE, volume_size=2**30, files=files)
    return Volume(
        id=volume_id,
        name="seed",
        region="fra",
        created_at=_MADE,
        formatted=True,
        files=files,
        snapshots=[kept],
    )


def _hostnames(app: str) -> list[str]:
    return [f"c{number}.{app}.example.com" for number in range(_CERTIFICATES)]


def _certificate(hostname: str) -> Certificate:
    return Certificate(hostname=hostname, issued=True, created_at=_MADE, expires_at=_MADE + 90 * 86_400.0)


def _app(name: str, machines: list[Machine], *volumes: Volume) -> App:
    return App(
        name=name,
        org="personal",
        created_at=_MADE,
        machines={machine.id: machine for machine in machines},
        volumes={volume.id: volume for volume in volumes},
    )


def _machine(number: int, *, web: bool = False, volume: str = "") -> Machine:
    config: dict[str, Any] = {
        "image": BASE,
        "env": {"FIRST": str(number)},
        "metadata": {"fly_platform_version": "v2", "fly_process_group": "app"},
    }
    if web:
        config["services"] = [
            {"protocol": "tcp", "internal_port": 8080, "autostart": True, "ports": [{"port": 80}]}
        ]
    if volume:
        config["mounts"] = [{"volume": volume, "path": "/data"}]
    return Machine(
        id=_id(number),
        name=f"ground-{number}",
        region="fra",
        created_at=_MADE + number,
        updated_at=_MADE + number,
        config=MachineConfig.model_validate(config),
    )
