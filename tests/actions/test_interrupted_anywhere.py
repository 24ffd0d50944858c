"""Interrupted at any of its requests, a call is finished by its id, and nothing is lost or doubled (issue 4, 7)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fly_mcp_emulator.world import Volume, World
from fly_mcp_tools.action import Gate
from fly_mcp_tools.catalogue import ACTIONS
from tests.virtual_time import LoopClock

from .fly import Json
from .interruptions import KINDS, Kind, Stage
from .remains import references_in
from .worlds import FLEET, IMAGE, fleet, id_of, machine, mount

ONE: Json = {"appName": FLEET, "machineId": id_of(1)}
#: A call sends fewer requests than this.
_MANY = 60
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
}


#: What an answer tells of the intent, and not of the call that finished it.
TOLD = ("state", "previous_state", "before", "count", "names", "not_set", "applied_secrets", "how")


def _told(answer: Json) -> Json:
    machines: list[Any] = answer.get("machines") or []
    return {**{key: answer.get(key) for key in TOLD}, "machines": len(machines)}


@pytest.fixture
def stage(request: pytest.FixtureRequest, clock: LoopClock, tmp_path: Path) -> Stage:
    case: Case = request.getfixturevalue("case")
    return Stage(case.world(), clock, tmp_path / "state")


async def _undisturbed(stage: Stage, action: str, arguments: Json) -> tuple[Json, Json]:
    """The answer and what is there afterwards, if nothing happens."""
    process = stage.process()
    answer = await process.call(action, {**arguments, "requestId": "undisturbed"})
    assert answer is not None
    assert answer["outcome"] == "done", answer
    process.store.close()
    return answer, await stage.left()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_interrupted_at_any_request_the_same_id_comes_to_done(
    stage: Stage, case: Case, kind: Kind
) -> None:
    """Three repeats at most; then Fly is as after a call that nothing happened to, and its undo is told in full."""
    asks = ACTIONS[case.action].gate is not Gate.NEVER
    arguments = {**case.arguments, **({"confirm": True} if asks else {})}
    undisturbed, want = await _undisturbed(stage, case.action, arguments)
    assert not any(app["leased"] for app in want.values())
    earlier = references_in(undisturbed)
    for at in range(1, _MANY):
        stage.emulator.reset()
        call = {**arguments, "requestId": f"interrupted-at-{at}"}
        process = stage.process(kind, at)
        answer = await process.call(case.action, call)
        where = f"at request {at}, {process.wire.struck}"
        if process.wire.struck is None:
            assert at > 2
            return
        if kind.startswith("killed") or at % 2:  # every other time, what the process remembered is gone
            process.store.close()
            process = stage.process(seed=2)
        for _ in range(3):
            if answer is None or answer["outcome"] != "done":
                answer = await process.call(case.action, call)
        assert answer is not None
        assert answer["outcome"] == "done", (where, answer)
        assert _told(answer) == _told(undisturbed), where
        assert await stage.left() == want, where
        kept = process.references() - earlier
        assert references_in(answer) == kept, where
        earlier |= kept
        process.store.close()
    raise AssertionError("it never came to its end")


EXEC: Json = {**ONE, "command": ["sh", "-c", "echo x >> /data/log"]}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", [Case("flyExecCommand", EXEC, _disk)], ids=["exec"])
async def test_a_command_is_never_run_twice(stage: Stage, case: Case, kind: Kind) -> None:
    """What it did cannot be looked up: it is done, or unclear for as long as the id is known."""
    process = stage.process(kind, 1)
    answers = [await process.call(case.action, {**EXEC, "requestId": "one"})]
    process.store.close()
    for seed in (2, 3):
        process = stage.process(seed=seed)
        answers.append(await process.call(case.action, {**EXEC, "requestId": "one"}))
        process.store.close()
    told = {answer["outcome"] for answer in answers if answer is not None}
    assert told == ({"done"} if kind == "cancelled" else {"unclear"})
    asked = [one.path for one in stage.emulator.requests if one.path.endswith("/exec")]
    assert len(asked) == (kind not in ("killed-before", "request-lost"))
    assert process.wire.struck is None
