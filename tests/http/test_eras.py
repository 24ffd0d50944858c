"""Every protocol era, raw, over `/mcp`: no SDK on the client's side."""

from __future__ import annotations

import httpx2
import pytest

from .place import ALICE, ERAS, LEGACY, MODERN, heard, opened

APP = "catvet-records"
MACHINE = "7846e45f27e218"
ONE = {"appName": APP, "machineId": MACHINE}
#: It reaches its end only when its time is over.
WAIT = {"name": "flyWaitForMachine", "arguments": {**ONE, "state": "stopped", "timeout": 300}}


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_of_any_era_lists_and_calls(era: str) -> None:
    """Issue 6: Streamable HTTP for every protocol era."""
    async with opened() as place:
        assert (await place.greet(era))["capabilities"]["tools"] is not None
        tools = (await place.result(era, "tools/list"))["tools"]
        assert "flyListMachines" in {tool["name"] for tool in tools}
        answer = await place.call(era, "flyGetMachine", **ONE)
        assert answer["structuredContent"]["id"] == MACHINE


@pytest.mark.parametrize("era", ERAS)
async def test_no_request_needs_another_before_it(era: str) -> None:
    """Issue 6: stateless, so that any replica can answer any request. There is no session to belong to."""
    async with opened() as place:
        answer = await place.post(era, "tools/call", {"name": "flyGetMachine", "arguments": ONE})
        assert answer.status_code == 200
        assert "mcp-session-id" not in answer.headers


@pytest.mark.parametrize("era", ERAS)
async def test_progress_arrives_while_the_call_runs(era: str) -> None:
    """With JSON alone it would be lost, without a word: shared/mcp/platform.md, D5."""
    async with opened() as place:
        *told, answer = await place.ask(era, "tools/call", {**WAIT, "_meta": {"progressToken": "mine"}})
        assert len(told) > 1
        for one in told:
            assert one["method"] == "notifications/progress"
            assert one["params"]["progressToken"] == "mine"
        steps = [one["params"]["progress"] for one in told]
        assert steps == sorted(steps)
        assert answer["result"]["structuredContent"]["reached"] is False


@pytest.mark.parametrize("era", ERAS)
async def test_a_client_that_goes_cancels_its_call(era: str) -> None:
    """Closing the stream is how the newest protocol cancels; an older client that is gone waits for nothing."""
    async with opened() as place:
        began = place.clock.monotonic()
        request = place.request(era, "tools/call", {**WAIT, "_meta": {"progressToken": "mine"}})
        async with place.http.stream(
            "POST", f"{place.url}/mcp", json=request, headers=place.headers(era, request)
        ) as answer:
            async for line in answer.aiter_lines():
                if "notifications/progress" in line:
                    break
            assert place.work.busy("calls")
        await place.work.none("calls")
        assert place.clock.monotonic() - began < 100, "the wait went on without its client"
        sent = len(place.wire.sent)
        await place.clock.sleep(600)
        assert len(place.wire.sent) == sent
        assert await place.healthy()


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
async def test_what_belongs_to_sessions_is_refused(method: str) -> None:
    """The protocol: a server without sessions answers 405; there is no idle stream that anyone could hold."""
    async with opened() as place:
        answer = await place.http.request(method, f"{place.url}/mcp", headers=ALICE)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "POST"


async def test_several_requests_share_a_connection() -> None:
    """Keep-alive: a second request needs no second connection, and the first bytes of one may come late."""
    async with opened() as place:
        request = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"
        async with place.socket() as stream:
            for _ in range(3):
                await stream.send(request)
                assert (await stream.receive()).endswith(b"alive")
                await place.clock.sleep(25)
            await stream.send(request.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
            assert b"alive" in await heard(stream)


async def test_the_health_routes_ask_for_nothing() -> None:
    """Probes have no token, and call by whatever address they have."""
    async with opened() as place:
        for path in ("healthz", "readyz"):
            answer = await place.http.get(f"{place.url}/{path}", headers={"host": "10.0.0.7:8000"})
            assert (answer.status_code, answer.text in ("alive", "ready")) == (200, True)


async def test_it_is_not_ready_where_something_is_missing() -> None:
    """Alive, since a restart would help nothing; not ready, since no traffic should come."""
    async with opened(missing=True) as place:
        assert (await place.http.get(f"{place.url}/readyz")).status_code == 503
        assert (await place.http.get(f"{place.url}/healthz")).status_code == 200


async def test_an_answer_that_nobody_reads_holds_up_nobody() -> None:
    """One call's stream does not stand in the way of another's."""
    async with opened() as place:
        request = place.request(MODERN, "tools/list")
        async with place.http.stream(
            "POST", f"{place.url}/mcp", json=request, headers=place.headers(MODERN, request)
        ):
            assert await place.healthy()


async def test_unknown_paths_are_not_found() -> None:
    """Nothing else is served, and nobody is asked for a token there."""
    async with opened() as place, httpx2.AsyncClient() as stranger:
        assert (await stranger.get(f"{place.url}/")).status_code == 404
        assert (await stranger.get(f"{place.url}/.well-known/oauth-protected-resource")).status_code == 404


def test_there_are_five_eras() -> None:
    """What `ERAS` means, for whoever reads the figures."""
    assert len(ERAS) == len(LEGACY) + 1 == 5
