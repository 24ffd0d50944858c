"""What Fly's own command line sent in a recorded session, sent again (issue 3.2; `tests/data/README.md`)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import anyio
import httpx2

from fly_mcp_emulator import Emulator
from tests.emulator.caller import client
from tests.flyctl.commands import SHOWN, UNSHOWN
from tests.flyctl.transcript import Names, read, shape
from tests.virtual_time import LoopClock

DOCS = Path(__file__).parents[2] / "docs" / "emulator.md"
# What issue 3.2 wants to work.
WANTED = """
machine list|machine status|machine start|machine stop|machine suspend|machine restart|machine update
machine clone|machine destroy|machine exec|machine wait|machine cordon|machine leases
volumes list|volumes create|volumes show|volumes extend|volumes update|volumes destroy
volumes snapshots list|volumes snapshots create|volumes fork
secrets list|secrets set|secrets unset|secrets deploy|apps list|apps create|apps destroy|apps restart
status|scale count|scale vm|scale memory|platform regions|ips list|certs list|logs --no-tail
"""


async def send(http: httpx2.AsyncClient, request: dict[str, Any], names: Names) -> tuple[int, Any]:
    """Send a recorded request with the ids of today; the status and the shape of the answer."""
    now = names.show({key: request[key] for key in ("path", "nonce", "sent")})
    answer = await http.request(
        request["method"],
        f"http://fly.test{now['path']}",
        headers={"fly-machine-lease-nonce": now["nonce"]} if now["nonce"] else {},
        content=json.dumps(now["sent"]) if now["sent"] is not None else b"",
    )
    try:
        body: object = answer.json() if answer.content else None
    except ValueError:
        body = answer.text
    names.learn(body)
    return answer.status_code, shape(body)


async def test_the_recorded_requests_are_answered_as_they_were() -> None:
    """Status and shape of each, at the moment it came, under Fly's rate limits: flyctl would go on as it did."""
    commands, shapes = read()
    emulator, names = Emulator(clock=LoopClock()), Names()
    began = anyio.current_time()
    async with client(emulator, "Bearer emulator") as http:
        for command in commands:
            for request in command.requests:
                await anyio.sleep(max(0.0, began + request["at"] - anyio.current_time()))
                status, form = await send(http, request, names)
                where = f"{command.line}: {request['method']} {request['path']}"
                assert status == request["status"], where
                assert form == shapes[request["shape"]], where


def test_every_command_of_the_issue_is_in_the_session() -> None:
    """Issue 3.2, and the recording is that of the list."""
    commands, _ = read()
    assert [command.line for command in commands] == [*SHOWN, *UNSHOWN]
    wanted = [words for line in WANTED.split("\n") for words in line.split("|") if words]
    good = [command.line for command in commands if command.exit == 0 and command.requests]
    assert [words for words in wanted if not any(line.startswith(f"fly {words}") for line in good)] == []


def test_the_session_in_the_docs_is_the_recorded_one() -> None:
    """Issue 3, shows 2."""
    commands, _ = read()
    shown = [row for one in commands if one.shown for row in (f"$ {one.line}", *one.printed)]
    (block,) = re.findall(
        r"^```console\n(\$ fly apps list\n.*?)^```$", DOCS.read_text(), re.MULTILINE | re.DOTALL
    )
    assert block.splitlines() == shown
