"""flyScaleMachines and flyScaleWithVolumes: a plan first, then each machine for itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import anyio
from pydantic import Field, JsonValue

from fly_mcp_tools import config as configs
from fly_mcp_tools import regions
from fly_mcp_tools.api import machines, volumes
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import (
    Code,
    ConfirmationRequired,
    FlyError,
    InvalidArguments,
    NotFound,
    Problem,
    WrongState,
)
from fly_mcp_tools.ids import AppName, RegionCode
from fly_mcp_tools.models import Params, Result, Whole, WriteResult
from fly_mcp_tools.wire import JsonObject, Machine, Volume, obj

from . import creating, delete_machine
from .scale_plan import Plan, plan, reusable

#: Machines worked on at the same time: `fly scale count`'s width.
_AT_ONCE = 5
#: Machines of one call at most: a typing error must not become a bill.
MOST = 100
#: Machines that a refusal names.
_NAMED = 50

Count = Annotated[Whole, Field(ge=0, le=MOST, description="Machines in total")]
Region = Annotated[RegionCode | None, Field(description="Region for new machines")]


class ScaleMachines(Params):
    """How many machines the app's process group shall have."""

    app_name: AppName
    count: Count
    region: Region = None


class ScaleWithVolumes(ScaleMachines):
    """The same, each new machine with a volume."""

    volume_size_gb: Annotated[Whole, Field(ge=1, le=500)] | None = Field(
        default=None, description="GB of new volumes; default: as the template's"
    )


class Step(Result):
    """What was done to one machine."""

    id: str | None = None
    did: str = Field(description="created, destroyed, failed, or pending: on the way to either")
    region: str
    state: str | None = None
    volume_id: str | None = None
    volume: str | None = Field(default=None, description="created, reused or kept")
    note: str | None = None


class Scaled(WriteResult):
    """The group before and now, and each machine that changed."""

    before: int
    count: int
    machines: list[Step]


@dataclass
class _Work:
    call: Call
    params: ScaleMachines
    plan: Plan
    #: What else the app has and the plan leaves out of account, in words.
    beside: list[str]
    volumes: list[Volume] = field(default_factory=list[Volume])
    size_gb: int = 1
    steps: list[Step] = field(default_factory=list[Step])
    errors: list[FlyError] = field(default_factory=list[FlyError])
    taken: set[str] = field(default_factory=set[str])
    #: Machines that are there, or will be, once everything on the way has arrived.
    count: int = 0

    @property
    def mount(self) -> JsonObject | None:
        """The template's mount."""
        mounts = self.plan.template.mounts
        return mounts[0] if mounts else None


async def scale_machines(call: Call, params: ScaleMachines) -> Scaled:
    """Scale an app without volumes.

    Raises:
        WrongState: the app's machines have volumes, or there is no machine to copy.
        ConfirmationRequired: machines would be destroyed; `facts` names them.
        FlyError: changed="something" where not every machine worked out; `facts` has each.
    """
    work = await _prepare(call, params, with_volumes=False)
    if holder := next((machine for machine in work.plan.group if machine.mounts), None):
        raise WrongState(
            f"The machines of {params.app_name} have volumes (as {holder.id} has).",
            hint="flyScaleWithVolumes gives each new machine a volume.",
        )
    return await _carry_out(work)


async def scale_with_volumes(call: Call, params: ScaleWithVolumes) -> Scaled:
    """Scale an app whose machines have a volume each. Raises as `scale_machines` does."""
    work = await _prepare(call, params, with_volumes=True)
    if work.mount is None:
        raise WrongState(
            f"The machines of {params.app_name} have no volumes.", hint="flyScaleMachines is for such apps."
        )
    await _sizes(work, params.volume_size_gb)
    return await _carry_out(work)


