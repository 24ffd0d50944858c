"""An emulator on virtual time, and a client of the kind anybody could write."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from fly_mcp_emulator import Emulator
from tests.virtual_time import LoopClock


@pytest.fixture
def emu() -> Emulator:
    return Emulator(clock=LoopClock(), limits=False)


@pytest.fixture
async def fly(emu: Emulator) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=emu.app),
        base_url="http://fly.test/v1",
        headers={"authorization": "Bearer word"},
        timeout=None,
    ) as client:
        yield client
