"""The composites that are killed, each with an app of its own to be at work in, and what it must have come to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from fly_mcp_emulator.config import MachineConfig
from fly_mcp_emulator.world import App, Machine, Volume

from .servers import Answer, Json

IMAGE = "registry.fly.io/chaos"
_MADE = 1_779_900_000.0
_DYING = ("scheduling_destroy", "pending_destroy", "destroyed")


@dataclass(frozen=True)
class Came:
    """What came of a composite: its app before and after, and the answer that said done."""

    number: int
    kills: int
    arguments: Json
    before: App | None
    after: App | None
    answer: Answer


Judge = Callable[[Came], Iterator[str]]


@dataclass(frozen=True)
class Composite:
    """One of them. `requests`: about so many it sends where nothing interrupts it.

    `ground`: the app it begins with, by its name and the number of the point; None: none.
    `arguments`: of the call, `requestId` and `confirm` aside.
    """

    tool: str
    words: str
    requests: int
    ground: Callable[[str, int], App | None]
    arguments: Callable[[str, int], Json]
    judge: Judge
    gated: bool = False


def machine(number: int, place: int, *, state: str = "started", volume: str = "") -> Machine:
    """The `place`-th machine of an app."""
    config: dict[str, Any] = {
        "image": f"{IMAGE}:base",
        "env": {"FIRST": str(number)},
        "metadata": {"fly_platform_version": "v2", "fly_process_group": "app"},
    }
    if volume:
        config["mounts"] = [{"volume": volume, "path": "/data"}]
    return Machine.model_validate(
        {
            "id": machine_id(number, place),
            "name": f"ground-{place}",
            "region": "fra",
            "state": state,
            "created_at": _MADE + place,
            "updated_at": _MADE + place,
            "config": MachineConfig.model_validate(config),
        }
    )


def machine_id(number: int, place: int) -> str:
    """Its id."""
    return f"d{number:08x}{place:05x}"


def volume_id(number: int) -> str:
    """The id of a point's volume."""
    return f"vol_point{number:04d}"


def app_of(name: str, machines: list[Machine], *volumes: Volume) -> App:
    """An app with these."""
    return App(
        name=name,
        org="personal",
        created_at=_MADE,
        machines={one.id: one for one in machines},
        volumes={one.id: one for one in volumes},
    )


def _volume(number: int) -> Volume:
    return Volume(id=volume_id(number), name="data", region="fra", created_at=_MADE)


def _plain(machines: int, state: str = "started") -> Callable[[str, int], App]:
    return lambda name, number: app_of(
        name, [machine(number, place, state=state) for place in range(machines)]
    )


def _with_disk(name: str, number: int) -> App:
    return app_of(name, [machine(number, 0, volume=volume_id(number))], _volume(number))


def _free_disk(name: str, number: int) -> App:
    return app_of(name, [], _volume(number))


def _none(_name: str, _number: int) -> None:
    return None


def _first(name: str, number: int) -> Json:
    return {"appName": name, "machineId": machine_id(number, 0)}


def _there(came: Came) -> App:
    assert came.after is not None
    return came.after


def _alive(app: App) -> list[Machine]:
    return [one for one in app.machines.values() if one.alive]


def _kept(came: Came) -> Iterator[str]:
    """Nothing that was there is another one now, but for what was asked for."""
    assert came.before is not None
    after = _there(came)
    for one in came.before.machines.values():
        env, now = one.config.env or {}, after.machines[one.id].config.env or {}
        for key, value in env.items():
            if now.get(key) != value:
                yield f"{key} of machine {one.id} is lost: {now.get(key)!r}"


def _scaled_up(came: Came) -> Iterator[str]:
    app, count = _there(came), came.arguments["count"]
    yield from _kept(came)
    if len(_alive(app)) != count or len(app.machines) != count:
        yield f"{len(app.machines)} machines were made in all and {len(_alive(app))} are there, not {count}"
    if came.answer.content.get("count") != count:
        yield f"it says {came.answer.content.get('count')} machines"
    for one in _alive(app):
        if one.state != "started":
            yield f"it says done, and machine {one.id} is {one.state}"


def _scaled_up_with_volumes(came: Came) -> Iterator[str]:
    yield from _scaled_up(came)
    app, count = _there(came), came.arguments["count"]
    owned = {one.volume_id for one in _alive(app)}
    if len(app.volumes) != count or len(owned) != count or None in owned:
        yield f"{len(app.volumes)} volumes were made in all for {count} machines, which have {sorted(map(str, owned))}"


def _scaled_down(came: Came) -> Iterator[str]:
    app, count = _there(came), came.arguments["count"]
    assert came.before is not None
    if len(_alive(app)) != count:
        yield f"{len(_alive(app))} machines are there, not {count}"
    if len(app.machines) != len(came.before.machines):
        yield f"{len(app.machines) - len(came.before.machines)} machines were made"


