"""Machines."""

from __future__ import annotations

from fly_mcp_tools.endpoint import Endpoint, Rate

from .sources import MACHINES

LIST_MACHINES = Endpoint(
    name="list_machines",
    says="list the machines of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/machines",
    idempotent=True,
    source=MACHINES,
)
CREATE_MACHINE = Endpoint(
    name="create_machine",
    says="create a machine in {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/machines",
    idempotent=False,
    source=MACHINES,
)
GET_MACHINE = Endpoint(
    name="get_machine",
    says="read machine {machine_id} of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/machines/{machine_id}",
    idempotent=True,
    rate=Rate.GET_MACHINE,
    source=MACHINES,
)
UPDATE_MACHINE = Endpoint(
    name="update_machine",
    says="update machine {machine_id} of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/machines/{machine_id}",
    idempotent=False,  # each one makes a new version and restarts the machine
    source=MACHINES,
)
DELETE_MACHINE = Endpoint(
    name="delete_machine",
    says="delete machine {machine_id} of {app_name}",
    method="DELETE",
    path="/v1/apps/{app_name}/machines/{machine_id}",
    idempotent=True,
    destroys=True,
    source=MACHINES,
)
START_MACHINE = Endpoint(
    name="start_machine",
    says="start machine {machine_id} of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/machines/{machine_id}/start",
    idempotent=True,
    source=MACHINES,
)
STOP_MACHINE = Endpoint(
    name="stop_machine",
    says="stop machine {machine_id} of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/machines/{machine_id}/stop",
    idempotent=True,
    source=MACHINES,
)
SUSPEND_MACHINE = Endpoint(
    name="suspend_machine",
    says="suspend machine {machine_id} of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/machines/{machine_id}/suspend",
    idempotent=True,
    source=MACHINES,
)
RESTART_MACHINE = Endpoint(
    name="restart_machine",
    says="restart machine {machine_id} of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/machines/{machine_id}/restart",
    idempotent=False,
    source=MACHINES,
)
WAIT_MACHINE = Endpoint(
    name="wait_machine",
    says="wait for machine {machine_id} of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/machines/{machine_id}/wait",
    idempotent=True,
    source=MACHINES,
)
EXEC_MACHINE = Endpoint(
    name="exec_machine",
    says="run a command on machine {machine_id} of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/machines/{machine_id}/exec",
    idempotent=False,
    source=MACHINES,
)

ROWS: tuple[Endpoint, ...] = (
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
)
