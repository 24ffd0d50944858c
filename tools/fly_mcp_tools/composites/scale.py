"""flyScaleMachines and flyScaleWithVolumes: a plan first, then each machine for itself."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Annotated

import anyio
from pydantic import Field, JsonValue

from fly_mcp_tools import config as configs
from fly_mcp_tools import regions
from fly_mcp_tools.api import machines, volumes
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import ConfirmationRequired, FlyError, InvalidArguments, Problem, WrongState
from fly_mcp_tools.ids import AppName, RegionCode
from fly_mcp_tools.models import Params, Whole, WriteResult
from fly_mcp_tools.wire import JsonObject, Machine

from . import creating, scale_steps
from .listing import capped
from .scale_plan import plan
from .scale_steps import Step, Work

_BEFORE = "before"
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


class Scaled(WriteResult):
    """The group before and now, and each machine that changed."""

    before: int
    count: int
    machines: list[Step]
    total: int | None = Field(default=None, description="how many changed, where not all are shown")


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
    return await _carry_out(work, params)


async def scale_with_volumes(call: Call, params: ScaleWithVolumes) -> Scaled:
    """Scale an app whose machines have a volume each. Raises as `scale_machines` does."""
    work = await _prepare(call, params, with_volumes=True)
    if work.mount is None:
        raise WrongState(
            f"The machines of {params.app_name} have no volumes.", hint="flyScaleMachines is for such apps."
        )
    await _sizes(work, params.volume_size_gb)
    return await _carry_out(work, params)


async def _prepare(call: Call, params: ScaleMachines, *, with_volumes: bool) -> Work:
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
    return Work(call, params.app_name, plan(template, group, params.count, params.region), beside)


async def _sizes(work: Work, asked: int | None) -> None:
    """What new volumes are to be like: as the template's, or larger."""
    work.volumes = await volumes.list_of(work.call, work.app_name)
    template = work.plan.template
    mount: JsonObject = work.mount or {}
    own = next((volume for volume in work.volumes if volume.id == template.volume_id), None)
    size = mount.get("size_gb")
    known = size if isinstance(size, int) else (own.size_gb if own else None) or 1
    if asked is not None and asked < known:
        raise InvalidArguments(
            f"New volumes of {asked} GB would be smaller than the template's {known} GB.",
            problems=[Problem("volumeSizeGb", f"send {known} or more, or leave it out")],
        )
    encrypted = mount.get("encrypted", own.encrypted if own else None)
    work.size_gb = asked or known
    work.volume_name = str(mount.get("name") or (own.name if own else "") or "data")
    work.encrypted = encrypted is not False


async def _carry_out(work: Work, params: ScaleMachines) -> Scaled:
    work.count = len(work.plan.group)
    noted = work.call.journal.notes.get(_BEFORE)
    before = noted if isinstance(noted, int) else work.count
    if not work.plan.create_in and not work.plan.destroy:
        return Scaled(
            outcome="done",
            note=" ".join(["It has that many already; nothing was sent.", *_beside(work)]),
            before=before,
            count=work.count,
            machines=[],
        )
    if work.plan.destroy and not work.call.confirmed:
        raise _confirmation(work, params)
    work.call.journal.note(_BEFORE, before)
    limiter = anyio.CapacityLimiter(_AT_ONCE)
    total = len(work.plan.create_in) + len(work.plan.destroy)

    async def guarded(region: str, machine: Machine | None, number: int = 0) -> None:
        async with limiter:
            try:
                step = await (
                    scale_steps.create(work, region, number)
                    if machine is None
                    else scale_steps.destroy(work, machine)
                )
            except FlyError as error:
                work.errors.append(error)
                step = scale_steps.failed(error, region, machine)
            if machine is None:
                work.count += step.id is not None
            else:
                work.count -= step.did != "failed"
            work.steps.append(step)
            await work.call.progress(len(work.steps), total, f"{step.did} {step.id or ''} in {region}")

    async with anyio.create_task_group() as group:
        for number, region in zip(_numbers(work), work.plan.create_in, strict=False):
            group.start_soon(guarded, region, None, number)
        for machine in work.plan.destroy:
            group.start_soon(guarded, machine.region, machine)
    return _result(work, params, before)


def _numbers(work: Work) -> Iterator[int]:
    """Numbers for the creates of this intent, without those whose machine is there.

    A call that goes on plans anew, from what there is now. A create that was sent and has not arrived yet keeps
    its number, and with that its mark and name: Fly takes one of the two.
    """
    there = {str(machine.metadata.get(configs.MARK)) for machine in work.plan.group}
    return (number for number in count() if work.call.mark(f"create-{number}") not in there)


def _beside(work: Work) -> list[str]:
    return [f"Not counted: {' and '.join(work.beside)}."] if work.beside else []


def _result(work: Work, params: ScaleMachines, before: int) -> Scaled:
    if work.errors:
        first = work.errors[0]
        # An error that says "nothing" says so of its own machine alone.
        changed = {error.changed for error in work.errors}
        did_something = "something" in changed or any(step.did != "failed" for step in work.steps)
        raise FlyError(
            f"{len(work.errors)} of {len(work.steps)} machines failed; the group has {work.count} machines now, "
            f"{params.count} were asked for.",
            code=first.code,
            hint=f"{first.hint} `machines` has each one; the same call again goes on from the count there is.",
            retryable=first.retryable,
            changed="unknown" if "unknown" in changed else "something" if did_something else "nothing",
            status=first.status,
            request_id=first.request_id,
            facts={"before": before, "count": work.count, "machines": _told(work.steps)},
        )
    notes = _beside(work)
    if params.count == 0:
        notes.append(
            "No machine is left to copy: to scale up again, create one with flyCreateMachine and an image."
        )
    pending = any(step.did == "pending" for step in work.steps)
    if pending:
        notes.append("Some are still on the way: flyListMachines shows their states.")
    shown, total = capped(work.steps)
    return Scaled(
        outcome="pending" if pending else "done",
        note=" ".join(notes) or None,
        before=before,
        count=work.count,
        machines=list(shown),
        total=total,
    )


def _told(steps: list[Step]) -> list[JsonValue]:
    """Steps for an error: those that failed first, and no more than can be read."""
    told: list[JsonValue] = [step.wire() for step in sorted(steps, key=lambda step: step.did != "failed")]
    more = len(told) - MOST
    return [*told[:MOST], f"and {more} more"] if more > 0 else told


def _confirmation(work: Work, params: ScaleMachines) -> ConfirmationRequired:
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
        if params.count == 0
        else ""
    )
    return ConfirmationRequired(
        f"Scaling {work.app_name} from {len(work.plan.group)} to {params.count} would destroy "
        f"{len(going)} machine(s) ({running} running) and their root file systems.{kept}{last} "
        "Nothing was changed.",
        hint=f"If that is wanted, repeat {work.call.action.name} with confirm: true.",
        facts={"would_destroy": named},
    )
