"""Long calls: progress is heard of, and a client may change its mind.

The pretend Fly is in this process; its log is what is judged by.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

import anyio
import pytest

from .child import ERAS, Child, serving
from .pretend import MACHINE, ONE, Pretend, pretend_fly

#: One era of each kind: with a handshake, and with an envelope around each request.
KINDS = ERAS[-2:]


@pytest.fixture
async def fly() -> AsyncGenerator[Pretend]:
    async with pretend_fly() as fly:
        yield fly


@pytest.fixture(params=KINDS)
async def client(request: pytest.FixtureRequest, fly: Pretend) -> AsyncGenerator[Child]:
    async with serving(FLY_API_TOKEN="fm2_word", FLY_API_HOSTNAME=fly.address, era=request.param) as one:
        yield one
        assert one.errors == ""


async def test_progress_is_heard_of_during_a_wait(client: Child) -> None:
    """Issue 2: longer waits tell how far they are, in every era; the token is the client's own."""
    params = {
        "name": "flyWaitForMachine",
        "arguments": {**ONE, "state": "stopped", "timeout": 3},
        "_meta": {"progressToken": "mine"},
    }
    result = await client.result("tools/call", params)
    told = [one["params"] for one in client.messages if one.get("method") == "notifications/progress"]
    assert told
    assert all(one["progressToken"] == "mine" and one["total"] == 3 for one in told)
    assert [one["progress"] for one in told] == sorted(one["progress"] for one in told)
    assert result["isError"] is False
    assert result["structuredContent"]["reached"] is False
    assert result["structuredContent"]["state"] == "started"


async def test_a_withdrawn_wait_stops_and_the_server_goes_on(client: Child, fly: Pretend) -> None:
    """The protocol: cancelled at once, and not a word more about it."""
    call = await client.start("flyWaitForMachine", **ONE, state="stopped", timeout=300)
    await fly.asked("GET wait")
    began = anyio.current_time()
    await client.cancel(call)
    await fly.left("GET wait")
    assert anyio.current_time() - began < 2
    assert (await client.call("flyGetMachine", **ONE))["isError"] is False
    assert client.reply(call) is None


@pytest.mark.parametrize("slow", ["lease", "stop"])
async def test_a_withdrawn_write_is_seen_through(client: Child, fly: Pretend, slow: str) -> None:
    """Issue 2: never cut between a request sent and its answer; then nothing but the lease's release."""
    fly.slow("POST", f"/{slow}$", 0.7)
    call = await client.start("flyStopMachine", **ONE)
    await fly.asked(f"POST {slow}")
    await client.cancel(call)
    await fly.asked("DELETE lease")
    seen = ["GET " + MACHINE, "POST lease", "GET " + MACHINE, "POST stop"]
    assert fly.log == [*seen[: seen.index(f"POST {slow}") + 1], "DELETE lease"]
    # The release left only after the write was answered.
    await client.call("flyGetApp", appName="my-sandbox")
    assert [record.status for record in fly.emulator.requests if record.path.endswith(slow)] != [0]
    assert fly.machine.lease is None
    assert client.reply(call) is None


async def test_calls_do_not_wait_for_one_another(client: Child, fly: Pretend) -> None:
    """The protocol: answers come in whatever order; a slow one holds nobody up."""
    wait = await client.start("flyWaitForMachine", **ONE, state="stopped", timeout=300)
    await fly.asked("GET wait")
    assert (await client.call("flyListMachines", appName="catvet-records"))["isError"] is False
    assert (await client.call("flyStopMachine", **ONE))["structuredContent"]["state"] == "stopped"
    assert (await client.answer(wait))["result"]["structuredContent"]["reached"] is True
