"""Issue 6, Shows 2: every row, whoever calls and however it came: exactly the allowed ones reach Fly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, MCPError
from mcp_types import INVALID_PARAMS

from fly_mcp_server.audit.verify import verify
from fly_mcp_server.auth.refusals import EVERY
from fly_mcp_tools.action import Access, AnyAction, Group
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.selection import APP, within_one_org
from tests.policy.ground import example
from tests.virtual_time import LoopClock

from .ground import AGENTS, SECRETS, TRANSPORTS, WRONG, Transport, matrix

ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
each_transport = pytest.mark.parametrize("transport", TRANSPORTS)


def listed(action: AnyAction, who: str) -> bool:
    """Whether an agent sees the tool."""
    if not within_one_org(action) or action.mints:  # a server's own identity is nobody's over a network
        return False
    if who == "reader":
        return action.access is Access.READ and action.group is not Group.TOKENS
    if who == "elsewhere":
        return APP in action.params.model_fields
    return True


def reaches(action: AnyAction, who: str) -> bool:
    """Whether its example, which is about an app of the documentation, gets through to Fly."""
    return listed(action, who) and who != "elsewhere"


async def called(client: Client, action: AnyAction) -> str:
    """What came of its example: done, the error's code, or unknown where the protocol says that there is no tool."""
    try:
        result: Any = await client.call_tool(action.name, example(action))
    except MCPError as error:
        if error.code != INVALID_PARAMS:
            raise
        return "unknown"
    return str(result.structured_content["error"]["code"]) if result.is_error else "done"


@each_transport
@pytest.mark.parametrize("who", AGENTS)
async def test_exactly_what_an_agent_may_reaches_fly(
    tmp_path: Path, who: str, transport: Transport, subtests: pytest.Subtests
) -> None:
    """Each row with its own example, one session an agent; what may not, sends nothing."""
    async with matrix(tmp_path) as place, place.client(transport, who) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == [
            name for name, action in ACTIONS.items() if listed(action, who)
        ]
        for name, action in ACTIONS.items():
            with subtests.test(action=name):
                place.begin_again()
                outcome = await called(client, action)
                if reaches(action, who):
                    assert outcome == "done"
                    assert place.sent
                else:
                    assert outcome == ("not_allowed" if listed(action, who) else "unknown")
                    assert place.sent == []


@pytest.mark.parametrize("token", [None, WRONG, "x", "fm2_emulator_deploy"])
async def test_nobody_without_a_good_token_reaches_anything(
    tmp_path: Path, token: str | None, subtests: pytest.Subtests
) -> None:
    """Every row on both transports; a token of Fly's is none of ours. Too many in a row are put off (429)."""
    headers = ACCEPT if token is None else {**ACCEPT, "authorization": f"Bearer {token}"}
    async with matrix(tmp_path) as place, httpx2.AsyncClient(timeout=1000) as http:
        for name, action in ACTIONS.items():
            body = {
                "jsonrpc": "2.0",
                "id": 1,
                "method": "tools/call",
                "params": {"name": name, "arguments": example(action)},
            }
            with subtests.test(action=name):
                for answer in (
                    await http.post(f"{place.url}/mcp", json=body, headers=headers),
                    await http.get(f"{place.url}/sse", headers=headers),
                    await http.post(
                        f"{place.url}/messages/?session_id={'0' * 32}", json=body, headers=headers
                    ),
                ):
                    assert answer.status_code in (401, 429)
                    assert name not in answer.text
                    assert not token or token not in answer.text
        assert place.sent == []


async def test_refusals_at_the_door_are_in_the_trail_though_nobody_comes_after_them(tmp_path: Path) -> None:
    """Review of issue 6: the server tells them by itself while it serves."""
    async with matrix(tmp_path, ["reader"]) as one, httpx2.AsyncClient() as http:
        for _ in range(10):
            await http.post(f"{one.url}/mcp", headers={"authorization": f"Bearer {WRONG}"}, json={})
        await LoopClock().sleep(2 * EVERY)
        events = [json.loads(line) for line in one.trail.read_bytes().splitlines()]
        assert [event["count"] for event in events if event["event"] == "refused"] == [1, 9]


