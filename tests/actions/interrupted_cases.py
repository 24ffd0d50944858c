"""A call of every write, and the world that it is made in: for whatever has to hold wherever one is interrupted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fly_mcp_emulator.world import Certificate, IpAddress, Lease, SecretKey, Volume, World

from .fly import Json
from .worlds import FLEET, IMAGE, fleet, id_of, machine, mount

ONE: Json = {"appName": FLEET, "machineId": id_of(1)}
SPARE: Json = {"appName": FLEET, "volumeId": "vol_spare"}
NONCE, IP, HOST = "4f2a9c01d3b7", "2a09:8280:1::5c:1f2e:0", "old.example"
#: The end of the year 2099.
_FAR = 4_102_444_799.0
#: When somebody set a secret: long after the machines have booted.
_LATELY = 1_779_000_000.0


def _web(machines: int, *, newer_secret: bool = False) -> World:
    """An app without volumes, in two regions."""
    world = fleet(
        *(machine(number, region=("fra", "ams")[number % 2]) for number in range(1, machines + 1)),
        secrets=("TOKEN",),
    )
    if newer_secret:
        secret = world.apps[FLEET].secrets["TOKEN"]
        secret.value, secret.updated_at = "second-token", _LATELY
    return _alone(world)


def _resting(state: str) -> World:
    return _alone(fleet(machine(1, state=state)))  # type: ignore[arg-type]  # a state is a literal there


def _disk(machines: int = 1) -> World:
    """An app with volumes: a machine, and a volume that is free."""
    spare = Volume(id="vol_spare", name="data", region="fra")
    return _alone(
        fleet(*(machine(number, **mount(number)) for number in range(1, machines + 1)), volumes=(spare,))
    )


def _alone(world: World) -> World:
    """Without the other apps: what is small is quick to copy."""
    world.apps = {FLEET: world.apps[FLEET]}
    return world


@dataclass(frozen=True)
class Case:
    """A call, and the world it is made in."""

    action: str
    arguments: Json
    world: Callable[[], World] = field(default=lambda: _web(2))


def _dressed(**more: Any) -> World:
    """A small app with an address, a host name and a secret key; `more`: of its machine, beside its config."""
    world = _alone(fleet(machine(1).model_copy(update=more)))
    app = world.apps[FLEET]
    app.ips[IP] = IpAddress(ip=IP)
    app.certificates[HOST] = Certificate(hostname=HOST)
    app.secret_keys["old"] = SecretKey(name="old", type="hs256", value="b2xk")
    return world


def _leased() -> World:
    """A machine whose lease somebody took long ago, for long."""
    return _dressed(lease=Lease(nonce=NONCE, owner="ada@x.io", expires_at=_FAR))


CASES: dict[str, Case] = {
    "create machine": Case("flyCreateMachine", {"appName": FLEET, "image": IMAGE}),
    "create machine with volume": Case(
        "flyCreateMachine", {"appName": FLEET, "volumeId": "vol_spare"}, _disk
    ),
    "create volume": Case("flyCreateVolume", {"appName": FLEET, "name": "data", "region": "fra"}, _disk),
    "create app": Case("flyCreateApp", {"appName": "shop"}),
    "scale up": Case("flyScaleMachines", {"appName": FLEET, "count": 4}),
    "scale down": Case("flyScaleMachines", {"appName": FLEET, "count": 1}, lambda: _web(3)),
    "scale to zero": Case("flyScaleMachines", {"appName": FLEET, "count": 0}),
    "scale up with volumes": Case("flyScaleWithVolumes", {"appName": FLEET, "count": 4}, _disk),
    "scale down with volumes": Case("flyScaleWithVolumes", {"appName": FLEET, "count": 1}, lambda: _disk(2)),
    "set secrets": Case("flySetSecrets", {"appName": FLEET, "secrets": {"A": "b"}, "restartMachines": True}),
    "unset secrets": Case(
        "flyUnsetSecrets", {"appName": FLEET, "secretNames": ["TOKEN"], "restartMachines": True}
    ),
    "update": Case("flyUpdateMachineConfig", {**ONE, "env": {"A": "b"}, "memoryMb": 512}),
    "restart": Case("flyRestartMachine", ONE),
    "restart for secrets": Case("flyRestartMachine", ONE, lambda: _web(1, newer_secret=True)),
    "delete machine": Case("flyDeleteMachine", ONE, _disk),
    "delete volume": Case("flyDeleteVolume", {"appName": FLEET, "volumeId": "vol_spare"}, _disk),
    "delete app": Case("flyDeleteApp", {"appName": FLEET}),
    "stop": Case("flyStopMachine", ONE),
    "start": Case("flyStartMachine", ONE, lambda: _resting("stopped")),
    "resume": Case("flyStartMachine", ONE, lambda: _resting("suspended")),
    "suspend": Case("flySuspendMachine", ONE),
    "update image": Case("flyUpdateMachineConfig", {**ONE, "image": "nginx:1.27"}),
    "update config": Case("flyUpdateMachineConfig", {**ONE, "config": {"restart": {"policy": "always"}}}),
    "clone": Case("flyCloneMachine", {**ONE, "region": "ams"}),
    "clone with volume": Case("flyCloneMachine", ONE, _disk),
    "clone with fork": Case("flyCloneMachine", {**ONE, "volume": "fork"}, _disk),
    "cordon": Case("flyCordonMachine", ONE),
    "uncordon": Case("flyUncordonMachine", ONE, lambda: _dressed(cordoned=True)),
    "limit memory": Case("flySetMemory", {**ONE, "limitMb": 128}),
    "acquire lease": Case("flyAcquireLease", {**ONE, "ttl": 600}),
    "extend lease": Case("flyAcquireLease", {**ONE, "ttl": 600, "nonce": NONCE}, _leased),
    "release lease": Case("flyReleaseLease", {**ONE, "nonce": NONCE}, _leased),
    "set metadata": Case("flySetMetadata", {**ONE, "metadata": {"team": "shop", "stage": "test"}}),
    "delete metadata": Case("flyDeleteMetadata", {**ONE, "keys": ["fly_process_group"]}),
    "delete metadata keys": Case("flyDeleteMetadata", {**ONE, "keys": ["fly_process_group", "no"]}),
    "generate secret key": Case("flyGenerateSecretKey", {"appName": FLEET, "name": "new", "type": "hs256"}),
    "delete secret key": Case("flyDeleteSecretKey", {"appName": FLEET, "name": "old"}, _dressed),
    "update volume": Case(
        "flyUpdateVolume", {**SPARE, "snapshotRetention": 14, "scheduledSnapshots": False}, _disk
    ),
    "extend volume": Case("flyExtendVolume", {**SPARE, "sizeGb": 3}, _disk),
    "create snapshot": Case("flyCreateSnapshot", SPARE, _disk),
    "fork volume": Case(
        "flyCreateVolume",
        {"appName": FLEET, "name": "copy", "region": "fra", "sourceVolumeId": "vol_spare"},
        _disk,
    ),
    "allocate address": Case("flyAllocateIp", {"appName": FLEET, "type": "v6"}, _dressed),
    "allocate address that costs": Case("flyAllocateIp", {"appName": FLEET, "type": "v4"}, _dressed),
    "allocate shared address": Case("flyAllocateIp", {"appName": FLEET}, _dressed),
    "release address": Case("flyReleaseIp", {"appName": FLEET, "ip": IP}, _dressed),
    "request certificate": Case(
        "flyRequestCertificate", {"appName": FLEET, "hostname": "new.example"}, _dressed
    ),
    "remove certificate": Case("flyRemoveCertificate", {"appName": FLEET, "hostname": HOST}, _dressed),
}

#: What leaves nothing by which it could be looked up, so that it is done, or unclear for as long as the id is known;
#: and how the path of its one request ends.
ONCE: dict[str, tuple[Case, str]] = {
    "exec": (Case("flyExecCommand", {**ONE, "command": ["sh", "-c", "echo x >> /data/log"]}, _disk), "/exec"),
    "signal": (Case("flySignalMachine", {**ONE, "signal": "SIGHUP"}), "/signal"),
    "reclaim memory": (Case("flySetMemory", {**ONE, "reclaimMb": 10}), "/memory/reclaim"),
}
