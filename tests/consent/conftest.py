"""A ground for each test, in both eras where the test does not say which."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from fly_mcp_emulator import Emulator
from tests.virtual_time import LoopClock

from .ground import Ground, standing


@pytest.fixture
def clock() -> LoopClock:
    return LoopClock()


@pytest.fixture
def emulator(clock: LoopClock) -> Emulator:
    return Emulator(clock=clock)


@pytest.fixture(params=["auto", "legacy"])
def mode(request: pytest.FixtureRequest) -> str:
    """The protocol's era: "auto" is the present one, "legacy" that of initialize."""
    era: str = request.param
    return era


@pytest.fixture
async def ground(emulator: Emulator, clock: LoopClock, mode: str) -> AsyncGenerator[Ground]:
    async with standing(emulator, clock, mode=mode) as ground:
        yield ground
