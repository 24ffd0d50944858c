"""Worlds that tests begin in, beside the documented one."""

from __future__ import annotations

from typing import Any

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.config import MachineConfig
from fly_mcp_emulator.default_world import default_world
from fly_mcp_emulator.world import App, Machine, Secret, Volume, World
from fly_mcp_emulator.world.machine import State

FLEET = "fleet"
IMAGE = "registry.fly.io/fleet:deployment-01"
#: When the fleet's machines were made: long before any test's now.
MADE = 1_705_312_800.0


def id_of(number: int) -> str:
    """The id of the fleet's machine with this number."""
    return f"d{number:013x}"


def volume_of(number: int) -> str:
    """The id of the volume of the fleet's machine with this number."""
    return f"vol_fleet{number:04d}"


def machine(
    number: int, *, region: str = "fra", state: State = "started", group: str | None = "app", **config: Any
) -> Machine:
    """A machine of the fleet. `config` adds to, or replaces keys of, a small config."""
    metadata = {"fly_platform_version": "v2"} | ({"fly_process_group": group} if group else {})
    given: dict[str, Any] = {"image": IMAGE, "metadata": metadata, **config}
    return Machine(
        id=id_of(number),
        name=f"fleet-{number}",
        region=region,
        state=state,
        created_at=MADE + number,
        updated_at=MADE + number,
        config=MachineConfig.model_validate(given),
    )


def fleet(*machines: Machine, volumes: tuple[Volume, ...] = (), secrets: tuple[str, ...] = ()) -> World:
    """The documented world and an app `fleet` with these machines; volumes are made for their mounts."""
    world = default_world()
    app = App(
        name=FLEET,
        org="personal",
        created_at=MADE,
        machines={one.id: one for one in machines},
        volumes={one.id: one for one in volumes},
        secrets={
            name: Secret(name=name, value=f"first-{name.lower()}", created_at=MADE, updated_at=MADE)
            for name in secrets
        },
    )
    for one in machines:
        if one.volume_id and one.volume_id not in app.volumes:
            app.volumes[one.volume_id] = Volume(id=one.volume_id, name="data", region=one.region)
    world.apps[FLEET] = app
    return world


def mount(number: int, path: str = "/data") -> dict[str, Any]:
    """The config part of a machine with a volume."""
    return {"mounts": [{"volume": volume_of(number), "path": path}]}


def web(autostop: str | None = None, **more: Any) -> dict[str, Any]:
    """The config part of a machine with a web service."""
    service: dict[str, Any] = {"protocol": "tcp", "internal_port": 8080, "autostart": True, **more}
    if autostop is not None:
        service["autostop"] = autostop
    return {"services": [service]}


def crowd(apps: int, each: int) -> World:
    """An organisation of `apps` apps, each with so many machines, in two regions by turns.

    They share what a machine holds besides its name and place, so that ten thousand are made in a second: to be
    looked at, not to be changed.
    """
    one = machine(0)
    world = World(
        orgs=default_world().orgs, apps={FLEET: App(name=FLEET, org="personal", machines={one.id: one})}
    )
    like = Emulator(world).dump().apps[FLEET].machines[one.id]
    del world.apps[FLEET]
    for number in range(apps):
        made = [
            like.model_copy(
                update={
                    "id": id_of(place),
                    "name": f"fleet-{place}",
                    "region": ("fra", "ams")[place % 2],
                    "created_at": MADE + place,
                }
            )
            for place in range(number * each, (number + 1) * each)
        ]
        name = f"app-{number:04d}"
        world.apps[name] = App(name=name, org="personal", machines={one.id: one for one in made})
    return world
