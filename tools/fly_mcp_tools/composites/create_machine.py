"""flyCreateMachine."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from pydantic import Field

from fly_mcp_tools import config as configs
from fly_mcp_tools import regions
from fly_mcp_tools.api import machines, volumes
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import InvalidArguments, NotConfigured, Problem, WrongState
from fly_mcp_tools.ids import AppName, Image, MachineName, MountPath, RegionCode, VolumeId
from fly_mcp_tools.models import Params, WriteResult
from fly_mcp_tools.wire import JsonObject, Machine, Volume

from . import creating, letting_go


class CreateMachine(Params):
    """What to create. Without an image it is made like the app's first machine."""

    app_name: AppName
    name: MachineName | None = Field(default=None, description="Machine name")
    region: RegionCode | None = Field(default=None, description='Region, e.g. "fra"')
    volume_id: VolumeId | None = Field(default=None, description="Volume to attach")
    volume_path: MountPath | None = Field(default=None, description="Mount path, default /data")
    auto_stop: configs.AutoStop | None = Field(default=None, description="When idle")
    image: Image | None = Field(default=None, description="Image; default: as the app's first machine")


class Created(WriteResult):
    """The new machine."""

    id: str
    name: str
    state: str
    region: str
    private_ip: str | None = None
    image: str
    image_from: str = Field(description="argument, template (the app's first machine) or operator's default")
    template_machine_id: str | None = None
    volume_id: str | None = None
    service_added: bool | None = Field(default=None, description="a web service was added, for autoStop")


@dataclass(frozen=True)
class _Plan:
    config: JsonObject
    image_from: str
    template: Machine | None
    service_added: bool = False


async def create(call: Call, params: CreateMachine) -> Created:
    """Create a machine and see it started. Everything that can be refused is refused before it exists.

    Raises:
        InvalidArguments: no such region, a path without a volume, a volume in another region.
        WrongState: the volume is another machine's.
        NotConfigured: no image is named, the app has no machine to copy, and the operator set no default.
    """
    if params.volume_path is not None and params.volume_id is None:
        raise InvalidArguments(
            "volumePath is given without volumeId.",
            problems=[Problem("volumeId", "name the volume to mount there; flyListVolumes lists them")],
        )
    await regions.check(call, params.region)
    volume = await _volume(call, params)
    plan = await _plan(call, params)
    config = plan.config
    if volume is not None:
        volume = await letting_go.freed(call, params.app_name, volume)
    if params.volume_id is not None:
        config = configs.with_mount(config, params.volume_id, params.volume_path or "/data")
    region = volume.region if volume else params.region or (plan.template.region if plan.template else None)
    made = await creating.create(call, params.app_name, config, name=params.name, region=region)
    return Created(
        outcome=made.outcome,
        note=_note(made.note, plan, params),
        id=made.machine.id,
        name=made.machine.name,
        state=made.machine.state,
        region=made.machine.region,
        private_ip=made.machine.private_ip or None,
        image=str(config.get("image")),
        image_from=plan.image_from,
        template_machine_id=plan.template.id if plan.template else None,
        volume_id=params.volume_id,
        service_added=plan.service_added or None,
    )


async def _volume(call: Call, params: CreateMachine) -> Volume | None:
    if params.volume_id is None:
        return None
    volume = await volumes.get(call, params.app_name, params.volume_id)
    if params.region and volume.region and params.region != volume.region:
        raise InvalidArguments(
            f"Volume {volume.id} is in {volume.region}, and a machine must be where its volume is.",
            problems=[Problem("region", f"send {volume.region}, or leave it out")],
        )
    if machine_id := await letting_go.owner(call, params.app_name, volume):
        raise WrongState(
            f"Volume {volume.id} is attached to machine {machine_id}: a volume has one machine.",
            hint="Name an unattached volume (flyListVolumes) or create one (flyCreateVolume).",
            facts={"volume_id": volume.id, "attached_machine_id": machine_id},
        )
    if volume.dying:
        raise WrongState(
            f"Volume {volume.id} is being destroyed ({volume.state}).",
            hint="Name another volume (flyListVolumes) or create one (flyCreateVolume).",
        )
    return volume


async def _plan(call: Call, params: CreateMachine) -> _Plan:
    # Asked for also where an image is named: an app that is not there is better told before anything is sent.
    found = await machines.list_of(call, params.app_name)
    template = creating.template_of(found)
    if params.image is not None:
        # Another image is another program: the template's services and env would be wrong for it.
        plan = _Plan({"image": params.image}, "argument", None)
    elif template is not None:
        plan = _Plan(configs.template(template), "template", template)
    elif hidden := [machine for machine in found if machine.config is None]:
        # A default image would be another program than the app's own.
        raise creating.unreadable(params.app_name, hidden)
    elif call.defaults.image:
        plan = _Plan({"image": call.defaults.image}, "default", None)
    else:
        raise NotConfigured(
            f"App {params.app_name} has no machine to copy, no image was named, and the operator set no default.",
            hint="Send `image`, such as nginx:1.27; or the operator sets FLY_MCP_DEFAULT_IMAGE.",
        )
    return _with_autostop(plan, params)


def _with_autostop(plan: _Plan, params: CreateMachine) -> _Plan:
    if params.auto_stop is None:
        return plan
    config = copy.deepcopy(plan.config)
    added = not configs.has_service(config) and params.auto_stop != "off"
    if added:
        config = configs.with_web_service(config)
    if configs.has_service(config):
        config = configs.with_autostop(config, params.auto_stop)
    return _Plan(config, plan.image_from, plan.template, added)


def _note(note: str | None, plan: _Plan, params: CreateMachine) -> str | None:
    notes = [note] if note else []
    if plan.service_added:
        notes.append(
            "A web service (80 and 443 outside, 8080 inside) was added: autoStop is a property of a service."
        )
    elif params.auto_stop == "off" and not configs.has_service(plan.config):
        notes.append("It has no service, so nothing stops it when idle.")
    if plan.template is not None and plan.template.mounts and params.volume_id is None:
        notes.append(
            f"The template {plan.template.id} has a volume; this machine has none. To give one, name volumeId."
        )
    return " ".join(notes) or None
