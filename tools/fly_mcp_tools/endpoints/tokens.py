"""Tokens."""

from __future__ import annotations

from fly_mcp_tools.endpoint import Endpoint

from .sources import OIDC, SPEC

CURRENT_TOKEN = Endpoint(
    name="current_token",
    says="ask what the token may do",
    method="GET",
    path="/v1/tokens/current",
    idempotent=True,
    source=SPEC,
)
OIDC_TOKEN = Endpoint(
    name="oidc_token",
    says="ask for an identity token",
    method="POST",
    path="/v1/tokens/oidc",
    idempotent=True,
    asks=True,  # each is good for some minutes, and nothing at Fly is changed by it
    token=True,
    source=OIDC,
)

ROWS: tuple[Endpoint, ...] = (
    CURRENT_TOKEN,
    OIDC_TOKEN,
)
