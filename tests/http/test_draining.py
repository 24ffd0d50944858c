"""The process is to end: running calls finish, new ones are refused in words. Without signals, on virtual time."""

from __future__ import annotations

import anyio
import pytest

from .place import ERAS, MODERN, Json, Place, opened
from .test_sse import streaming

ONE = {"appName": "catvet-records", "machineId": "7846e45f27e218"}


def _wait(seconds: int) -> Json:
    arguments = {**ONE, "state": "stopped", "timeout": seconds}
    return {"name": "flyWaitForMachine", "arguments": arguments, "_meta": {"progressToken": "mine"}}


def _asked(place: Place) -> anyio.Event:
    """Set when Fly is asked to wait."""
    asked = anyio.Event()
    place.wire.tap("GET", "/wait$", lambda _: asked.set())
    return asked


@pytest.mark.parametrize("era", ERAS)
async def test_a_running_call_is_answered_and_a_new_one_is_not_taken(era: str) -> None:
    """Issue 6: graceful shutdown lets running calls finish within a bound and refuses new ones clearly."""
    said: list[Json] = []
    async with opened() as place:

        async def wait() -> None:
            said.extend(await place.ask(era, "tools/call", _wait(20)))

        asked = _asked(place)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await asked.wait()
            place.work.end()
            sent = len(place.wire.sent)
            refused = await place.post(era, "tools/call", {"name": "flyGetMachine", "arguments": ONE})
            assert refused.status_code == 503
            assert refused.headers["retry-after"] == "1"
            body = refused.json()
            assert isinstance(body["id"], int), "the caller finds the answer by it"
            assert body["error"]["code"] == -32000
            assert "shutting down" in body["error"]["message"]
            assert "nothing was done" in body["error"]["message"]
            assert (await place.http.get(f"{place.url}/readyz")).status_code == 503
            assert (await place.http.get(f"{place.url}/healthz")).status_code == 200
            assert len(place.wire.sent) == sent
            assert place.work.busy("calls")
        assert said[-1]["result"]["structuredContent"]["reached"] is False


@pytest.mark.parametrize("era", ERAS)
async def test_a_call_that_is_cut_short_ends_for_its_client(era: str) -> None:
    """It gets an answer that says so, or, where the answer has begun, its end."""
    async with opened() as place:
        statuses: list[int] = []

        async def wait() -> None:
            answer = await place.post(era, "tools/call", _wait(300))
            statuses.append(answer.status_code)
            assert "reached" not in answer.text

        asked = _asked(place)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await asked.wait()
            began = place.clock.monotonic()
            place.work.end()
            place.work.cut()
            await place.work.none()
            assert place.clock.monotonic() - began < 5
        assert statuses


async def test_what_is_no_request_is_refused_too() -> None:
    """Nothing is taken apart any more."""
    async with opened() as place:
        place.work.end()
        headers = place.headers(MODERN, place.request(MODERN, "ping"))
        for body in (b"", b"{", b"[1]", b'{"id": {}}'):
            answer = await place.http.post(f"{place.url}/mcp", content=body, headers=headers)
            assert (answer.status_code, answer.json()["id"]) == (503, None)


async def test_idle_streams_are_closed_and_none_is_opened() -> None:
    """Issue 6: their clients go elsewhere."""
    async with opened() as place, streaming(place) as stream:
        await stream.greet()
        place.work.end()
        await stream.ended()
        await place.work.none()
        assert (await place.http.get(f"{place.url}/sse", headers=dict(stream.who))).status_code == 503


async def test_a_stream_with_a_running_call_gives_its_answer_first() -> None:
    """And takes no new one meanwhile."""
    async with opened() as place, streaming(place) as stream:
        await stream.greet()
        await stream.ask("tools/call", _wait(20))
        place.work.end()
        refused = await stream.say(place.request("2025-11-25", "tools/list"))
        assert refused.status_code == 503
        assert "shutting down" in refused.json()["error"]["message"]
        while "result" not in (message := await stream.message()):
            assert message["method"] == "notifications/progress"
        assert message["result"]["structuredContent"]["reached"] is False
        await stream.ended()
