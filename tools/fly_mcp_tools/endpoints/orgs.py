"""Organisations: which there are, and machines and volumes over the whole of one."""

from __future__ import annotations

from fly_mcp_tools.endpoint import Endpoint

from .sources import FLYCTL, SPEC

LIST_ORGS = Endpoint(
    name="list_orgs",
    says="list the organisations",
    method="POST",  # GraphQL: the REST API has no such call
    path="/graphql",
    host="web",
    idempotent=True,
    asks=True,
    source=FLYCTL,
)
LIST_ORG_MACHINES = Endpoint(
    name="list_org_machines",
    says="list the machines of organisation {org_slug}",
    method="GET",
    path="/v1/orgs/{org_slug}/machines",
    idempotent=True,
    source=SPEC,
)
LIST_ORG_VOLUMES = Endpoint(
    name="list_org_volumes",
    says="list the volumes of organisation {org_slug}",
    method="GET",
    path="/v1/orgs/{org_slug}/volumes",
    idempotent=True,
    source=SPEC,
)

ROWS: tuple[Endpoint, ...] = (
    LIST_ORGS,
    LIST_ORG_MACHINES,
    LIST_ORG_VOLUMES,
)
