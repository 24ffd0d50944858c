"""One machine of a scaling: made with its volume, or destroyed; and what is told of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import Field

from fly_mcp_tools import config as configs
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import Code, FlyError, NotFound
from fly_mcp_tools.models import Result
from fly_mcp_tools.wire import JsonObject, Machine, Volume, obj

from . import creating, creating_volume, delete_machine
from .scale_plan import Plan, reusable

#: What of the template's mount a new one takes over (reference 7.4).
MOUNT_KEYS = ("path", "extend_threshold_percent", "add_size_gb", "size_gb_limit")


class Step(Result):
    """What was done to one machine."""

    id: str | None = None
    did: str = Field(description="created, destroyed, failed, or pending: on the way to either")
    region: str
    state: str | None = None
    volume_id: str | None = None
    volume: str | None = Field(default=None, description="created, reused or kept")
    undo: str | None = Field(default=None, description="reference for flyCreateMachine")
    note: str | None = None


@dataclass
class Work:
    """A scaling under way."""

    call: Call
    app_name: str
    plan: Plan
    #: What else the app has and the plan leaves out of account, in words.
    beside: list[str]
    #: The app's volumes, and what new ones are like.
    volumes: list[Volume] = field(default_factory=list[Volume])
    volume_name: str = "data"
    size_gb: int = 1
    encrypted: bool = True
    taken: set[str] = field(default_factory=set[str])
    steps: list[Step] = field(default_factory=list[Step])
    errors: list[FlyError] = field(default_factory=list[FlyError])
    #: Machines that are there, or will be, once everything on the way has arrived.
    count: int = 0

    @property
    def mount(self) -> JsonObject | None:
        """The template's mount."""
        mounts = self.plan.template.mounts
        return mounts[0] if mounts else None


async def create(work: Work, region: str, number: int) -> Step:
    """One more machine like the template, with a volume where that has one. `number`: which of the new ones.

    Raises:
        FlyError: it was not made, or is there and does not run (`facts` has its id then).
    """
    config = configs.template(work.plan.template)
    volume_id = how = None
    if work.mount is not None:
        volume_id, how = await _volume(work, region, number)
        kept: JsonObject = {key: work.mount[key] for key in MOUNT_KEYS if key in work.mount}
        config["mounts"] = [{"volume": volume_id, **kept}]
    try:
        made = await creating.create(work.call, work.app_name, config, region=region, step=f"create-{number}")
    except FlyError as error:
        if how == "created" and error.changed == "nothing":
            error.message += f" Its new volume {volume_id} stays, unattached; the next scaling up takes it."
            error.changed = "something"
        raise
    return made_step(made, region, volume_id, how)


def made_step(made: creating.Created, region: str, volume_id: str | None, how: str | None) -> Step:
    """What is told of a new machine."""
    return Step(
        id=made.machine.id,
        did="created" if made.outcome == "done" else "pending",
        region=made.machine.region or region,
        state=made.machine.state,
        volume_id=volume_id,
        volume=how,
        note=made.note,
    )


async def destroy(work: Work, machine: Machine) -> Step:
    """Destroy one machine; its volume stays.

    Raises:
        FlyError: it is still there, or nobody can tell.
    """
    try:
        fate = await delete_machine.destroy(work.call, work.app_name, machine, step=f"destroy-{machine.id}")
    except NotFound:
        fate = delete_machine.Fate("done", "destroyed", "it was gone already")
    if fate.outcome == "unclear":
        raise FlyError(
            fate.note or "It is unclear whether it was destroyed.",
            code=Code.UNCLEAR,
            changed="unknown",
            hint="Look at it with flyGetMachine.",
            facts={
                "machine_id": machine.id,
                "state": fate.state,
                "undo": fate.undo.reference if fate.undo else None,
            },
        )
    return Step(
        id=machine.id,
        did="destroyed" if fate.outcome == "done" else "pending",
        region=machine.region,
        state=fate.state,
        volume_id=machine.volume_id,
        volume="kept" if machine.volume_id else None,
        undo=fate.undo.reference if fate.undo else None,
        note=fate.note,
    )


def failed(error: FlyError, region: str, machine: Machine | None) -> Step:
    """What is told of a machine that did not work out; its id where it is there."""
    known = machine.id if machine else error.facts.get("machine_id")
    state = error.facts.get("state")
    undo = error.facts.get("undo")
    return Step(
        id=known if isinstance(known, str) else None,
        did="failed",
        region=region,
        state=state if isinstance(state, str) else None,
        undo=undo if isinstance(undo, str) else None,
        note=f"{error.code}: {error.message}",
    )


async def _volume(work: Work, region: str, number: int) -> tuple[str, str]:
    """A volume for a new machine: an unattached one of the same name and region, else a new one."""
    noted = (
        f"volume-{number}" in work.call.journal.notes
    )  # an earlier call began to make one; it is marked yet
    found = None if noted else reusable(work.volumes, work.volume_name, region, work.taken)
    if found is not None:
        work.taken.add(found.id)
        return found.id, "reused"
    template = work.plan.template.config or {}
    there = sum(machine.region == region for machine in work.plan.group)
    extra: JsonObject = {
        "encrypted": work.encrypted,
        # As flyctl does: spread over hosts once there is more than one in the region.
        "require_unique_zone": there + work.plan.create_in.count(region) > 1,
        # The volume decides the host, so Fly has to know what will run there (reference 6.7).
        "compute": obj(template.get("guest")) or None,
        "compute_image": template.get("image"),
    }
    new = creating_volume.New(
        work.app_name,
        work.volume_name,
        region,
        work.size_gb,
        {key: value for key, value in extra.items() if value is not None},
    )
    made = await creating_volume.create(work.call, new, step=f"volume-{number}")
    work.taken.add(made.volume.id)
    return made.volume.id, "created"
