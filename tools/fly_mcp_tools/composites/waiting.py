"""From "accepted" to "done": waiting for a machine's state, however long it takes.

Fly's wait hangs for 1 to 60 seconds. Longer waits are loops, in slices short enough that progress is
heard of and a lease is refreshed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from fly_mcp_tools.api import machines
from fly_mcp_tools.api.leases import Held
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import Code, FlyError, NotFound, TimedOut, WrongState
from fly_mcp_tools.wire import Machine

#: Seconds of one call of Fly's wait: below the 30 s after which proxies on the way get nervous.
_SLICE = 15
#: Pauses between two slices that Fly ended early (reference 6.1: flyctl does 0.5, 1, 2, 2, ...).
_PAUSES = (0.5, 1.0, 2.0)
#: Texts of 412 answers that pass by themselves (reference 5.3).
_TRANSIENT = (
    "still active",
    "getting replaced",
    "current state: 'created'",
    "current state: 'stopping'",
    "current state: 'replacing'",
    "current state: 'creating'",
    "current state: 'updating'",
)

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
    tries = early = 0
    while True:
        asked = call.clock.monotonic()
        spent = asked - began
        left = seconds - spent
        try:
            if left <= 0 or (early >= _EARLY and not patient):
                state = (await machines.get(call, app_name, machine_id)).state
                return Waited(state in states, state, spent)
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
            tries += 1
            early += call.clock.monotonic() - asked < min(_SLICE, left) - 1
        spent = call.clock.monotonic() - began
        await call.progress(min(spent, seconds), seconds, f"waiting for {' or '.join(states)}")
        if lease is not None:
            await lease.keep()
        await call.clock.sleep(min(_PAUSES[min(tries, len(_PAUSES)) - 1], max(0.0, seconds - spent)))


async def past_transient(
    call: Call, attempt: Callable[[], Awaitable[ResultT]], *, seconds: float, lease: Held | None = None
) -> ResultT:
    """Repeat `attempt` while Fly says that the machine is still busy with what came before.

    Right after a stop, Fly refuses a start for seconds although the state says stopped (reference 5.3).

    Raises:
        WrongState: still refused after `seconds`, or refused for another reason.
    """
    began = call.clock.monotonic()
    while True:
        try:
            return await attempt()
        except WrongState as error:
            over = call.clock.monotonic() - began >= seconds
            if over or not any(text in error.fly_says for text in _TRANSIENT):
                raise
        if lease is not None:
            await lease.keep()
        await call.clock.sleep(1.0)


def ended_badly(machine: Machine, wanted: str) -> FlyError:
    """For a machine that was told to run and does not: how it ended, as far as Fly says."""
    how = machine.last_exit()
    words: list[str] = []
    if how.get("oom_killed"):
        words.append("it was killed for lack of memory")
    elif how.get("exit_code") is not None:
        words.append(f"its main process exited with code {how['exit_code']}")
    ending = f": {words[0]}" if words else ""
    return FlyError(
        f"Machine {machine.id} was accepted by Fly but is {machine.state}, not {wanted}{ending}.",
        code=Code.WRONG_STATE,
        changed="something",
        hint="flyGetMachine shows its last events; fix the cause (image, config, memory) before starting it.",
        facts={"machine_id": machine.id, "state": machine.state, "last_exit": dict(how)},
    )


def look_later(machine_id: str, state: str) -> str:
    """How to go on where a wait ended first."""
    return f"Machine {machine_id} is still {state}. flyWaitForMachine waits on; flyGetMachine looks."
