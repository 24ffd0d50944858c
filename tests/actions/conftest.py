"""A Fly for each test, and what must be true of it when the test is over."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.world import World
from fly_mcp_tools.call import Defaults
from tests.virtual_time import LoopClock

from .fly import DEFAULT_IMAGE, TOKEN, Fly, opened


@pytest.fixture
def clock() -> LoopClock:
    return LoopClock()


@pytest.fixture
def world() -> World | None:
    """Where the emulator begins; None: the world of the documented examples."""
    return None


@pytest.fixture
def emulator(clock: LoopClock, world: World | None) -> Emulator:
    """A pretend Fly with its rate limits on: time costs nothing here."""
    return Emulator(world, clock=clock)


@pytest.fixture
def mode() -> str:
    """The protocol's era: "auto" is the present one, "legacy" that of initialize."""
    return "auto"


@pytest.fixture
def token() -> str | None:
    return TOKEN


@pytest.fixture
def defaults() -> Defaults:
    """What the operator set."""
    return Defaults(image=DEFAULT_IMAGE)


@pytest.fixture
async def fly(
    emulator: Emulator, clock: LoopClock, mode: str, token: str | None, defaults: Defaults
) -> AsyncGenerator[Fly]:
    async with opened(emulator, clock, mode=mode, token=token, defaults=defaults) as fly:
        yield fly
    if fly.requests_to("/lease"):
        assert fly.leases() == [], "a lease of ours was left behind"
    assert all(record.endpoint for record in emulator.requests), "something was sent that Fly does not know"
    met = [record.path for record in emulator.requests if record.status == 429 and not record.fault]
    assert not met, "Fly's rates were broken"
