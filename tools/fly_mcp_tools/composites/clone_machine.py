"""flyCloneMachine: another machine like one there is, in whatever region, with a volume of its own.

As `fly machine clone` does (reference 7.4), by the rules for templates that scaling has: no standbys, no schedule, and
of its mount the path and how it grows. The new volume comes first: it decides the host.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from fly_mcp_tools import config as configs
from fly_mcp_tools import guest, prices, regions
from fly_mcp_tools.api import machines, volumes
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import Conflict, FlyError, InvalidArguments, Problem, WrongState
from fly_mcp_tools.ids import MachineName, RegionCode, SnapshotId
from fly_mcp_tools.models import WriteResult
from fly_mcp_tools.wire import JsonObject, Machine, Volume, obj

from . import creating, creating_volume, snapshot_source, updating
from .lifecycle import OneMachine
from .scale_steps import MOUNT_KEYS

_PLAN = "plan"


class CloneMachine(OneMachine):
    """Which machine, and what is to be different."""

    region: RegionCode | None = Field(default=None, description="Default: the same")
    name: MachineName | None = Field(default=None, description="Machine name")
    volume: Literal["empty", "snapshot", "fork"] | None = Field(
        default=None, description="New volume's data; default empty"
    )
    snapshot_id: SnapshotId | None = Field(default=None, description="For snapshot; default: the newest")


class Cloned(WriteResult):
    """The new machine."""

    id: str
    name: str
    state: str
    region: str
    private_ip: str | None = None
    image: str
    cloned_from: str
    volume_id: str | None = None
    volume_from: str | None = Field(default=None, description="empty, or the snapshot or volume copied")
    monthly_cost: str | None = Field(default=None, description="the difference")


async def clone(call: Call, params: CloneMachine) -> Cloned:
    """Make a machine like another and see it started. The other one is only read.

    Raises:
        InvalidArguments: a volume is asked for and the machine has none, a snapshot beside another source, no such
            region.
        WrongState: the machine's host does not answer, or its volume has no snapshot.
        MaybeDone: the answer was lost and no machine with our mark is there (yet).
    """
    _check(params)
    if (machine := await creating.earlier(call, params.app_name, "create")) is not None:
        seen = await creating.seen(
            call, params.app_name, machine, "An earlier call with this requestId had made it."
        )
        return _cloned(params, seen, obj(call.journal.notes.get(_PLAN)))
    await regions.check(call, params.region)
    source = await machines.there(call, params.app_name, params.machine_id)
    await _name_is_free(call, params)
    await snapshot_source.within_app(call, params.app_name, params.snapshot_id)
    config = configs.template(source.model_copy(update={"config": updating.readable_config(source)}))
    region = params.region or source.region
    # What is sent, for the answer: Fly leaves the config out while the new machine's host does not answer.
    facts: JsonObject = {"image": config.get("image"), "guest": guest.of_config(config)}
    if source.mounts:
        made = await _volume(call, params, source, region)
        kept: JsonObject = {key: source.mounts[0][key] for key in MOUNT_KEYS if key in source.mounts[0]}
        config["mounts"] = [{"volume": made.id, **kept}]
        facts |= {
            "volume_from": await _origin(call, params, source),
            "size_gb": made.size_gb,
            "volume_id": made.id,
        }
    elif params.volume or params.snapshot_id:
        raise InvalidArguments(
            f"Machine {source.id} has no volume, so its clone gets none.",
            problems=[Problem("volume", "leave it out, and snapshotId too")],
        )
    call.journal.note(_PLAN, facts)
    try:
        made_machine = await creating.create(call, params.app_name, config, name=params.name, region=region)
    except FlyError as error:
        if "volume_id" in facts and error.changed == "nothing":
            error.message += f" The new volume {facts['volume_id']} stays, unattached."
            error.changed = "something"
        raise
    return _cloned(params, made_machine, facts)


def _check(params: CloneMachine) -> None:
    if params.snapshot_id is not None and params.volume not in (None, "snapshot"):
        raise InvalidArguments(
            f"snapshotId is given, and volume is {params.volume}.",
            problems=[Problem("volume", "send snapshot, or leave snapshotId out")],
        )


async def _name_is_free(call: Call, params: CloneMachine) -> None:
    """Fly would refuse it too, but after a volume was made, and billed."""
    if params.name is None:
        return
    mark = call.mark("create")
    for machine in await machines.list_of(call, params.app_name):
        if machine.name == params.name and machine.metadata.get(configs.MARK) != mark:
            raise Conflict(
                f"Machine {machine.id} of {params.app_name} is called {params.name} already. Nothing was sent.",
                hint="Choose another name, or none.",
            )


async def _origin(call: Call, params: CloneMachine, source: Machine) -> str:
    """What the new volume's data are from: a snapshot, a volume, or nothing."""
    if params.volume == "fork":
        return str(source.volume_id)
    if params.volume != "snapshot" and params.snapshot_id is None:
        return "empty"
    noted = call.journal.notes.get("snapshot")
    if params.snapshot_id or isinstance(noted, str):
        return params.snapshot_id or str(noted)
    found = await volumes.snapshots(call, params.app_name, str(source.volume_id))
    dated = [(one.created_at, one.id) for one in found if one.complete and one.created_at is not None]
    if not dated:
        raise WrongState(
            f"Volume {source.volume_id} of machine {source.id} has no snapshot that is complete.",
            hint="flyCreateSnapshot takes one; volume: fork copies the volume as it is now.",
        )
    call.journal.note("snapshot", max(dated)[1])  # a call that goes on takes the same
    return max(dated)[1]


async def _volume(call: Call, params: CloneMachine, source: Machine, region: str) -> Volume:
    own = await volumes.get(call, params.app_name, str(source.volume_id))
    origin = await _origin(call, params, source)
    extra: dict[str, JsonValue] = {
        "encrypted": own.encrypted is not False,
        "require_unique_zone": True,
        # The volume decides the host, so Fly has to know what will run there (reference 6.7).
        "compute": guest.of_config(source.config or {}) or None,
        "compute_image": source.image or None,
        "source_volume_id": own.id if params.volume == "fork" else None,
        "snapshot_id": origin if origin.startswith("vs_") else None,
    }
    new = creating_volume.New(
        params.app_name,
        own.name or "data",
        region,
        None if extra["snapshot_id"] else own.size_gb,
        {key: value for key, value in extra.items() if value is not None},
    )
    return (await creating_volume.create(call, new)).volume


def _cloned(params: CloneMachine, made: creating.Created, facts: JsonObject) -> Cloned:
    machine = made.machine
    size = obj(facts.get("guest")) if machine.config is None else guest.of_config(machine.config)
    cost = prices.machine(size, machine.region)
    volume_id = machine.volume_id or _text(facts, "volume_id")
    if volume_id:
        disk = facts.get("size_gb")
        cost += prices.volume(disk if isinstance(disk, int) else None)
    return Cloned(
        outcome=made.outcome,
        note=made.note,
        id=machine.id,
        name=machine.name,
        state=machine.state,
        region=machine.region,
        private_ip=machine.private_ip or None,
        image=machine.image or _text(facts, "image") or "",
        cloned_from=params.machine_id,
        volume_id=volume_id,
        volume_from=_text(facts, "volume_from"),
        monthly_cost=cost.said(signed=True),
    )


def _text(facts: JsonObject, key: str) -> str | None:
    found = facts.get(key)
    return found if isinstance(found, str) else None
