"""flyDeleteApp."""

from __future__ import annotations

from pydantic import Field, JsonValue

from fly_mcp_tools import guest, prices
from fly_mcp_tools.action import Loss
from fly_mcp_tools.api import apps, machines, secrets, volumes
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import EARLIER_ATTEMPT, FlyError, MaybeDone, NotFound, TimedOut
from fly_mcp_tools.models import Outcome, WriteResult
from fly_mcp_tools.wire import JsonObject, Machine, Volume, obj

from . import app_around, undoing
from .listing import OfApp, some
from .undoing import Undo

_KEPT = "kept"
#: Seconds for an app to be gone.
GONE_WITHIN = 60.0
#: References that an answer names. Each is the only way back to a machine, so they are many.
_MOST = 500


class AppDeleted(WriteResult):
    """What was destroyed."""

    name: str
    state: str
    undo: Undo | None = None
    machines: list[str] | None = Field(default=None, description="undo references of its machines")
    monthly_cost: str | None = Field(default=None, description="the difference")


async def preview(call: Call, params: OfApp) -> Loss:
    """What deleting the app would lose: everything in it."""
    name = params.app_name
    app = await apps.get(call, name)
    found = await machines.list_of(call, name)
    disks = await volumes.list_of(call, name)
    stored = await secrets.list_of(call, name)
    around = await app_around.read(call, name)
    running = sum(machine.running for machine in found)
    facts: dict[str, JsonValue] = {
        "app": name,
        "organization": app.organization.slug if app.organization else None,
        "machines": some(f"{machine.id} {machine.state} {machine.region}" for machine in found),
        "volumes": some(f"{volume.id} {volume.name} {volume.size_gb} GB {volume.region}" for volume in disks),
        "secrets": some(secret.name for secret in stored),
        **around.facts(),
        "monthly_cost": _saved(found, disks, around),
    }
    return Loss(
        f"App {name} would be gone with {len(found)} machine(s) ({running} running), {len(disks)} volume(s) and "
        f"all data on them, {len(stored)} secret(s), its addresses and certificates. Only the machines' configs "
        "would be kept, for 30 days; data are gone for good.",
        facts,
    )


async def _keep(call: Call, app_name: str) -> list[Undo]:
    """Keep the config of each machine, and note the references beside those of an earlier call of this intent."""
    earlier = obj(call.journal.notes.get(_KEPT))
    found = await machines.list_of(call, app_name)
    kept = [undoing.keep(call, app_name, machine) for machine in found]
    references = [*_words(earlier.get("references")), *(undo.reference for undo in kept if undo.reference)]
    until = next((undo.until for undo in kept if undo.until), None)
    note: JsonObject = {
        "references": [*dict.fromkeys(references)],
        "until": until or earlier.get("until"),
        "unreadable": sum(undo.reference is None for undo in kept),
        # Of the first call: later ones may find the app half gone.
        "saved": earlier.get("saved")
        or _saved(found, await _volumes(call, app_name), await app_around.read(call, app_name)),
    }
    call.journal.note(_KEPT, note)
    return kept


async def _volumes(call: Call, app_name: str) -> list[Volume] | None:
    """Its volumes; None where they cannot be read, which is no reason not to delete it."""
    try:
        return await volumes.list_of(call, app_name)
    except FlyError:
        return None


def _saved(found: list[Machine], disks: list[Volume] | None, around: app_around.Around) -> str:
    """What all it holds costs, taken off."""
    costs = [prices.machine(guest.of_config(one.config or {}), one.region, state=one.state) for one in found]
    if disks is None:
        costs.append(prices.Cost(unknown=("its volumes, which could not be read",)))
    else:
        costs += [prices.volume(one.size_gb) for one in disks]
    return prices.change(prices.total(costs) + around.cost(), prices.NOTHING).said(signed=True)


def _words(value: JsonValue) -> list[str]:
    return [str(word) for word in value] if isinstance(value, list) else []


def _answer(
    call: Call, params: OfApp, outcome: Outcome = "done", state: str = "destroyed", note: str | None = None
) -> AppDeleted:
    if outcome == "done":
        call.memory.forget(params.app_name)
    known = obj(call.journal.notes.get(_KEPT))
    references, until, unreadable = (
        _words(known.get("references")),
        known.get("until"),
        known.get("unreadable"),
    )
    shown = [
        *references[:_MOST],
        *([f"and {len(references) - _MOST} more"] if len(references) > _MOST else []),
    ]
    how = "flyCreateApp with the same name, if nobody has taken it by then"
    lost = "its volumes and their data, its secrets, addresses and certificates, and images in its registry"
    if unreadable:
        lost += f"; and {unreadable} machine(s) whose hosts did not show their configs"
    undo = Undo(
        how=f"{how}; then flyCreateMachine with undo: REFERENCE for each of `machines`" if shown else how,
        until=str(until) if until else None,
        lost=lost,
    )
    saved = known.get("saved")
    return AppDeleted(
        outcome=outcome,
        note=note,
        name=params.app_name,
        state=state,
        undo=undo,
        machines=shown or None,
        monthly_cost=str(saved) if saved and outcome == "done" else None,
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
        return _answer(call, params, note="An earlier call with this requestId had destroyed it.")
    told_before = _KEPT in call.journal.notes
    kept = await _keep(call, params.app_name)
    try:
        lost = await _send(call, params.app_name)
    except FlyError as error:
        # What an earlier call has told may be needed yet: its request may arrive late.
        if error.changed == "nothing" and not told_before:
            undoing.forget(call, *kept)
        raise
    began = call.clock.monotonic()
    within = 10.0 if lost else GONE_WITHIN
    state = "unknown"
    while call.clock.monotonic() - began < within:
        try:
            state = (await apps.get(call, params.app_name)).status or "there"
        except NotFound:
            return _answer(call, params)
        except FlyError as error:
            state = f"unknown ({error.code})"
        await call.clock.sleep(1.0)
    if lost:
        note = f"The answer was lost and the app's state is {state}. Repeating the call is safe."
        return _answer(call, params, "unclear", state, note)
    note = "Fly accepted it and the app is still there; flyGetApp looks again."
    return _answer(call, params, "pending", state, note)


async def _send(call: Call, app_name: str) -> bool:
    """Send the delete: whether its answer was lost."""
    try:
        await apps.delete(call, app_name)
    except (MaybeDone, TimedOut):
        return True
    except NotFound as error:
        if EARLIER_ATTEMPT not in error.facts:
            raise
    return False
