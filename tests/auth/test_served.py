"""Both kinds of token against `fly-mcp serve --http` as a process, and what its trail keeps of them."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx2
import pytest
from mcp import Client
from mcp.client.sse import sse_client

from tests.http.child import POLICY, Serving, serving
from tests.stdio.child import child
from tests.stdio.pretend import ONE, Pretend, pretend_fly

from .issuer import AUDIENCE, Issuer, claims, signed

_OAUTH = """
[agents.by-oauth]
fly_token = { env = "FLY_TOKEN_OF_ALICE" }
org = "personal"
oauth = "user-night"
read_only = true
"""


@pytest.fixture
async def fly() -> AsyncGenerator[Pretend]:
    async with pretend_fly() as fly:
        yield fly


@pytest.fixture
def environment(tmp_path: Path, issuer: Issuer) -> dict[str, str]:
    """An operator's: a policy with an agent of each kind, an issuer, and a trail."""
    policy = tmp_path / "both.toml"
    policy.write_text(POLICY + _OAUTH)
    return {
        "FLY_MCP_POLICY": str(policy),
        "FLY_MCP_AUDIT": str(tmp_path / "audit.jsonl"),
        "FLY_MCP_OAUTH_ISSUER": issuer.url,
        "FLY_MCP_OAUTH_SCOPES": "fly:use",
        "FLY_MCP_PUBLIC_URL": AUDIENCE,
    }


def issued(issuer: Issuer, **changed: object) -> str:
    """A token that is good now: the process has its own clock."""
    now = time.time()
    return signed(claims(issuer.url, **{"exp": now + 600, "nbf": now - 5, "iat": now - 5, **changed}))


async def allowed(server: Serving, token: str) -> bool:
    """Whether a call with this token reaches Fly and comes back."""
    server.token = token
    answer = await server.call("flyGetMachine", **ONE)
    return answer.status_code == 200 and not answer.json()["result"]["isError"]


async def test_tokens_of_both_kinds_are_taken_and_taken_away(
    tmp_path: Path, fly: Pretend, issuer: Issuer, environment: dict[str, str]
) -> None:
    """Issue 6: static tokens and OAuth at once, a revocation without a restart, and the trail of it all verifies."""
    good = issued(issuer)
    async with serving(tmp_path, fly.address, settings=environment) as server:
        static = server.token
        assert await allowed(server, static)
        assert await allowed(server, good)
        assert not await allowed(server, issued(issuer, aud="https://other.example.com"))
        await _learns_where_to_get_a_token(server, issuer)
        await _is_told_which_scope_it_lacks(server, issued(issuer, scope="profile"))
        state = {"FLY_MCP_STATE": str(tmp_path / "state")}
        async with child("agents", "revoke", "alice", raw=True, settings=state) as revoke:
            assert await revoke.end() == 0
        assert not await allowed(server, static)
        assert await allowed(server, good)
        errors = server.process.errors
    trail = tmp_path / "audit.jsonl"
    events = [json.loads(line) for line in trail.read_text().splitlines()]
    assert [one["caller"] for one in events if "caller" in one] == ["alice", "by-oauth", "by-oauth"]
    assert {one["rule"] for one in events if one.get("caller") == "alice"} == {"agents.alice.rules[0]"}
    assert any(one["event"] == "refused" for one in events)
    for secret in (static, static.removeprefix("flymcp_"), *good.split("."), "fm2_word"):
        assert secret not in trail.read_text()
        assert secret not in errors
    async with child("audit", "verify", str(trail), raw=True) as verify:
        assert await verify.end() == 0
    assert verify.printed.startswith("whole: ")
    async with child("audit", "tail", "--agent", "alice", raw=True, settings=environment) as tail:
        assert await tail.end() == 0
    assert f"alice asked to read machine {ONE['machineId']} of {ONE['appName']}: done in " in tail.printed
    assert tail.printed.endswith("; allowed by rule agents.alice.rules[0].\n")


async def test_the_trail_says_over_which_transport_a_call_came(tmp_path: Path, fly: Pretend) -> None:
    """Each of the two that a network has, from one process."""
    trail = tmp_path / "audit.jsonl"
    async with serving(tmp_path, fly.address, settings={"FLY_MCP_AUDIT": str(trail)}) as server:
        assert await allowed(server, server.token)
        headers = {"authorization": f"Bearer {server.token}"}
        async with Client(sse_client(f"{server.url}/sse", headers=headers)) as client:
            assert not (await client.call_tool("flyGetMachine", dict(ONE))).is_error
        for place in ("mcp", "sse"):
            assert (
                await server.http.request("GET" if place == "sse" else "POST", f"{server.url}/{place}")
            ).is_error
    events = [json.loads(line) for line in trail.read_text().splitlines()]
    assert [(one["event"], one["transport"]) for one in events if one["event"] == "call"] == [
        ("call", "http"),
        ("call", "sse"),
    ]
    assert [one["code"] for one in events if one["event"] == "refused"] == ["unauthenticated"]


async def _learns_where_to_get_a_token(server: Serving, issuer: Issuer) -> None:
    """RFC 9728: by the header of a 401, without any token."""
    answer = await server.http.post(f"{server.url}/mcp", json={})
    assert answer.status_code == 401
    place = "https://fly.example.com/.well-known/oauth-protected-resource/mcp"
    assert f'resource_metadata="{place}"' in answer.headers["www-authenticate"]
    said = await server.http.get(server.url + httpx2.URL(place).path)
    assert said.json()["resource"] == AUDIENCE
    assert said.json()["authorization_servers"] == [issuer.url]
    assert said.json()["scopes_supported"] == ["fly:use"]


async def _is_told_which_scope_it_lacks(server: Serving, token: str) -> None:
    """403, so that a client can ask its issuer for more."""
    server.token = token
    answer = await server.call("flyGetMachine", **ONE)
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert "fly:use" in answer.headers["www-authenticate"]