@each_transport
async def test_a_session_is_of_the_agent_that_opened_it(tmp_path: Path, transport: Transport) -> None:
    """Two agents at once, each with its own list and its own rights."""
    async with (
        matrix(tmp_path) as place,
        place.client(transport, "reader") as reader,
        place.client(transport, "keeper") as keeper,
    ):
        stop = ACTIONS["flyStopMachine"]
        for _ in range(2):
            place.begin_again()
            assert await called(reader, stop) == "unknown"
            assert place.sent == []
            assert await called(keeper, stop) == "done"
            assert place.sent


async def test_a_message_for_somebody_elses_sse_session_is_refused(tmp_path: Path) -> None:
    """The session's id is no right."""
    async with matrix(tmp_path) as place, httpx2.AsyncClient(timeout=1000) as http:
        reader = {"authorization": f"Bearer {place.tokens['reader']}"}
        keeper = {"authorization": f"Bearer {place.tokens['keeper']}"}
        async with http.stream("GET", f"{place.url}/sse", headers=reader) as stream:
            where = await _endpoint(stream)
            body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
            answer = await http.post(f"{place.url}{where}", json=body, headers={**ACCEPT, **keeper})
            assert answer.status_code in (403, 404)
            assert (await http.post(f"{place.url}{where}", json=body, headers=ACCEPT)).status_code == 401
            assert (
                await http.post(f"{place.url}{where}", json=body, headers={**ACCEPT, **reader})
            ).status_code == 202


async def _endpoint(stream: httpx2.Response) -> str:
    async for line in stream.aiter_lines():
        if line.startswith("data: "):
            return line.removeprefix("data: ")
    raise AssertionError("no endpoint was told")


async def test_the_rights_are_those_of_the_token_and_not_of_its_place(
    tmp_path: Path,
) -> None:
    """Only the header counts: a token in the query, a cookie, or a name in the message is nobody's."""
    async with matrix(tmp_path) as place, httpx2.AsyncClient(timeout=1000) as http:
        token = place.tokens["keeper"]
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": {"agent": "keeper"}}}
        for where, headers in (
            (f"/mcp?access_token={token}", {}),
            ("/mcp", {"cookie": f"authorization=Bearer {token}"}),
            ("/mcp", {"x-agent": "keeper"}),
        ):
            answer = await http.post(f"{place.url}{where}", json=body, headers={**ACCEPT, **headers})
            assert answer.status_code == 401


async def test_many_agents_that_come_at_once_ask_fly_once_whose_the_app_is(tmp_path: Path) -> None:
    """Fly allows one look at an app a second: sixty four questions would be a minute of waiting."""
    async with matrix(tmp_path) as place, place.client("http", "keeper") as client:
        async with anyio.create_task_group() as calls:
            for _ in range(16):
                calls.start_soon(called, client, ACTIONS["flyGetMachine"])
        assert [one for one in place.sent if one.endswith("/apps/catvet-records")] == [
            "GET /v1/apps/catvet-records"
        ]


async def test_the_trail_tells_every_call_apart_and_one_flipped_byte_is_found(tmp_path: Path) -> None:
    """Issue 6, Shows 6: who, what and the decision, over the network; and that nobody has changed it since."""
    async with matrix(tmp_path) as place:
        async with place.client("http", "keeper") as client:
            for action in ACTIONS.values():
                place.begin_again()
                await called(client, action)
        async with place.client("sse", "reader") as client:
            await called(client, ACTIONS["flyDeleteApp"])
    lines = [json.loads(line) for line in place.trail.read_text().splitlines()]
    calls = [one for one in lines if one["event"] == "call"]
    assert [one["action"] for one in calls] == [*ACTIONS, "flyDeleteApp"]
    assert {one["caller"] for one in calls[:-1]} == {"keeper"}
    assert (calls[-1]["caller"], calls[-1]["transport"]) == ("reader", "sse")
    assert SECRETS
    data = bytearray(place.trail.read_bytes())
    data[len(data) // 2] ^= 1
    place.trail.write_bytes(data)
    with place.trail.open("rb") as file:
        assert verify(file).problems
