"""Issue 2, show 6, for the whole process: the token and secrets, set and then looked for in all it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fly_mcp_server.settings import Settings
from fly_mcp_tools.catalogue import ACTIONS

from .child import MODERN, serving
from .pretend import APP, ONE, pretend_fly

TOKEN = "fm2_canaryTOKENcanary0123456789+/="
SECRET = "canary-SECRET-hunter2-hunter2"
#: Long texts are shown with their middle left out: what is looked for is also each end.
HIDDEN = (TOKEN, "canaryTOKEN", SECRET, "hunter2")


def calls() -> list[tuple[str, dict[str, Any]]]:
    """Every action with its examples, what destroys last; secrets are the canary wherever one is taken."""
    rows = sorted(ACTIONS.values(), key=lambda row: row.access == "destructive")
    made: list[tuple[str, dict[str, Any]]] = [
        (row.name, dict(example.arguments)) for row in rows for example in row.examples
    ]
    for name, arguments in made:
        if name == "flyWaitForMachine":
            arguments["state"] = "suspended"  # as the call before has left it
        if name == "flySetSecrets":
            arguments["secrets"] = dict.fromkeys(arguments["secrets"], SECRET)
        if name == "flyUpdateMachineConfig" and "env" in arguments:
            arguments["env"] = dict.fromkeys(arguments["env"], SECRET)
    return made


#: Secrets in the wrong place: each is refused, and none may be repeated.
MISPLACED: list[tuple[str, dict[str, Any]]] = [
    ("flySetSecrets", {"appName": APP, "secrets": {SECRET: 1}}),
    ("flySetSecrets", {"appName": APP, "secrets": {f"BAD NAME {SECRET}": SECRET}}),
    ("flySetSecrets", {"appName": APP, "secrets": [SECRET]}),
    ("flySetSecrets", {"appName": APP, "secrets": SECRET}),
    ("flySetSecrets", {"appName": APP, "secrets": {"A": {"value": SECRET}}}),
    ("flyUpdateMachineConfig", {**ONE, "env": {"A": [SECRET]}}),
    ("flyUpdateMachineConfig", {**ONE, "env": SECRET}),
    ("flyExecCommand", {**ONE, "command": SECRET}),
    ("flyExecCommand", {**ONE, "command": ["true", SECRET], "timeout": SECRET}),
]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at the process through /proc")
async def test_neither_token_nor_secrets_are_ever_said() -> None:
    """Every tool over real HTTP at the chattiest log level; the wire, the log and the process list hold neither."""
    async with (
        pretend_fly() as fly,
        serving(
            "--log-level",
            "debug",
            era=MODERN,
            FLY_API_TOKEN=f"FlyV1 {TOKEN}",
            FLY_API_HOSTNAME=fly.address,
            FLY_MCP_DEFAULT_IMAGE="nginx",
            FLY_MCP_TOOLSETS="all",
        ) as client,
    ):
        arguments_of_the_process = (Path("/proc") / str(client.process.pid) / "cmdline").read_text()
        for name, arguments in [*MISPLACED, *calls()]:
            result = await client.call(name, **arguments)
            assert result["structuredContent"].get("error", {}).get("code") != "internal", (name, result)
        for line in (
            '{"id": 1, "method": "tools/call", "params": {"secrets": "' + SECRET,
            '{"a":"' + SECRET + '"}',
        ):
            await client.say(line)
        await client.refusal("tools/call", {"name": 1, "arguments": {"secrets": SECRET}})
    assert "POST /v1/apps/catvet-records/secrets -> " in client.errors
    said = "\n".join(client.lines) + client.errors + arguments_of_the_process
    lines = [line for line in said.splitlines() if any(word in line for word in HIDDEN)]
    assert lines == []
    assert {record.token for record in fly.emulator.requests} == {"any"}


def test_the_settings_do_not_show_the_token() -> None:
    """Whoever prints them, prints stars."""
    settings = Settings.model_validate({"FLY_API_TOKEN": TOKEN})
    assert settings.token is not None
    assert settings.token.get_secret_value() == TOKEN
    assert TOKEN not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
