"""`fly-mcp` and `fly-mcp serve`: over stdio."""

from __future__ import annotations

import sys

import anyio

from fly_mcp_tools.errors import NotConfigured

from . import logs, runtime, sdk, stdio
from .activity import Activity
from .settings import Settings, SettingsError, read


def run(*, emulator: bool, log_level: str) -> int:
    """Serve until the client leaves; the exit code. Without a token it serves too, and each call says so."""
    try:
        settings: Settings = read().model_copy(update={"emulator": emulator})
        built = runtime.build(settings)
    except (SettingsError, NotConfigured) as error:
        hint = f" {error.hint}" if isinstance(error, NotConfigured) else ""
        sys.stderr.write(f"fly-mcp: {error}{hint}\n")
        return 2
    redact = built.credentials.redact if built.credentials else str
    logs.configure(log_level, redact)
    activity = Activity()
    server = sdk.server(built.tools, activity)
    anyio.run(stdio.serve, server, built.client, activity)
    return 0
