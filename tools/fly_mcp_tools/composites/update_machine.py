"""flyUpdateMachineConfig."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field, JsonValue

from fly_mcp_tools import config as configs
from fly_mcp_tools import guest, prices
from fly_mcp_tools.api import machines
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import InvalidArguments, Problem
from fly_mcp_tools.ids import Image
from fly_mcp_tools.models import Whole, WriteResult
from fly_mcp_tools.wire import JsonObject, Machine, obj

from . import changes, updating
from .lifecycle import Nonce, OneMachine

#: What can be changed, and how a caller calls it.
_WHAT: Final = {
    "env": "env",
    "cpus": "cpus",
    "memory_mb": "memoryMb",
    "auto_stop": "autoStop",
    "image": "image",
    "metadata": "metadata",
    "config": "config",
}
#: Kinds of keys that are told each by a word.
_WORDS: Final = ("env", "metadata", "config")
_TOLD: Final = "told"


def _env_names(env: dict[str, str | None]) -> dict[str, str | None]:
    bad = [name for name in env if not name or "=" in name or "\x00" in name]
    if bad:
        raise ValueError("a variable's name must not be empty and has no = in it")
    if any("\x00" in value for value in env.values() if value is not None):
        raise ValueError("a variable's value is text without NUL characters")
    return env


class UpdateMachineConfig(OneMachine):
    """What to change; what is left out stays."""

    env: Annotated[dict[str, str | None], AfterValidator(_env_names)] | None = Field(
        default=None, description="Merged; null removes"
    )
    cpus: Annotated[Whole, Field(ge=1, le=128)] | None = Field(default=None, description="CPUs: 1, 2, 4, ...")
    memory_mb: Annotated[Whole, Field(ge=256, le=1_048_576)] | None = Field(
        default=None, description="MB: 256, 512, ..."
    )
    auto_stop: configs.AutoStop | None = Field(default=None, description="When idle")
    image: Image | None = Field(default=None, description="New image to deploy")
    metadata: changes.Metadata | None = Field(default=None, description="Merged; null removes")
    config: changes.Config | None = Field(
        default=None,
        description="Fly machine config (services, checks, restart, ...): merged deep, lists replaced; null removes",
    )
    nonce: Nonce = None

    @property
    def asks_nothing(self) -> bool:
        """Whether nothing is to be changed."""
        return all(getattr(self, name) is None for name in _WHAT)

    def change(self) -> changes.Change:
        """All of it as one change."""
        return changes.change(
            self.config,
            env=self.env,
            cpus=self.cpus,
            memory_mb=self.memory_mb,
            auto_stop=self.auto_stop,
            image=self.image,
            metadata=self.metadata,
        )


class Updated(WriteResult):
    """The machine after the update, and what changed."""

    id: str
    state: str
    instance_id: str | None = None
    changed: dict[str, JsonValue] = Field(
        description="env, metadata, config: per key what was done; guest, autoStop, image: before and after"
    )
    monthly_cost: str | None = Field(
        default=None, description="the difference while it runs, of another size"
    )


async def update(call: Call, params: UpdateMachineConfig) -> Updated:
    """Merge the changes into the machine's whole config and see the new version settled.

    Raises:
        InvalidArguments: nothing to change, a size Fly does not sell, autoStop without a service, another volume.
        LeaseHeld: somebody else is changing the machine.
        Conflict: somebody else has changed the same; `facts["difference"]` says what.
    """
    if params.asks_nothing:
        raise InvalidArguments(
            "Nothing to change: env, cpus, memoryMb, autoStop, image, metadata and config are all left out.",
            problems=[Problem("env", f"send at least one of {', '.join(_WHAT.values())}")],
        )
    change = params.change()
    machine = await machines.there(call, params.app_name, params.machine_id)
    # Built once before anything is sent, so that what cannot be is refused with nothing but a read.
    config = updating.readable_config(machine)
    change = change.restored(config)
    changes.keep_volume(machine, change)
    changes.keep_lasting(config, change)
    wanted = machine.model_copy(update={"config": change.applied(config)})
    anew, lacks = change.wish.may_have_moved, bool(change.wish.lacks(config))
    if not lacks and not call.resumed and not anew:
        told = change.told(machine, machine)
        return Updated(
            outcome="done",
            note="The config is like that already; nothing was sent and nothing restarted.",
            id=machine.id,
            state=machine.state,
            instance_id=machine.instance_id or None,
            changed={kind: words for kind, words in told.items() if kind in _WORDS},
        )
    earlier = {} if lacks else obj(call.journal.notes.get(_TOLD))
    if lacks:  # whoever goes on finds the machine changed, and has to tell what became of it all the same
        noted: JsonObject = {"changed": change.told(machine, wanted), "cost": _cost(machine, wanted)}
        call.journal.note(_TOLD, noted)
    done = await updating.update(
        call, params.app_name, machine, change.applied, wish=change.wish, nonce=params.nonce
    )
    return Updated(
        outcome=done.outcome,
        note=_note(done, change),
        id=done.after.id,
        state=done.after.state,
        instance_id=done.after.instance_id or None,
        changed=obj(earlier.get("changed")) or change.told(done.before, done.after),
        monthly_cost=str(earlier.get("cost") or _cost(done.before, done.after))
        if change.changes_size
        else None,
    )


def _note(done: updating.Updated, change: changes.Change) -> str | None:
    """What an update of its own kind has to say: a tag that was there before was deployed again."""
    again = None
    renewed = done.before.instance_id != done.after.instance_id
    if renewed and change.wish.may_have_moved and done.before.image == change.wish.image:
        again = "It had an image of that tag already; it was deployed again, as a tag can be moved."
    return " ".join(text for text in (done.note, again) if text) or None


def _cost(before: Machine, after: Machine) -> str:
    old, new = (prices.machine(guest.of_config(one.config or {}), one.region) for one in (before, after))
    return prices.change(old, new).said(signed=True, when="" if after.running else " while it runs")