async def _prepare(call: Call, params: ScaleMachines, *, with_volumes: bool) -> _Work:
    await regions.check(call, params.region)
    found = await machines.list_of(call, params.app_name)
    hidden = [machine for machine in found if machine.config is None]
    template = creating.template_of(found)
    if template is None:
        if hidden:
            raise creating.unreadable(params.app_name, hidden)
        raise WrongState(
            f"App {params.app_name} has no machine to copy.",
            hint="Create the first with flyCreateMachine, then scale.",
        )
    group = [machine for machine in found if machine.group == template.group and machine.config]
    if with_volumes:
        template = next((machine for machine in group if machine.mounts), template)
    others = [machine for machine in found if machine.config and machine.group != template.group]
    beside: list[str] = []
    if hidden:
        beside.append(f"{len(hidden)} on hosts that do not answer")
    if others:
        beside.append(f"{len(others)} of other process groups")
    return _Work(call, params, plan(template, group, params.count, params.region), beside)


async def _sizes(work: _Work, asked: int | None) -> None:
    work.volumes = await volumes.list_of(work.call, work.params.app_name)
    assert work.mount is not None
    size = work.mount.get("size_gb")
    if not isinstance(size, int):
        own = next((volume for volume in work.volumes if volume.id == work.plan.template.volume_id), None)
        size = own.size_gb if own else None
    known = size or 1
    if asked is not None and asked < known:
        raise InvalidArguments(
            f"New volumes of {asked} GB would be smaller than the template's {known} GB.",
            problems=[Problem("volumeSizeGb", f"send {known} or more, or leave it out")],
        )
    work.size_gb = asked or known


async def _carry_out(work: _Work) -> Scaled:
    before = work.count = len(work.plan.group)
    if not work.plan.create_in and not work.plan.destroy:
        return Scaled(
            outcome="done",
            note=" ".join(["It has that many already; nothing was sent.", *_beside(work)]),
            before=before,
            count=before,
            machines=[],
        )
    if work.plan.destroy and not work.call.confirmed:
        raise _confirmation(work)
    limiter = anyio.CapacityLimiter(_AT_ONCE)
    total = len(work.plan.create_in) + len(work.plan.destroy)

    async def guarded(region: str, machine: Machine | None) -> None:
        async with limiter:
            try:
                step = await (_create(work, region) if machine is None else _destroy(work, machine))
            except FlyError as error:
                work.errors.append(error)
                step = _failed(error, region, machine)
            if machine is None:
                work.count += step.id is not None
            else:
                work.count -= step.did != "failed"
            work.steps.append(step)
            await work.call.progress(len(work.steps), total, f"{step.did} {step.id or ''} in {region}")

    async with anyio.create_task_group() as group:
        for region in work.plan.create_in:
            group.start_soon(guarded, region, None)
        for machine in work.plan.destroy:
            group.start_soon(guarded, machine.region, machine)
    return _result(work, before)


def _failed(error: FlyError, region: str, machine: Machine | None) -> Step:
    known = machine.id if machine else error.facts.get("machine_id")
    state = error.facts.get("state")
    return Step(
        id=known if isinstance(known, str) else None,
        did="failed",
        region=region,
        state=state if isinstance(state, str) else None,
        note=f"{error.code}: {error.message}",
    )


def _beside(work: _Work) -> list[str]:
    return [f"Not counted: {' and '.join(work.beside)}."] if work.beside else []


def _result(work: _Work, before: int) -> Scaled:
    if work.errors:
        first = work.errors[0]
        # An error that says "nothing" says so of its own machine alone.
        changed = {error.changed for error in work.errors}
        did_something = "something" in changed or any(step.did != "failed" for step in work.steps)
        raise FlyError(
            f"{len(work.errors)} of {len(work.steps)} machines failed; the group has {work.count} machines now, "
            f"{work.params.count} were asked for.",
            code=first.code,
            hint=f"{first.hint} `machines` has each one; the same call again goes on from the count there is.",
            retryable=first.retryable,
            changed="unknown" if "unknown" in changed else "something" if did_something else "nothing",
            status=first.status,
            request_id=first.request_id,
            facts={"before": before, "count": work.count, "machines": [step.wire() for step in work.steps]},
        )
    notes = _beside(work)
    if work.params.count == 0:
        notes.append(
            "No machine is left to copy: to scale up again, create one with flyCreateMachine and an image."
        )
    pending = any(step.did == "pending" for step in work.steps)
    if pending:
        notes.append("Some are still on the way: flyListMachines shows their states.")
    return Scaled(
        outcome="pending" if pending else "done",
        note=" ".join(notes) or None,
        before=before,
        count=work.count,
        machines=work.steps,
    )


