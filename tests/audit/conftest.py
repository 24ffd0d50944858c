"""A Fly behind a server that keeps a trail."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from fly_mcp_emulator import Emulator
from tests.actions.fly import Fly, opened
from tests.virtual_time import LoopClock

from .kept import Kept


@pytest.fixture
def clock() -> LoopClock:
    return LoopClock()


@pytest.fixture
def emulator(clock: LoopClock) -> Emulator:
    return Emulator(clock=clock)


@pytest.fixture
def kept(tmp_path: Path, clock: LoopClock) -> Kept:
    """The trail, in a file that is not there yet."""
    return Kept(tmp_path / "audit.jsonl", clock)


@pytest.fixture
async def fly(emulator: Emulator, clock: LoopClock, kept: Kept) -> AsyncGenerator[Fly]:
    """A client of a server that keeps it. When the test is over, the file is whole."""
    async with opened(emulator, clock, trail=kept.trail) as fly:
        yield fly
    if kept.path.exists():
        assert kept.verdict().problems == []
