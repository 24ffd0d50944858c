"""`fly-mcp` and `fly-mcp serve`: over stdio, or over HTTP."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Mapping

import anyio

from fly_mcp_tools.errors import NotConfigured

from . import logs, runtime, schemas, sdk, stdio
from .access.desk import Desk
from .access.trail import Trail
from .activity import Activity
from .settings import Settings, SettingsError, read


def run(said: Mapping[str, object]) -> int:
    """Serve until the client leaves or a signal comes; the exit code.

    Without a token it serves too, and each call says so. `said`: settings from the command line.
    """
    try:
        settings = read(said)
        schemas.read()
        if settings.http:
            from .http.command import run as over_http  # stdio is to start without a web server

            return over_http(settings)
        built = runtime.build(settings)
        trail, asking = _trail(settings), _asking(settings, built)
    except SettingsError as error:
        return _refuse(str(error))
    except NotConfigured as error:
        return _refuse(f"{error.message} {error.hint}")
    if sys.stdin is None or sys.stdout is None:
        return _refuse("stdin or stdout is closed, and they are what a client speaks through.")
    if sys.stdin.isatty():
        sys.stderr.write(
            "fly-mcp: waiting for an MCP client on stdin, which is a terminal. Clients start this command "
            "themselves; `fly-mcp --help` shows what else there is. Ctrl-C ends it.\n"
        )
    logs.configure(settings.log_level, built.redact)
    activity = Activity()
    server = sdk.server(
        Desk(built.callers, trail=trail), activity, output_schemas=settings.output_schemas, asking=asking
    )
    gc.freeze()
    gc.enable()
    try:
        return anyio.run(stdio.serve, server, built.client, activity)
    except Exception:  # a bug; Python's own traceback would show what the log takes out
        logging.getLogger(__name__).exception("fly-mcp ends through a bug of its own")
        sys.stderr.flush()
        os._exit(1)  # the thread that reads stdin may be waiting, and Python would wait for it


def _asking(settings: Settings, built: runtime.Runtime) -> sdk.Asking | None:
    """Who asks humans: without a policy nothing has to be asked."""
    if not settings.policy:
        return None
    from .consent.configured import configured

    return configured(settings, built.store)


def _trail(settings: Settings) -> Trail | None:
    if not settings.audit:
        return None
    # Imported here: whoever wants no trail is not to wait for it.
    from fly_mcp_tools.clock import SystemClock

    from .audit.opening import open_trail

    return open_trail(settings, SystemClock())


def _refuse(words: str) -> int:
    sys.stderr.write(f"fly-mcp: {words}\n")
    return 2
