"""The other commands, as a person types them."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio
import httpx2
import pytest

from fly_mcp_server import __version__
from fly_mcp_tools.catalogue import ACTIONS

from .child import COMMAND, PATIENCE, child, environment
from .pretend import Pretend, pretend_fly

TOKEN = "fm2_canary0123456789+/="


@dataclass(frozen=True)
class Ran:
    """How a command ended, and all it said."""

    code: int
    out: str
    err: str


async def run(
    *arguments: str, command: tuple[str, ...] = (COMMAND,), settings: Mapping[str, str] | None = None
) -> Ran:
    """Run a command to its end."""
    with anyio.fail_after(PATIENCE):
        done = await anyio.run_process(
            [*command, *arguments], stdin=subprocess.DEVNULL, check=False, env=environment(**(settings or {}))
        )
    ran = Ran(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in ran.out + ran.err
    assert TOKEN not in ran.out + ran.err
    return ran


@pytest.fixture
async def fly() -> AsyncGenerator[Pretend]:
    async with pretend_fly() as fly:
        yield fly


class TestCheck:
    """`fly-mcp check`: the seeds' "test the connection"."""

    async def test_it_is_content_with_the_emulator(self) -> None:
        """Issue 2: token, organisation and reachability, and 0."""
        ran = await run("--emulator", "check")
        assert (ran.code, ran.err) == (0, "")
        assert "personal has" in ran.out
        assert ran.out.endswith("Ready.\n")

    async def test_it_is_content_with_a_good_token(self, fly: Pretend) -> None:
        """Issue 2: it reads only, and names the host it spoke to."""
        ran = await run("check", settings={"FLY_API_TOKEN": TOKEN, "FLY_API_HOSTNAME": fly.address})
        assert ran.code == 0
        assert f"{fly.address.removeprefix('http://')} answers" in ran.out
        asked = {record.method for record in fly.emulator.requests if record.path != "/graphql"}
        assert asked == {"GET"}
        assert "ok    web           answers" in ran.out

    async def test_without_a_token_it_says_how_to_get_one(self) -> None:
        """Issue 2: plain words, and 1."""
        ran = await run("check")
        assert ran.code == 1
        assert "FAIL  token" in ran.out
        assert "fly tokens create" in ran.out

    async def test_an_expired_token_is_named_as_such(self, fly: Pretend) -> None:
        """Issue 2: Fly is reached, the token is refused."""
        ran = await run(
            "check", settings={"FLY_API_TOKEN": "fm2_emulator_expired", "FLY_API_HOSTNAME": fly.address}
        )
        assert ran.code == 1
        assert "ok    reachability" in ran.out
        assert "FAIL  token" in ran.out

    async def test_a_deploy_token_may_not_list_apps_and_that_is_no_fault(self, fly: Pretend) -> None:
        """Issue 2: what works is told as what works."""
        ran = await run(
            "check", settings={"FLY_API_TOKEN": "fm2_emulator_deploy", "FLY_API_HOSTNAME": fly.address}
        )
        assert ran.code == 0, ran.out
        assert "catvet-records" in ran.out

    async def test_an_organisation_that_is_not_there_is_named(self, fly: Pretend) -> None:
        """Ours: a slip in FLY_ORG_SLUG is found here and not by an agent."""
        ran = await run(
            "check",
            settings={"FLY_API_TOKEN": TOKEN, "FLY_API_HOSTNAME": fly.address, "FLY_ORG_SLUG": "my-compny"},
        )
        assert ran.code == 1
        assert "FAIL  organisation" in ran.out
        assert "my-compny" in ran.out

    async def test_nobody_there_is_no_reachability(self) -> None:
        """Issue 2: plain words where nothing answers."""
        with socket.create_server(("127.0.0.1", 0)) as closed:
            address = f"127.0.0.1:{closed.getsockname()[1]}"
        ran = await run("check", settings={"FLY_API_TOKEN": TOKEN, "FLY_API_HOSTNAME": f"http://{address}"})
        assert ran.code == 1
        assert "FAIL  reachability" in ran.out
        assert address in ran.out

    @pytest.mark.parametrize("status", ["200 OK", "404 Not Found"])
    async def test_a_web_site_is_not_fly(self, status: str) -> None:
        """Issue 2: a server that answers HTML is told from one that speaks Fly's API."""
        async with web_site(status) as address:
            ran = await run("check", settings={"FLY_API_TOKEN": TOKEN, "FLY_API_HOSTNAME": address})
        assert ran.code == 1
        assert "FAIL" in ran.out
        assert "FLY_API_HOSTNAME" in ran.out
        assert "<html>" not in ran.out

    async def test_a_setting_that_cannot_be_used_is_named(self) -> None:
        """Issue 2: never with its value."""
        ran = await run(
            "check", settings={"FLY_API_TOKEN": TOKEN, "FLY_API_HOSTNAME": "https://user:hunter2@fly.example"}
        )
        assert ran.code == 1
        assert "FLY_API_HOSTNAME" in ran.out
        assert "hunter2" not in ran.out + ran.err


