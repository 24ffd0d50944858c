"""`fly-mcp demo`: every step is checked, and a surprise ends it with the step named."""

from __future__ import annotations

import io

import pytest

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.faults import FaultRule
from fly_mcp_server.demo_command import Unexpected, play
from fly_mcp_server.demo_screen import Screen
from fly_mcp_tools.call import Defaults
from tests.actions.fly import DEFAULT_IMAGE, TOKEN, opened
from tests.virtual_time import LoopClock


async def played(emulator: Emulator, clock: LoopClock) -> str:
    """What the demo shows, on a Fly in this process and on virtual time."""
    shown = io.StringIO()
    async with opened(
        emulator, clock, mode="auto", token=TOKEN, defaults=Defaults(image=DEFAULT_IMAGE)
    ) as fly:
        await play(fly.client, Screen(shown))
    return shown.getvalue()


async def test_the_demo_plays_every_use_case_and_shows_the_world() -> None:
    """The issue: the seeds' use cases, a refused and then confirmed delete, and the world that came of it."""
    clock = LoopClock()
    shown = await played(Emulator(clock=clock), clock)
    for title in ("Full machine lifecycle", "Deploy a new sandbox", "Debug a running machine"):
        assert title in shown
    assert "Scale for high availability" in shown
    assert shown.index("confirmation_required") < shown.index("confirm=true") < shown.index("The world")
    assert "all as expected" in shown


async def test_the_demo_shows_no_value_of_a_secret() -> None:
    """Ours: an example teaches."""
    clock = LoopClock()
    assert "sk-demo" not in await played(Emulator(clock=clock), clock)


async def test_the_demo_has_no_colour_where_nobody_looks() -> None:
    """https://no-color.org, and pipes."""
    clock = LoopClock()
    assert "\x1b" not in await played(Emulator(clock=clock), clock)


async def test_a_surprise_ends_the_demo_and_names_the_step() -> None:
    """The issue: it exits with 0 only where every step's expectation holds."""
    clock = LoopClock()
    emulator = Emulator(clock=clock)
    emulator.faults.add(FaultRule(method="POST", path="/volumes$", status=422, error="no"))
    surprise = pytest.RaisesExc(
        Unexpected, match="flyCreateVolume, call 2: expected that the answer is no error"
    )
    with pytest.RaisesGroup(surprise, flatten_subgroups=True):
        await played(emulator, clock)
