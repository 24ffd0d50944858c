"""What an answer claims is believed where it was done, and found out where it was not; one thing too many is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from fly_mcp_emulator.completion import complete
from fly_mcp_emulator.world import App, Certificate, IpAddress, Lease, Machine, SecretKey, Snapshot, Volume
from fly_mcp_tools.catalogue import ACTIONS
from tests.chaos import claims, ground
from tests.chaos.history import History, Watchers
from tests.chaos.line import CURRENT
from tests.chaos.model import Asked, Intent, Told

_APP, _MACHINE, _DISK = ground.CLONES, "d0000000000190", "vol_origin00"
_WHERE = {"appName": _APP, "machineId": _MACHINE}
_ON = {"appName": _APP, "volumeId": _DISK}
#: Seconds: the world is seen, the call begins, something is done, the call is answered, somebody undoes it.
_SEEN, _BEGAN, _DONE, _ENDED = 0.0, 10.0, 15.0, 20.0


def _nothing(*_: object) -> None:
    pass


@dataclass
class Case:
    """A call, what its answer says, and what makes that true."""

    action: str
    arguments: dict[str, Any]
    content: dict[str, Any]
    do: Callable[[App], None]
    before: Callable[[App], object] = _nothing
    more: dict[str, Any] = field(default_factory=dict[str, Any])


def _clone(app: App, number: int = 1) -> None:
    """A machine like the one, with a volume of its own."""
    disk = Volume(id=f"vol_own{number}", name="seed", region="fra")
    made = app.machines[_MACHINE].model_copy(deep=True, update={"id": f"c{number}", "name": f"c{number}"})
    assert made.config.mounts
    made.config.mounts[0].volume = disk.id
    app.volumes[disk.id], app.machines[made.id] = disk, made


def _ip(app: App, ip: str = "2a09::1") -> None:
    app.ips[ip] = IpAddress(ip=ip)


def _key(app: App) -> None:
    app.secret_keys["k"] = SecretKey(name="k", type="hs256", value="x")
    app.secrets_version += 1


def _no_key(app: App) -> None:
    app.secret_keys.clear()
    app.secrets_version += 1


def _snapshot(app: App, name: str = "vs_new") -> None:
    app.volumes[_DISK].snapshots.insert(0, Snapshot(id=name, created_at=_DONE))


def _metadata(key: str, value: str | None) -> Callable[[App], None]:
    def do(app: App) -> None:
        machine = app.machines[_MACHINE]
        kept = {**(machine.config.metadata or {}), key: value}
        metadata = {name: text for name, text in kept.items() if text is not None}
        machine.config = machine.config.model_copy(update={"metadata": metadata})

    return do


def _set(**changes: object) -> Callable[[App], None]:
    """A machine that is another."""

    def do(app: App) -> None:
        machine: Machine = app.machines[_MACHINE]
        for name, value in changes.items():
            setattr(machine, name, value)

    return do


def _disk(**changes: object) -> Callable[[App], None]:
    def do(app: App) -> None:
        for name, value in changes.items():
            setattr(app.volumes[_DISK], name, value)

    return do


_LEASE = Lease(nonce="n", owner="o", expires_at=99.0)
_CERTIFICATE = Certificate(hostname="a.example.com")

CASES = [
    Case(
        "flyCloneMachine",
        _WHERE,
        {"id": "c1", "state": "started", "cloned_from": _MACHINE, "volume_id": "vol_own1"},
        _clone,
        more={"like": _MACHINE},
    ),
    Case("flyCordonMachine", _WHERE, {"state": "started", "cordoned": True}, _set(cordoned=True)),
    Case(
        "flyUncordonMachine",
        _WHERE,
        {"state": "started", "cordoned": False},
        _set(cordoned=False),
        _set(cordoned=True),
    ),
    Case("flySignalMachine", _WHERE, {"state": "stopped"}, _set(state="stopped")),
    Case("flySetMemory", {**_WHERE, "limitMb": 128}, {"limit_mb": 128}, _set(memory_limit_mb=128)),
    Case("flyAcquireLease", _WHERE, {"nonce": "n"}, _set(lease=_LEASE)),
    Case("flyReleaseLease", {**_WHERE, "nonce": "n"}, {}, _set(lease=None), _set(lease=_LEASE)),
    Case(
        "flySetMetadata",
        _WHERE,
        {"changed": {"t": "added"}},
        _metadata("t", "x"),
        more={"metadata": {"t": "x"}},
    ),
    Case(
        "flyDeleteMetadata",
        _WHERE,
        {"changed": {"t": "removed"}},
        _metadata("t", None),
        _metadata("t", "x"),
        more={"metadata": {"t": None}},
    ),
    Case("flyGenerateSecretKey", {"name": "k", "type": "hs256"}, {"name": "k"}, _key),
    Case("flyDeleteSecretKey", {"name": "k"}, {"name": "k"}, _no_key, _key),
    Case("flyUpdateVolume", {**_ON, "snapshotRetention": 9}, {"snapshot_retention": 9}, _disk(snapshot_retention=9)),
    Case("flyExtendVolume", {**_ON, "sizeGb": 4}, {"size_gb": 4}, _disk(size_gb=4)),
    Case("flyCreateSnapshot", _ON, {"id": "vs_new"}, _snapshot),
    Case(
        "flyRequestCertificate",
        {},
        {"hostname": "a.example.com"},
        lambda app: app.certificates.update({"a.example.com": _CERTIFICATE}),
    ),
    Case(
        "flyRemoveCertificate",
        {},
        {"hostname": "a.example.com"},
        lambda app: app.certificates.clear(),
        lambda app: app.certificates.update({"a.example.com": _CERTIFICATE}),
    ),
    Case("flyAllocateIp", {"type": "v6"}, {"ip": "2a09::1", "type": "v6"}, _ip),
    Case("flyReleaseIp", {"ip": "2a09::1"}, {"ip": "2a09::1"}, lambda app: app.ips.clear(), _ip),
]  # fmt: skip
#: Judged in whole runs, with one safeguard switched off: `test_the_judge.py`.
_IN_THE_RUN = {
    *(
        "flyCreateApp",
        "flyDeleteApp",
        "flyCreateMachine",
        "flyDeleteMachine",
        "flyStartMachine",
        "flyStopMachine",
    ),
    *("flyRestartMachine", "flySuspendMachine", "flyUpdateMachineConfig", "flyExecCommand", "flySetSecrets"),
    *("flyUnsetSecrets", "flyScaleMachines", "flyScaleWithVolumes", "flyCreateVolume", "flyDeleteVolume"),
}
cases = pytest.mark.parametrize("case", CASES, ids=[case.action for case in CASES])


def _judged(case: Case, *doings: Callable[[App], None], by: bool = True) -> list[str]:
    """What the judges find in the answer, where this was done meanwhile, by this call or by somebody else."""
    world = complete(ground.world(["a0"]), seed=1)
    app, history = world.apps[_APP], History(Watchers(_nothing, _nothing, _nothing, _nothing))
    case.before(app)
    history.look(world, _SEEN, "", "")
    asked = Asked(case.action, case.arguments, app=_APP, machine=_MACHINE, **case.more)
    intents = [Intent(number, "a0", asked, "r", _BEGAN) for number in (1, 2)]
    ours, theirs = (Told(1, intent, dict(case.arguments), _BEGAN) for intent in intents)
    ours.intent.calls.append(ours)
    token = CURRENT.set(ours if by else theirs)
    for do in doings:
        do(app)
    history.look(world, _DONE, "", "")
    CURRENT.reset(token)
    ours.ended, ours.ending = _ENDED, "done"
    ours.content = {"id": case.arguments.get("volumeId", _MACHINE), "outcome": "done", **case.content}
    return [*claims.CLAIMS[case.action](ours, history), *claims.made_too_many(ours.intent, 1, history)]


@cases
def test_what_was_done_is_believed(case: Case) -> None:
    assert _judged(case, case.do) == []


@cases
def test_what_was_not_done_is_found_out(case: Case) -> None:
    assert _judged(case)


SECOND: dict[str, Callable[[App], None]] = {
    "flyCloneMachine": lambda app: _clone(app, 2),
    "flyAllocateIp": lambda app: _ip(app, "2a09::2"),
    "flyCreateSnapshot": lambda app: _snapshot(app, "vs_other"),
}


@pytest.mark.parametrize("action", SECOND)
def test_one_too_many_is_seen(action: str) -> None:
    """Two clones, addresses or snapshots for one call."""
    (case,) = (one for one in CASES if one.action == action)
    found = _judged(case, case.do, SECOND[action])
    assert found
    assert all(" for one call" in words for words in found)


@pytest.mark.parametrize(
    "action", ["flyCloneMachine", "flyAcquireLease", "flyGenerateSecretKey", "flyAllocateIp"]
)
def test_what_somebody_else_made_is_not_ours(action: str) -> None:
    (case,) = (one for one in CASES if one.action == action)
    assert _judged(case, case.do, by=False)


def test_every_write_that_claims_something_of_its_own_has_a_case() -> None:
    """Those that the whole run was made for are seen to be judged by the switches."""
    writes = {name for name, action in ACTIONS.items() if action.writes}

    assert writes - {case.action for case in CASES} <= _IN_THE_RUN
