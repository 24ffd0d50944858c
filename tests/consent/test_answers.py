"""Each answer of a human, and what it comes to: in both eras, through the real client (issue 6, section 3)."""

from __future__ import annotations

from typing import Any

import pytest
from mcp_types import ElicitResult, ErrorData

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.world import World
from fly_mcp_server.policy.decision import Effect
from tests.actions.fly import APP, FREE_VOLUME, MACHINE
from tests.actions.worlds import FLEET, fleet, machine
from tests.virtual_time import LoopClock

from .ground import Ground, machine_gone, standing

DELETE: dict[str, Any] = {"appName": APP, "machineId": MACHINE, "confirm": True}


async def test_an_accepted_call_is_run_once(ground: Ground) -> None:
    """One question, one delete."""
    answer = await ground.call("flyDeleteMachine", **DELETE)
    assert answer["outcome"] == "done"
    assert machine_gone(ground)
    assert len(ground.human.asked) == 1
    assert sum(one.startswith("DELETE") and "/lease" not in one for one in ground.writes()) == 1


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (ElicitResult(action="decline"), "declined", "declined"),
        (ElicitResult(action="accept", content={"approve": False}), "declined", "declined"),
        (ElicitResult(action="cancel"), "cancelled", "closed without an answer"),
        (ElicitResult(action="accept"), "no_yes", "explicit yes"),
        (ElicitResult(action="accept", content={}), "no_yes", "explicit yes"),
        (ElicitResult(action="accept", content={"approve": "true"}), "no_yes", "explicit yes"),
        (ElicitResult(action="accept", content={"approve": 1}), "no_yes", "explicit yes"),
        (ElicitResult(action="accept", content={"approve": None}), "no_yes", "explicit yes"),
        (ElicitResult(action="accept", content={"approve": ["true"]}), "no_yes", "explicit yes"),
    ],
)
async def test_anything_but_an_explicit_yes_changes_nothing(
    ground: Ground, answer: ElicitResult, kind: str, words: str
) -> None:
    """Each with words of its own."""
    ground.human.answer = answer
    error = await ground.refused("flyDeleteMachine", **DELETE)
    assert error["code"] == "not_allowed"
    assert error["details"]["consent"] == kind
    assert words in error["message"]
    assert ground.writes() == []
    assert not machine_gone(ground)


async def test_an_answer_that_comes_too_late_does_not_count(ground: Ground) -> None:
    """By the clock that is injected: five minutes where nothing else is set."""
    ground.human.thinks = 301
    error = await ground.refused("flyDeleteMachine", **DELETE)
    assert (error["code"], error["details"]["consent"]) == ("timeout", "expired")
    assert "300 s" in error["message"]
    assert ground.writes() == []


async def test_an_answer_in_the_last_second_counts(ground: Ground) -> None:
    """The bound is where it is said to be."""
    ground.human.thinks = 299
    assert (await ground.call("flyDeleteMachine", **DELETE))["outcome"] == "done"


def _another_version(world: World) -> None:
    world.apps[APP].machines[MACHINE].instance_id = "01HM624T1G000007QG3QX59999"


def _another_state(world: World) -> None:
    world.apps[APP].machines[MACHINE].state = "stopped"


def _another_image(world: World) -> None:
    world.apps[APP].machines[MACHINE].config.image = "registry.fly.io/other:1"


def _another_app(world: World) -> None:
    world.apps[APP].id = "another0000000000"


def _gone(world: World) -> None:
    world.apps[APP].machines[MACHINE].state = "destroyed"


@pytest.mark.parametrize(
    "change",
    [_another_version, _another_state, _another_image, _another_app, _gone],
    ids=lambda one: one.__name__,
)
async def test_an_answer_about_a_world_that_has_changed_does_not_count(ground: Ground, change: Any) -> None:
    """A machine replaced, stopped, updated or gone meanwhile; an app of the same name made anew."""
    ground.human.meanwhile = lambda: ground.edit(change)
    error = await ground.refused("flyDeleteMachine", **DELETE)
    assert (error["code"], error["details"]["consent"]) == ("conflict", "changed")
    assert "The world has changed" in error["message"]
    assert error["retryable"]
    assert ground.writes() == []