class TestEmulator:
    """`fly-mcp emulator`: the embedded Fly alone."""

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    async def test_it_says_where_it_is_and_answers_until_interrupted(self, number: signal.Signals) -> None:
        """Issue 2: what it prints can be pasted; Ctrl-C ends it without a word."""
        async with child("emulator", "--port", "0", raw=True) as one:
            await one.until(lambda: "FLY_API_TOKEN" in one.printed)
            exported = dict(re.findall(r"^export (\w+)=(\S+)", one.printed, re.MULTILINE))
            headers = {"authorization": f"Bearer {exported['FLY_API_TOKEN']}"}
            async with httpx2.AsyncClient(base_url=exported["FLY_API_HOSTNAME"], headers=headers) as http:
                answer = await http.get("/v1/apps/catvet-records")
            assert answer.json()["name"] == "catvet-records"
            assert exported["FLY_FLAPS_BASE_URL"] == exported["FLY_API_HOSTNAME"]
            one.signal(number)
            assert await one.end() == 128 + number
            assert one.errors == ""

    async def test_a_taken_port_is_told_before_anything_else(self) -> None:
        """Issue 2: plain words, a way out, and nothing to paste."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            ran = await run("emulator", "--port", str(taken.getsockname()[1]))
        assert (ran.code, ran.out) == (1, "")
        assert "Address already in use" in ran.err
        assert "--port 0" in ran.err

    async def test_a_host_that_does_not_exist_is_told(self) -> None:
        """Ours: no traceback for a slip."""
        ran = await run("emulator", "--host", "no.such.host.invalid", "--port", "0")
        assert (ran.code, ran.out) == (1, "")
        assert "cannot listen on no.such.host.invalid" in ran.err


class TestTools:
    """`fly-mcp tools`."""

    async def test_it_prints_the_table(self) -> None:
        """Issue 2: every action, a line each."""
        ran = await run("tools")
        assert (ran.code, ran.err) == (0, "")
        named = [line.split()[0] for line in ran.out.splitlines() if line.startswith("  fly")]
        assert named == list(ACTIONS)

    async def test_it_prints_it_for_programs(self) -> None:
        """Issue 2: what a client sees, and what a row says besides."""
        ran = await run("tools", "--json")
        rows = json.loads(ran.out)["tools"]
        assert [row["name"] for row in rows] == list(ACTIONS)
        assert all(row["inputSchema"]["type"] == row["outputSchema"]["type"] == "object" for row in rows)


class TestWords:
    """Help and slips."""

    async def test_help_names_the_commands(self) -> None:
        """A person's first look."""
        ran = await run("--help")
        assert ran.code == 0
        for word in ("serve", "emulator", "tools", "check", "demo", "--emulator", "--log-level"):
            assert word in ran.out

    async def test_it_runs_as_a_module_too(self) -> None:
        """The other way to start it, where scripts are not on the path."""
        ran = await run("--version", command=(sys.executable, "-m", "fly_mcp_server"))
        assert (ran.code, ran.out) == (0, f"fly-mcp, version {__version__}\n")

    async def test_a_slip_is_a_usage_error(self) -> None:
        """The shell's convention: 2, on stderr."""
        slips = [("--emulater",), ("sreve",), ("emulator", "--port", "70000"), ("--log-level", "loud")]

        async def try_(slip: tuple[str, ...]) -> None:
            ran = await run(*slip)
            assert (ran.code, ran.out) == (2, ""), slip
            assert "Error: " in ran.err, slip

        await all_of(try_, slips)


class TestRefusals:
    """What `fly-mcp` does not start with."""

    async def test_a_setting_that_cannot_be_used_is_refused(self) -> None:
        """Ours: 2 and one clear line, never the value; a client shows it where it shows why a server is gone."""
        wrong = [
            ("FLY_API_HOSTNAME", "http://hunter2.example"),
            ("FLY_API_HOSTNAME", "https://user:hunter2@fly.example"),
            ("FLY_API_HOSTNAME", "https://fly.example/hunter2"),
            ("FLY_API_TOKEN", "fm2_hunter2\nfm2_more"),
            ("FLY_API_TOKEN", "fm2_hunter2 more"),
            ("FLY_API_TOKEN", "fm2_hünter2"),
            ("FLY_MCP_LOG_LEVEL", "loud"),
            ("FLY_MCP_EMULATOR", "perhaps"),
        ]
        named = {
            "FLY_API_TOKEN": "token",
            "FLY_MCP_LOG_LEVEL": "--log-level",
            "FLY_MCP_EMULATOR": "--emulator",
        }

        async def try_(setting: tuple[str, str]) -> None:
            name, value = setting
            ran = await run(settings={name: value})
            assert (ran.code, ran.out) == (2, ""), setting
            assert named.get(name, name) in ran.err
            assert "hunter2" not in ran.err
            assert "hünter2" not in ran.err

        await all_of(try_, wrong)

    async def test_closed_standard_streams_are_refused(self) -> None:
        """Ours: there is nobody to speak to."""
        ran = await run("-c", f"exec {COMMAND} <&-", command=("/bin/sh",))
        assert (ran.code, ran.out) == (2, "")
        assert "stdin or stdout is closed" in ran.err


T = TypeVar("T")


async def all_of(attempt: Callable[[T], Coroutine[Any, Any, None]], cases: Iterable[T]) -> None:
    """Try them all at the same time: each is a process."""
    async with anyio.create_task_group() as tasks:
        for case in cases:
            tasks.start_soon(attempt, case)


@asynccontextmanager
async def web_site(status: str) -> AsyncGenerator[str]:
    """A server that answers everything with the same page."""

    async def greet(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await stream.receive()
            page = b"<html>Welcome</html>"
            head = f"HTTP/1.1 {status}\r\ncontent-type: text/html\r\ncontent-length: {len(page)}\r\n\r\n"
            await stream.send(head.encode() + page)

    async with (
        await anyio.create_tcp_listener(local_host="127.0.0.1") as listener,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(listener.serve, greet)
        yield f"http://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}"
        tasks.cancel_scope.cancel()
