"""flySetSecrets and flyUnsetSecrets: stored at once, on a machine only after an update of it.

Fly's plain restart boots the same version with the secrets it had (reference 6.5). `restartMachines` does
what Fly's CLI does: each running machine's config is posted back unchanged with the secrets' version, one
machine after another, so that a bad value stops at the first.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, JsonValue

from fly_mcp_tools.api import machines, secrets
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import FlyError, MaybeDone, NotFound, TimedOut
from fly_mcp_tools.ids import AppName, SecretName
from fly_mcp_tools.models import Params, Result, WriteResult
from fly_mcp_tools.wire import RESERVED_GROUPS, Machine, obj

from . import updating, waiting
from .listing import some

#: Notes: the names that were there to remove, the version of the secrets, and each machine's own before its update.
_NAMES, _VERSION, _BROUGHT = "names", "version", "brought"
_BEFORE_THIS = "updated by an earlier call with this requestId"
#: Not running and not freshly booted when it runs again: a resume, or a start begun with the old values.
_KEEPS_OLD = frozenset({"suspended", "suspending", "created", "creating"})
#: Bytes of one value: what flyctl reads at most (reference 2.1).
_LONGEST = 64 * 1024


def _value(value: str) -> str:
    if len(value.encode("utf-8", "surrogatepass")) > _LONGEST:
        raise ValueError("a value has at most 65,536 bytes")
    if "\x00" in value or not _encodable(value):
        raise ValueError("a value is text without NUL characters")
    return value


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


SecretValue = Annotated[str, AfterValidator(_value)]
Restart = Annotated[bool, Field(description="Update running machines so they get it")]


class SetSecrets(Params):
    """Names and values to set."""

    app_name: AppName
    secrets: Annotated[
        dict[SecretName, SecretValue], Field(min_length=1, max_length=200, description="Name to value")
    ]
    restart_machines: Restart = False


class UnsetSecrets(Params):
    """Names to remove."""

    app_name: AppName
    secret_names: Annotated[
        list[SecretName], Field(min_length=1, max_length=200, description="Secrets to remove")
    ]
    restart_machines: Restart = False


class MachineUpdate(Result):
    """What became of one machine."""

    id: str
    outcome: str = Field(description="done, pending, failed or not_tried")
    state: str | None = None
    note: str | None = None


class SecretsChanged(WriteResult):
    """What is stored, and which machines have it. Values appear nowhere."""

    names: list[str] = Field(description="secrets set, or removed")
    not_set: list[str] | None = Field(default=None, description="names that the app does not have")
    machines: list[MachineUpdate] | None = Field(default=None, description="per updated machine")
    still_old: list[str] | None = Field(default=None, description="machines that still run the old values")


async def set_(call: Call, params: SetSecrets) -> SecretsChanged:
    """Store secrets, and with `restartMachines` bring them to the running machines.

    Raises:
        FlyError: changed="something" where they were stored and a machine did not take the update.
    """
    names = sorted(params.secrets)
    version = await _change(call, params.app_name, dict(params.secrets))
    return await _spread(
        call, params.app_name, names, version, not_set=None, restart=params.restart_machines, done="Stored"
    )


async def unset(call: Call, params: UnsetSecrets) -> SecretsChanged:
    """Remove secrets, and with `restartMachines` take them from the running machines.

    Raises:
        FlyError: changed="something" where they were removed and a machine did not take the update.
    """
    wanted = sorted(set(params.secret_names))
    noted = call.journal.notes.get(_NAMES)
    if isinstance(noted, list):
        names = [name for name in wanted if name in noted]
    else:
        known = {secret.name for secret in await secrets.list_of(call, params.app_name)}
        names = [name for name in wanted if name in known]
        call.journal.note(_NAMES, [*names])
    not_set = [name for name in wanted if name not in names]
    if not names:
        return SecretsChanged(
            outcome="done", note="None of them is set; nothing was sent.", names=[], not_set=not_set
        )
    version = await _change(call, params.app_name, dict.fromkeys(names))
    return await _spread(
        call,
        params.app_name,
        names,
        version,
        not_set=not_set,
        restart=params.restart_machines,
        done="Removed",
    )


async def _change(call: Call, app_name: str, values: dict[str, str | None]) -> int | None:
    """Store or remove them, and note that; where an earlier call of this intent has, nothing is sent.

    Raises:
        MaybeDone: it could not be told whether Fly did; `found` says what the list of names shows.
    """
    noted = call.journal.notes.get(_VERSION)
    if isinstance(noted, dict):
        version = noted.get("version")
        return version if isinstance(version, int) else None
    try:
        changed = await secrets.change(call, app_name, values)
    except (MaybeDone, TimedOut) as error:
        await _look(call, app_name, values, error)
        raise
    call.journal.jot(_VERSION, {"version": changed})
    return changed


async def _look(call: Call, app_name: str, values: dict[str, str | None], error: FlyError) -> None:
    """Say in the error what Fly's list of names shows; values cannot be compared, so that is all there is."""
    try:
        there = {secret.name: secret for secret in await secrets.list_of(call, app_name)}
    except FlyError:
        error.facts["found"] = "unknown: the names could not be listed"
        return
    shown: dict[str, JsonValue] = {}
    for name in sorted(values):
        secret = there.get(name)
        when = secret.updated_at or secret.created_at if secret else None
        shown[name] = "not there" if secret is None else f"there, set at {when.isoformat() if when else '?'}"
    error.facts["found"] = shown
    error.hint = "Repeating the call is safe: the same values once more change nothing."


