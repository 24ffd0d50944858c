"""flyScaleMachines and flyScaleWithVolumes: a plan first, then each machine for itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import count
from typing import Annotated

import anyio
from pydantic import Field, JsonValue

from fly_mcp_tools import config as configs
from fly_mcp_tools import regions
from fly_mcp_tools.api import machines, volumes
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import (
    ConfirmationRequired,
    Conflict,
    FlyError,
    InvalidArguments,
    Problem,
    WrongState,
)
from fly_mcp_tools.ids import AppName, RegionCode
from fly_mcp_tools.models import Params, Whole, WriteResult
from fly_mcp_tools.turns import TooLong
from fly_mcp_tools.wire import JsonObject, Machine

from . import creating, scale_costs, scale_resume, scale_steps, undoing
from .listing import capped
from .scale_plan import plan
from .scale_steps import Step, Work
from .undoing import Undo

_NONE_LEFT = (
    "No machine is left to copy: to scale up again, create one with flyCreateMachine and an image or undo."
)
#: Seconds in line for another scaling of the same app.
_LINE = 300.0
#: Looks at how many there are in the end, and seconds between them.
_COUNTS, _COUNT_EVERY = 4, 2.0
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
    undo: Undo | None = None
    monthly_cost: str | None = Field(default=None, description="the difference")


async def scale_machines(call: Call, params: ScaleMachines) -> Scaled:
    """Scale an app without volumes.

    Raises:
        WrongState: the app's machines have volumes, or there is no machine to copy.
        ConfirmationRequired: machines would be destroyed; `facts` names them.
        FlyError: changed="something" where not every machine worked out; `facts` has each.
    """
    async with _turn(call, params.app_name):
        work = await _prepare(call, params, with_volumes=False)
        if work is None:
            return _emptied(call)
        if holder := next((machine for machine in work.plan.group if machine.mounts), None):
            raise WrongState(
                f"The machines of {params.app_name} have volumes (as {holder.id} has).",
                hint="flyScaleWithVolumes gives each new machine a volume.",
            )
        return await _carry_out(work, params)


async def scale_with_volumes(call: Call, params: ScaleWithVolumes) -> Scaled:
    """Scale an app whose machines have a volume each. Raises as `scale_machines` does."""
    async with _turn(call, params.app_name):
        work = await _prepare(call, params, with_volumes=True)
        if work is None:
            return _emptied(call)
        if work.mount is None:
            raise WrongState(
                f"The machines of {params.app_name} have no volumes.",
                hint="flyScaleMachines is for such apps.",
            )
        await _sizes(work, params.volume_size_gb)
        return await _carry_out(work, params)


@asynccontextmanager
async def _turn(call: Call, app_name: str) -> AsyncGenerator[None]:
    """One scaling of an app after another: two at once would each count on what the other is about to change.

    Raises:
        FlyError: conflict, where another one takes too long.
    """

    async def say(seconds: float) -> None:
        await call.progress(seconds, _LINE, f"waiting for another scaling of {app_name}")

    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(
                call.memory.turns.taken((app_name, "scale"), call.clock, within=_LINE, say=say)
            )
        except TooLong:
            raise Conflict(
                f"Another scaling of {app_name} has been at work for {_LINE:.0f} s. Nothing was sent.",
                hint="Wait for its end; flyListMachines shows how far it is.",
                retryable=True,
            ) from None
        yield


async def _prepare(call: Call, params: ScaleMachines, *, with_volumes: bool) -> Work | None:
    """What to do; None where an earlier call of this intent has left no machine, as it was to."""
    await regions.check(call, params.region)
    found = await machines.list_of(call, params.app_name)
    hidden = [machine for machine in found if machine.config is None]
    template = creating.template_of(found)
    if template is None:
        if params.count == 0 and not hidden and scale_resume.was_begun(call):
            return None
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
    work.taken = scale_resume.spoken_for(work)
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


def _emptied(call: Call) -> Scaled:
    """A scaling to none that an earlier call of this intent carried out: no machine is left to look at."""
    before = call.journal.notes.get(scale_resume.BEFORE)
    steps = scale_resume.destroyed(call, set())
    return Scaled(
        outcome="done",
        note=_NONE_LEFT,
        before=before if isinstance(before, int) else len(steps),
        count=0,
        machines=steps,
        undo=_undo(steps),
    )


async def _carry_out(work: Work, params: ScaleMachines) -> Scaled:
    work.count = len(work.plan.group)
    noted = work.call.journal.notes.get(scale_resume.BEFORE)
    before = noted if isinstance(noted, int) else work.count
    earlier = scale_resume.created(work, MOST)
    if scale_resume.was_begun(work.call):
        work.steps += scale_resume.destroyed(work.call, {machine.id for machine in work.plan.group})
    if not work.plan.create_in and not work.plan.destroy and not earlier and not work.steps:
        return Scaled(
            outcome="done",
            note=" ".join(["It has that many already; nothing was sent.", *_beside(work)]),
            before=before,
            count=work.count,
            machines=[],
        )
    if work.plan.destroy and not work.call.confirmed:
        raise _confirmation(work, params)
    work.call.journal.note(scale_resume.BEFORE, before)
    places = scale_resume.places(work, _numbers(work))
    limiter = anyio.CapacityLimiter(_AT_ONCE)
    total = len(earlier) + len(work.plan.create_in) + len(work.plan.destroy)
    done = 0

    async def guarded(
        act: Callable[[], Awaitable[Step]], region: str, machine: Machine | None, more: int
    ) -> None:
        nonlocal done
        async with limiter:
            try:
                step = await act()
            except FlyError as error:
                work.errors.append(error)
                step = scale_steps.failed(error, region, machine)
            if more > 0:
                work.count += step.id is not None
            elif more < 0:
                work.count -= step.did != "failed"
            work.steps.append(step)
            done += 1
            await work.call.progress(done, total, f"{step.did} {step.id or ''} in {region}")

    async with anyio.create_task_group() as group:
        for machine in earlier:
            group.start_soon(guarded, partial(scale_resume.look, work, machine), machine.region, machine, 0)
        for number, region in places:
            group.start_soon(guarded, partial(scale_steps.create, work, region, number), region, None, 1)
        for machine in work.plan.destroy:
            group.start_soon(
                guarded, partial(scale_steps.destroy, work, machine), machine.region, machine, -1
            )
    there = await _recount(work)
    return _result(work, params, before, there)


async def _recount(work: Work) -> int | None:
    """How many machines the group has now; None where that cannot be read.

    Others may have changed it meanwhile, so what was done is not added up but looked at. A new machine can be
    missing from the list for a moment, so it is looked at more than once before that is said.
    """
    there: int | None = None
    for look in range(_COUNTS):
        if look:
            await work.call.clock.sleep(_COUNT_EVERY)
        try:
            found = await machines.list_of(work.call, work.app_name)
        except FlyError:
            continue
        group = work.plan.template.group
        there = sum(machine.group == group and machine.config is not None for machine in found)
        if there == work.count:
            break
    return there


def _numbers(work: Work) -> Iterator[int]:
    """Numbers for the creates of this intent, without those whose machine is there.

    A call that goes on plans anew, from what there is now. A create that was sent and has not arrived yet keeps
    its number, and with that its mark and name: Fly takes one of the two.
    """
    there = {str(machine.metadata.get(configs.MARK)) for machine in work.plan.group}
    return (number for number in count() if work.call.mark(f"create-{number}") not in there)


def _beside(work: Work) -> list[str]:
    return [f"Not counted: {' and '.join(work.beside)}."] if work.beside else []


def _undo(steps: list[Step]) -> Undo | None:
    """The way back to the machines that were destroyed: each step has its own reference."""
    if not any(step.undo for step in steps):
        return None
    return Undo(
        how="flyCreateMachine with undo: the reference of each of `machines`",
        until="30 days",
        lost=undoing.LOST_WITH_A_MACHINE,
    )


def _result(work: Work, params: ScaleMachines, before: int, there: int | None) -> Scaled:
    now = work.count if there is None else there
    if work.errors:
        first = work.errors[0]
        # An error that says "nothing" says so of its own machine alone.
        changed = {error.changed for error in work.errors}
        did_something = "something" in changed or any(step.did != "failed" for step in work.steps)
        raise FlyError(
            f"{len(work.errors)} of {len(work.steps)} machines failed; the group has {now} machines now, "
            f"{params.count} were asked for.",
            code=first.code,
            hint=f"{first.hint} `machines` has each one; the same call again goes on from the count there is.",
            retryable=first.retryable,
            changed="unknown" if "unknown" in changed else "something" if did_something else "nothing",
            status=first.status,
            request_id=first.request_id,
            facts={"before": before, "count": now, "machines": _told(work.steps)},
        )
    notes = _beside(work)
    if params.count == 0:
        notes.append(_NONE_LEFT)
    pending = any(step.did == "pending" for step in work.steps)
    differs = not pending and now != params.count
    if there is None:
        notes.append("How many there are now could not be read: flyListMachines looks.")
    elif differs:
        notes.append(
            f"Each step was done, and there are {now} now: somebody else changed the group meanwhile. The same call "
            "goes on from there."
        )
    if pending:
        notes.append("Some are still on the way: flyListMachines shows their states.")
    shown, total = capped(work.steps)
    return Scaled(
        outcome="pending" if pending or there is None else "unclear" if differs else "done",
        note=" ".join(notes) or None,
        before=before,
        count=now,
        machines=list(shown),
        total=total,
        undo=_undo(work.steps),
        monthly_cost=scale_costs.done(work).said(signed=True),
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
        f"{len(going)} machine(s) ({running} running) and their root file systems.{kept}{last} Their configs "
        "would be kept for 30 days, to make machines like them again. "
        "Nothing was changed.",
        hint=f"If that is wanted, repeat {work.call.action.name} with confirm: true.",
        facts={"would_destroy": named, "monthly_cost": scale_costs.saved(going).said(signed=True)},
    )
