"""One agent leaves the others room, and what is refused is told in few lines."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack

import anyio
import pytest
from mcp.shared.message import ServerMessageMetadata, SessionMessage
from mcp_types import JSONRPCNotification, JSONRPCRequest
from starlette.requests import Request

from fly_mcp_server.http.limits import Limits
from fly_mcp_server.http.noise import OncePerBurst
from fly_mcp_server.http.shares import KEY, OwedShares, Shares

from .place import ALICE, BOB, ERAS, MODERN, Json, heard, opened
from .test_sse import streaming

ONE = {"appName": "catvet-records", "machineId": "7846e45f27e218"}
WAIT = {"name": "flyWaitForMachine", "arguments": {**ONE, "state": "stopped", "timeout": 30}}


@pytest.mark.parametrize("era", ERAS)
async def test_an_agent_has_only_so_many_calls_running(era: str) -> None:
    """More is refused with the id of the request; other agents are served, and it too when one has ended."""
    async with opened(limits=Limits(calls_of_one=2)) as place:
        asked = anyio.Event()
        place.wire.tap("GET", "/wait$", lambda _: None)
        place.wire.tap("GET", "/wait$", lambda _: asked.set())
        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(place.ask, era, "tools/call", WAIT)
            await asked.wait()
            refused = await place.post(era, "tools/list")
            assert refused.status_code == 429
            assert isinstance(refused.json()["id"], int)
            assert "nothing was done" in refused.json()["error"]["message"]
            assert (await place.post(era, "tools/list", who=BOB)).status_code == 200
        assert (await place.post(era, "tools/list")).status_code == 200


async def test_an_agent_has_only_so_many_calls_over_all_its_streams() -> None:
    """docs/http.md: a bound that another stream gets around is none. `/mcp` counts with them, others do not."""
    async with (
        opened(limits=Limits(calls_of_one=2)) as place,
        streaming(place) as first,
        streaming(place) as second,
    ):
        for stream in (first, second):
            await stream.greet()
        for stream in (first, second):
            assert (await stream.say(place.request("2025-11-25", "tools/call", WAIT))).status_code == 202
        for stream in (first, second):
            refused = await stream.say(place.request("2025-11-25", "tools/list"))
            assert refused.status_code == 429
            assert isinstance(refused.json()["id"], int)
        assert (await place.post(MODERN, "tools/list")).status_code == 429
        async with streaming(place, BOB) as other:
            await other.greet()
            assert "result" in await other.ask("tools/list")
        assert "result" in await first.message()
        assert "result" in await second.message()
        assert "result" in await first.ask("tools/list")


async def test_a_stream_that_is_left_gives_its_calls_back() -> None:
    """Ours: whoever lost its connection is not out until somebody restarts the server."""
    async with opened(limits=Limits(calls_of_one=1)) as place:
        for _ in range(3):
            async with streaming(place) as stream:
                await stream.greet()
                said = await stream.say(place.request("2025-11-25", "tools/call", WAIT))
                assert said.status_code == 202
            await place.work.none("streams")


async def test_calls_with_the_same_id_are_as_many_calls() -> None:
    """Ours: the SDK runs each of them, and so each counts."""
    async with opened(limits=Limits(calls_of_one=2)) as place, streaming(place) as stream:
        await stream.greet()
        request = place.request("2025-11-25", "tools/call", WAIT)
        statuses = [(await stream.say(request)).status_code for _ in range(3)]
        assert statuses == [202, 202, 429]


def test_a_call_that_is_withdrawn_counts_until_it_has_ended() -> None:
    """Ours: else calling and withdrawing all the time would have no bound. What has ended counts no more."""
    shares, owed = Shares(Limits(calls_of_one=1)), OwedShares()
    with shares.one("alice") as share:
        request = Request({"type": "http", KEY: share})
        metadata = ServerMessageMetadata(request_context=request)
        owed.read(SessionMessage(JSONRPCRequest(jsonrpc="2.0", id=7, method="tools/call"), metadata=metadata))
    withdrawn = JSONRPCNotification(jsonrpc="2.0", method="notifications/cancelled", params={"requestId": 7})
    owed.read(SessionMessage(withdrawn))
    assert shares.full("alice")
    assert metadata.on_request_unanswered is not None
    with pytest.raises(StopIteration):
        metadata.on_request_unanswered().__await__().send(None)
    assert not shares.full("alice")


def padded(size: int) -> Json:
    """A call that runs for a while, and is so large at least."""
    return {**WAIT, "_meta": {"pad": "x" * size}}


@pytest.mark.parametrize("era", ERAS)
async def test_an_agents_calls_are_only_so_large_together(era: str) -> None:
    """Review of issue 6: a hundred calls of three megabytes must not take all memory. It is told at once."""
    async with opened(limits=Limits(bytes_of_one=20_000)) as place:
        asked = anyio.Event()
        place.wire.tap("GET", "/wait$", lambda _: asked.set())
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(place.ask, era, "tools/call", padded(10_000))
            await asked.wait()
            refused = await place.post(era, "tools/call", padded(10_000))
            assert refused.status_code == 429
            assert "nothing was done" in refused.json()["error"]["message"]
            assert (await place.post(era, "tools/list")).status_code == 200
            assert (await place.post(era, "tools/call", padded(10_000), who=BOB)).status_code == 200
        assert (await place.post(era, "tools/call", padded(10_000))).status_code == 200


async def test_the_calls_of_all_agents_are_only_so_large_together() -> None:
    """The same for many agents: then nobody is at fault, and it is 503."""
    async with opened(limits=Limits(bytes=20_000)) as place:
        asked = anyio.Event()
        place.wire.tap("GET", "/wait$", lambda _: asked.set())
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(place.ask, MODERN, "tools/call", padded(10_000))
            await asked.wait()
            assert (await place.post(MODERN, "tools/call", padded(10_000), who=BOB)).status_code == 503
            assert (await place.post(MODERN, "tools/list", who=BOB)).status_code == 200


async def test_calls_over_streams_are_only_so_large_together() -> None:
    """There a request is over long before its call is answered, and its bytes count until then."""
    async with opened(limits=Limits(bytes_of_one=20_000)) as place, streaming(place) as stream:
        await stream.greet()
        large = place.request("2025-11-25", "tools/call", padded(10_000))
        assert (await stream.say(large)).status_code == 202
        assert (
            await stream.say(place.request("2025-11-25", "tools/call", padded(10_000)))
        ).status_code == 429
        assert "result" in await stream.message()
        assert "result" in await stream.ask("tools/call", padded(10_000))


async def test_sixty_four_agents_call_at_once() -> None:
    """No answer goes to another, and nothing is left running."""
    async with opened() as place:
        answers: list[tuple[int, Json]] = []

        async def call(n: int) -> None:
            who = ALICE if n % 2 else BOB
            request = place.request(ERAS[n % 5], "tools/call", {"name": "flyGetMachine", "arguments": ONE})
            request["id"] = f"call-{n}"
            answer = await place.http.post(
                f"{place.url}/mcp", json=request, headers=place.headers(ERAS[n % 5], request, who)
            )
            assert answer.status_code == 200
            assert f'"call-{n}"' in answer.text
            answers.append((n, {}))

        async with anyio.create_task_group() as tasks:
            for n in range(64):
                tasks.start_soon(call, n)
        assert len(answers) == 64
        assert not place.work.busy()


async def test_each_kind_of_refusal_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """An operator sees that something is going on; whoever does it cannot fill the disk, nor write on it."""
    async with opened() as place, AsyncExitStack() as while_open:
        while_open.enter_context(caplog.filtering(OncePerBurst(place.clock)))
        caplog.set_level(logging.WARNING)
        headers = place.headers(MODERN, place.request(MODERN, "ping"))

        async def all_kinds() -> None:
            await place.http.get(f"{place.url}/x", headers={"host": "canary.example"})
            session = "0123456789abcdef" * 2
            await place.http.post(f"{place.url}/messages/?session_id={session}", headers=headers, json={})
            await place.http.post(f"{place.url}/messages/?session_id=canary", headers=headers, json={})
            await place.http.get(f"{place.url}/x", headers={"origin": "https://canary.example"})
            await place.http.post(f"{place.url}/mcp", content=b" " * (Limits().body + 1), headers=headers)
            async with place.socket() as stream:
                await stream.send(b"nonsense\r\n\r\n")
                await heard(stream)
            async with place.socket() as stream:
                await heard(stream)

        for _ in range(3):
            await all_kinds()
        words = [record.getMessage() for record in caplog.records]
        assert not [one for one in words if "canary" in one or "0123456789abcdef" in one]
        for kind in (
            "Could not find session",
            "Invalid Host header",
            "Invalid Origin header",
            "a request of more than 4194304 bytes was refused",
            "Invalid HTTP request received",
            "a request was not complete in time",
        ):
            assert sum(kind in one for one in words) == 1, (kind, words)
        await place.clock.sleep(60)
        await all_kinds()
        later = [one.getMessage() for one in caplog.records][len(words) :]
        assert any("more like it" in one for one in later), later
