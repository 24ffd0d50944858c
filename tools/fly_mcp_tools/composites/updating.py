"""Read, change, write back: the one way in which a machine's config is replaced.

Fly replaces a config whole (reference 6.3): what is not sent back is gone. So it is read under a lease,
changed, and posted with the version that was read; a machine that was not running stays so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from fly_mcp_tools.api import leases, machines
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import Conflict, MaybeDone, TimedOut, WrongState
from fly_mcp_tools.models import Outcome
from fly_mcp_tools.wire import JsonObject, Machine

from . import waiting

#: Seconds for an update to settle. A new image can take more than a minute to be pulled.
SETTLE_WITHIN = 120.0
#: Seconds for the refusals that pass by themselves.
_TRANSIENT_WITHIN = 20.0
#: Times an update is built anew because somebody else's came between.
_TRIES = 3
#: Seconds before that: somebody's update is on its way for one or two.
_CONFLICT_PAUSE = 2.0


@dataclass(frozen=True)
class Updated:
    """A machine before and after an update."""

    before: Machine
    after: Machine
    outcome: Outcome
    note: str | None = None


def readable_config(machine: Machine) -> JsonObject:
    """The machine's config.

    Raises:
        WrongState: Fly leaves it out while the machine's host does not answer.
    """
    if machine.config is None:
        raise WrongState(
            f"Machine {machine.id}'s host does not answer ({machine.host_status}), so its config is not known.",
            hint="Wait for the host, or create another machine from another one of the app.",
            facts={"host_status": machine.host_status},
        )
    return machine.config


async def update(
    call: Call,
    app_name: str,
    machine: Machine,
    change: Callable[[JsonObject], JsonObject],
    *,
    launch: bool | None = None,
    min_secrets_version: int | None = None,
) -> Updated:
    """Change a machine's config and see the new version settled.

    Args:
        machine: as read a moment ago; read again under the lease if it has changed since.
        change: from the whole old config to the whole new one.
        launch: start it. None: keep a running machine running and a stopped one stopped.
        min_secrets_version: the app's secrets must be at least this new when it boots.

    Raises:
        LeaseHeld, Conflict: somebody else is changing it.
        FlyError: wrong_state with changed="something" where the new version does not stay up.
    """
    async with leases.held(call, app_name, machine.id) as lease:
        if lease.lease.version != machine.instance_id:
            machine = await machines.get(call, app_name, machine.id)
        posted, before = await _post(
            call, app_name, machine, change, lease, launch=launch, version=min_secrets_version
        )
        run = _to_run(before, launch)
        # For one that stays down any resting state will do: a new version may rest in stopped or in created.
        ends = ("started", "failed") if run else (waiting.SETTLED,)
        seen = await waiting.see(
            call,
            app_name,
            posted,
            ends,
            seconds=SETTLE_WITHIN,
            version=posted.instance_id,
            lease=lease,
        )
    return _judge(before, seen, run=run)


def _to_run(machine: Machine, launch: bool | None) -> bool:
    # flyctl's rule: whatever is not running now would be woken by an update unless told otherwise.
    return machine.running or machine.state == "failed" if launch is None else launch


async def _post(
    call: Call,
    app_name: str,
    machine: Machine,
    change: Callable[[JsonObject], JsonObject],
    lease: leases.Held,
    *,
    launch: bool | None,
    version: int | None,
) -> tuple[Machine, Machine]:
    for attempt in range(_TRIES):
        before, config = machine, change(readable_config(machine))
        try:
            posted = await waiting.past_transient(
                call,
                partial(
                    machines.update,
                    call,
                    app_name,
                    before,
                    config,
                    nonce=lease.nonce,
                    skip_launch=not _to_run(before, launch),
                    min_secrets_version=version,
                ),
                seconds=_TRANSIENT_WITHIN,
                lease=lease,
            )
        except Conflict as error:
            # Somebody's update came between our read and our write: read again, change that.
            if attempt == _TRIES - 1 or not error.retryable:
                raise
            await call.clock.sleep(_CONFLICT_PAUSE)
            machine = await machines.get(call, app_name, machine.id)
        except (MaybeDone, TimedOut):
            return await _look(call, app_name, before), before
        else:
            return posted, before
    raise AssertionError("unreachable")


async def _look(call: Call, app_name: str, before: Machine) -> Machine:
    """After a lost answer: whether the update was taken. The lease is ours, so a new version is ours."""
    await call.clock.sleep(1.0)
    now = await machines.get(call, app_name, before.id)
    if now.instance_id != before.instance_id:
        return now
    raise MaybeDone(
        f"The update of machine {before.id} was sent and its answer lost; the machine still has its old "
        "version.",
        hint="It was probably not carried out: flyGetMachine shows the version; repeating the call is safe.",
        facts={"machine_id": before.id, "instance_id": now.instance_id},
    )


def _judge(before: Machine, seen: waiting.Seen, *, run: bool) -> Updated:
    after = seen.machine
    if run:
        outcome, note = waiting.running(seen)
        if before.state == "suspended" and note is None:
            note = "It was suspended: its memory is lost, and it starts cold."
        return Updated(before, after, outcome, note)
    if seen.trouble:
        return Updated(before, after, "pending", waiting.unseen(seen))
    if not seen.reached:
        return Updated(before, after, "pending", waiting.look_later(after.id, after.state))
    note = None
    if before.state == "suspended":
        note = "It was suspended: its memory is lost, and it starts cold."
    return Updated(before, after, "done", note)
