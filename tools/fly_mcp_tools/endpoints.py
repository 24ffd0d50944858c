"""The calls of Fly's REST API that this package sends, one row each.

A DELETE counts as idempotent although its repetition is answered with 404: what matters is the state at
Fly, and the client marks an answer that follows an unclear attempt (`changed` is then "unknown").
"""

from __future__ import annotations

from fly_mcp_tools.endpoint import Endpoint, Rate

_DOCS = "https://fly.io/docs/machines/api/"
_APPS = _DOCS + "apps-resource/"
_MACHINES = _DOCS + "machines-resource/"
_VOLUMES = _DOCS + "volumes-resource/"
_CERTIFICATES = _DOCS + "certificates-resource/"
# Addresses, tokens and regions have no page of their own: Fly's OpenAPI document is what there is.
_SPEC = "https://docs.machines.dev/spec/openapi3.json"

LIST_APPS = Endpoint(
    name="list_apps",
    says="list the apps of an organisation",
    method="GET",
    path="/v1/apps",
    idempotent=True,
    source=_APPS,
)
CREATE_APP = Endpoint(
    name="create_app",
    says="create an app",
    method="POST",
    path="/v1/apps",
    idempotent=False,
    source=_APPS,
)
GET_APP = Endpoint(
    name="get_app",
    says="read app {app_name}",
    method="GET",
    path="/v1/apps/{app_name}",
    idempotent=True,
    source=_APPS,
)
DELETE_APP = Endpoint(
    name="delete_app",
    says="delete app {app_name}",
    method="DELETE",
    path="/v1/apps/{app_name}",
    idempotent=True,
    destroys=True,
    rate=Rate.APP_DELETE,
    source=_APPS,
)

LIST_MACHINES = Endpoint(
    name="list_machines",
    says="list the machines of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/machines",
    idempotent=True,
    source=_MACHINES,
)
CREATE_MACHINE = Endpoint(
    name="create_machine",
    says="create a machine in {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/machines",
    idempotent=False,
    source=_MACHINES,
)
GET_MACHINE = Endpoint(
    name="get_machine",
    says="read machine {machine_id} of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/machines/{machine_id}",
    idempotent=True,
    rate=Rate.GET_MACHINE,
    source=_MACHINES,
)
UPDATE_MACHINE = Endpoint(
    name="update_machine",
    says="update machine {machine_id} of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/machines/{machine_id}",
    idempotent=False,  # each one makes a new version and restarts the machine
    source=_MACHINES,
)
DELETE_MACHINE = Endpoint(
    name="delete_machine",
    says="delete machine {machine_id} of {app_name}",
    method="DELETE",
    path="/v1/apps/{app_name}/machines/{machine_id}",
    idempotent=True,
    destroys=True,
    source=_MACHINES,
)
START_MACHINE = Endpoint(
    name="start_machine",
    says="start machine {machine_id} of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/machines/{machine_id}/start",
    idempotent=True,
    source=_MACHINES,
)
STOP_MACHINE = Endpoint(
    name="stop_machine",
    says="stop machine {machine_id} of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/machines/{machine_id}/stop",
    idempotent=True,
    source=_MACHINES,
)
SUSPEND_MACHINE = Endpoint(
    name="suspend_machine",
    says="suspend machine {machine_id} of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/machines/{machine_id}/suspend",
    idempotent=True,
    source=_MACHINES,
)
RESTART_MACHINE = Endpoint(
    name="restart_machine",
    says="restart machine {machine_id} of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/machines/{machine_id}/restart",
    idempotent=False,
    source=_MACHINES,
)
WAIT_MACHINE = Endpoint(
    name="wait_machine",
    says="wait for machine {machine_id} of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/machines/{machine_id}/wait",
    idempotent=True,
    source=_MACHINES,
)
EXEC_MACHINE = Endpoint(
    name="exec_machine",
    says="run a command on machine {machine_id} of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/machines/{machine_id}/exec",
    idempotent=False,
    source=_MACHINES,
)

