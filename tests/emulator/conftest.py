"""An emulator on virtual time, with the default world, and somebody who calls it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from fly_mcp_emulator import Emulator
from tests.emulator.caller import Caller, client
from tests.virtual_time import LoopClock


@pytest.fixture
def emu() -> Emulator:
    return Emulator(clock=LoopClock(), limits=False)


@pytest.fixture
async def fly(emu: Emulator) -> AsyncIterator[Caller]:
    async with client(emu) as http:
        yield Caller(http)
