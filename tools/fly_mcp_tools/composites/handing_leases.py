"""flyGetLease, flyAcquireLease and flyReleaseLease: leases that a caller holds beyond one call.

The nonce proves a lease. It is given to the caller, whose it is, and is kept, shown and logged nowhere else; a lease
whose answer was lost is known by the mark in its description.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.api import leases, machines, parse
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import FlyError, LeaseHeld, MaybeDone, NotFound, TimedOut
from fly_mcp_tools.foreign import clean
from fly_mcp_tools.models import Result, Whole, WriteResult
from fly_mcp_tools.wire import JsonObject, Lease

from .lifecycle import LeaseNonce, OneMachine

#: How the description of a lease begins that nobody gave one.
_NAMELESS = "an agent's"
_STEP, _TAKEN = "handed-lease", "taken"
_ANOTHER = (
    "The lease to extend had run out, so this is another one: somebody may have changed the machine between."
)


class AcquireLease(OneMachine):
    """For how long, and what for."""

    ttl: Annotated[Whole, Field(ge=1, le=3600, description="Seconds, 1-3600")] = 120
    description: str | None = Field(default=None, max_length=100, description="What for; others see it")
    nonce: LeaseNonce | None = Field(default=None, description="Of the lease to extend")


class ReleaseLease(OneMachine):
    """Which lease."""

    nonce: Annotated[LeaseNonce, Field(description="The lease's nonce")]


class LeaseNow(Result):
    """Who may change the machine now. Whoever has the nonce holds the lease, so it is not shown."""

    held: bool
    owner: str | None = None
    description: str | None = None
    expires_at: str | None = None


class LeaseTaken(WriteResult):
    """The lease. The nonce proves it: pass it as `nonce`, and show it to nobody."""

    id: str = Field(description="the machine's")
    nonce: str = Field(description="empty: see note")
    expires_at: str

    def kept(self) -> None:
        """Nothing: without the nonce it would be of no use, and the nonce is written down nowhere. Fly shows it."""


class LeaseReleased(WriteResult):
    """The machine whose lease is over."""

    id: str


async def get(call: Call, params: OneMachine) -> LeaseNow:
    """The lease on a machine, if any. Raises NotFound where there is no such machine."""
    try:
        answer = await call.send(fly.GET_LEASE, machines.ids(params.app_name, params.machine_id))
    except NotFound as error:
        if _is_of_lease(error):
            return LeaseNow(held=False)
        raise
    data = parse.key(answer.data, "data", endpoint=fly.GET_LEASE, answer=answer)
    lease = parse.one(Lease, data, endpoint=fly.GET_LEASE, answer=answer)
    return LeaseNow(
        held=True,
        owner=clean(lease.owner, 100) or None,
        description=clean(lease.description, 200) or None,
        expires_at=leases.moment(lease.expires_at),
    )


async def acquire(call: Call, params: AcquireLease) -> LeaseTaken:
    """Take a machine's lease for the caller, or extend the one it has.

    Raises:
        LeaseHeld: somebody else has it; the error says who and until when.
        MaybeDone: the answer was lost and no lease with our mark is there. It would end by itself.
    """
    mark = call.mark(f"{_STEP}:{params.machine_id}")
    if _TAKEN in call.journal.notes:
        return await _again(call, params, mark)
    taken = await _acquire(call, params, mark)
    call.journal.note(_TAKEN, taken.expires_at)
    return taken


async def _again(call: Call, params: AcquireLease, mark: str) -> LeaseTaken:
    """The lease that an earlier call of this intent took, with its nonce; one that is over is not taken anew."""
    note = "and is over: it ran out or was released. For another one, use another requestId."
    try:
        there = await leases.look(call, params.app_name, params.machine_id)
    except FlyError as error:
        there, note = None, f"and could not be looked at; the same call looks again. {error.message}"
    if there is not None and _is_ours(there, params, mark):
        again = _taken(params, there, "It was taken before with this requestId.")
        return again.model_copy(update={"already_done": True})
    return LeaseTaken(
        outcome="done",
        note=f"It was taken before with this requestId {note}",
        already_done=True,
        id=params.machine_id,
        nonce="",
        expires_at=str(call.journal.notes[_TAKEN]),
    )


async def _acquire(call: Call, params: AcquireLease, mark: str) -> LeaseTaken:
    if call.resumed and (found := await _ours(call, params, mark)) is not None:
        return _taken(params, found, "An earlier call with this requestId had taken it.")
    try:
        return _taken(params, await _post(call, params, mark, anew=await _is_over(call, params)))
    except (MaybeDone, TimedOut) as error:
        found = await _ours(call, params, mark)
        if found is None:
            raise _lost(params, error) from None
        return _taken(params, found, "Fly's answer was lost; the lease was found by its mark.")
    except LeaseHeld as error:
        there = await _look(call, params)
        if there is None:
            raise
        if _is_ours(there, params, mark):
            return _taken(params, there, "An earlier request had taken it.")
        raise leases.held_by(params.machine_id, there, error) from None


async def release(call: Call, params: ReleaseLease) -> LeaseReleased:
    """Give a lease back.

    Raises:
        LeaseHeld: the lease is somebody else's.
        MaybeDone: the answer was lost and the lease is still there. It ends by itself.
    """
    note = None
    try:
        await call.send(
            fly.RELEASE_LEASE, machines.ids(params.app_name, params.machine_id), nonce=params.nonce
        )
    except NotFound as error:
        if not _is_of_lease(error):
            raise
        note = "There is no lease: it was released before, or ran out."
    except LeaseHeld as error:
        error.hint = "The nonce is not that of the lease there is; flyGetLease says whose it is."
        raise
    except (MaybeDone, TimedOut) as error:
        error.hint = "It may still be held until it runs out; the same call is safe to repeat."
        try:
            there = await leases.look(call, params.app_name, params.machine_id)
        except FlyError:
            raise error from None
        if there is not None and there.nonce in ("", params.nonce):
            raise
        note = "Fly's answer was lost; the lease is gone."
    return LeaseReleased(outcome="done", note=note, id=params.machine_id)


async def _is_over(call: Call, params: AcquireLease) -> bool:
    """Whether no lease is seen that could be extended: then Fly gives another one, which has to carry our mark."""
    if params.nonce is None:
        return True
    there = await _look(call, params)
    return there is None or there.nonce not in ("", params.nonce)


async def _post(call: Call, params: AcquireLease, mark: str, *, anew: bool) -> Lease:
    body: JsonObject = {"ttl": params.ttl}
    if anew or params.description:  # one that is extended keeps its own otherwise
        body["description"] = f"{clean(params.description or _NAMELESS, 100)} [{mark}]"
    where = machines.ids(params.app_name, params.machine_id)
    answer = await call.send(fly.ACQUIRE_LEASE, where, body=body, nonce=params.nonce)
    data = parse.key(answer.data, "data", endpoint=fly.ACQUIRE_LEASE, answer=answer)
    lease = parse.one(Lease, data, endpoint=fly.ACQUIRE_LEASE, answer=answer)
    if not lease.nonce:
        raise parse.unreadable(fly.ACQUIRE_LEASE, answer)
    return lease


async def _look(call: Call, params: OneMachine) -> Lease | None:
    """The lease there is; None where there is none, or nobody can look."""
    try:
        return await leases.look(call, params.app_name, params.machine_id)
    except FlyError:
        return None


async def _ours(call: Call, params: AcquireLease, mark: str) -> Lease | None:
    found = await _look(call, params)
    return found if found is not None and _is_ours(found, params, mark) else None


def _is_ours(lease: Lease, params: AcquireLease, mark: str) -> bool:
    if not lease.nonce:
        return False
    return lease.nonce == params.nonce or lease.description.endswith(f"[{mark}]")


def _is_of_lease(error: NotFound) -> bool:
    """Whether it is the lease that is not there, and not the machine."""
    return "lease not found" in error.fly_says


def _taken(params: AcquireLease, lease: Lease, note: str | None = None) -> LeaseTaken:
    another = _ANOTHER if params.nonce not in (None, lease.nonce) else None
    return LeaseTaken(
        outcome="done",
        note=" ".join(words for words in (note, another) if words) or None,
        id=params.machine_id,
        nonce=lease.nonce,
        expires_at=leases.moment(lease.expires_at),
    )


def _lost(params: AcquireLease, error: FlyError) -> MaybeDone:
    return MaybeDone(
        f"Fly's answer to taking the lease of machine {params.machine_id} was lost, and no lease with its mark is "
        "there to be seen.",
        hint=f"If it was given, it ends by itself within {params.ttl} s; the same requestId finds it.",
        status=error.status,
        request_id=error.request_id,
    )
