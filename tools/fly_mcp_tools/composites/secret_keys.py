"""flyListSecretKeys, flyGenerateSecretKey and flyDeleteSecretKey.

An app's keys for signing and sealing live at Fly, which makes them and uses them. No part of one is ever shown; the
public half of some would be harmless, but which of Fly's types has one is not documented.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, Field

from fly_mcp_tools import states
from fly_mcp_tools.action import Loss
from fly_mcp_tools.api import secret_keys
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import EARLIER_ATTEMPT, Conflict, MaybeDone, NotFound, TimedOut
from fly_mcp_tools.foreign import quoted
from fly_mcp_tools.ids import AppName, KeyName
from fly_mcp_tools.models import Outcome, Params, Result, WriteResult
from fly_mcp_tools.wire import SecretKey

from . import in_line, looking
from .paging import Paged, page
from .undoing import Undo, day

_SENT: Final = "sent"
_KIND: Final = "secret key"
#: Seconds after which a request that was given up is taken for lost.
_LATE: Final = 20.0

#: Fly's types (reference 4.7).
KeyType = Literal[
    "es256", "hs256", "hs384", "hs512", "xaes256gcm", "nacl_auth", "nacl_box", "nacl_secretbox", "nacl_sign"
]
KEY_TYPES: Final = frozenset(get_args(KeyType))
Name = Annotated[KeyName, Field(description="Key name")]


class ListSecretKeys(Paged):
    """Which of an app's keys."""

    app_name: AppName
    type: Annotated[str, AfterValidator(states.one_of(KEY_TYPES))] | None = Field(
        default=None, description="Key type"
    )


class SecretKeyRow(Result):
    """A key: no part of it."""

    name: str
    type: str
    created_at: str | None
    updated_at: str | None = Field(default=None, description="where it was replaced since")


class SecretKeyList(Result):
    """The app's secret keys."""

    secret_keys: list[SecretKeyRow]
    total: int | None = Field(default=None, description="how many fit, where not all are shown")
    showing: str | None = None
    next_cursor: str | None = None


class GenerateSecretKey(Params):
    """A key that Fly is to make."""

    app_name: AppName
    name: Name
    type: Annotated[KeyType, Field(description="Key type")]


class OfSecretKey(Params):
    """One key."""

    app_name: AppName
    name: Name


class SecretKeyGenerated(WriteResult):
    """The new key: no part of it."""

    name: str
    type: str
    created_at: str | None


class SecretKeyDeleted(WriteResult):
    """The key that was deleted."""

    name: str
    undo: Undo


async def list_(call: Call, params: ListSecretKeys) -> SecretKeyList:
    """The app's keys by name, or those of a type."""
    found = await secret_keys.list_of(call, params.app_name)
    shown = page(params, [one for one in found if params.type in (None, one.type)], lambda one: one.name)
    return SecretKeyList(
        secret_keys=[_row(one) for one in shown.rows],
        total=shown.total if shown.showing else None,
        showing=shown.showing,
        next_cursor=shown.next_cursor,
    )


async def generate(call: Call, params: GenerateSecretKey) -> SecretKeyGenerated:
    """Let Fly make a key of a name that is free: one that is there would be replaced, and what it sealed lost.

    Raises:
        Conflict: the name is taken.
        MaybeDone: the answer was lost and no such key is there (yet).
    """
    # Between our look and our request nobody else of this process may make one: Fly would replace it.
    async with in_line.turn(call, params.app_name, f"secret key {params.name}"):
        return await _generate(call, params)


async def _generate(call: Call, params: GenerateSecretKey) -> SecretKeyGenerated:
    async def there() -> SecretKey | None:
        found = await secret_keys.list_of(call, params.app_name)
        return next((one for one in found if one.name == params.name), None)

    if (key := await _late(call, params, there)) is not None:
        mark = call.mark(_KIND)
        another = call.memory.is_anothers(_KIND, params.app_name, params.name, mark)
        if call.journal.notes.get(_SENT) and key.type == params.type and not another:
            return _made(call, params, key, "An earlier call with this requestId had made it.")
        raise Conflict(
            f"There is a secret key {key.name} of type {key.type or '?'} in {params.app_name} already. Generating it "
            "again would replace it, and what it has sealed or signed would be lost. Nothing was changed.",
            hint="Choose another name, such as one with the next version at its end; or delete it first "
            "(flyDeleteSecretKey).",
        )
    call.memory.unmade(_KIND, params.app_name, params.name)
    call.journal.note(_SENT, True)
    try:
        key = await secret_keys.generate(call, params.app_name, params.name, params.type)
    except (MaybeDone, TimedOut) as error:
        call.journal.jot(_SENT, call.clock.now())
        found, looked = await looking.after_lost(call, there)
        if found is not None and found.type == params.type:
            return _made(call, params, found, "Fly's answer was lost; the key is there, and was not before.")
        raise MaybeDone(
            f"The request to generate secret key {params.name} was sent, its answer lost, and "
            + ("no such key is there." if looked else "looking for it failed as well."),
            hint="flyListSecretKeys looks again; the same call with the same requestId makes it if it is not there.",
            status=error.status,
            request_id=error.request_id,
            facts={"found": "nothing" if looked else "unknown"},
        ) from None
    return _made(call, params, key, None)


