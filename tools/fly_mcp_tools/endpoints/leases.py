"""Leases of machines."""

from __future__ import annotations

from fly_mcp_tools.endpoint import Endpoint

from .sources import MACHINES

GET_LEASE = Endpoint(
    name="get_lease",
    says="read the lease of machine {machine_id} of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/machines/{machine_id}/lease",
    idempotent=True,
    source=MACHINES,
)
ACQUIRE_LEASE = Endpoint(
    name="acquire_lease",
    says="take the lease of machine {machine_id} of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/machines/{machine_id}/lease",
    idempotent=False,  # a second one meets the first, whose nonce was lost with the answer: 409
    passing=True,
    source=MACHINES,
)
RELEASE_LEASE = Endpoint(
    name="release_lease",
    says="release the lease of machine {machine_id} of {app_name}",
    method="DELETE",
    path="/v1/apps/{app_name}/machines/{machine_id}/lease",
    idempotent=True,
    passing=True,
    source=MACHINES,
)

ROWS: tuple[Endpoint, ...] = (
    GET_LEASE,
    ACQUIRE_LEASE,
    RELEASE_LEASE,
)
