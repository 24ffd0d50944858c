"""A volume whose create goes on under its id: nothing makes Fly refuse a second one (issue 4, 2).

Found by a hostile review, as what `test_resumed.py` holds.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from random import Random

import anyio
import httpx2
import pytest

from fly_mcp_tools.base_url import parse_base_url
from fly_mcp_tools.client import FlyClient
from fly_mcp_tools.credentials import Credentials
from tests.tools.place import Answer, Place, done, opened, refused

from .fly import SANDBOX, TOKEN, Json

VOLUME: Json = {"appName": SANDBOX, "name": "late", "region": "fra", "requestId": "one"}


@pytest.fixture
async def fly(tmp_path: Path) -> AsyncGenerator[Place]:
    async with opened(tmp_path / "state") as fly:
        yield fly


class SlowWire(httpx2.AsyncBaseTransport):
    """The first create of a volume is given up after half a minute, and arrives ten seconds after that."""

    def __init__(self, fly: Place) -> None:
        self._fly = fly
        self._held: httpx2.Request | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self._held is None and request.method == "POST" and request.url.path.endswith("/volumes"):
            self._held = request
            await self._fly.clock.sleep(30)
            raise httpx2.ReadTimeout("the test is slow")
        return await self._fly.wire.handle_async_request(request)

    async def arrive(self) -> None:
        assert self._held is not None
        await self._fly.clock.sleep(10)
        response = await self._fly.wire.handle_async_request(self._held)
        assert response.status_code == 200


async def test_given_up_and_arriving_ten_seconds_later_it_is_one(fly: Place) -> None:
    """The repeat waits for as long as a late request may take after it was given up, not after it was sent."""
    wire = SlowWire(fly)
    client = FlyClient(
        credentials=Credentials(TOKEN),
        base_url=parse_base_url("http://127.0.0.1"),
        clock=fly.clock,
        rng=Random(7),
        transport=wire,
    )
    error = await refused(replace(fly, client=client).server(), "flyCreateVolume", **VOLUME)
    assert (error.outcome, error.changed) == ("unclear", "unknown")
    answer: Answer = {}
    async with anyio.create_task_group() as group:
        group.start_soon(wire.arrive)
        answer = await done(fly.server(), "flyCreateVolume", **VOLUME)
    volumes = [one for one in fly.world.apps[SANDBOX].volumes.values() if one.name == "late"]
    assert [(one.id, one.snapshot_retention) for one in volumes] == [(answer["id"], 5)]


async def test_a_fly_that_does_not_show_the_mark_makes_it_unclear(fly: Place) -> None:
    """Another one would be the worse mistake."""

    def unmarked(_: httpx2.Request) -> httpx2.Response:
        shown = {"id", "name", "region", "size_gb", "state", "attached_machine_id"}
        volumes = fly.world.apps[SANDBOX].volumes.values()
        return httpx2.Response(200, json=[one.model_dump(include=shown) for one in volumes])

    fly.wire.replace_answers("GET", "/volumes$", unmarked)
    fly.wire.lose_answers("POST", "/volumes$", times=1)
    for _ in range(3):
        error = await refused(fly.server(), "flyCreateVolume", **VOLUME)
        assert (error.code, error.changed) == ("unclear", "unknown")
        (new,) = [one for one in fly.world.apps[SANDBOX].volumes.values() if one.name == "late"]
        assert error.facts["found"] == [new.id]
        await fly.clock.sleep(20)