async def _late(
    call: Call, params: GenerateSecretKey, there: Callable[[], Awaitable[SecretKey | None]]
) -> SecretKey | None:
    """The key there is; None once a request of an earlier call of this intent would have arrived.

    One that arrives later still would replace the key that is made then. A request of a killed process was given up
    when that was killed; the beginning of this call is later than that.
    """
    sent = call.journal.notes.get(_SENT)
    # A bool is what a call leaves that was interrupted; then the time counts from now.
    given_up_at = sent if isinstance(sent, float) else call.clock.now()
    while (key := await there()) is None and sent:
        left = given_up_at + _LATE - call.clock.now()
        if left <= 0:
            break
        await call.progress(
            _LATE - left, _LATE, f"looking for secret key {params.name}, which may have been made"
        )
        await call.clock.sleep(min(looking.LOOK_EVERY, left))
    return key


def _made(call: Call, params: GenerateSecretKey, key: SecretKey, note: str | None) -> SecretKeyGenerated:
    """What this intent made: from now on no other takes it for its own."""
    call.memory.made(_KIND, params.app_name, params.name, call.mark(_KIND))
    return _generated(key, note)


async def preview(call: Call, params: OfSecretKey) -> Loss:
    """What deleting it would lose. Raises NotFound."""
    key = await secret_keys.get(call, params.app_name, params.name)
    return Loss(
        f"Secret key {params.name} (type {quoted(key.type or 'unknown')}) of {params.app_name} would be gone for good: "
        "data encrypted with it could never be read again, and signatures made with it no longer be checked at Fly.",
        {
            "secret_key": key.name,
            "type": key.type,
            "created_at": day(key.created_at) if key.created_at else None,
        },
    )


async def delete(call: Call, params: OfSecretKey) -> SecretKeyDeleted:
    """Delete a key for good.

    Raises:
        NotFound: there is none of that name.
    """

    async def gone() -> bool | None:
        try:
            await secret_keys.get(call, params.app_name, params.name)
        except NotFound:
            return True
        return None

    if call.journal.notes.get(_SENT) and await gone():
        return _deleted(params, "done", "An earlier call with this requestId had deleted it.")
    await secret_keys.get(call, params.app_name, params.name)
    call.journal.note(_SENT, True)
    lost = False
    try:
        await secret_keys.delete(call, params.app_name, params.name)
    except NotFound as error:
        if EARLIER_ATTEMPT not in error.facts:
            raise
    except (MaybeDone, TimedOut):
        lost = True
    found, looked = await looking.seen(call, gone, lost=lost)
    call.memory.unmade(_KIND, params.app_name, params.name)
    if not found:
        note = looking.unlike("the key was seen to be there still", lost=lost, looked=looked)
        return _deleted(params, "unclear", note)
    return _deleted(params, "done", None)


def _row(key: SecretKey) -> SecretKeyRow:
    changed = key.updated_at if key.updated_at != key.created_at else None
    return SecretKeyRow(
        name=key.name,
        type=key.type,
        created_at=day(key.created_at) if key.created_at else None,
        updated_at=day(changed) if changed else None,
    )


def _generated(key: SecretKey, note: str | None) -> SecretKeyGenerated:
    created = day(key.created_at) if key.created_at else None
    return SecretKeyGenerated(outcome="done", note=note, name=key.name, type=key.type, created_at=created)


def _deleted(params: OfSecretKey, outcome: Outcome, note: str | None) -> SecretKeyDeleted:
    undo = Undo(how="Not possible: Fly keeps no copy.", lost="the key, and whatever it encrypted")
    return SecretKeyDeleted(outcome=outcome, note=note, name=params.name, undo=undo)
