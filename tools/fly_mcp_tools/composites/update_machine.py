"""flyUpdateMachineConfig."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, JsonValue

from fly_mcp_tools import config as configs
from fly_mcp_tools import guest
from fly_mcp_tools.api import machines
from fly_mcp_tools.call import Call
from fly_mcp_tools.difference import Wish
from fly_mcp_tools.errors import InvalidArguments, Problem
from fly_mcp_tools.ids import AppName, MachineId
from fly_mcp_tools.models import Params, Whole, WriteResult
from fly_mcp_tools.wire import JsonObject, Machine

from . import updating


def _env_names(env: dict[str, str | None]) -> dict[str, str | None]:
    bad = [name for name in env if not name or "=" in name or "\x00" in name]
    if bad:
        raise ValueError("a variable's name must not be empty and has no = in it")
    if any("\x00" in value for value in env.values() if value is not None):
        raise ValueError("a variable's value is text without NUL characters")
    return env


class UpdateMachineConfig(Params):
    """What to change; what is left out stays."""

    app_name: AppName
    machine_id: MachineId
    env: Annotated[dict[str, str | None], AfterValidator(_env_names)] | None = Field(
        default=None, description="Merged; null removes"
    )
    cpus: Annotated[Whole, Field(ge=1, le=128)] | None = Field(default=None, description="CPUs: 1, 2, 4, ...")
    memory_mb: Annotated[Whole, Field(ge=256, le=1_048_576)] | None = Field(
        default=None, description="MB: 256, 512, ..."
    )
    auto_stop: configs.AutoStop | None = Field(default=None, description="When idle")


class Updated(WriteResult):
    """The machine after the update, and what changed."""

    id: str
    state: str
    instance_id: str | None = None
    changed: dict[str, JsonValue] = Field(
        description="env: per variable what was done; guest, autoStop: before and after"
    )


async def update(call: Call, params: UpdateMachineConfig) -> Updated:
    """Merge the changes into the machine's whole config and see the new version settled.

    Raises:
        InvalidArguments: nothing to change, a size Fly does not sell, autoStop without a service.
        LeaseHeld: somebody else is changing the machine.
        Conflict: somebody else has changed the same; `facts["difference"]` says what.
    """
    if params.env is None and params.cpus is None and params.memory_mb is None and params.auto_stop is None:
        raise InvalidArguments(
            "Nothing to change: env, cpus, memoryMb and autoStop are all left out.",
            problems=[Problem("env", "send at least one of env, cpus, memoryMb, autoStop")],
        )
    machine = await machines.there(call, params.app_name, params.machine_id)
    # Built once before anything is sent, so that what cannot be is refused with nothing but a read.
    config = updating.readable_config(machine)
    wish = Wish(params.env or {}, params.cpus, params.memory_mb, params.auto_stop)
    _merge(config, params)
    if not wish.lacks(config) and not call.resumed:
        changed: dict[str, JsonValue] = {"env": dict(configs.env_changes(config, params.env or {}))}
        return Updated(
            outcome="done",
            note="The config is like that already; nothing was sent and nothing restarted.",
            id=machine.id,
            state=machine.state,
            instance_id=machine.instance_id or None,
            changed=changed if params.env else {},
        )
    done = await updating.update(call, params.app_name, machine, lambda old: _merge(old, params), wish=wish)
    return Updated(
        outcome=done.outcome,
        note=done.note,
        id=done.after.id,
        state=done.after.state,
        instance_id=done.after.instance_id or None,
        changed=_changes(done.before, done.after, params),
    )


def _merge(config: JsonObject, params: UpdateMachineConfig) -> JsonObject:
    new = dict(config)
    if params.env is not None:
        new = configs.with_env(new, params.env)
    if params.cpus is not None or params.memory_mb is not None:
        new["guest"] = guest.resized(guest.of_config(new), params.cpus, params.memory_mb)
        new.pop("size", None)  # Fly refuses both (reference 2.4)
    if params.auto_stop is not None:
        if not configs.has_service(new):
            raise InvalidArguments(
                "autoStop belongs to a service, and this machine has none: nothing stops or wakes it.",
                problems=[Problem("autoStop", "leave it out for a machine without a service")],
            )
        if configs.autostop_of(new) != params.auto_stop:
            new = configs.with_autostop(new, params.auto_stop)
    return new


def _changes(before: Machine, after: Machine, params: UpdateMachineConfig) -> dict[str, JsonValue]:
    old, new = before.config or {}, after.config or {}
    changed: dict[str, JsonValue] = {}
    if params.env:
        changed["env"] = dict(configs.env_changes(old, params.env))
    if params.cpus is not None or params.memory_mb is not None:
        changed["guest"] = {"before": guest.of_config(old), "after": guest.of_config(new)}
    if params.auto_stop is not None:
        changed["autoStop"] = {"before": configs.autostop_of(old), "after": configs.autostop_of(new)}
    return changed