async def test_a_volume_that_was_attached_meanwhile_is_not_deleted(ground: Ground) -> None:
    """What stands in the way now is what is told."""

    def attach(world: World) -> None:
        world.apps[APP].volumes[FREE_VOLUME].attached_machine_id = MACHINE

    ground.human.meanwhile = lambda: ground.edit(attach)
    error = await ground.refused("flyDeleteVolume", appName=APP, volumeId=FREE_VOLUME, confirm=True)
    assert error["details"]["consent"] == "changed"
    assert ground.writes() == []


async def test_the_confirm_gate_stands_before_the_human(ground: Ground) -> None:
    """A call that is not confirmed asks nobody, always or by plan."""
    ground.emulator.load(fleet(machine(1), machine(2)))
    for name, arguments in (
        ("flyDeleteMachine", {"appName": APP, "machineId": MACHINE}),
        ("flyAllocateIp", {"appName": APP, "type": "v4"}),
        ("flyScaleMachines", {"appName": FLEET, "count": 0}),
    ):
        error = await ground.refused(name, **arguments)
        assert error["code"] == "confirmation_required"
    assert ground.human.asked == []
    assert ground.writes() == []


async def test_a_call_that_cannot_succeed_asks_nobody(ground: Ground) -> None:
    """What is wrong is said to the agent, and nobody is bothered."""
    missing = await ground.client.call_tool(
        "flyStartMachine", {"appName": APP, "machineId": "0123456789abcd"}
    )
    assert missing.is_error
    wrong = await ground.client.call_tool("flyStartMachine", {"appName": APP})
    assert wrong.is_error
    assert ground.human.asked == []


async def test_a_client_that_cannot_ask_is_told_who_can_help(
    emulator: Emulator, clock: LoopClock, mode: str
) -> None:
    """No capability, no consent."""
    async with standing(emulator, clock, mode=mode, asks=False) as ground:
        error = await ground.refused("flyDeleteMachine", **DELETE)
        assert (error["code"], error["details"]["consent"]) == ("not_allowed", "cannot_ask")
        assert "operator" in error["hint"]
        assert ground.writes() == []


async def test_a_client_that_refuses_to_ask_is_no_consent(emulator: Emulator, clock: LoopClock) -> None:
    """It has the capability and answers with an error."""
    async with standing(emulator, clock, mode="legacy") as ground:
        ground.human.answer = ErrorData(code=-32000, message="no screen here")
        error = await ground.refused("flyDeleteMachine", **DELETE)
        assert error["details"]["consent"] == "cannot_ask"
        assert "no screen" not in error["message"]
        assert ground.writes() == []


async def test_what_a_rule_allows_asks_nobody(ground: Ground) -> None:
    """The effect is the rule's."""
    ground.rights.effect = Effect.ALLOW
    assert (await ground.call("flyDeleteMachine", **DELETE))["outcome"] == "done"
    assert ground.human.asked == []


async def test_a_call_that_was_done_before_asks_nobody_again(ground: Ground) -> None:
    """The same requestId gives the first answer: nothing is sent that could need approval."""
    first = await ground.call("flyDeleteMachine", **DELETE, requestId="once")
    again = await ground.call("flyDeleteMachine", **DELETE, requestId="once")
    assert again == {**first, "already_done": True}
    assert len(ground.human.asked) == 1


async def test_a_call_that_was_declined_may_be_asked_about_again(ground: Ground) -> None:
    """A no is no memory: the same requestId is free."""
    ground.human.answer = ElicitResult(action="decline")
    await ground.refused("flyDeleteMachine", **DELETE, requestId="again")
    ground.human.answer = ElicitResult(action="accept", content={"approve": True})
    assert (await ground.call("flyDeleteMachine", **DELETE, requestId="again"))["outcome"] == "done"
    assert len(ground.human.asked) == 2
