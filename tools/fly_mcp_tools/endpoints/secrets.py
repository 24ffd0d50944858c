"""Secrets."""

from __future__ import annotations

from fly_mcp_tools.endpoint import Endpoint

from .sources import SPEC

LIST_SECRETS = Endpoint(
    name="list_secrets",
    says="list the secret names of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/secrets",
    idempotent=True,
    source=SPEC,
)
SET_SECRETS = Endpoint(
    name="set_secrets",
    says="change the secrets of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/secrets",
    idempotent=True,  # the same values again: only Fly's version counter moves once more
    source=SPEC,
    secret_body=True,
)

ROWS: tuple[Endpoint, ...] = (
    LIST_SECRETS,
    SET_SECRETS,
)
