"""Metadata of machines."""

from __future__ import annotations

from fly_mcp_tools.endpoint import Endpoint

from .sources import MACHINES

LIST_METADATA = Endpoint(
    name="list_metadata",
    says="read the metadata of machine {machine_id} of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/machines/{machine_id}/metadata",
    idempotent=True,
    source=MACHINES,
)
MERGE_METADATA = Endpoint(
    name="merge_metadata",
    says="change the metadata of machine {machine_id} of {app_name}",
    method="PATCH",
    path="/v1/apps/{app_name}/machines/{machine_id}/metadata",
    idempotent=True,
    source=MACHINES,
)
GET_METADATA_KEY = Endpoint(
    name="get_metadata_key",
    says="read metadata {key} of machine {machine_id} of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/machines/{machine_id}/metadata/{key}",
    idempotent=True,
    source=MACHINES,
)
DELETE_METADATA_KEY = Endpoint(
    name="delete_metadata_key",
    says="remove metadata {key} of machine {machine_id} of {app_name}",
    method="DELETE",
    path="/v1/apps/{app_name}/machines/{machine_id}/metadata/{key}",
    idempotent=True,
    source=MACHINES,
)

ROWS: tuple[Endpoint, ...] = (
    LIST_METADATA,
    MERGE_METADATA,
    GET_METADATA_KEY,
    DELETE_METADATA_KEY,
)
