"""flyRestartMachine: Fly's restart, or an update where only that brings new secrets to the machine.

The documentation of the action promises that a restart applies secrets and configuration. Fly's own
restart boots the same version again, with the secrets it had (reference 6.5). So where the app has secrets
newer than the machine's version, the restart goes as an update of the unchanged config.
"""

from __future__ import annotations

from pydantic import Field, JsonValue

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools import ulid
from fly_mcp_tools.api import leases, machines, secrets
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import FlyError, MaybeDone, NotFound, TimedOut
from fly_mcp_tools.models import WriteResult
from fly_mcp_tools.wire import Event, Machine, Secret

from . import lasting, updating, waiting
from .lifecycle import START_WITHIN, TRANSIENT_WITHIN, Driven

_BEGUN, _UPDATE = "restart", "update"
#: Looks, and seconds between them, for the event that proves that the machine has been started anew.
_LOOKS, _LOOK_EVERY = 20, 0.5


class Restarted(WriteResult):
    """The machine after the restart."""

    id: str
    state: str
    previous_state: str
    applied_secrets: list[str] = Field(description="names of secrets that are new to the machine")
    how: str = Field(description="restart (same version) or update (new version, for the secrets)")


async def restart(call: Call, params: Driven) -> Restarted:
    """Restart a machine and see it running; new secrets are applied.

    Raises:
        WrongState: it would destroy itself when its process ends.
        FlyError: wrong_state with changed="something" where it does not come up again.
    """
    machine = await machines.there(call, params.app_name, params.machine_id)
    if (before := _begun(call, machine)) is not None:
        seen, proven = await _see(call, params.app_name, before)
        if proven:
            note = "An earlier call with this requestId had restarted it."
            return _restarted(before, seen, note=note, lost=True)
    if (resumed := await _updated_before(call, params, machine)) is not None:
        return resumed
    lasting.keep(machine)
    applied = call.memory.applied_names(params.app_name, machine.id, machine.instance_id)
    names = newer(await secrets.list_of(call, params.app_name), machine, applied)
    names |= call.memory.stale_names(params.app_name, machine.id, machine.instance_id)
    if names:
        call.journal.note(
            _UPDATE, {"from": machine.instance_id, "names": [*sorted(names)], "was": machine.state}
        )
        done = await updating.update(
            call,
            params.app_name,
            machine,
            lambda config: config,
            launch=True,
            min_secrets_version=call.memory.secrets_version(params.app_name),
            nonce=params.nonce,
        )
        call.memory.secrets_applied(params.app_name, machine.id, done.after.instance_id, names)
        return Restarted(
            outcome=done.outcome,
            note=done.note,
            id=machine.id,
            state=done.after.state,
            previous_state=machine.state,
            applied_secrets=sorted(names),
            how="update",
        )
    return await _plain(call, params, machine)


async def _updated_before(call: Call, params: Driven, machine: Machine) -> Restarted | None:
    """The update that an earlier call of this intent sent, seen to its end; None where it did not arrive.

    Any version made since has the app's present secrets, whoever made it.
    """
    noted = call.journal.notes.get(_UPDATE)
    if not isinstance(noted, dict) or noted.get("from") == machine.instance_id:
        return None
    seen = await waiting.see(
        call, params.app_name, machine, ("started", "failed"), seconds=updating.SETTLE_WITHIN
    )
    outcome, words = waiting.running(seen, lost=True)
    names = noted.get("names")
    note = "An earlier call with this requestId had updated it."
    return Restarted(
        outcome=outcome,
        note=" ".join(text for text in (note, words) if text),
        id=machine.id,
        state=seen.machine.state,
        previous_state=str(noted.get("was") or machine.state),
        applied_secrets=[str(name) for name in names] if isinstance(names, list) else [],
        how="update",
    )


def newer(found: list[Secret], machine: Machine, applied: frozenset[str] = frozenset()) -> frozenset[str]:
    """Secrets set since the machine's version was made.

    A version's id is a ULID and so tells when it was made. Whole seconds are compared, and a tie counts as
    newer, but for those `applied` by ourselves: an update too many is harmless, a secret too few is not.
    """
    made = ulid.made_at(machine.instance_id) or machine.created_at
    if made is None:
        return frozenset()
    since = made.replace(microsecond=0)
    names: set[str] = set()
    for secret in found:
        when = secret.updated_at or secret.created_at
        if when is not None and (when > since or (when == since and secret.name not in applied)):
            names.add(secret.name)
    return frozenset(names)


async def _plain(call: Call, params: Driven, before: Machine) -> Restarted:
    lost = False
    async with leases.held(call, params.app_name, before.id, nonce=params.nonce) as lease:
        # Another's restart meanwhile is no proof of ours.
        before = await lasting.read(call, params.app_name, before.id)
        known: list[JsonValue] = [event.id for event in before.events]
        call.journal.note(_BEGUN, {"state": before.state, "events": known})
        try:
            await waiting.past_transient(
                call,
                lambda: machines.change_state(
                    call, fly.RESTART_MACHINE, params.app_name, before.id, nonce=lease.nonce
                ),
                seconds=TRANSIENT_WITHIN,
                lease=lease,
            )
        except (MaybeDone, TimedOut):
            lost = True
    seen, proven = await _see(call, params.app_name, before)
    note = None
    if not proven:
        what = "The answer to the restart was lost" if lost else "Fly accepted the restart"
        note = f"{what}; the machine is started, but no event says that it was started anew."
    return _restarted(before, seen, proven=proven, note=note, lost=lost)


def _begun(call: Call, now: Machine) -> Machine | None:
    """The machine before an earlier call of this intent told it to restart; its events are what is known of it."""
    noted = call.journal.notes.get(_BEGUN)
    if not isinstance(noted, dict):
        return None
    known = noted.get("events")
    events = [Event(id=str(event)) for event in (known if isinstance(known, list) else [])]
    return now.model_copy(update={"state": str(noted.get("state") or now.state), "events": events})


def _restarted(
    before: Machine, seen: waiting.Seen, *, lost: bool, proven: bool = True, note: str | None = None
) -> Restarted:
    now = seen.machine
    outcome, words = waiting.running(seen, before, lost=lost)
    if outcome == "done" and not proven:
        outcome = "unclear"
    elif not proven:
        note = None
    return Restarted.model_validate(
        {
            "id": now.id,
            "state": now.state,
            "previous_state": before.state,
            "applied_secrets": [],
            "how": "restart",
            "outcome": outcome,
            "note": " ".join(text for text in (note, words) if text) or None,
        }
    )


async def _see(call: Call, app_name: str, before: Machine) -> tuple[waiting.Seen, bool]:
    """The machine once it has started anew, and whether an event proves it.

    Right after the call Fly may still say "started" of the run before, so the state alone proves nothing.
    """
    began = call.clock.monotonic()
    for _ in range(_LOOKS):
        await call.clock.sleep(_LOOK_EVERY)
        try:
            now = await machines.get(call, app_name, before.id)
        except NotFound:
            raise
        except FlyError:
            continue
        if _started_anew(now, before) and now.state == "started":
            return waiting.Seen(now, True, call.clock.monotonic() - began), True
        if waiting.has_news(now, before) and now.state != "started":
            break
    seen = await waiting.see(call, app_name, before, ("started", "failed"), seconds=START_WITHIN)
    return seen, not seen.trouble and _started_anew(seen.machine, before)


def _started_anew(now: Machine, before: Machine) -> bool:
    known = {event.id for event in before.events}
    return any(
        event.type == "start" and event.status == "started" and event.id not in known for event in now.events
    )
