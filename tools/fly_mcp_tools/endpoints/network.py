"""Addresses and certificates."""

from __future__ import annotations

from fly_mcp_tools.endpoint import Endpoint

from .sources import CERTIFICATES, SPEC

LIST_IPS = Endpoint(
    name="list_ips",
    says="list the addresses of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/ip_assignments",
    idempotent=True,
    source=SPEC,
)
LIST_CERTIFICATES = Endpoint(
    name="list_certificates",
    says="list the certificates of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/certificates",
    idempotent=True,
    source=CERTIFICATES,
)

ROWS: tuple[Endpoint, ...] = (
    LIST_IPS,
    LIST_CERTIFICATES,
)
