"""A machine that destroys itself when its process ends: nothing but a confirmed deletion ends that process."""

from __future__ import annotations

from typing import Any, Final

import pytest

from fly_mcp_emulator.config import MachineConfig
from fly_mcp_emulator.world import World
from fly_mcp_tools.action import Access
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.composites import lasting
from fly_mcp_tools.errors import WrongState
from fly_mcp_tools.wire import Machine

from .fly import Fly
from .worlds import FLEET, IMAGE, fleet, id_of, machine

ONE: Final = {"appName": FLEET, "machineId": id_of(1)}
#: Every action of the class `write` that ends, or may end, what runs on a machine.
ENDING: Final[dict[str, dict[str, Any]]] = {
    "flyStopMachine": {},
    "flySuspendMachine": {},  # Fly stops it where it cannot keep its memory (reference 5.2)
    "flyRestartMachine": {},
    "flySignalMachine": {"signal": "SIGKILL"},
}
ends = pytest.mark.parametrize("name", ENDING)


def _destroying(world: World) -> None:
    one = world.apps[FLEET].machines[id_of(1)]
    given = one.config.as_fly_answers() | {"auto_destroy": True, "restart": {"policy": "no"}}
    one.config = MachineConfig.model_validate(given)


@pytest.fixture
def world() -> World:
    return fleet(machine(1))


@ends
async def test_what_would_make_it_destroy_itself_is_refused(fly: Fly, name: str) -> None:
    """The review of issue 6, 1: else whoever may write destroys, without confirm, human or durable line."""
    fly.edit(_destroying)
    error = await fly.refused(name, **ONE, **ENDING[name])
    assert (error["code"], error["changed"], error["retryable"]) == ("wrong_state", "nothing", False)
    assert "auto_destroy" in error["message"]
    assert "flyDeleteMachine, with confirm" in error["hint"]
    assert fly.changes() == []
    assert fly.leases() == []
    await fly.clock.sleep(60)
    assert fly.machine(id_of(1), FLEET).state == "started"


@ends
async def test_one_that_became_so_a_moment_ago_is_refused_too(fly: Fly, name: str) -> None:
    """The review of issue 6, 1: it is looked at once more under the lease, so that nobody comes between."""
    fly.wire.tap("POST", "/lease$", lambda _: fly.edit(_destroying))
    error = await fly.refused(name, **ONE, **ENDING[name])
    assert (error["code"], "auto_destroy" in error["message"]) == ("wrong_state", True)
    assert fly.changes() == []
    assert fly.leases() == []


@ends
async def test_under_a_lease_of_the_callers_it_is_refused_as_well(fly: Fly, name: str) -> None:
    """Ours: whoever holds a lease has no more rights."""
    fly.edit(_destroying)
    nonce = (await fly.call("flyAcquireLease", **ONE, ttl=60))["nonce"]
    assert (await fly.refused(name, **ONE, nonce=nonce, **ENDING[name]))["code"] == "wrong_state"
    assert fly.changes() == []


async def test_a_restart_for_new_secrets_is_refused_as_well(fly: Fly) -> None:
    """Ours: a restart is one thing to whoever asks for it, however it is carried out."""
    fly.edit(_destroying)
    await fly.call("flySetSecrets", appName=FLEET, secrets={"A": "b"})
    before = fly.changes()
    assert (await fly.refused("flyRestartMachine", **ONE))["code"] == "wrong_state"
    assert fly.changes() == before


async def test_one_that_is_made_lasting_first_can_be_stopped(fly: Fly) -> None:
    """Ours: the hint of the refusal leads somewhere; an update is no end of a process (reference 5.2)."""
    fly.edit(_destroying)
    await fly.call("flyUpdateMachineConfig", **ONE, config={"env": {"A": "b"}, "image": IMAGE})
    assert fly.machine(id_of(1), FLEET).state == "started"
    await fly.call("flyUpdateMachineConfig", **ONE, config={"auto_destroy": False})
    assert (await fly.call("flyStopMachine", **ONE))["state"] == "stopped"


async def test_one_that_rests_may_start_and_then_ends_by_itself_alone(fly: Fly) -> None:
    """Ours: to start it is what it was made for."""
    fly.edit(_destroying)
    fly.edit(lambda world: setattr(world.apps[FLEET].machines[id_of(1)], "state", "stopped"))
    assert (await fly.call("flyStopMachine", **ONE))["outcome"] == "done"
    assert (await fly.call("flyStartMachine", **ONE))["state"] == "started"


def test_one_whose_host_does_not_answer_is_known_by_what_fly_kept_of_it() -> None:
    """Reference 3.2: part of a config may stand in `incomplete_config`."""
    kept = Machine(id=id_of(1), state="started", incomplete_config={"auto_destroy": True})
    with pytest.raises(WrongState, match="auto_destroy"):
        lasting.keep(kept)
    lasting.keep(kept.model_copy(update={"incomplete_config": None}))


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, action in ACTIONS.items()
        if action.access is Access.WRITE and {"app_name", "machine_id"} <= action.params.model_fields.keys()
    ],
)
async def test_no_row_of_the_class_write_destroys_it(fly: Fly, name: str) -> None:
    """The review of issue 6, 1: whatever rows there are, by the example of each; a new one is not to slip by."""
    fly.edit(_destroying)
    usual = ACTIONS[name].examples[0].arguments
    await fly.either(name, **{**usual, **ONE, **ENDING.get(name, {})})
    await fly.clock.sleep(600)
    assert fly.machine(id_of(1), FLEET).alive
