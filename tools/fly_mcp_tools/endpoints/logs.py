"""Logs. The Machines API has none: Fly's own client reads them at its web API."""

from __future__ import annotations

from fly_mcp_tools.endpoint import Endpoint

from .sources import FLYCTL

GET_LOGS = Endpoint(
    name="get_logs",
    says="read the log of {app_name}",
    method="GET",
    path="/api/v1/apps/{app_name}/logs",
    host="web",
    idempotent=True,
    source=FLYCTL,
)

ROWS: tuple[Endpoint, ...] = (GET_LOGS,)