ACQUIRE_LEASE = Endpoint(
    name="acquire_lease",
    says="take the lease of machine {machine_id} of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/machines/{machine_id}/lease",
    idempotent=False,  # a second one meets the first, whose nonce was lost with the answer: 409
    passing=True,
    source=_MACHINES,
)
GET_LEASE = Endpoint(
    name="get_lease",
    says="read the lease of machine {machine_id} of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/machines/{machine_id}/lease",
    idempotent=True,
    source=_MACHINES,
)
RELEASE_LEASE = Endpoint(
    name="release_lease",
    says="release the lease of machine {machine_id} of {app_name}",
    method="DELETE",
    path="/v1/apps/{app_name}/machines/{machine_id}/lease",
    idempotent=True,
    passing=True,
    source=_MACHINES,
)

LIST_VOLUMES = Endpoint(
    name="list_volumes",
    says="list the volumes of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/volumes",
    idempotent=True,
    source=_VOLUMES,
)
CREATE_VOLUME = Endpoint(
    name="create_volume",
    says="create a volume in {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/volumes",
    idempotent=False,  # a second one of the same name makes a second volume
    source=_VOLUMES,
)
GET_VOLUME = Endpoint(
    name="get_volume",
    says="read volume {volume_id} of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/volumes/{volume_id}",
    idempotent=True,
    source=_VOLUMES,
)
UPDATE_VOLUME = Endpoint(
    name="update_volume",
    says="change the backups of volume {volume_id} of {app_name}",
    method="PUT",
    path="/v1/apps/{app_name}/volumes/{volume_id}",
    idempotent=True,
    source=_VOLUMES,
)
DELETE_VOLUME = Endpoint(
    name="delete_volume",
    says="delete volume {volume_id} of {app_name}",
    method="DELETE",
    path="/v1/apps/{app_name}/volumes/{volume_id}",
    idempotent=True,
    destroys=True,
    source=_VOLUMES,
)
LIST_SNAPSHOTS = Endpoint(
    name="list_snapshots",
    says="list the snapshots of volume {volume_id} of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/volumes/{volume_id}/snapshots",
    idempotent=True,
    source=_VOLUMES,
)
CREATE_SNAPSHOT = Endpoint(
    name="create_snapshot",
    says="take a snapshot of volume {volume_id} of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/volumes/{volume_id}/snapshots",
    idempotent=False,  # a second one is refused while the first is pending, and then is a second snapshot
    source=_VOLUMES,
)

LIST_SECRETS = Endpoint(
    name="list_secrets",
    says="list the secret names of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/secrets",
    idempotent=True,
    source=_SPEC,
)
SET_SECRETS = Endpoint(
    name="set_secrets",
    says="change the secrets of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/secrets",
    idempotent=True,  # the same values again: only Fly's version counter moves once more
    source=_SPEC,
    secret_body=True,
)

LIST_IPS = Endpoint(
    name="list_ips",
    says="list the addresses of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/ip_assignments",
    idempotent=True,
    source=_SPEC,
)
LIST_CERTIFICATES = Endpoint(
    name="list_certificates",
    says="list the certificates of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/certificates",
    idempotent=True,
    source=_CERTIFICATES,
)
CURRENT_TOKEN = Endpoint(
    name="current_token",
    says="ask what the token may do",
    method="GET",
    path="/v1/tokens/current",
    idempotent=True,
    source=_SPEC,
)
LIST_REGIONS = Endpoint(
    name="list_regions",
    says="list Fly's regions",
    method="GET",
    path="/v1/platform/regions",
    idempotent=True,
    source=_SPEC,
)

ENDPOINTS: tuple[Endpoint, ...] = (
    LIST_APPS,
    CREATE_APP,
    GET_APP,
    DELETE_APP,
    LIST_MACHINES,
    CREATE_MACHINE,
    GET_MACHINE,
    UPDATE_MACHINE,
    DELETE_MACHINE,
    START_MACHINE,
    STOP_MACHINE,
    SUSPEND_MACHINE,
    RESTART_MACHINE,
    WAIT_MACHINE,
    EXEC_MACHINE,
    ACQUIRE_LEASE,
    GET_LEASE,
    RELEASE_LEASE,
    LIST_VOLUMES,
    CREATE_VOLUME,
    GET_VOLUME,
    UPDATE_VOLUME,
    DELETE_VOLUME,
    LIST_SNAPSHOTS,
    CREATE_SNAPSHOT,
    LIST_SECRETS,
    SET_SECRETS,
    LIST_IPS,
    LIST_CERTIFICATES,
    CURRENT_TOKEN,
    LIST_REGIONS,
)
