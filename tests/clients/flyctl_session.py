"""Commands of Fly's own command line against the emulator, written down: `tests/data/flyctl/session.json`.

    python tests/clients/flyctl_session.py FLYCTL

FLYCTL is the program; nothing else needs it. Each command runs after a pause, as if it were typed. Of each are
kept: what it printed, and the requests it made, with the status and the shape of our answers. The test
`tests/emulator/test_flyctl.py` sends the requests again, and compares `docs/emulator.md` with what is to be shown
there.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

if __package__ in (None, ""):
    # Run as a file: the folder above `tests` is where modules are looked for.
    sys.path[0] = str(Path(__file__).parents[2])

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.serve import serve
from tests.flyctl.commands import SHOWN, UNSHOWN
from tests.flyctl.transcript import FILE, Command, Names, shape, write

_PAUSE = 2.5
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Tap:
    """An ASGI application around another one, which writes down what passes."""

    def __init__(self, app: ASGIApp, seen: list[dict[str, Any]]) -> None:
        self._app = app
        self._began = time.monotonic()
        self._names = Names()
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and write it down, with its answer."""
        sent, answered, status = b"", b"", 0
        row: dict[str, Any] = {"at": round(time.monotonic() - self._began, 2), "method": scope["method"]}
        self._seen.append(row)

        async def receiving() -> Message:
            nonlocal sent
            message = await receive()
            sent += message.get("body", b"")
            return message

        async def sending(message: Message) -> None:
            nonlocal answered, status
            status = message.get("status", status)
            answered += message.get("body", b"")
            await send(message)

        await self._app(scope, receiving, sending)
        query = scope["query_string"].decode()
        # flyctl names a WireGuard peer for the machine it runs on: nobody's business.
        sent = sent.replace(f"-{socket.gethostname().split('.')[0]}-".encode(), b"-laptop-")
        target = scope["raw_path"].decode() + (f"?{query}" if query else "")
        nonce = dict(scope["headers"]).get(b"fly-machine-lease-nonce", b"").decode()
        row |= self._names.hide({"path": target, "nonce": nonce, "sent": _json(sent)}) | {"status": status}
        answer = _json(answered)
        self._names.learn(answer)
        row["shape"] = shape(answer)


def _json(content: bytes) -> Any:
    try:
        return json.loads(content) if content else None
    except ValueError:
        return content.decode(errors="replace")


def environment(base: str, folder: str) -> dict[str, str]:
    """Return the variables that `fly-mcp emulator` prints, and nothing of this machine's but the path."""
    bases = ("FLAPS", "API", "UIEX", "METRICS", "SYNTHETICS")
    return {f"FLY_{name}_BASE_URL": base for name in bases} | {
        "PATH": os.environ["PATH"],
        "HOME": folder,
        "FLY_CONFIG_DIR": f"{folder}/fly",
        "FLY_API_TOKEN": "emulator",
        "FLY_SEND_METRICS": "0",
        "FLY_SYNTHETICS_AGENT": "0",
        "FLY_NO_UPDATE_CHECK": "1",
        "FLY_NO_INCIDENTS_CHECK": "1",
        "FLY_WIRE_GUARD_WEBSOCKETS": "false",
    }


async def _session(flyctl: str) -> list[Command]:
    seen: list[dict[str, Any]] = []
    commands: list[Command] = []
    emulator, listening, ports = Emulator(), anyio.Event(), list[int]()
    emulator.app.add_middleware(Tap, seen=seen)

    def started(_host: str, port: int) -> None:
        ports.append(port)
        listening.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(serve, emulator, "127.0.0.1", 0, started)
        await listening.wait()
        with tempfile.TemporaryDirectory() as folder:
            variables = environment(f"http://127.0.0.1:{ports[0]}", folder)
            for line in (*SHOWN, *UNSHOWN):
                await anyio.sleep(_PAUSE)
                before = len(seen)
                rows, code = await _run([flyctl, *shlex.split(line)[1:]], variables, folder)
                sys.stdout.write("\n".join([f"$ {line}", *rows, ""]))
                commands.append(Command(line, code, len(commands) < len(SHOWN), rows, seen[before:]))
            await _run([flyctl, "agent", "stop"], variables, folder)
        tasks.cancel_scope.cancel()
    return commands


async def _run(command: list[str], variables: dict[str, str], folder: str) -> tuple[list[str], int]:
    done = await anyio.run_process(
        command, check=False, env=variables, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, cwd=folder
    )
    printed = _COLOUR.sub("", done.stdout.decode()).replace("\u200b", "")
    return [row.rstrip() for row in printed.splitlines()], done.returncode


def main() -> None:
    """Run the session and write it down."""
    (flyctl,) = sys.argv[1:]
    write(anyio.run(_session, flyctl), FILE)


if __name__ == "__main__":
    main()
