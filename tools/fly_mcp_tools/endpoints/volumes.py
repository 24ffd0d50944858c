"""Volumes and their snapshots."""

from __future__ import annotations

from fly_mcp_tools.endpoint import Endpoint

from .sources import VOLUMES

LIST_VOLUMES = Endpoint(
    name="list_volumes",
    says="list the volumes of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/volumes",
    idempotent=True,
    source=VOLUMES,
)
CREATE_VOLUME = Endpoint(
    name="create_volume",
    says="create a volume in {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/volumes",
    idempotent=False,  # a second one of the same name makes a second volume
    source=VOLUMES,
)
GET_VOLUME = Endpoint(
    name="get_volume",
    says="read volume {volume_id} of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/volumes/{volume_id}",
    idempotent=True,
    source=VOLUMES,
)
UPDATE_VOLUME = Endpoint(
    name="update_volume",
    says="change the backups of volume {volume_id} of {app_name}",
    method="PUT",
    path="/v1/apps/{app_name}/volumes/{volume_id}",
    idempotent=True,
    source=VOLUMES,
)
DELETE_VOLUME = Endpoint(
    name="delete_volume",
    says="delete volume {volume_id} of {app_name}",
    method="DELETE",
    path="/v1/apps/{app_name}/volumes/{volume_id}",
    idempotent=True,
    destroys=True,
    source=VOLUMES,
)
EXTEND_VOLUME = Endpoint(
    name="extend_volume",
    says="extend volume {volume_id} of {app_name}",
    method="PUT",
    path="/v1/apps/{app_name}/volumes/{volume_id}/extend",
    idempotent=True,  # the size sent is the new total
    source=VOLUMES,
)
LIST_SNAPSHOTS = Endpoint(
    name="list_snapshots",
    says="list the snapshots of volume {volume_id} of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/volumes/{volume_id}/snapshots",
    idempotent=True,
    source=VOLUMES,
)
CREATE_SNAPSHOT = Endpoint(
    name="create_snapshot",
    says="take a snapshot of volume {volume_id} of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/volumes/{volume_id}/snapshots",
    idempotent=False,  # a second one is refused while the first is pending, and then is a second snapshot
    source=VOLUMES,
)

ROWS: tuple[Endpoint, ...] = (
    LIST_VOLUMES,
    CREATE_VOLUME,
    GET_VOLUME,
    UPDATE_VOLUME,
    DELETE_VOLUME,
    EXTEND_VOLUME,
    LIST_SNAPSHOTS,
    CREATE_SNAPSHOT,
)
