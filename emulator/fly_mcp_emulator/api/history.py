"""What a machine was: events and versions (reference 4.3, 5.4)."""

from __future__ import annotations

from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.call import Call
from fly_mcp_emulator.errors import bad_request
from fly_mcp_emulator.routing import Endpoint
from fly_mcp_emulator.views import config_view, event_view

_USUAL, _MOST = 20, 50


def list_events(call: Call) -> Answer:
    """Newest first; 20 unless told otherwise, at most 50."""
    limit = call.whole("limit")
    if limit is not None and limit < 1:
        raise bad_request("invalid limit")
    return Answer([event_view(event) for event in call.machine.events[: min(limit or _USUAL, _MOST)]])


def list_versions(call: Call) -> Answer:
    """Newest first."""
    versions = reversed(call.machine.versions)
    return Answer([{"version": one.id, "user_config": config_view(one.config)} for one in versions])


_MACHINE = "/v1/apps/{app}/machines/{id}"
ENDPOINTS = (
    Endpoint(
        "GET",
        f"{_MACHINE}/events",
        list_events,
        "r",
        sure=("document", "docs", "report", "inferred"),
        lacks="Types of events for cordon and metadata, which are not known.",
    ),
    Endpoint("GET", f"{_MACHINE}/versions", list_versions, "r", sure=("document", "inferred")),
)
