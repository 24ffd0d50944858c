"""What is so at Fly right now about the things that a call names, read under the agent's own token.

Read for the human and not for the agent: the policy is not asked, since nothing of it reaches the agent. What is
shown and what a question is bound to are made from the same objects, so that they cannot drift apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import JsonValue

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.action import AnyAction, Gate
from fly_mcp_tools.api import apps, machines, secrets, volumes
from fly_mcp_tools.call import Call, Effect, Query, no_progress
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.composites.apps import organisation
from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.errors import ConfirmationRequired, FlyError, NotFound, RefusedByUs
from fly_mcp_tools.models import Params
from fly_mcp_tools.state.journal import Journal
from fly_mcp_tools.wire import App, Machine, Volume, obj

_UNSAID = " Nothing was changed."


@dataclass
class Facts:
    """What was read. `parts`: by what it is about, for whoever compares it later."""

    app: App | None = None
    #: The organisation of an app that is to be made.
    organisation: str = ""
    #: Of the whole app, where the call names no machine and no volume of it.
    machines: list[Machine] | None = None
    machine: Machine | None = None
    volume: Volume | None = None
    #: What the call names and what is there: secrets, keys of metadata, variables. By what they are.
    named: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    #: What would be lost or billed: one sentence, and the facts that it is made of.
    warning: str = ""
    loss: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])

    @property
    def parts(self) -> dict[str, JsonValue]:
        """All that must still be so when the answer comes. Ages and counters are no part of it."""
        found: dict[str, JsonValue] = {}
        if self.app is not None:
            found["app"] = [self.app.id, self.app.name, self.app.status, _slug(self.app)]
        if self.organisation:
            found["organisation"] = self.organisation
        if self.machines is not None:
            # Not their states: in an app that stops and starts by itself no answer would ever be in time.
            found["app's machines"] = [*sorted(f"{one.id} {one.instance_id}" for one in self.machines)]
        if (one := self.machine) is not None:
            found["machine"] = [one.id, one.name, one.state, one.region, one.instance_id, one.image]
        if (disk := self.volume) is not None:
            size = disk.size_gb
            found["volume"] = [disk.id, disk.name, disk.state, size, disk.region, disk.attached_machine_id]
        found.update({f"list of {kind}": [*names] for kind, names in self.named.items()})
        if self.loss:
            found["list of what would be lost or billed"] = self.loss
        return found

    @property
    def states(self) -> dict[str, int]:
        """How many machines of the app are in which state."""
        return dict(Counter(one.state for one in self.machines or ()))


def _slug(app: App) -> str:
    return app.organization.slug if app.organization else ""


async def read(call: Call, params: Params) -> Facts:
    """Everything to be shown about `call`. Sends nothing but reads.

    Raises:
        ConfirmationRequired: the plan destroys or bills, and the agent has not confirmed that yet.
        FlyError: whatever stands in the way, such as that there is no such machine: then nobody need be asked.
    """
    found = Facts()
    app_name, machine_id, volume_id = _named(params)
    if app_name:
        await _look_at_app(call, params, found, app_name)
    if app_name and machine_id:
        found.machine = await machines.there(_reading(call, "flyGetMachine"), app_name, machine_id)
    if app_name and volume_id:
        found.volume = await volumes.get(_reading(call, "flyGetVolume"), app_name, volume_id)
    if found.app is not None and not machine_id and not volume_id:
        lists = _reading(call, "flyListMachines")
        found.machines = await machines.list_of(lists, found.app.name, summary=True)
    await _look_at_names(call, params, found)
    await _look_at_loss(call, params, found)
    return found


def _given(params: Params) -> dict[str, Any]:
    """The arguments by name. `dict(params)` would take the parameter `keys` for the method."""
    return {name: value for name, value in params}  # noqa: C416 - see above


def _named(params: Params) -> tuple[str, str, str]:
    """App, machine and volume that the call names; empty where it names none."""
    given = {name: value for name, value in _given(params).items() if isinstance(value, str)}
    volume = given.get("volume_id") or given.get("source_volume_id") or ""
    return given.get("app_name", ""), given.get("machine_id", ""), volume


async def _look_at_app(call: Call, params: Params, found: Facts, app_name: str) -> None:
    try:
        found.app = await apps.get(_reading(call, "flyGetApp"), app_name)
    except NotFound:
        if fly.CREATE_APP not in call.action.calls:
            raise
        lists = _reading(call, "flyListApps")
        found.organisation = await organisation(lists, _given(params).get("org_slug"))
        await apps.list_of(lists, found.organisation)  # so that it is Fly who says that there is such a one


async def _look_at_names(call: Call, params: Params, found: Facts) -> None:
    """Names of the call's that Fly has as well, and so can be shown: what it would change or remove."""
    given = _given(params)

    def keep(kind: str, known: Iterable[str], *fields: str) -> None:
        words = [word for name in fields for word in given.get(name) or ()]
        if words:
            found.named[kind] = sorted({*words} & {*known})

    if found.app is not None and (given.get("secrets") or given.get("secret_names")):
        there = await secrets.list_of(_reading(call, "flyListSecrets"), found.app.name)
        keep("secrets", (one.name for one in there), "secrets", "secret_names")
    if (one := found.machine) is not None:
        keep("metadata", one.metadata, "metadata", "keys")
        keep("environment variables", obj((one.config or {}).get("env")), "env")


async def _look_at_loss(call: Call, params: Params, found: Facts) -> None:
    """What a gated row would say that it destroys or bills."""
    action: AnyAction = call.action
    if action.preview is not None:
        loss = await action.preview(call, params)
        found.warning, found.loss = loss.message, dict(loss.facts)
    elif action.gate is Gate.BY_PLAN and action.run is not None:
        await _look_at_plan(call, params, found)


async def _look_at_plan(call: Call, params: Params, found: Facts) -> None:
    """Let it make its plan, unconfirmed, and stop it before its first write."""
    reads_only = _ReadsOnly(call)
    trial = replace(
        call,
        confirmed=False,
        checkpoint=reads_only,
        effect=Effect(),
        journal=Journal(call.journal.seed, call.journal.resumed, dict(call.journal.notes)),
        progress=no_progress,
    )
    assert call.action.run is not None
    try:
        await call.action.run(trial, params)
    except ConfirmationRequired as asks:
        if not call.confirmed:
            raise
        found.warning, found.loss = asks.message.removesuffix(_UNSAID), dict(asks.facts)
    except FlyError:
        # A plan of many steps tells of a stopped one in words of its own. That it began to write without having
        # asked is all there is to know: nothing is lost and nothing billed.
        if not reads_only.stopped:
            raise


class _ReadsOnly:
    """The checkpoint of a trial: the call's own, and no write behind it."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.stopped = False

    async def __call__(
        self, endpoint: Endpoint, ids: Mapping[str, str], *, query: Query | None, body: JsonValue
    ) -> None:
        if endpoint.writes:
            self.stopped = True
            raise RefusedByUs("A trial does not write.")
        if self._call.checkpoint is not None:
            await self._call.checkpoint(endpoint, ids, query=query, body=body)


def _reading(call: Call, name: str) -> Call:
    """The same call as one of this read action."""
    return replace(call, action=ACTIONS[name], checkpoint=None, progress=no_progress)
