"""From "accepted" to "done": waiting for a machine's state, however long it takes, and judging what came.

Fly's wait hangs for 1 to 60 seconds. Longer waits are loops, in slices short enough that progress is
heard of and a lease is refreshed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pydantic import JsonValue

from fly_mcp_tools.api import machines
from fly_mcp_tools.api.leases import Held
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import EARLIER_ATTEMPT, Code, FlyError, NotFound, TimedOut, WrongState
from fly_mcp_tools.models import Outcome
from fly_mcp_tools.wire import Machine

#: Seconds of one call of Fly's wait: below the 30 s after which proxies on the way get nervous.
_SLICE = 15
#: Pauses after a slice that Fly ended early (reference 6.1: flyctl does 0.5, 1, 2, 2, ...).
_PAUSES = (0.5, 1.0, 2.0)
#: Texts of 412 answers that pass by themselves (reference 5.3, 6.4, 6.5).
_TRANSIENT = (
    "still active",
    "getting replaced",
    "not yet available",
    "current state: 'created'",
    "current state: 'stopping'",
    "current state: 'suspending'",
    "current state: 'replacing'",
    "current state: 'creating'",
    "current state: 'updating'",
)
#: Fly's word for any resting state (reference 6.1).
SETTLED = "settled"
RESTING = frozenset({"created", "started", "stopped", "suspended", "failed"})

#: Answers "it will not get there" in a row that are believed; one can be about the state before ours.
_EARLY = 3

ResultT = TypeVar("ResultT")


@dataclass(frozen=True)
class Waited:
    """How a wait ended: `reached`, or not, and the state seen last."""

    reached: bool
    state: str
    seconds: float


async def for_state(
    call: Call,
    app_name: str,
    machine_id: str,
    states: tuple[str, ...],
    *,
    seconds: float,
    version: str = "",
    lease: Held | None = None,
    patient: bool = False,
) -> Waited:
    """Wait up to `seconds` until the machine is in one of `states`.

    Args:
        version: only this version of the machine counts.
        lease: kept fresh meanwhile.
        patient: wait on although Fly says that the machine ended elsewhere: somebody may start it yet.

    Raises:
        NotFound: the machine is gone and "destroyed" was not waited for.
    """
    began = call.clock.monotonic()
    early = 0
    while True:
        asked = call.clock.monotonic()
        left = seconds - (asked - began)
        try:
            if left <= 0 or (early >= _EARLY and not patient):
                state = (await machines.get(call, app_name, machine_id)).state
                return Waited(_is_one_of(state, states), state, call.clock.monotonic() - began)
            state = await machines.wait(
                call, app_name, machine_id, states, round(min(_SLICE, max(1, left))), version
            )
            return Waited(True, state or states[0], call.clock.monotonic() - began)
        except NotFound:
            if "destroyed" in states:
                return Waited(True, "destroyed", call.clock.monotonic() - began)
            raise
        except TimedOut:
            # Either the slice is over, or Fly sees that the machine ended elsewhere: both mean "not yet".
            ended_early = call.clock.monotonic() - asked < min(_SLICE, left) - 1
            early += ended_early
        except FlyError as error:
            if left <= 0 or not error.retryable:
                raise
            ended_early = True  # Fly is unwell for a moment; the machine goes on meanwhile
        spent = call.clock.monotonic() - began
        await call.progress(min(spent, seconds), seconds, f"waiting for {' or '.join(states)}")
        if lease is not None:
            await lease.keep()
        if ended_early:
            pause = _PAUSES[min(max(early, 1), len(_PAUSES)) - 1]
            await call.clock.sleep(min(pause, max(0.0, seconds - spent)))


def _is_one_of(state: str, states: tuple[str, ...]) -> bool:
    return state in states or (SETTLED in states and state in RESTING)


@dataclass(frozen=True)
class Seen:
    """What came of a write that Fly accepted. `trouble`: why it could not be looked at, the machine is old."""

    machine: Machine
    reached: bool
    seconds: float
    trouble: str = ""


async def see(
    call: Call,
    app_name: str,
    machine: Machine,
    states: tuple[str, ...],
    *,
    seconds: float,
    version: str = "",
    lease: Held | None = None,
) -> Seen:
    """Wait for one of `states` and read the machine; a look that fails does not fail the write before it.

    Raises:
        NotFound: the machine is gone.
    """
    began = call.clock.monotonic()
    try:
        waited = await for_state(
            call, app_name, machine.id, states, seconds=seconds, version=version, lease=lease
        )
        now = await machines.get(call, app_name, machine.id)
    except NotFound:
        raise
    except FlyError as error:
        return Seen(machine, False, call.clock.monotonic() - began, error.message)
    return Seen(now, waited.reached, waited.seconds)


async def past_transient(
    call: Call, attempt: Callable[[], Awaitable[ResultT]], *, seconds: float, lease: Held | None = None
) -> ResultT:
    """Repeat `attempt` while Fly says that the machine is still busy with what came before.

    Right after a stop, Fly refuses a start for seconds although the state says stopped (reference 5.3).

    Raises:
        WrongState: still refused after `seconds`, or refused for another reason.
    """
    began = call.clock.monotonic()
    unclear: dict[str, JsonValue] = {}
    while True:
        try:
            return await attempt()
        except WrongState as error:
            # An attempt before this one may have gone through; the last refusal still has to say so.
            unclear |= {key: fact for key, fact in error.facts.items() if key == EARLIER_ATTEMPT}
            error.facts |= unclear
            if call.clock.monotonic() - began >= seconds or not _passes(error):
                raise
        if lease is not None:
            await lease.keep()
        await call.clock.sleep(1.0)


def _passes(error: WrongState) -> bool:
    if "claimed by machine" in error.fly_says:
        # For minutes after its machine is destroyed, Fly names a volume's owner by NUL characters.
        return "machine_id" not in error.facts
    return any(text in error.fly_says for text in _TRANSIENT)


def running(seen: Seen, before: Machine | None = None, *, lost: bool = False) -> tuple[Outcome, str | None]:
    """Outcome and note for a machine that was told to run.

    Args:
        before: the machine before it was told; its events are not news.
        lost: Fly's answer was lost, so that only what is seen counts.

    Raises:
        FlyError: wrong_state with changed="something" where it does not stay up.
    """
    now = seen.machine
    if seen.trouble:
        return ("unclear" if lost else "pending"), unseen(seen, lost=lost)
    if now.state == "started":
        return "done", None
    how = _ending(now, before)
    if now.gone:
        raise _ended_badly(now, how)  # nobody waits for it to run again
    if now.state in ("stopped", "failed"):
        if now.state == "stopped" and how.get("exit_code") == 0 and not how.get("oom_killed"):
            return "done", "It started, ran, and ended with exit code 0."
        raise _ended_badly(now, how)
    if seen.reached and now.state in ("suspended", "suspending", "stopping"):
        return "done", f"It started, and is {now.state} already."
    if how:
        return "pending", f"It started, and {_ending_words(how)}; Fly starts it again. flyGetMachine looks."
    return "pending", look_later(now.id, now.state)


def has_news(now: Machine, before: Machine) -> bool:
    """Whether an event tells that something happened to it since `before`."""
    known = {event.id for event in before.events}
    return any(event.id not in known for event in now.events)


def unseen(seen: Seen, *, lost: bool = False) -> str:
    """How to go on where a write was sent and then nobody could look."""
    what = "Fly's answer was lost" if lost else "Fly accepted it"
    return f"{what}, and looking at what came of it failed: {seen.trouble} flyGetMachine looks again."


def _ending(machine: Machine, before: Machine | None) -> Mapping[str, JsonValue]:
    """How the main process ended by itself since it was told to run; empty where no event tells."""
    known = {event.id for event in before.events} if before else set[str]()
    nothing: Mapping[str, JsonValue] = {}
    for event in machine.events:
        if event.type == "launch" or event.id in known:
            break  # what is older is of the version, or the run, before
        if event.exit and not event.exit.get("requested_stop"):
            return event.exit
    return nothing


def _ending_words(how: Mapping[str, JsonValue]) -> str:
    if how.get("oom_killed"):
        return "it was killed for lack of memory"
    return f"its main process exited with code {how.get('exit_code', 0)}"


def _ended_badly(machine: Machine, how: Mapping[str, JsonValue]) -> FlyError:
    return FlyError(
        f"Fly accepted it, but machine {machine.id} is {machine.state}, not started"
        + (f": {_ending_words(how)}." if how else "."),
        code=Code.WRONG_STATE,
        changed="something",
        hint="flyGetMachine shows its last events; fix the cause (image, config, memory) before starting it.",
        facts={"machine_id": machine.id, "state": machine.state, "last_exit": dict(how)},
    )


def look_later(machine_id: str, state: str) -> str:
    """How to go on where a wait ended first."""
    return f"Machine {machine_id} is still {state}. flyWaitForMachine waits on; flyGetMachine looks."
