"""Start, stop and suspend: one request each, and then the truth about what came of it."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.api import leases, machines
from fly_mcp_tools.call import Call
from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.errors import EARLIER_ATTEMPT, MaybeDone, TimedOut, WrongState
from fly_mcp_tools.ids import AppName, MachineId
from fly_mcp_tools.models import Params, WriteResult
from fly_mcp_tools.wire import Machine

from . import lasting, waiting

#: The note of the state before the first request.
_WAS = "was"
#: Seconds until "still on the way" is said. A cold start is 2 to 6 s, a large image can take 70 (reference 5).
START_WITHIN = 60.0
#: Seconds: the longest graceful stop that Fly allows is 5 minutes; most take under 10 s.
STOP_WITHIN = 45.0
#: Seconds for the refusals that pass by themselves after a stop (up to about 8, reference 5.3).
TRANSIENT_WITHIN = 20.0


_NONCE: Final = re.compile(r"[!-~]{1,256}")


def _nonce(value: str) -> str:
    if not _NONCE.fullmatch(value):
        raise ValueError("must be the nonce that flyAcquireLease gave")
    return value


LeaseNonce = Annotated[str, AfterValidator(_nonce)]
"""What proves a lease: whoever has it can change the machine, so it is shown and logged nowhere."""

Nonce = Annotated[LeaseNonce | None, Field(description="Of a lease you hold")]


class OneMachine(Params):
    """A machine of an app."""

    app_name: AppName
    machine_id: MachineId


class Driven(OneMachine):
    """A machine that is to be changed, under a lease of ours or under the caller's."""

    nonce: Nonce = None


class Before(WriteResult):
    """A machine's state before and now."""

    id: str
    name: str | None = None
    state: str = Field(description="state now")
    previous_state: str


async def start(call: Call, params: Driven) -> Before:
    """Start a machine and see it running.

    Raises:
        FlyError: wrong_state with changed="something" where it was started and did not stay up.
    """
    return await _drive(call, params, fly.START_MACHINE, "started", START_WITHIN)


async def stop(call: Call, params: Driven) -> Before:
    """Stop a machine and see it stopped."""
    return await _drive(call, params, fly.STOP_MACHINE, "stopped", STOP_WITHIN)


async def suspend(call: Call, params: Driven) -> Before:
    """Suspend a machine; where Fly cannot keep its memory it stops instead, and the result says so."""
    return await _drive(call, params, fly.SUSPEND_MACHINE, "suspended", STOP_WITHIN)


async def _drive(call: Call, params: Driven, endpoint: Endpoint, goal: str, within: float) -> Before:
    driven = await _driven(call, params, endpoint, goal, within)
    # Of an intent, and not of the call that finished it: that may have found the machine on its way.
    was = call.journal.notes.get(_WAS)
    return driven.model_copy(update={"previous_state": was}) if isinstance(was, str) else driven


async def _driven(call: Call, params: Driven, endpoint: Endpoint, goal: str, within: float) -> Before:
    app_name, machine_id = params.app_name, params.machine_id
    before = await machines.there(call, app_name, machine_id)
    was = call.journal.notes.get(_WAS)
    if before.state == goal:
        if isinstance(was, str):
            return _result(
                before, before, "done", f"An earlier call with this requestId told it; it is {goal}."
            )
        return _result(before, before, "done", f"It was {goal} already; nothing was sent.")
    if goal == "stopped" and before.state == "failed":
        return _result(before, before, "done", "It is failed: nothing runs on it. Nothing was sent.")
    unclear = False
    async with leases.held(call, app_name, machine_id, nonce=params.nonce) as lease:
        ends = goal != "started"
        if ends or lease.waited:  # whoever was before us may have changed it since
            before = await (lasting.read if ends else machines.there)(call, app_name, machine_id)
            if before.state == goal:
                return _result(before, before, "done", f"It is {goal} already; nothing was sent.")
        call.journal.note(_WAS, was if isinstance(was, str) else before.state)
        try:
            await waiting.past_transient(
                call,
                lambda: machines.change_state(call, endpoint, app_name, machine_id, nonce=lease.nonce),
                seconds=TRANSIENT_WITHIN,
                lease=lease,
            )
        except (MaybeDone, TimedOut):
            # The request left and no answer came. The state tells: looked up below, never repeated blindly.
            unclear = True
        except WrongState as error:
            # Refused because an attempt whose answer was lost had done it already, or is doing it?
            if EARLIER_ATTEMPT not in error.facts:
                raise
            unclear = True
    return await _outcome(call, params, before, goal, 10.0 if unclear else within, unclear=unclear)


async def _outcome(
    call: Call, params: OneMachine, before: Machine, goal: str, within: float, *, unclear: bool
) -> Before:
    # A state that it was in before says nothing of where it ended.
    ends = tuple(state for state in (goal, *_OTHER_ENDS[goal]) if state != before.state)
    seen = await waiting.see(call, params.app_name, before, ends, seconds=within)
    now = seen.machine
    if seen.trouble:
        note = waiting.unseen(seen, lost=unclear)
        return _result(now, before, "unclear" if unclear else "pending", note)
    if now.state == goal:
        return _result(now, before, "done")
    if goal == "started" and (now.state != before.state or waiting.has_news(now, before)):
        return _result(now, before, *waiting.running(seen, before))
    if now.state == before.state and now.state in waiting.RESTING:
        what = "The answer to the request was lost" if unclear else "Fly accepted the request"
        return _result(
            now,
            before,
            "unclear",
            f"{what}, and {seen.seconds:.0f} s later the machine is {now.state} as before: it was not carried "
            "out, or undone since (autostart wakes a machine that gets traffic). Repeating the call is safe.",
        )
    if goal == "suspended" and now.state == "stopped":
        return _result(now, before, "done", "Fly could not keep its memory: it is stopped, not suspended.")
    return _result(now, before, "pending", waiting.look_later(now.id, now.state))


#: Where a machine on its way to a state can end instead. Not "stopped" for started: it begins there.
_OTHER_ENDS: dict[str, tuple[str, ...]] = {"started": ("failed",), "stopped": (), "suspended": ("stopped",)}


def _result(now: Machine, before: Machine, outcome: str, note: str | None = None) -> Before:
    return Before.model_validate(
        {
            "id": now.id,
            "name": now.name or None,
            "state": now.state,
            "previous_state": before.state,
            "outcome": outcome,
            "note": note,
        }
    )
