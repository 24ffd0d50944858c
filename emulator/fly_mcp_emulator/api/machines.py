"""Machines: list, create, get, update, delete (reference 4.2, 4.3, 6.3)."""

from __future__ import annotations

from typing import Any

from fly_mcp_emulator import launch, lifecycle
from fly_mcp_emulator.answer import OK, Answer
from fly_mcp_emulator.call import Body, Call
from fly_mcp_emulator.errors import FlyError, aborted, bad_request, precondition
from fly_mcp_emulator.names import good_machine_name
from fly_mcp_emulator.routing import Endpoint
from fly_mcp_emulator.views import machine_view
from fly_mcp_emulator.world import App, Machine

from .leases import take, wait_for_lease, yield_to_lease


class Launch(Body):
    """The body of create and update."""

    config: dict[str, Any] | None = None
    name: str | None = None
    region: str | None = None
    skip_launch: bool = False
    skip_service_registration: bool = False
    skip_secrets: bool = False
    lease_ttl: int = 0
    min_secrets_version: int | None = None
    current_version: str | None = None


def list_machines(call: Call) -> Answer:
    """Machines in the order of creation. Clients must not depend on it: Fly's order is not documented."""
    states, regions = call.every("state"), call.every("region")
    wanted = {
        key.removeprefix("metadata."): value for key, value in call.query if key.startswith("metadata.")
    }
    include_deleted = call.flag("include_deleted") or "destroyed" in states
    now = call.state.now()
    found: list[Machine] = []
    for machine in call.app.machines.values():
        metadata = machine.config.metadata or {}
        if (
            (machine.state != "destroyed" or include_deleted)
            and machine.hidden_until <= now
            and (not states or machine.state in states)
            and (not regions or machine.region in regions)
            and all(metadata.get(key) == value for key, value in wanted.items())
        ):
            found.append(machine)
    return Answer([machine_view(machine, summary=call.flag("summary")) for machine in found])


def create_machine(call: Call) -> Answer:
    """A new machine. It starts by itself, unless `skip_launch`. The answer comes before it is started."""
    body, app, state = call.read(Launch), call.app, call.state
    checked = launch.check_config(state, launch.read_config(body.config))
    config = checked.config
    name = _free_name(call, app, body.name)
    _check_secrets_version(app, body.min_secrets_version)
    volume = launch.volume_to_mount(app, config)
    region = launch.place(state, body.region, volume)
    launch.fill_mount(app, config)
    now = state.now()
    machine = Machine(
        id=state.ids.machine(),
        name=name,
        region=region,
        config=config,
        state="created",
        instance_id=state.ids.ulid(now),
        private_ip=private_ip(call, app),
        image_ref=checked.image_ref,
        cordoned=body.skip_service_registration,
        created_at=now,
        updated_at=now,
        skip_secrets=body.skip_secrets,
    )
    app.machines[machine.id] = machine
    app.had_machines = True
    if volume is not None:
        volume.attached_machine_id = machine.id
    lifecycle.create(state, app, machine, launch=not body.skip_launch)
    nonce = take(call, machine, body.lease_ttl).nonce if body.lease_ttl > 0 else None
    # Creation calls set it: a client stays with the node that knows the new object (reference 1.4 [C]).
    cookie = f"fly_flaps_affinity={state.ids.hex(12)}; Path=/v1/apps/{app.name}; HttpOnly"
    return Answer(machine_view(machine, nonce=nonce), headers={"set-cookie": cookie})


def get_machine(call: Call) -> Answer:
    """One machine. A destroyed one is readable for a short while, then 404."""
    return Answer(machine_view(call.machine))


