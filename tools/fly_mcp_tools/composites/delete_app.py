"""flyDeleteApp."""

from __future__ import annotations

from pydantic import Field, JsonValue

from fly_mcp_tools.action import Loss
from fly_mcp_tools.api import apps, machines, secrets, volumes
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import EARLIER_ATTEMPT, FlyError, MaybeDone, NotFound, TimedOut
from fly_mcp_tools.models import WriteResult
from fly_mcp_tools.wire import obj

from . import undoing
from .listing import OfApp, some
from .undoing import Undo

_KEPT = "kept"
#: Seconds for an app to be gone.
GONE_WITHIN = 60.0


class AppDeleted(WriteResult):
    """What was destroyed."""

    name: str
    state: str
    undo: Undo | None = None
    machines: list[str] | None = Field(default=None, description="undo references of its machines")


async def preview(call: Call, params: OfApp) -> Loss:
    """What deleting the app would lose: everything in it."""
    name = params.app_name
    app = await apps.get(call, name)
    found = await machines.list_of(call, name)
    disks = await volumes.list_of(call, name)
    stored = await secrets.list_of(call, name)
    running = sum(machine.running for machine in found)
    facts: dict[str, JsonValue] = {
        "app": name,
        "organization": app.organization.slug if app.organization else None,
        "machines": some(f"{machine.id} {machine.state} {machine.region}" for machine in found),
        "volumes": some(f"{volume.id} {volume.name} {volume.size_gb} GB {volume.region}" for volume in disks),
        "secrets": some(secret.name for secret in stored),
        **await apps.counts_around(call, name),
    }
    return Loss(
        f"App {name} would be gone with {len(found)} machine(s) ({running} running), {len(disks)} volume(s) and "
        f"all data on them, {len(stored)} secret(s), its addresses and certificates. Only the machines' configs "
        "would be kept, for 30 days; data are gone for good.",
        facts,
    )


async def _keep(call: Call, app_name: str) -> None:
    """Keep the config of each machine, and note the references."""
    kept = [undoing.keep(call, app_name, machine) for machine in await machines.list_of(call, app_name)]
    references: list[JsonValue] = [undo.reference for undo in kept if undo.reference]
    call.journal.note(_KEPT, {"references": references, "until": next((undo.until for undo in kept), None)})


def _gone(call: Call, params: OfApp, note: str | None = None) -> AppDeleted:
    call.memory.forget(params.app_name)
    known = obj(call.journal.notes.get(_KEPT))
    references = known.get("references")
    shown = [str(word) for word in some(map(str, references if isinstance(references, list) else []))]
    until = known.get("until")
    how = "flyCreateApp with the same name, if nobody has taken it by then"
    undo = Undo(
        how=f"{how}; then flyCreateMachine with undo: REFERENCE for each of `machines`" if shown else how,
        until=str(until) if until else None,
        lost="its volumes and their data, its secrets, addresses and certificates, and images in its registry",
    )
    return AppDeleted(
        outcome="done", note=note, name=params.app_name, state="destroyed", undo=undo, machines=shown or None
    )


async def delete(call: Call, params: OfApp) -> AppDeleted:
    """Destroy the app with everything in it, and see it gone. The machines' configs are kept first.

    Raises:
        NotConfigured: they cannot be kept; nothing is destroyed then.
    """
    try:
        await apps.get(call, params.app_name)
    except NotFound:
        if _KEPT not in call.journal.notes:
            raise
        return _gone(call, params, "An earlier call with this requestId had destroyed it.")
    await _keep(call, params.app_name)
    lost = False
    try:
        await apps.delete(call, params.app_name)
    except (MaybeDone, TimedOut):
        lost = True
    except NotFound as error:
        if EARLIER_ATTEMPT not in error.facts:
            raise
    began = call.clock.monotonic()
    within = 10.0 if lost else GONE_WITHIN
    state = "unknown"
    while call.clock.monotonic() - began < within:
        try:
            state = (await apps.get(call, params.app_name)).status or "there"
        except NotFound:
            return _gone(call, params)
        except FlyError as error:
            state = f"unknown ({error.code})"
        await call.clock.sleep(1.0)
    if lost:
        note = f"The answer was lost and the app's state is {state}. Repeating the call is safe."
        return AppDeleted(outcome="unclear", note=note, name=params.app_name, state=state)
    note = "Fly accepted it and the app is still there; flyGetApp looks again."
    return AppDeleted(outcome="pending", note=note, name=params.app_name, state=state)
