"""Tokens."""

from __future__ import annotations

from fly_mcp_tools.endpoint import Endpoint

from .sources import SPEC

CURRENT_TOKEN = Endpoint(
    name="current_token",
    says="ask what the token may do",
    method="GET",
    path="/v1/tokens/current",
    idempotent=True,
    source=SPEC,
)

ROWS: tuple[Endpoint, ...] = (CURRENT_TOKEN,)