def _confirmation(work: _Work) -> ConfirmationRequired:
    going = work.plan.destroy
    named: list[JsonValue] = [
        {"id": machine.id, "state": machine.state, "region": machine.region, "volume_kept": machine.volume_id}
        for machine in going[:_NAMED]
    ]
    if len(going) > _NAMED:
        named.append(f"and {len(going) - _NAMED} more")
    running = sum(machine.running for machine in going)
    volumes = sum(machine.volume_id is not None for machine in going)
    kept = f" Their {volumes} volume(s) would stay, unattached." if volumes else ""
    last = (
        " No machine would be left to copy: scaling up again would need an image."
        if work.params.count == 0
        else ""
    )
    return ConfirmationRequired(
        f"Scaling {work.params.app_name} from {len(work.plan.group)} to {work.params.count} would destroy "
        f"{len(going)} machine(s) ({running} running) and their root file systems.{kept}{last} "
        "Nothing was changed.",
        hint=f"If that is wanted, repeat {work.call.action.name} with confirm: true.",
        facts={"would_destroy": named},
    )


async def _create(work: _Work, region: str) -> Step:
    template = work.plan.template
    config = configs.template(template)
    volume_id = how = None
    if work.mount is not None:
        volume_id, how = await _volume(work, region)
        keep = ("path", "extend_threshold_percent", "add_size_gb", "size_gb_limit")
        kept: JsonObject = {key: work.mount[key] for key in keep if key in work.mount}
        config["mounts"] = [{"volume": volume_id, **kept}]
    try:
        made = await creating.create(work.call, work.params.app_name, config, region=region)
    except FlyError as error:
        if how == "created":
            error.message += f" Its new volume {volume_id} stays, unattached; the next scaling up takes it."
            error.changed = "something" if error.changed == "nothing" else error.changed
        raise
    return Step(
        id=made.machine.id,
        did="created" if made.outcome == "done" else "pending",
        region=made.machine.region or region,
        state=made.machine.state,
        volume_id=volume_id,
        volume=how,
        note=made.note,
    )


async def _volume(work: _Work, region: str) -> tuple[str, str]:
    """A volume for a new machine: an unattached one of the same name and region, else a new one."""
    mount = work.mount or {}
    name = str(mount.get("name") or "data")
    found = reusable(work.volumes, name, region, work.taken)
    if found is not None:
        work.taken.add(found.id)
        return found.id, "reused"
    template = work.plan.template.config or {}
    there = sum(machine.region == region for machine in work.plan.group)
    extra: JsonObject = {
        "encrypted": bool(mount.get("encrypted", True)),
        # As flyctl does: spread over hosts once there is more than one in the region.
        "require_unique_zone": there + work.plan.create_in.count(region) > 1,
        # The volume decides the host, so Fly has to know what will run there (reference 6.7).
        "compute": obj(template.get("guest")) or None,
        "compute_image": template.get("image"),
    }
    made = await volumes.create(
        work.call,
        work.params.app_name,
        name,
        region,
        work.size_gb,
        {key: value for key, value in extra.items() if value is not None},
    )
    work.taken.add(made.id)
    return made.id, "created"


async def _destroy(work: _Work, machine: Machine) -> Step:
    try:
        fate = await delete_machine.destroy(work.call, work.params.app_name, machine)
    except NotFound:
        fate = delete_machine.Fate("done", "destroyed", "it was gone already")
    if fate.outcome == "unclear":
        raise FlyError(
            fate.note or "It is unclear whether it was destroyed.",
            code=Code.UNCLEAR,
            changed="unknown",
            facts={"machine_id": machine.id, "state": fate.state},
        )
    return Step(
        id=machine.id,
        did="destroyed" if fate.outcome == "done" else "pending",
        region=machine.region,
        state=fate.state,
        volume_id=machine.volume_id,
        volume="kept" if machine.volume_id else None,
        note=fate.note,
    )
