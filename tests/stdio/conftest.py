"""Processes and sockets take real time: these tests do not run on the virtual clock."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