def _created_machine(came: Came) -> Iterator[str]:
    image = came.arguments["image"]
    made = [one for one in _there(came).machines.values() if one.config.image == image]
    if len(made) != 1 or not made[0].alive:
        yield f"{len(made)} machines were made: {', '.join(f'{one.id} {one.state}' for one in made)}"
        return
    if came.answer.content.get("id") != made[0].id:
        yield f"it says {came.answer.content.get('id')}, and made {made[0].id}"
    if made[0].volume_id != came.arguments.get("volumeId"):
        yield f"its volume is {made[0].volume_id}"
    if made[0].state != "started":
        yield f"it says done, and the machine is {made[0].state}"


def _created_volume(came: Came) -> Iterator[str]:
    made = [one.id for one in _there(came).volumes.values() if one.name == came.arguments["name"]]
    if len(made) != 1:
        yield f"{len(made)} volumes were made: {made}"
    if came.answer.content.get("id") not in made:
        yield f"it says {came.answer.content.get('id')}, and made {made}"


def _created_app(came: Came) -> Iterator[str]:
    if came.after is None:
        yield "the app is not there"


def _set_secrets(came: Came) -> Iterator[str]:
    yield from _kept(came)
    app = _there(came)
    assert came.before is not None
    for name, value in came.arguments["secrets"].items():
        stored = app.secrets.get(name)
        if stored is None or stored.value != value:
            yield f"secret {name} is not stored"
        for one in _alive(app):
            if one.secrets.values.get(name) != value:
                yield f"machine {one.id} ({one.state}) has not got {name}"
    for one in _alive(app):
        new = len(one.versions) - len(came.before.machines[one.id].versions)
        if new > 1 + came.kills:
            yield f"machine {one.id} was updated {new} times"


def _updated(came: Came) -> Iterator[str]:
    yield from _kept(came)
    (one,) = _there(came).machines.values()
    assert came.before is not None
    for key, value in came.arguments["env"].items():
        if (one.config.env or {}).get(key) != value:
            yield f"{key} is {(one.config.env or {}).get(key)!r}"
    new = len(one.versions) - len(came.before.machines[one.id].versions)
    if new != 1:
        yield f"it was updated {new} times"
    if one.state != "started":
        yield f"it says done, and the machine is {one.state}"


def _restarted(came: Came) -> Iterator[str]:
    yield from _kept(came)
    (one,) = _there(came).machines.values()
    assert came.before is not None
    boots = one.booted - came.before.machines[one.id].booted
    if boots < 1 or one.state != "started":
        yield f"it was not started anew: {one.state}"
    if boots > 1:
        yield f"it was restarted {boots} times"


def _deleted_machine(came: Came) -> Iterator[str]:
    app = _there(came)
    if _alive(app):
        yield "the machine is there"
    if any(one.state in _DYING for one in app.volumes.values()):
        yield "its volume is gone"


def _deleted_volume(came: Came) -> Iterator[str]:
    (one,) = _there(came).volumes.values()
    if one.state not in _DYING:
        yield f"the volume is {one.state}"
    if len(one.snapshots) != 1 or one.snapshots[0].status != "created":
        yield f"{len(one.snapshots)} snapshots were taken before"


COMPOSITES = (
    Composite(
        "flyScaleMachines",
        "up",
        7,
        _plain(1),
        lambda name, _: {"appName": name, "count": 3},
        _scaled_up,
    ),
    Composite(
        "flyScaleWithVolumes",
        "up",
        14,
        _with_disk,
        lambda name, _: {"appName": name, "count": 3},
        _scaled_up_with_volumes,
    ),
    Composite(
        "flyScaleMachines",
        "down",
        13,
        _plain(4),
        lambda name, _: {"appName": name, "count": 1},
        _scaled_down,
        gated=True,
    ),
    Composite(
        "flyCreateMachine",
        "with a volume",
        5,
        _free_disk,
        lambda name, number: {
            "appName": name,
            "image": f"{IMAGE}:i-{number:06d}",
            "volumeId": volume_id(number),
        },
        _created_machine,
    ),
    Composite(
        "flyCreateMachine",
        "",
        4,
        _plain(1),
        lambda name, number: {"appName": name, "image": f"{IMAGE}:i-{number:06d}"},
        _created_machine,
    ),
    Composite(
        "flyCreateVolume",
        "",
        3,
        _plain(0),
        lambda name, number: {"appName": name, "name": f"u_{number:06d}", "region": "fra"},
        _created_volume,
    ),
    Composite("flyCreateApp", "", 4, _none, lambda name, _: {"appName": name}, _created_app),
    Composite(
        "flySetSecrets",
        "and restart",
        12,
        _plain(2),
        lambda name, number: {
            "appName": name,
            "secrets": {f"S_{number}": f"v{number}"},
            "restartMachines": True,
        },
        _set_secrets,
    ),
    Composite(
        "flyUpdateMachineConfig",
        "",
        6,
        _plain(1),
        lambda name, number: {**_first(name, number), "env": {f"KEY_{number}": f"v{number}"}},
        _updated,
    ),
    Composite(
        "flyDeleteVolume",
        "",
        5,
        _free_disk,
        lambda name, number: {"appName": name, "volumeId": volume_id(number)},
        _deleted_volume,
        gated=True,
    ),
    Composite("flyDeleteMachine", "", 5, _with_disk, _first, _deleted_machine, gated=True),
    Composite("flyRestartMachine", "", 6, _plain(1), _first, _restarted),
)
"""All of them."""
