"""`fly-mcp serve --http` as a process: what it says of itself, and what it refuses to start with."""

from __future__ import annotations

import json
import signal
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.stdio.child import child
from tests.stdio.pretend import ONE, Pretend, pretend_fly

from .child import serving


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """A process takes real time."""
    return "asyncio"


@pytest.fixture
async def fly() -> AsyncGenerator[Pretend]:
    async with pretend_fly() as fly:
        yield fly


async def test_it_says_where_it_is_and_serves_a_named_agent(tmp_path: Path, fly: Pretend) -> None:
    """A token of `fly-mcp agents add`, a policy, and the agent's own Fly token behind it."""
    trail = tmp_path / "audit.jsonl"
    async with serving(tmp_path, fly.address, settings={"FLY_MCP_AUDIT": str(trail)}) as server:
        answer = await server.call("flyGetMachine", **ONE)
        assert answer.json()["result"]["structuredContent"]["id"] == ONE["machineId"]
        right, server.token = server.token, "flymcp_" + "canary" * 7
        assert (await server.call("flyGetMachine", **ONE)).status_code == 401
        assert (await server.http.get(f"{server.url}/readyz")).text == "ready"
        assert "NOTHING" not in server.process.errors
        assert "NOBODY" not in server.process.errors
        server.process.signal(signal.SIGTERM)
        await server.process.end()
        assert "refused at the door" in server.process.errors
        events = [json.loads(line) for line in trail.read_text().splitlines()]
        assert {"http"} == {event["transport"] for event in events if "transport" in event}
        assert [event["caller"] for event in events if event.get("caller")] == ["alice"]
        for secret in (right, "canary", "fm2_word"):
            assert secret not in server.process.errors
            assert secret not in trail.read_text()


async def test_without_a_policy_it_says_that_nothing_is_allowed(tmp_path: Path, fly: Pretend) -> None:
    """Issue 6: over a network without a policy nothing is allowed. It starts, and is not ready."""
    async with serving(tmp_path, fly.address, settings={"FLY_MCP_POLICY": ""}) as server:
        assert "NOTHING IS ALLOWED" in server.process.errors
        assert (await server.http.get(f"{server.url}/readyz")).status_code == 503
        answer = await server.call("flyGetMachine", **ONE)
        assert answer.json()["error"]["code"] == -32602
        assert fly.log == []


async def test_no_auth_is_said_loudly_and_keeps_the_policy(tmp_path: Path, fly: Pretend) -> None:
    """Whoever comes is the agent that was named; without one it is nobody, whom the policy allows nothing."""
    for agent, allowed in (("alice", True), ("", False)):
        settings = {"FLY_MCP_AGENT": agent}
        async with serving(tmp_path, fly.address, "--no-auth", settings=settings) as server:
            assert "NOBODY IS ASKED" in server.process.errors
            server.token = "anything"
            said = (await server.call("flyGetMachine", **ONE)).json()
            assert ("result" in said and not said["result"]["isError"]) == allowed, said


async def test_what_cannot_be_used_is_named_all_at_once() -> None:
    """Each setting, and what it should be; no value, which may be a secret in the wrong place."""
    settings = {
        "FLY_MCP_ALLOWED_HOSTS": "https://canary.example/x",
        "FLY_MCP_ALLOWED_ORIGINS": "canary.example",
        "FLY_MCP_TRUSTED_PROXIES": "canary",
    }
    async with child("serve", "--http", "--port", "0", settings=settings) as one:
        assert await one.end() == 2
    for name in settings:
        assert name in one.errors
    assert "canary" not in one.errors


async def test_a_taken_address_is_said(tmp_path: Path, fly: Pretend) -> None:
    """And what to do about it."""
    async with serving(tmp_path, fly.address) as server:
        port = server.url.rpartition(":")[2]
        async with child(
            "serve", "--http", "--port", port, settings={"FLY_MCP_STATE": str(tmp_path)}
        ) as late:
            assert await late.end() == 1
        assert f"cannot listen on 127.0.0.1:{port}" in late.errors
        assert "Traceback" not in late.errors


async def test_a_named_host_and_page_are_answered(tmp_path: Path, fly: Pretend) -> None:
    """From the command line, again for more, and from the environment with commas."""
    settings = {"FLY_MCP_ALLOWED_ORIGINS": "https://a.example,https://b.example"}
    told = ("--allowed-host", "one.example", "--allowed-host", "two.example")
    async with serving(tmp_path, fly.address, *told, settings=settings) as server:
        for name, value, status in (
            ("host", "one.example", 401),
            ("host", "two.example", 401),
            ("host", "three.example", 421),
            ("origin", "https://b.example", 401),
            ("origin", "https://c.example", 403),
        ):
            answer = await server.http.post(f"{server.url}/mcp", headers={name: value})
            assert (value, answer.status_code) == (value, status)
