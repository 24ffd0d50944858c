"""One agent leaves the others room, and what is refused is told in few lines."""

from __future__ import annotations

import logging

import anyio
import pytest

from fly_mcp_server.http.limits import Limits
from fly_mcp_server.http.noise import OncePerBurst

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


async def test_a_stream_has_only_so_many_calls_running() -> None:
    """The same on `/sse`, where the message is refused."""
    async with opened(limits=Limits(calls_of_one=1)) as place, streaming(place) as stream:
        await stream.greet()
        assert (await stream.say(place.request("2025-11-25", "tools/call", WAIT))).status_code == 202
        assert (await stream.say(place.request("2025-11-25", "tools/list"))).status_code == 429
        async with streaming(place, BOB) as other:
            await other.greet()
            assert "result" in await other.ask("tools/list")


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
    """An operator sees that something is going on; whoever does it cannot fill the disk."""
    async with opened() as place:
        caplog.handler.addFilter(OncePerBurst(place.clock))
        caplog.set_level(logging.WARNING)
        headers = place.headers(MODERN, place.request(MODERN, "ping"))

        async def all_kinds() -> None:
            await place.http.get(f"{place.url}/x", headers={"host": "canary.example"})
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
        for kind in (
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