def update_machine(call: Call) -> Answer:
    """Replace the config whole and make a new version. What is not sent again is gone."""
    body, app, machine, state = call.read(Launch), call.app, call.machine, call.state
    if not machine.alive:
        raise FlyError(404, "not_found: machine not found")
    yield_to_lease(call, machine)
    config = launch.read_config(body.config)
    if body.current_version and body.current_version != machine.instance_id:
        raise aborted("machine update failed due to concurrent update")
    if machine.state == "replacing":
        raise aborted("machine update failed due to concurrent update")
    if body.name and body.name != machine.name:
        raise bad_request("machine name cannot be changed")
    launch.check_same_region(machine, body.region)
    checked = launch.check_config(state, config)
    launch.check_same_volume(app, machine, checked.config)
    _check_secrets_version(app, body.min_secrets_version)
    _check_room(call, machine, checked)
    launch.fill_mount(app, checked.config)
    if checked.config.image != machine.config.image:
        # A tag is resolved again only when the string changes (reference 3.3 [L]).
        machine.image_ref = checked.image_ref
    machine.config = checked.config
    machine.instance_id = state.ids.ulid(state.now())
    machine.skip_secrets = body.skip_secrets
    machine.cordoned = machine.cordoned or body.skip_service_registration
    # Docs: a machine that is down starts; one live report: a scheduled one stayed down (reference 6.3).
    rests = machine.state in ("stopped", "suspended") and bool(machine.config.schedule)
    lifecycle.update(state, app, machine, launch=not (body.skip_launch or rests))
    nonce = take(call, machine, body.lease_ttl).nonce if body.lease_ttl > 0 else None
    return Answer(machine_view(machine, nonce=nonce))


async def delete_machine(call: Call) -> Answer:
    """Destroy a machine; the answer comes at once, the volume is free some time later."""
    await wait_for_lease(call)
    # `force` in docs and document, `kill` from fly-go: the same (reference 4.3).
    lifecycle.destroy(call.state, call.app, call.machine, force=call.flag("force") or call.flag("kill"))
    return OK


def private_ip(call: Call, app: App) -> str:
    """Return a fresh 6PN address: the organisation's network, then the machine's part."""
    number = call.state.world.orgs[app.org].number
    digits = call.state.ids.hex(13)
    return f"fdaa:{number % 256:x}:{number >> 8 & 0xFFFF:x}:a7b:{digits[:3]}:{digits[3:7]}:{digits[7:11]}:2"


def _free_name(call: Call, app: App, wanted: str | None) -> str:
    taken = {machine.name: machine.id for machine in app.machines.values() if machine.alive}
    if wanted:
        if not good_machine_name(wanted):
            raise bad_request("invalid name")
        if wanted in taken:
            raise FlyError(
                409,
                f"already_exists: unique machine name violation, machine ID {taken[wanted]} already exists "
                f'with name "{wanted}"',
            )
        return wanted
    while (name := call.state.ids.machine_name()) in taken:
        pass
    return name


def _check_secrets_version(app: App, wanted: int | None) -> None:
    if wanted is not None and wanted > app.secrets_version:
        # The wording is from a third-party test, not sure (reference 6.5).
        raise precondition(f"min_secrets_version {wanted} is not yet available")


def _check_room(call: Call, machine: Machine, checked: launch.Checked) -> None:
    """A full host refuses to give a machine more; the old version keeps running (reference 6.3 [L])."""
    old, new = machine.config.guest, checked.config.guest
    if machine.region not in call.state.world.settings.full_regions or old is None or new is None:
        return
    for what, before, after in (("CPUs", old.cpus, new.cpus), ("memory", old.memory_mb, new.memory_mb)):
        if (after or 0) > (before or 0):
            raise aborted(
                f"could not reserve resource for machine: insufficient {what} available to fulfill request "
                "on the current host"
            )


ENDPOINTS = (
    Endpoint(
        "GET",
        "/v1/apps/{app}/machines",
        list_machines,
        "r",
        sure=("client", "document", "docs"),
        lacks="Fly's own order, which is not documented.",
    ),
    Endpoint(
        "POST",
        "/v1/apps/{app}/machines",
        create_machine,
        "c",
        sure=("client", "document", "docs", "report"),
        lacks=(
            "Images are not pulled: an image behaves as the world says, or well. Hosts, and their "
            "room, are not there: a region is full or it is not. No proxy: services, autostop and "
            "autostart are kept and do nothing. Schedules and standbys do nothing."
        ),
    ),
    Endpoint(
        "GET",
        "/v1/apps/{app}/machines/{id}",
        get_machine,
        "r",
        rate="get_machine",
        sure=("client", "document", "docs", "report"),
        lacks="`lease` and `host_features` of the newest editions.",
    ),
    Endpoint(
        "POST",
        "/v1/apps/{app}/machines/{id}",
        update_machine,
        "w",
        sure=("client", "docs", "report"),
        lacks="A host without room, except in a region that is full.",
    ),
    Endpoint(
        "DELETE", "/v1/apps/{app}/machines/{id}", delete_machine, "d", sure=("client", "document", "report")
    ),
)