async def _spread(
    call: Call,
    app_name: str,
    names: list[str],
    version: int | None,
    *,
    not_set: list[str] | None,
    restart: bool,
    done: str,
) -> SecretsChanged:
    try:
        found = await machines.list_of(call, app_name)
    except FlyError as error:
        raise _not_everywhere(error, names, [], done) from None
    old = [machine for machine in found if machine.group not in RESERVED_GROUPS]
    call.memory.secrets_changed(
        app_name, version, frozenset(names), {machine.id: machine.instance_id for machine in old}
    )
    running = [machine for machine in old if machine.running and not machine.standby]
    if not restart:
        holding = [machine.id for machine in old if machine.running or machine.state in _KEEPS_OLD]
        note = None
        if holding:
            note = (
                f"{done}. flyRestartMachine brings it to a machine, or restartMachines: true to all running."
            )
        elif old:
            note = f"{done}. No machine is running; each gets it with its next start or update."
        return SecretsChanged(
            outcome="done", note=note, names=names, not_set=not_set or None, still_old=_ids(holding)
        )
    reachable = [machine for machine in running if machine.config is not None]
    items = await _update_each(call, app_name, reachable, names, version, done=done)
    items += [
        MachineUpdate(
            id=machine.id, outcome="not_tried", state=machine.state, note="its host does not answer"
        )
        for machine in running
        if machine.config is None
    ]
    updated = {item.id for item in items if item.outcome in ("done", "pending")}
    rest = [
        machine.id
        for machine in old
        if machine.id not in updated and (machine.running or machine.state in _KEEPS_OLD)
    ]
    pending = any(item.outcome == "pending" for item in items)
    return SecretsChanged(
        outcome="pending" if pending else "done",
        note=_rest_note(old, running),
        names=names,
        not_set=not_set or None,
        machines=items,
        still_old=_ids(rest),
    )


def _ids(machines: list[str]) -> list[str]:
    return [str(word) for word in some(machines)]


def _rest_note(old: list[Machine], running: list[Machine]) -> str | None:
    idle = len(old) - len(running)
    if not idle:
        return None
    return f"Left alone: {idle} machine{'s' if idle > 1 else ''} not running, or standing by for another."


async def _update_each(
    call: Call,
    app_name: str,
    running: list[Machine],
    names: list[str],
    version: int | None,
    *,
    done: str,
) -> list[MachineUpdate]:
    items: list[MachineUpdate] = []
    brought = obj(call.journal.notes.get(_BROUGHT))
    for number, machine in enumerate(running):
        begun_at = brought.get(machine.id)
        if begun_at is not None and begun_at != machine.instance_id:
            items.append(await _taken_up(call, app_name, machine))
            continue
        brought = {**brought, machine.id: machine.instance_id}
        call.journal.note(_BROUGHT, brought)
        await call.progress(number, len(running), f"updating machine {machine.id}")
        try:
            updated = await updating.update(
                call, app_name, machine, lambda config: config, min_secrets_version=version
            )
        except NotFound:
            items.append(MachineUpdate(id=machine.id, outcome="not_tried", note="it is gone meanwhile"))
            continue
        except FlyError as error:
            state = error.facts.get("state")
            items.append(
                MachineUpdate(
                    id=machine.id,
                    outcome="failed",
                    state=state if isinstance(state, str) else None,
                    note=error.message,
                )
            )
            items += [MachineUpdate(id=later.id, outcome="not_tried") for later in running[number + 1 :]]
            raise _not_everywhere(error, names, items, done) from None
        call.memory.secrets_applied(app_name, machine.id, updated.after.instance_id, frozenset(names))
        items.append(
            MachineUpdate(
                id=machine.id, outcome=updated.outcome, state=updated.after.state, note=updated.note
            )
        )
    return items


async def _taken_up(call: Call, app_name: str, machine: Machine) -> MachineUpdate:
    """A machine that an earlier call of this intent told to update: any version since has the secrets."""
    seen = await waiting.see(call, app_name, machine, ("started", "failed"), seconds=updating.SETTLE_WITHIN)
    try:
        outcome, words = waiting.running(seen, lost=True)
    except FlyError as error:
        return MachineUpdate(id=machine.id, outcome="failed", state=seen.machine.state, note=error.message)
    note = " ".join(text for text in (_BEFORE_THIS, words) if text)
    return MachineUpdate(id=machine.id, outcome=outcome, state=seen.machine.state, note=note)


def _not_everywhere(error: FlyError, names: list[str], items: list[MachineUpdate], done: str) -> FlyError:
    """The secrets are changed at Fly whatever happened after: say so, with each machine."""
    return FlyError(
        f"{done}, but not every machine has it: {error.message}",
        code=error.code,
        hint="After mending the cause, flyRestartMachine brings it to a machine.",
        retryable=error.retryable,
        changed="something",
        status=error.status,
        request_id=error.request_id,
        facts={**error.facts, "names": list(names), "machines": [item.wire() for item in items]},
    )
