"""What is wrong with a world at its end is found in it, one thing at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fly_mcp_emulator.completion import complete
from fly_mcp_emulator.world import App, Lease, Volume, World
from tests.chaos import ending, ground
from tests.chaos.model import Asked, Ending, Intent, Model

_NOW = 1_780_000_000.0
_IMAGE = f"{ground.REPOSITORY}:i-1"
_POOL = ground.POOLS[0]


def _world() -> World:
    return complete(ground.world(["a0"]), seed=1)


def _asked(asked: Asked, ending_: Ending, model: Model, **content: object) -> Intent:
    intent = model.intent("a0", asked, "r1", _NOW)
    told = model.call(intent, {}, _NOW)
    told.ending, told.ended, told.content = ending_, _NOW + 1, dict(content)
    return intent


def _pool(world: World) -> App:
    return world.apps[_POOL]


def _machine(world: World, machine_id: str) -> None:
    """One more machine, of the image that only one intent names."""
    (first, *_) = _pool(world).machines.values()
    made = first.model_copy(deep=True, update={"id": machine_id, "name": machine_id})
    made.config.image = made.versions[0].config.image = _IMAGE
    _pool(world).machines[machine_id] = made


def _volume(world: World, volume_id: str) -> None:
    world.apps[ground.DISKS].volumes[volume_id] = Volume(id=volume_id, name="data", region="fra")


def _laws(world: World, model: Model) -> set[str]:
    return {law for law, _, _ in ending.judge(world, model)}


_CREATE = Asked("flyCreateMachine", {}, image=_IMAGE, app=_POOL)
_DISK = Asked("flyCreateVolume", {"region": "fra"}, shared="data", app=ground.DISKS)


def test_a_second_machine_of_an_image_is_a_doubled_one() -> None:
    """Issue 4: 0 machines doubled, judged by what the machine is and not by our mark."""
    world, model = _world(), Model()
    _asked(_CREATE, "done", model, id="1a")
    _machine(world, "1a")
    assert _laws(world, model) == set()

    _machine(world, "1b")
    assert _laws(world, model) == {"doubled"}


def test_a_machine_that_was_never_there_is_a_wrong_done() -> None:
    """Issue 4: 0 wrong "done"."""
    world, model = _world(), Model()
    _asked(_CREATE, "done", model, id="1a")

    assert _laws(world, model) == {"wrong done"}


def test_a_machine_of_a_refused_create_is_a_wrong_refused() -> None:
    """Issue 4: refused, and nothing changed."""
    world, model = _world(), Model()
    _asked(_CREATE, "refused", model, code="no_capacity")
    _machine(world, "1a")

    assert _laws(world, model) == {"wrong refused"}


@pytest.mark.parametrize(
    ("endings", "made", "laws"),
    [
        (["done"], 1, set[str]()),
        (["done"], 0, {"wrong done"}),
        (["done"], 2, {"doubled"}),
        (["done", "unclear"], 2, set[str]()),
        (["done", "refused"], 2, {"doubled"}),
        (["unclear"], 0, set[str]()),
    ],
)
def test_volumes_of_a_shared_label_are_counted(endings: list[Ending], made: int, laws: set[str]) -> None:
    """Done <= made <= done + unclear: which is whose cannot be told."""
    world, model = _world(), Model()
    for number, how in enumerate(endings):
        _asked(_DISK, how, model, id=f"vol_{number}")
    for number in range(made):
        _volume(world, f"vol_{number}")

    assert _laws(world, model) == laws


def test_volumes_of_another_client_do_not_count() -> None:
    """They have the same name, region and size on purpose."""
    world, model = _world(), Model()
    _asked(_DISK, "done", model, id="vol_0")
    _volume(world, "vol_0")
    _volume(world, "vol_1")

    assert list(ending.judge(world, model, foreign_volumes=frozenset({"vol_1"}))) == []


@pytest.mark.parametrize("where", ["env", "secrets"])
def test_a_key_that_was_set_and_is_not_there_is_a_lost_one(where: str) -> None:
    """Issue 4: 0 config keys lost."""
    world, model = _world(), Model()
    machine_id = next(iter(_pool(world).machines))
    wish: dict[str, str | None] = {"K": "v"}
    asked = Asked("any", {}, app=_POOL, machine=machine_id, unique=frozenset({"K"}))
    _asked(replace(asked, env=wish) if where == "env" else replace(asked, secrets=wish), "done", model)

    assert _laws(world, model) == {"lost key"}


@pytest.mark.parametrize(
    ("lease", "left"),
    [
        (Lease(nonce="n", owner="o", expires_at=_NOW + 9, description="fly-mcp flyStopMachine 1"), True),
        (Lease(nonce="n", owner="o", expires_at=_NOW - 1, description="fly-mcp flyStopMachine 1"), False),
        (Lease(nonce="n", owner="o", expires_at=_NOW + 9, description="by hand"), False),
    ],
)
def test_a_lease_of_ours_that_is_in_force_is_left(lease: Lease, left: bool) -> None:
    """Issue 4: 0 leases left."""
    world = _world()
    machine = next(iter(_pool(world).machines.values()))
    machine.lease = lease

    assert ending.leases(world, _NOW) == ([machine.id] if left else [])
