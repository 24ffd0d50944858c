"""Machines."""

from __future__ import annotations

from fly_mcp_tools.endpoint import Endpoint, Rate

from .sources import MACHINES, SPEC

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

SIGNAL_MACHINE = Endpoint(
    name="signal_machine",
    says="send a signal to machine {machine_id} of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/machines/{machine_id}/signal",
    idempotent=False,  # a process may count them
    source=MACHINES,
)
CORDON_MACHINE = Endpoint(
    name="cordon_machine",
    says="cordon machine {machine_id} of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/machines/{machine_id}/cordon",
    idempotent=True,
    source=MACHINES,
)
UNCORDON_MACHINE = Endpoint(
    name="uncordon_machine",
    says="uncordon machine {machine_id} of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/machines/{machine_id}/uncordon",
    idempotent=True,
    source=MACHINES,
)
LIST_PROCESSES = Endpoint(
    name="list_processes",
    says="list the processes of machine {machine_id} of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/machines/{machine_id}/ps",
    idempotent=True,
    source=SPEC,
)
LIST_EVENTS = Endpoint(
    name="list_events",
    says="list the events of machine {machine_id} of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/machines/{machine_id}/events",
    idempotent=True,
    source=SPEC,
)
LIST_VERSIONS = Endpoint(
    name="list_versions",
    says="list the versions of machine {machine_id} of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/machines/{machine_id}/versions",
    idempotent=True,
    source=SPEC,
)
GET_MEMORY = Endpoint(
    name="get_memory",
    says="read the memory of machine {machine_id} of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/machines/{machine_id}/memory",
    idempotent=True,
    source=SPEC,
)
SET_MEMORY = Endpoint(
    name="set_memory",
    says="limit the memory of machine {machine_id} of {app_name}",
    method="PUT",
    path="/v1/apps/{app_name}/machines/{machine_id}/memory",
    idempotent=True,
    source=SPEC,
)
RECLAIM_MEMORY = Endpoint(
    name="reclaim_memory",
    says="take memory back from machine {machine_id} of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/machines/{machine_id}/memory/reclaim",
    idempotent=False,  # each one takes that much more
    source=SPEC,
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
    SIGNAL_MACHINE,
    CORDON_MACHINE,
    UNCORDON_MACHINE,
    LIST_PROCESSES,
    LIST_EVENTS,
    LIST_VERSIONS,
    GET_MEMORY,
    SET_MEMORY,
    RECLAIM_MEMORY,
)
