"""The trail of a `fly-mcp` process, as an operator sets it; also of one that is killed."""

from __future__ import annotations

import io
import json
import signal
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from fly_mcp_server.audit.verify import verify
from tests.stdio.child import child, serving
from tests.stdio.pretend import MACHINE, ONE, Pretend, pretend_fly


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """Processes take real time."""
    return "asyncio"


@pytest.fixture
async def fly() -> AsyncGenerator[Pretend]:
    async with pretend_fly() as fly:
        yield fly


def environment(fly: Pretend, trail: Path | str) -> dict[str, str]:
    return {"FLY_API_TOKEN": "fm2_word", "FLY_API_HOSTNAME": fly.address, "FLY_MCP_AUDIT": str(trail)}


async def test_a_killed_process_has_said_what_it_was_about_to_destroy(tmp_path: Path, fly: Pretend) -> None:
    """Issue 6: durable before a destructive request leaves. `kill -9` while Fly has the request."""
    trail = tmp_path / "audit.jsonl"
    fly.slow("DELETE", f"/v1/apps/catvet-records/machines/{MACHINE}", 60)
    async with serving(**environment(fly, trail)) as one:
        await one.start("flyDeleteMachine", **ONE, confirm=True)
        await fly.asked(f"DELETE {MACHINE}")
        one.signal(signal.SIGKILL)
        await one.end()
    with trail.open("rb") as file:
        verdict = verify(file)
    assert verdict.problems == []
    (says,) = verdict.unended.values()
    assert says == f"local is about to delete machine {MACHINE} of catvet-records; no policy is in force."


async def test_calls_cut_short_by_a_closed_stdin_are_events(tmp_path: Path, fly: Pretend) -> None:
    """The client has left; the trail tells what became of its call."""
    trail = tmp_path / "audit.jsonl"
    async with serving(**environment(fly, trail)) as one:
        fly.slow("GET", "/v1/apps/catvet-records", 60)
        await one.start("flyGetApp", appName="catvet-records")
        await fly.asked("GET catvet-records")
        await one.hang_up()
        assert await one.end() == 0
    event = json.loads(trail.read_bytes().splitlines()[-1])
    assert (event["action"], event["outcome"], event["changed"]) == ("flyGetApp", "cancelled", "nothing")


@pytest.mark.parametrize("params", [{"arguments": [1]}, {"arguments": "x"}, {"_meta": 5}], ids=str)
async def test_a_malformed_request_of_a_tool_is_an_event(tmp_path: Path, params: dict[str, Any]) -> None:
    """Review of issue 6: "one event for every call", also of one that the protocol refuses before it is one."""
    path = tmp_path / "audit.jsonl"
    async with serving("--emulator", FLY_MCP_AUDIT=str(path)) as one:
        await one.say(
            {"jsonrpc": "2.0", "id": 99, "method": "tools/call", "params": {"name": "flyDeleteApp", **params}}
        )
        reply = await one.answer(99)
        assert "error" in reply
        await one.call("flyGetApp", appName="catvet-records")
    events = [json.loads(line) for line in path.read_bytes().splitlines()]
    malformed, good = [event for event in events if event["event"] == "call"]
    assert (malformed["action"], malformed["outcome"]) == ("flyDeleteApp", "refused")
    assert (malformed["code"], malformed["changed"]) == ("invalid_arguments", "nothing")
    assert good["outcome"] == "done"


async def test_the_trail_can_go_to_stderr(fly: Pretend) -> None:
    """JSON lines, beside what else is said there; they verify as a file does."""
    async with serving(**environment(fly, "stderr")) as one:
        await one.call("flyExecCommand", **ONE, command=["echo", "c4n4ry"])
        await one.hang_up()
        assert await one.end() == 0
    assert "c4n4ry" not in one.errors
    lines = [line for line in one.errors.splitlines() if line.startswith("{")]
    verdict = verify(io.BytesIO("\n".join([*lines, ""]).encode()))
    assert (verdict.problems, verdict.events, verdict.unended) == ([], 3, {})
    assert [json.loads(line)["event"] for line in lines] == ["genesis", "begun", "call"]


async def test_a_file_that_cannot_be_written_is_said_at_the_start(tmp_path: Path) -> None:
    """Not when something is to be destroyed."""
    others = tmp_path / "others.jsonl"
    others.touch()
    others.chmod(0o666)
    notes = tmp_path / "notes.txt"
    notes.write_text("milk\n")
    notes.chmod(0o600)
    for transport, path, why in (
        ("stdio", tmp_path / "nowhere" / "audit.jsonl", "No such file or directory"),
        ("http", tmp_path, "Is a directory"),
        ("stdio", others, "others may write it"),
        ("stdio", notes, "its end is no audit trail"),
    ):
        settings = {
            "FLY_MCP_AUDIT": str(path),
            "FLY_MCP_EMULATOR": "1",
            "FLY_MCP_STATE": str(tmp_path / "state"),
        }
        async with child("serve", f"--{transport}", settings=settings) as one:
            assert await one.end() == 2
        assert f"FLY_MCP_AUDIT: {path} cannot be used: " in one.errors
        assert why in one.errors
