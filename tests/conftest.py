"""What the whole suite shares.

Async tests run on virtual time (`tests/virtual_time.py`). A module that needs real time (child processes,
sockets to them) says so with a fixture of its own:

    @pytest.fixture(scope="module")
    def anyio_backend() -> str:
        return "asyncio"
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from tests.virtual_time import VirtualTimeLoop

# Files that others may write are refused as policies; whoever runs the tests may have a laxer mask.
os.umask(0o022)


@pytest.fixture(scope="session")
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "asyncio", {"loop_factory": VirtualTimeLoop}
