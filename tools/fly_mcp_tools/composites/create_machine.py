"""flyCreateMachine."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

from pydantic import Field, JsonValue

from fly_mcp_tools import config as configs
from fly_mcp_tools import guest, left_out, prices, regions
from fly_mcp_tools.api import machines, volumes
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import InvalidArguments, NotConfigured, NotFound, Problem, WrongState
from fly_mcp_tools.ids import AppName, Image, MachineName, MountPath, RegionCode, UndoReference, VolumeId
from fly_mcp_tools.models import Params, WriteResult
from fly_mcp_tools.wire import JsonObject, Machine, Volume, objects

from . import changes, creating, letting_go

_PLAN = "plan"


class CreateMachine(Params):
    """What to create. Without an image it is made like the app's first machine."""

    app_name: AppName
    name: MachineName | None = Field(default=None, description="Machine name")
    region: RegionCode | None = Field(default=None, description='Region, e.g. "fra"')
    volume_id: VolumeId | None = Field(default=None, description="Volume to attach")
    volume_path: MountPath | None = Field(default=None, description="Mount path, default /data")
    auto_stop: configs.AutoStop | None = Field(default=None, description="When idle")
    image: Image | None = Field(default=None, description="Image; default: as the app's first machine")
    undo: UndoReference | None = Field(
        default=None, description="Reference of a deleted machine to make again"
    )
    metadata: changes.Metadata | None = Field(default=None, description="Merged; null removes")
    config: changes.Config | None = Field(
        default=None,
        description="Fly machine config (guest, services, ...), merged deep over the rest, lists replaced; "
        "null removes",
    )


class Created(WriteResult):
    """The new machine."""

    id: str
    name: str
    state: str
    region: str
    private_ip: str | None = None
    image: str
    image_from: str = Field(description="argument, template (the app's first machine), undo, or default")
    template_machine_id: str | None = None
    volume_id: str | None = None
    service_added: bool | None = Field(default=None, description="a web service was added, for autoStop")
    monthly_cost: str | None = Field(default=None, description="the difference")


@dataclass(frozen=True)
class _Plan:
    """What the machine is to be like, and where that comes from."""

    config: JsonObject
    image_from: str
    template: Machine | None = None
    service_added: bool = False
    #: Where nothing else is asked for.
    region: str | None = None
    name: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def facts(self) -> dict[str, JsonValue]:
        """What a call that goes on has to know of it. No config: its env may hold secrets."""
        return {
            "image_from": self.image_from,
            "template_machine_id": self.template.id if self.template else None,
            "service_added": self.service_added or None,
        }


async def create(call: Call, params: CreateMachine) -> Created:
    """Create a machine and see it started. Everything that can be refused is refused before it exists.

    Raises:
        InvalidArguments: no such region, a path without a volume, a volume in another region, an image beside
            an undo reference, a config that Fly would not take.
        NotFound: nothing is kept under the undo reference.
        WrongState: the volume is another machine's.
        NotConfigured: no image is named, the app has no machine to copy, and the operator set no default.
    """
    if params.volume_path is not None and params.volume_id is None:
        raise InvalidArguments(
            "volumePath is given without volumeId.",
            problems=[Problem("volumeId", "name the volume to mount there; flyListVolumes lists them")],
        )
    if params.undo is not None and params.image is not None:
        raise InvalidArguments(
            "undo and image are both given: undo makes a deleted machine again, with the image that it had.",
            problems=[Problem("image", "leave it out, or leave undo out")],
        )
    if params.volume_id is not None and "mounts" in (params.config or {}):
        raise InvalidArguments(
            "volumeId and config.mounts are both given, and a machine has one volume.",
            problems=[Problem("config.mounts", "leave it out, or leave volumeId out")],
        )
    own_services = "services" in (params.config or {})
    change = changes.change(
        params.config, metadata=params.metadata, auto_stop=params.auto_stop if own_services else None
    )
    if (machine := await creating.earlier(call, params.app_name, "create")) is not None:
        return await _found_again(call, params, machine)
    await regions.check(call, params.region)
    plan = _changed(await _plan(call, params, change), change)
    mounted = params.volume_id or _mounted(plan.config)
    volume = await _volume(call, params, mounted) if mounted else None
    config = plan.config
    if volume is not None:
        volume = await letting_go.freed(call, params.app_name, volume)
    if params.volume_id is not None:
        config = configs.with_mount(config, params.volume_id, params.volume_path or _path(config) or "/data")
    region = volume.region if volume else params.region or plan.region
    call.journal.note(_PLAN, plan.facts)
    made = await creating.create(call, params.app_name, config, name=params.name or plan.name, region=region)
    return _created(made, plan.facts, note=_note(made.note, plan, params))


async def _found_again(call: Call, params: CreateMachine, machine: Machine) -> Created:
    """What an earlier call of this intent made: nothing is sent but looks."""
    made = await creating.seen(
        call, params.app_name, machine, "An earlier call with this requestId had made it."
    )
    facts = call.journal.notes.get(_PLAN)
    return _created(made, facts if isinstance(facts, dict) else {}, note=made.note)


def _created(made: creating.Created, facts: dict[str, JsonValue], *, note: str | None) -> Created:
    machine = made.machine
    return Created.model_validate(
        {
            "image_from": "unknown",
            **facts,
            "outcome": made.outcome,
            "note": note,
            "id": machine.id,
            "name": machine.name,
            "state": machine.state,
            "region": machine.region,
            "private_ip": machine.private_ip or None,
            "image": machine.image,
            "volume_id": machine.volume_id,
            "monthly_cost": prices.machine(guest.of_config(machine.config or {}), machine.region).said(
                signed=True
            ),
        }
    )


