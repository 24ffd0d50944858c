"""Each row that destroys or runs a command: no answer but the right one lets it through (issue 6, Shows 3)."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from fly_mcp_emulator.world import World
from fly_mcp_tools.action import Access
from fly_mcp_tools.catalogue import ACTIONS

from .ground import YES, Ground, content_of, error_of

ROWS = {
    name: dict(action.examples[0].arguments)
    for name, action in ACTIONS.items()
    if action.access in (Access.DESTRUCTIVE, Access.EXEC)
}
each = pytest.mark.parametrize(
    ("name", "arguments"), ROWS.items(), ids=lambda one: one if isinstance(one, str) else ""
)


@pytest.fixture
def mode() -> str:
    return "auto"


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """The SDK logs each state that it refuses."""
    caplog.set_level(logging.CRITICAL)


@each
async def test_altered_expired_replayed_or_for_something_else_it_is_refused(
    ground: Ground, name: str, arguments: dict[str, Any]
) -> None:
    """One question, every wrong use of it, and then the right one: sent to Fly by the right one alone."""
    state = (await ground.first(name, arguments)).request_state
    assert state is not None

    async def kind(state: str, arguments: dict[str, Any]) -> str:
        found: str = error_of(await ground.then(name, arguments, state))["details"]["consent"]
        return found

    middle = len(state) // 2
    altered = state[:middle] + ("A" if state[middle] != "A" else "B") + state[middle + 1 :]
    assert await kind(altered, arguments) == "other"
    assert await kind(state, {**arguments, "requestId": "another-call"}) == "other"
    other = "flyStopMachine", {"appName": "catvet-records", "machineId": "7846e45f27e218"}
    assert await kind((await ground.first(*other)).request_state or "", arguments) == "other"
    assert ground.writes() == []

    before = ground.emulator.dump()
    done = content_of(await ground.then(name, arguments, state, YES))
    assert done["outcome"] == "done"
    sent = len(ground.writes())
    assert sent
    ground.emulator.load(before)
    assert await kind(state, arguments) == "used"
    assert len(ground.writes()) == sent

    late = (await ground.first(name, arguments)).request_state
    assert late is not None
    await ground.clock.sleep(300)
    assert await kind(late, arguments) == "expired"
    assert len(ground.writes()) == sent


@each
async def test_in_a_world_that_has_changed_it_is_refused(
    ground: Ground, name: str, arguments: dict[str, Any]
) -> None:
    """Its app was made anew meanwhile, and with it all that is in it; under the same names and ids."""
    app = arguments["appName"]

    def anew(world: World) -> None:
        world.apps[app].id = "another0000000000"

    state = (await ground.first(name, arguments)).request_state
    ground.edit(anew)
    error = error_of(await ground.then(name, arguments, state, YES))
    assert (error["code"], error["details"]["consent"]) == ("conflict", "changed")
    assert ground.writes() == []


def test_they_are_all_there() -> None:
    """Those that the issue names among them."""
    assert {"flyDeleteMachine", "flyDeleteVolume", "flyDeleteApp", "flyExecCommand"} <= ROWS.keys()
