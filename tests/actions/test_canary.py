"""A token and a secret's value are looked for in everything that comes out (the issue, Shows 6)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from fly_mcp_emulator import Emulator
from fly_mcp_tools.action import table
from fly_mcp_tools.call import Call
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.credentials import Credentials
from fly_mcp_tools.models import Params, Result
from tests.virtual_time import LoopClock

from .fly import APP, MACHINE, Fly, opened

TOKEN = "fm2_c4n4ryTOKENc4n4ry0123456789"
SECRET = "c4n4ry-secret-5f3a9"
ENV = "c4n4ry-env-77b1e0"
SHARDS = (TOKEN, TOKEN.removeprefix("fm2_"), SECRET, ENV)

#: Each row's example, but with canaries wherever a value goes.
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("flySetSecrets", {"appName": APP, "secrets": {"A": SECRET, "B": SECRET * 2}, "restartMachines": True}),
    ("flySetSecrets", {"appName": "my-sandbox", "secrets": {"A": SECRET}}),
    ("flyUpdateMachineConfig", {"appName": APP, "machineId": MACHINE, "env": {"DSN": ENV}}),
    ("flyUpdateMachineConfig", {"appName": APP, "machineId": MACHINE, "env": {"DSN": ENV + "2", "X": None}}),
    ("flyRestartMachine", {"appName": APP, "machineId": MACHINE}),
    ("flyExecCommand", {"appName": APP, "machineId": MACHINE, "command": ["test", "-n", SECRET]}),
    ("flyUnsetSecrets", {"appName": APP, "secretNames": ["B"], "restartMachines": True}),
    *((name, dict(example.arguments)) for name, row in ACTIONS.items() for example in row.examples),
]
#: What is wrong with a call's arguments must be told without them.
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("flySetSecrets", {"appName": APP, "secrets": {"A": [SECRET]}, "x": SECRET}),
    ("flySetSecrets", {"appName": SECRET + "/", "secrets": {SECRET: "A"}}),
    ("flyUpdateMachineConfig", {"appName": APP, "machineId": SECRET, "env": {"A": {"b": ENV}}}),
    ("flyExecCommand", {"appName": APP, "machineId": MACHINE, "command": [SECRET, 5]}),
    ("flyGetApp", {"appName": TOKEN}),
]
both_eras = pytest.mark.parametrize("mode", ["auto", "legacy"])


@pytest.fixture
def token() -> str:
    return f"FlyV1 {TOKEN}"


def _quoting(status: int) -> Callable[[httpx2.Request], httpx2.Response]:
    """A server that says back all it was sent, the header with the token too."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        text = f"{request.headers['authorization']} {request.content.decode()} {request.url}"
        return httpx2.Response(status, json={"error": text, "status": text})

    return answer


def _check(fly: Fly, caplog: pytest.LogCaptureFixture) -> None:
    outputs = {
        "answers": "\n".join(fly.said),
        "progress": repr(fly.progress),
        "logs": "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records),
        "formatted": caplog.text,
        "reprs": repr((fly.tools, fly.tools.client, vars(fly.tools), vars(fly.tools.client))),
    }
    found = [(where, shard) for where, text in outputs.items() for shard in SHARDS if shard in text]
    assert found == []


@both_eras
async def test_nothing_comes_out_of_a_whole_run(fly: Fly, caplog: pytest.LogCaptureFixture) -> None:
    """The issue, Shows 6: every row, in every log line at DEBUG, every answer, every repr."""
    caplog.set_level(logging.DEBUG)
    for name, arguments in CALLS:
        await fly.either(name, **arguments)
    _check(fly, caplog)
    assert len(caplog.records) > 50


@both_eras
async def test_nothing_comes_out_of_wrong_calls(fly: Fly, caplog: pytest.LogCaptureFixture) -> None:
    """The issue, Shows 6: error and exception texts."""
    caplog.set_level(logging.DEBUG)
    for name, arguments in WRONG:
        assert "error" in await fly.either(name, **arguments)
    _check(fly, caplog)


@pytest.mark.parametrize("status", [400, 408, 409, 412, 422, 429, 500, 503])
async def test_nothing_comes_out_of_a_fly_that_says_back_what_it_is_sent(
    fly: Fly, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    """Ours: foreign text is quoted without token and values, and not at all where a body held secrets."""
    caplog.set_level(logging.DEBUG)
    for method in ("POST", "DELETE"):
        fly.wire.replace_answers(method, "(?<!/lease)$", _quoting(status), times=10_000)
    for name, arguments in CALLS:
        await fly.either(name, **arguments)
    _check(fly, caplog)


async def test_nothing_comes_out_of_broken_connections(fly: Fly, caplog: pytest.LogCaptureFixture) -> None:
    """Ours: the HTTP library's errors carry the request, and the request carries the token."""
    caplog.set_level(logging.DEBUG)
    for method in ("GET", "POST", "DELETE"):
        fly.wire.lose_requests(method, ".*", times=10_000)
    for name, arguments in CALLS:
        assert "error" in await fly.either(name, **arguments)
    _check(fly, caplog)


async def test_nothing_comes_out_of_a_mistake_of_ours(
    emulator: Emulator, clock: LoopClock, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    """House rule 10: a bug is told without details; its traceback is for the log, values are for neither."""

    async def mistaken(call: Call, params: Params) -> Result:
        raise LookupError("we were wrong")

    caplog.set_level(logging.DEBUG)
    actions = table(replace(ACTIONS["flySetSecrets"], run=mistaken))
    async with opened(emulator, clock, token=token, actions=actions) as fly:
        error = await fly.refused("flySetSecrets", appName=APP, secrets={"A": SECRET})
        assert (error["code"], error["changed"]) == ("internal", "unknown")
        assert "we were wrong" not in fly.said[-1]
        assert "we were wrong" in caplog.text
        _check(fly, caplog)


def test_credentials_show_themselves_to_nobody() -> None:
    """The issue, 4."""
    held = Credentials(f"FlyV1 {TOKEN}")
    assert TOKEN not in f"{held} {held!r} {vars(Credentials)}"
    assert TOKEN not in held.redact(f"x {TOKEN} y")