def _mounted(config: JsonObject) -> str | None:
    """The volume that a config mounts: one from the undo store does."""
    return next((str(mount["volume"]) for mount in objects(config.get("mounts")) if "volume" in mount), None)


def _path(config: JsonObject) -> str | None:
    return next((str(mount["path"]) for mount in objects(config.get("mounts")) if "path" in mount), None)


async def _volume(call: Call, params: CreateMachine, volume_id: str) -> Volume:
    hint = "Name another volume (flyListVolumes) or create one (flyCreateVolume)."
    undone = params.volume_id is None and params.undo is not None and "mounts" not in (params.config or {})
    if undone:
        hint = (
            f"The deleted machine had volume {volume_id}, and it is gone: restore it from its last snapshot "
            "(flyCreateVolume with snapshotId) or take another (flyListVolumes), and name that one as volumeId."
        )
    try:
        volume = await volumes.get(call, params.app_name, volume_id)
    except NotFound as error:
        error.hint = hint if undone else "flyListVolumes shows the app's volumes; flyCreateVolume makes one."
        raise
    if params.region and volume.region and params.region != volume.region:
        elsewhere = "" if params.volume_id else "; or name a volume there as volumeId"
        raise InvalidArguments(
            f"Volume {volume.id} is in {volume.region}, and a machine must be where its volume is.",
            problems=[Problem("region", f"send {volume.region}, or leave it out{elsewhere}")],
        )
    if machine_id := await letting_go.owner(call, params.app_name, volume):
        raise letting_go.attached(
            volume,
            machine_id,
            ": a volume has one machine",
            hint="Name an unattached volume (flyListVolumes) or create one (flyCreateVolume).",
        )
    if volume.dying:
        raise WrongState(
            f"Volume {volume.id} is being destroyed ({volume.state}).",
            hint=hint,
        )
    return volume


def _changed(plan: _Plan, change: changes.Change) -> _Plan:
    """The plan with metadata and config in it: they come last, and win."""
    change, named = change.restored(plan.config), change.wish.image is not None
    config = change.applied(plan.config)
    lost = left_out.said(plan.config, config, change.wish.patch).values()
    # Nobody sees what it is made like: a list of the caller's takes the place of one that is not shown.
    note = (f"A list replaces the one it is made like; gone: {', '.join(lost)}.",) if lost else ()
    return replace(
        plan,
        config=config,
        image_from="argument" if named else plan.image_from,
        notes=(*plan.notes, *note),
    )


async def _plan(call: Call, params: CreateMachine, change: changes.Change) -> _Plan:
    if params.undo is not None:
        return _with_autostop(await _undone(call, params, params.undo), params)
    # Asked for also where an image is named: an app that is not there is better told before anything is sent.
    found = await machines.list_of(call, params.app_name)
    template = creating.template_of(found)
    if params.image is not None:
        # Another image is another program: the template's services and env would be wrong for it.
        plan = _Plan({"image": params.image}, "argument")
    elif template is not None:
        plan = _Plan(configs.template(template), "template", template, region=template.region)
    elif hidden := [machine for machine in found if machine.config is None]:
        # A default image would be another program than the app's own.
        raise creating.unreadable(params.app_name, hidden)
    elif change.wish.image is not None:
        plan = _Plan({}, "argument")
    elif call.defaults.image:
        plan = _Plan({"image": call.defaults.image}, "default")
    else:
        raise NotConfigured(
            f"App {params.app_name} has no machine to copy, no image was named, and the operator set no default.",
            hint="Send `image`, such as nginx:1.27; or the operator sets FLY_MCP_DEFAULT_IMAGE.",
        )
    return _with_autostop(plan, params)


async def _undone(call: Call, params: CreateMachine, reference: str) -> _Plan:
    """What a deleted machine was like. Its id, its addresses and its root file system do not come back."""
    kept = call.undo.take(call.caller, params.app_name, reference)
    if kept is None:
        raise NotFound(
            f"Nothing is kept under {reference} for app {params.app_name}.",
            hint="References last 30 days, on the machine and for the user whose fly-mcp gave them; create it "
            "anew with `image`.",
        )
    note = f"Made like {kept.machine_id}; its id, address and root file system do not come back."
    taken = {machine.name for machine in await machines.list_of(call, params.app_name)}
    name = None if kept.name in taken else kept.name or None
    return _Plan(kept.config, "undo", region=kept.region or None, name=name, notes=(note,))


def _with_autostop(plan: _Plan, params: CreateMachine) -> _Plan:
    if params.auto_stop is None or "services" in (params.config or {}):
        return plan  # what the config says of services comes last
    config = copy.deepcopy(plan.config)
    added = not configs.has_service(config) and params.auto_stop != "off"
    if added:
        config = configs.with_web_service(config)
    if configs.has_service(config):
        config = configs.with_autostop(config, params.auto_stop)
    return replace(plan, config=config, service_added=added)


def _note(note: str | None, plan: _Plan, params: CreateMachine) -> str | None:
    notes = [*([note] if note else []), *plan.notes]
    if plan.service_added:
        notes.append(
            "A web service (80 and 443 outside, 8080 inside) was added: autoStop is a property of a service."
        )
    elif params.auto_stop == "off" and not configs.has_service(plan.config):
        notes.append("It has no service, so nothing stops it when idle.")
    if plan.template is not None and plan.template.mounts and not (params.volume_id or _mounted(plan.config)):
        notes.append(
            f"The template {plan.template.id} has a volume; this machine has none. To give one, name volumeId."
        )
    return " ".join(notes) or None
