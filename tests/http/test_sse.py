"""The older transport, raw: answers over `/sse`, requests to `/messages/`."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import pytest

from fly_mcp_server.http.limits import Limits

from .place import ALICE, BOB, CLIENT, PATIENCE, Json, Place, opened

ONE = {"appName": "catvet-records", "machineId": "7846e45f27e218"}


class Stream:
    """One open stream, read as it comes."""

    def __init__(self, place: Place, answer: httpx2.Response, who: Mapping[str, str]) -> None:
        self._place = place
        self.who = who
        self._lines = answer.aiter_lines()
        self.address = ""

    async def next(self) -> str:
        """The data of the next event that is not a ping."""
        with anyio.fail_after(10 * PATIENCE):
            async for line in self._lines:
                if line.startswith("data: "):
                    return line[6:]
        raise anyio.EndOfStream

    async def message(self) -> Json:
        """The next message."""
        found: Json = json.loads(await self.next())
        return found

    async def say(self, message: Json, who: Mapping[str, str] | None = None) -> httpx2.Response:
        """Post a message to it."""
        return await self._place.http.post(
            self._place.url + self.address, json=message, headers=self.who if who is None else who
        )

    async def ask(self, method: str, params: Mapping[str, Any] | None = None) -> Json:
        """Post a request; the message that comes next."""
        answer = await self.say(self._place.request("2025-11-25", method, params))
        assert answer.status_code == 202, answer.text
        return await self.message()

    async def greet(self) -> None:
        """Shake hands."""
        hello = {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": CLIENT}
        assert "result" in await self.ask("initialize", hello)
        await self.say({"jsonrpc": "2.0", "method": "notifications/initialized"})

    async def ended(self) -> None:
        """Wait until the server has ended it in good order."""
        with pytest.raises(anyio.EndOfStream):
            await self.next()


@asynccontextmanager
async def streaming(place: Place, who: Mapping[str, str] = ALICE) -> AsyncGenerator[Stream]:
    """An open stream whose address is known."""
    async with place.http.stream("GET", f"{place.url}/sse", headers=who) as answer:
        assert answer.status_code == 200, await answer.aread()
        stream = Stream(place, answer, who)
        stream.address = await stream.next()
        yield stream


async def test_a_client_lists_and_calls() -> None:
    """Issue 6: `/sse` for agents that still speak it."""
    async with opened() as place, streaming(place) as stream:
        await stream.greet()
        assert (await stream.ask("tools/list"))["result"]["tools"]
        answer = await stream.ask("tools/call", {"name": "flyGetMachine", "arguments": ONE})
        assert answer["result"]["structuredContent"]["id"] == ONE["machineId"]


async def test_a_stream_is_told_progress() -> None:
    """The same as on the other transports."""
    async with opened() as place, streaming(place) as stream:
        await stream.greet()
        wait = {"name": "flyWaitForMachine", "arguments": {**ONE, "state": "stopped", "timeout": 30}}
        first = await stream.ask("tools/call", {**wait, "_meta": {"progressToken": "mine"}})
        assert first["params"]["progressToken"] == "mine"


async def test_a_client_that_goes_cancels_its_calls() -> None:
    """Nobody is left to hear the answer."""
    async with opened() as place:
        async with streaming(place) as stream:
            await stream.greet()
            wait = {"name": "flyWaitForMachine", "arguments": {**ONE, "state": "stopped", "timeout": 300}}
            await stream.ask("tools/call", {**wait, "_meta": {"progressToken": "mine"}})
        await place.work.none("streams")
        sent = len(place.wire.sent)
        await place.clock.sleep(600)
        assert len(place.wire.sent) == sent
        assert await place.healthy()


@pytest.mark.parametrize("who", [BOB, {}, {"authorization": "Bearer no-such-token"}])
async def test_a_stream_belongs_to_the_agent_that_opened_it(who: Mapping[str, str]) -> None:
    """An address that leaked helps nobody: the message needs the same agent's token."""
    async with opened() as place, streaming(place) as stream:
        await stream.greet()
        sent = len(place.wire.sent)
        call = place.request("2025-11-25", "tools/call", {"name": "flyGetMachine", "arguments": ONE})
        assert (await stream.say(call, who)).status_code in (401, 404)
        assert len(place.wire.sent) == sent


async def test_a_silent_stream_is_closed() -> None:
    """It is bounded how long an agent may hold what it does not use; pings do not count."""
    async with opened(limits=Limits(stream_idle=300)) as place, streaming(place) as stream:
        await stream.greet()
        await place.clock.sleep(250)
        assert (await stream.ask("ping"))["result"] == {}
        began = place.clock.monotonic()
        await stream.ended()
        assert 299 <= place.clock.monotonic() - began <= 320
        await place.work.none("streams")
        assert (await stream.say(place.request("2025-11-25", "ping"))).status_code == 404


async def test_an_agent_has_only_so_many_streams() -> None:
    """One agent cannot take the others' room; what it closes it may open again."""
    async with opened(limits=Limits(streams_of_one=2)) as place:
        async with streaming(place), streaming(place):
            answer = await place.http.get(f"{place.url}/sse", headers=ALICE)
            assert answer.status_code == 429
            async with streaming(place, BOB):
                pass
        await place.work.none("streams")
        async with streaming(place):
            pass


async def test_there_are_only_so_many_streams() -> None:
    """The bound of all agents together."""
    async with opened(limits=Limits(streams=1)) as place, streaming(place):
        answer = await place.http.get(f"{place.url}/sse", headers=BOB)
        assert answer.status_code == 503
        assert await place.healthy()


async def test_without_asking_who_calls_it_works_the_same() -> None:
    """`--no-auth`: an operator has said so."""
    async with opened(verified=False) as place, streaming(place, {}) as stream:
        await stream.greet()
        assert (await stream.ask("tools/list"))["result"]["tools"]


async def test_a_message_that_is_none_is_refused_and_repeated_nowhere(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The SDK logs what it could not read, which may be half of a secret: with us it is taken out."""
    from fly_mcp_server.http.noise import OncePerBurst

    async with opened() as place, streaming(place) as stream:
        with caplog.filtering(OncePerBurst(place.clock)):
            await stream.greet()
            answer = await place.http.post(
                place.url + stream.address,
                content=b'{"jsonrpc": "2.0", "value": "canary-secret',
                headers={**ALICE, "content-type": "application/json"},
            )
            assert answer.status_code == 400
            assert (await stream.ask("ping"))["result"] == {}
    assert "canary" not in caplog.text
