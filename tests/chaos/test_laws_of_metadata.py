"""A key of metadata that an update writes over is lost, but where no process could have known of it."""

from __future__ import annotations

import math

import pytest

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.world import World
from fly_mcp_tools.catalogue import ACTIONS
from tests.chaos import ground
from tests.chaos.laws import Laws
from tests.chaos.line import CURRENT
from tests.chaos.model import FOREIGN, Asked, Model, Told

_APP, _MACHINE = ground.CLONES, "d0000000000190"


def _written_over(*, set_by: str = "a1", set_late: bool = False, update_late: bool = False) -> list[str]:
    """The laws that are broken where an update takes away what was set after it began."""
    model, emulator = Model(), Emulator(ground.world(["a0"]))
    laws = Laws(emulator, model, ACTIONS, lambda: None)
    world = emulator.dump()

    def call(agent: str, action: str, began: float, ended: float, **wanted: str | None) -> Told:
        asked = Asked(action, {}, app=_APP, machine=_MACHINE, metadata=dict(wanted))
        told = model.call(model.intent(agent, asked, "r", began), {}, began)
        told.ended = ended
        if ended < math.inf:
            told.ending = "unclear"
        return told

    laws.history.look(world, 0.0, "", "")
    update = call("a0", "flyUpdateMachineConfig", 10.0, 14.0 if update_late else math.inf)
    setting = call(set_by, "flySetMetadata", 10.0, 11.0 if set_late else math.inf, team="shop")
    _change(laws, world, setting, 12.0, team="shop")
    setting.ended, setting.ending = 13.0, "done"
    _change(laws, world, update, 15.0)
    return [violation.law for violation in laws.violations]


def _change(laws: Laws, world: World, by: Told, at: float, **metadata: str) -> None:
    machine = world.apps[_APP].machines[_MACHINE]
    before = {key: value for key, value in (machine.config.metadata or {}).items() if key != "team"}
    machine.config = machine.config.model_copy(update={"metadata": {**before, **metadata}})
    token = CURRENT.set(by)
    laws.history.look(world, at, "", "")
    CURRENT.reset(token)


def test_by_an_update_of_the_same_process_it_is_lost() -> None:
    """Nobody changes metadata between the moment an update reads a config and the moment it has sent it."""
    assert _written_over() == ["lost key"]


@pytest.mark.parametrize("late", ["set_late", "update_late"])
def test_by_a_request_that_everybody_had_given_up_or_after_one_it_is_excused(late: str) -> None:
    """Its call had the turn, and has it no more."""
    assert _written_over(set_late=late == "set_late", update_late=late == "update_late") == []


def test_one_that_the_foreign_person_set_is_excused() -> None:
    """Another client waits in no line."""
    assert _written_over(set_by=FOREIGN) == []
