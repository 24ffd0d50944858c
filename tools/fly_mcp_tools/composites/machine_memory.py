"""flyGetMemory and flySetMemory: what a running machine may use of its memory. Its size is another matter."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from fly_mcp_tools.api import insides, leases
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import FlyError, InvalidArguments, MaybeDone, Problem, TimedOut, WrongState
from fly_mcp_tools.models import Result, Whole, WriteResult

from .lifecycle import Driven, OneMachine

_NEEDS_STARTED = "Only a started machine has memory to speak of: flyStartMachine, then try again."
_RECLAIM, _SENT = "reclaim", "sent"


class SetMemory(Driven):
    """What to do; at least one."""

    limit_mb: Annotated[Whole, Field(ge=1, le=1_048_576)] | None = Field(
        default=None, description="New limit, at most the machine's memoryMb"
    )
    reclaim_mb: Annotated[Whole, Field(ge=1, le=1_048_576)] | None = Field(
        default=None, description="Take back up to this much unused memory"
    )


class MemoryNow(Result):
    """In MiB."""

    limit_mb: int
    available_mb: int


class MemorySet(WriteResult):
    """In MiB, as it is now."""

    limit_mb: int
    available_mb: int
    reclaimed_mb: int | None = None


async def get(call: Call, params: OneMachine) -> MemoryNow:
    """What the machine may use, and what of that is free. Raises WrongState where it is not started."""
    now = await _read(call, params)
    return MemoryNow(limit_mb=now.limit_mb, available_mb=now.available_mb)


async def set_(call: Call, params: SetMemory) -> MemorySet:
    """Limit the machine's memory, then take some back.

    Raises:
        InvalidArguments: neither is asked for, or Fly does not take the limit.
        WrongState: the machine is not started.
        MaybeDone: memory was taken back by an earlier call, or its answer was lost; it is not taken twice.
    """
    if params.limit_mb is None and params.reclaim_mb is None:
        raise InvalidArguments(
            "Nothing to do: limitMb and reclaimMb are both left out.",
            problems=[Problem("limitMb", "send it, or reclaimMb")],
        )
    async with leases.borrowed(call, params.app_name, params.machine_id, params.nonce):
        return await _set(call, params)


async def _set(call: Call, params: SetMemory) -> MemorySet:
    lost = await _limit(call, params, params.limit_mb) if params.limit_mb is not None else False
    reclaimed = await _reclaim(call, params, params.reclaim_mb) if params.reclaim_mb is not None else None
    try:
        now = await _read(call, params)
    except FlyError as error:
        raise MaybeDone(
            f"Memory was changed, and looking at it failed: {error.message}",
            hint="flyGetMemory looks again.",
            changed="unknown" if lost else "something",
        ) from None
    kept = params.limit_mb in (None, now.limit_mb)
    note = None if kept else f"Fly shows a limit of {now.limit_mb} MB, not {params.limit_mb}."
    return MemorySet(
        outcome="done" if kept else "unclear",
        note=note,
        limit_mb=now.limit_mb,
        available_mb=now.available_mb,
        reclaimed_mb=reclaimed,
    )


async def _limit(call: Call, params: SetMemory, limit_mb: int) -> bool:
    """Set the limit: whether the answer was lost. It is read back in any case."""
    try:
        await insides.limit_memory(call, params.app_name, params.machine_id, limit_mb, nonce=params.nonce)
    except (MaybeDone, TimedOut):
        return True
    except WrongState as error:
        error.hint = _NEEDS_STARTED
        raise
    return False


async def _reclaim(call: Call, params: SetMemory, amount_mb: int) -> int:
    """Take memory back, once an intent: what it gave before cannot be looked up."""
    known = call.journal.notes.get(_RECLAIM)
    if isinstance(known, int):
        return known
    if known == _SENT:
        raise MaybeDone(
            "Memory may have been taken back by an earlier call with this requestId; its answer was lost.",
            hint="flyGetMemory shows what is there; to take more back, use another requestId.",
        )
    call.journal.note(_RECLAIM, _SENT)
    try:
        reclaimed = await insides.reclaim_memory(
            call, params.app_name, params.machine_id, amount_mb, nonce=params.nonce
        )
    except FlyError as error:
        if error.changed == "nothing":
            call.journal.note(_RECLAIM, None)
        if isinstance(error, WrongState):
            error.hint = _NEEDS_STARTED
        raise
    call.journal.note(_RECLAIM, reclaimed)
    return reclaimed


async def _read(call: Call, params: OneMachine) -> insides.Memory:
    try:
        return await insides.memory(call, params.app_name, params.machine_id)
    except WrongState as error:
        error.hint = _NEEDS_STARTED
        raise
