"""Logs (reference 8.1)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.call import Call
from fly_mcp_emulator.errors import FlyError, unauthenticated
from fly_mcp_emulator.routing import Endpoint
from fly_mcp_emulator.world import App, LogLine

_NS = 1_000_000_000
_PAGE = 100
"""How many lines come at once [I]."""


def app_logs(call: Call) -> Answer:
    """A page of an app's log, oldest line first. Without a token the newest page, with one what came after.

    How far Fly's logs reach back (a day, a fortnight) is not modelled: these reach as far as there are lines.
    """
    token, instance, region = _token(call), call.first("instance"), call.first("region")
    lines = [
        line
        for line in _app(call).logs
        if (instance is None or line.machine == instance) and (region is None or line.region == region)
    ]
    page = lines[-_PAGE:] if token is None else [line for line in lines if line.at_ns > token][:_PAGE]
    following = str(page[-1].at_ns) if page else call.first("next_token") or ""
    return Answer({"data": [_entry(line) for line in page], "meta": {"next_token": following}})


def _app(call: Call) -> App:
    app = call.state.world.apps.get(call.params["app"])
    if app is None or not call.principal.may("r", app.org, app.name):
        # 401 also for an app that does not exist (reference 8.1 [L]).
        raise unauthenticated("detail")
    return app


def _token(call: Call) -> int | None:
    text = call.first("next_token")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        raise FlyError(400, "invalid next_token")
    return int(text)


def _entry(line: LogLine) -> dict[str, Any]:
    seconds, rest = divmod(line.at_ns, _NS)
    moment = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return {
        "id": str(line.at_ns),
        "attributes": {
            "timestamp": f"{moment}.{rest:09d}Z",
            "message": line.message,
            "level": line.level,
            "instance": line.machine,
            "region": line.region,
            "meta": {
                "instance": line.machine,
                "region": line.region,
                "event": {"provider": line.provider},
            },
        },
    }


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/v1/apps/{app}/logs",
        app_logs,
        shape="detail",
        rate="none",
        sure=("client", "report", "inferred"),
        lacks="Reaching back a limited time; lines of other parts of Fly than the machine.",
    ),
)
