"""Read, change, write back: the one way in which a machine's config is replaced.

Fly replaces a config whole (reference 6.3): what is not sent back is gone. So it is read under a lease,
changed, and posted with the version that was read; a machine that was not running stays so.

The lease keeps others waiting, the version is what protects: a lease may run out while a request is late. And
the version makes an update that may be repeated: of two with the same one, Fly takes one at most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from fly_mcp_tools import difference
from fly_mcp_tools.api import leases, machines
from fly_mcp_tools.call import Call
from fly_mcp_tools.difference import Wish
from fly_mcp_tools.errors import Conflict, FlyError, LeaseHeld, MaybeDone, NotFound, TimedOut, WrongState
from fly_mcp_tools.models import Outcome
from fly_mcp_tools.wire import JsonObject, Machine, obj

from . import in_line, waiting

#: Seconds for an update to settle. A new image can take more than a minute to be pulled.
SETTLE_WITHIN = 120.0
#: Seconds for the refusals that pass by themselves.
_TRANSIENT_WITHIN = 20.0
#: Times an update is built anew because somebody else's came between.
_TRIES = 3
#: Seconds before that: somebody's update is on its way for one or two.
_CONFLICT_PAUSE = 2.0
#: Seconds between the looks after a lost answer.
_LOOKS = (1.0, 2.0, 4.0)
#: Times an update whose answers are lost is sent, and seconds after which it is not sent again.
_SENT, _SENT_WITHIN = 3, 100.0

_COLD = "It was suspended: its memory is lost, and it starts cold."


@dataclass(frozen=True)
class Updated:
    """A machine before and after an update."""

    before: Machine
    after: Machine
    outcome: Outcome
    note: str | None = None


@dataclass(frozen=True)
class _Work:
    """What is to be done to a machine, whatever it takes."""

    call: Call
    app_name: str
    change: Callable[[JsonObject], JsonObject]
    wish: Wish | None
    launch: bool | None
    version: int | None
    lease: leases.Held
    #: The keys wanted as they were when the call began.
    base: JsonObject
    #: The version from which an earlier call of this intent sent its update.
    sent_from: str | None = None

    def to_be_sent(self, now: Machine) -> bool:
        """Whether it is sent though the config is as wanted: what a tag points to shows in no config."""
        if self.wish is None or not self.wish.may_have_moved:
            return False
        return self.sent_from in (None, now.instance_id)


@dataclass(frozen=True)
class _Posted:
    """An update that was sent: the machine then and before. Not `sent`: it was as wanted already."""

    now: Machine
    before: Machine
    run: bool
    sent: bool = True


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
    wish: Wish | None = None,
    launch: bool | None = None,
    min_secrets_version: int | None = None,
    nonce: str | None = None,
) -> Updated:
    """Change a machine's config and see the new version settled.

    Args:
        machine: as read a moment ago; read again under the lease.
        change: from the whole old config to the whole new one.
        wish: what `change` is for. A config that has it already is not sent, unless an image is wanted by its tag;
            one in which somebody else has changed the same since `machine` was read is a conflict. None: it is
            sent in any case, for a new version.
        launch: start it. None: keep a running machine running and a stopped one stopped.
        min_secrets_version: the app's secrets must be at least this new when it boots.
        nonce: of a lease that the caller holds.

    Raises:
        LeaseHeld: somebody else is changing it.
        Conflict: somebody else has changed the same; `facts["difference"]` says what. With
            changed="something" where that came after this update.
        FlyError: wrong_state with changed="something" where the new version does not stay up.
        MaybeDone: sent, and not found when looking.
    """
    base, sent_from = _base(call, machine, wish), _sent_from(call, machine)
    async with leases.held(call, app_name, machine.id, nonce=nonce) as lease:
        work = _Work(call, app_name, change, wish, launch, min_secrets_version, lease, base, sent_from)
        async with in_line.config(call, app_name, machine.id):
            # Read again in any case: metadata may have changed since, which makes no new version.
            posted = await _post(work, await machines.there(call, app_name, machine.id))
        if not posted.sent and not call.resumed:
            note = "The config is like that already, since a moment ago; nothing was sent."
            return Updated(posted.before, posted.now, "done", note)
        seen = await _settled(work, posted)
    return _judge(work, posted, seen)


def _base(call: Call, machine: Machine, wish: Wish | None) -> JsonObject:
    """The keys wanted as they were when the intent began: a resumed call must not take its base anew."""
    if wish is None:
        return {}
    noted = call.journal.notes.get(_base_key(machine)) if call.resumed else None
    if noted is not None:
        return obj(noted)
    return _rebase(call, machine, wish)


def _rebase(call: Call, machine: Machine, wish: Wish) -> JsonObject:
    base = wish.base(readable_config(machine), call.mark)
    call.journal.note(_base_key(machine), base)
    return base


def _base_key(machine: Machine) -> str:
    return f"base:{machine.id}"


def _to_run(machine: Machine, launch: bool | None) -> bool:
    # flyctl's rule: whatever is not running now would be woken by an update unless told otherwise.
    return machine.running or machine.state == "failed" if launch is None else launch


async def _post(work: _Work, machine: Machine) -> _Posted:
    """Send the update until Fly takes it, once at most, or it is found to be there."""
    clock, began, conflicts, lost = work.call.clock, work.call.clock.monotonic(), 0, 0
    unclear: _Posted | None = None
    while True:
        if there := _there(work, machine, unclear):
            return there
        # After a lost answer the state may be that of our own update: what it was before counts.
        run = unclear.run if unclear else _to_run(machine, work.launch)
        sending = _Posted(machine, machine, run)
        _note_run(work.call, sending)
        try:
            return replace(sending, now=await _send(work, sending))
        except (MaybeDone, TimedOut):
            unclear, lost = sending, lost + 1
            if found := await _look(work, unclear):
                return found
            if lost == _SENT or clock.monotonic() - began >= _SENT_WITHIN:
                raise _not_found(unclear) from None
        except (Conflict, LeaseHeld) as error:
            # Somebody's update came between our read and our write, or our lease ran out meanwhile. Fly's text may
            # be cut off, and a conflict about a version that was read has no other cause.
            conflicts += 1
            if conflicts == _TRIES:
                raise _after(unclear, error) from None
            if isinstance(error, Conflict):
                await clock.sleep(_CONFLICT_PAUSE)
        except FlyError as error:
            raise _after(unclear, error) from None
        machine = await _again(work, machine, unclear)


async def _again(work: _Work, machine: Machine, unclear: _Posted | None) -> Machine:
    """The machine as it is now, under a lease that is ours for sure."""
    try:
        await work.lease.again()
        return await machines.there(work.call, work.app_name, machine.id)
    except FlyError as error:
        raise _after(unclear, error) from None


def _after(unclear: _Posted | None, error: FlyError) -> FlyError:
    """What an error says where an attempt before it may have gone through."""
    if unclear is None or isinstance(error, NotFound):
        return error
    return _not_found(unclear, error)


def _there(work: _Work, now: Machine, unclear: _Posted | None) -> _Posted | None:
    """The update where there is nothing to send: it is seen to be there. Raises Conflict."""
    config = readable_config(now)
    renewed = unclear is not None and now.instance_id != unclear.before.instance_id
    if work.wish is None:
        return replace(unclear, now=now) if unclear and renewed else None
    if not work.wish.lacks(config):
        if unclear and renewed:
            return replace(unclear, now=now)
        if work.to_be_sent(now):
            return None
        return _Posted(now, now, _noted_run(work.call, now, work.launch), sent=False)
    if clash := work.wish.clashes(work.base, config, work.call.mark):
        # Whoever repeats the call has seen this: the next try starts from here.
        _rebase(work.call, now, work.wish)
        raise Conflict(
            f"Machine {now.id} was changed by somebody else since this call began: {difference.says(clash)}.",
            hint="flyGetMachine shows the machine; send the call again if this is still wanted.",
            retryable=True,
            facts={"difference": clash},
        )
    return None


async def _send(work: _Work, sending: _Posted) -> Machine:
    before = sending.before
    return await waiting.past_transient(
        work.call,
        partial(
            machines.update,
            work.call,
            work.app_name,
            before,
            work.change(readable_config(before)),
            nonce=work.lease.nonce,
            skip_launch=not sending.run,
            min_secrets_version=work.version,
        ),
        seconds=_TRANSIENT_WITHIN,
        lease=work.lease,
    )


async def _look(work: _Work, unclear: _Posted) -> _Posted | None:
    """After a lost answer: our update, if it is there. None: not yet, or somebody else's is.

    The version alone proves nothing: the lease may have run out while the request was late.
    """
    for pause in _LOOKS:
        await work.call.clock.sleep(pause)
        try:
            now = await machines.get(work.call, work.app_name, unclear.before.id)
        except NotFound:
            raise
        except FlyError as error:
            raise _not_found(unclear, error) from None
        if now.instance_id != unclear.before.instance_id:
            ours = now.config is not None and (work.wish is None or not work.wish.lacks(now.config))
            return replace(unclear, now=now) if ours else None
        await work.lease.keep()
    return None


def _not_found(unclear: _Posted, why: FlyError | None = None) -> FlyError:
    before = unclear.before
    lost = f"The update of machine {before.id} was sent and its answer lost"
    facts: JsonObject = {"machine_id": before.id, "instance_id": before.instance_id}
    if why is None:
        return MaybeDone(
            f"{lost}; the machine still has its old version.",
            hint="It was probably not carried out: flyGetMachine shows the version; repeating the call is safe.",
            facts=facts,
        )
    return MaybeDone(
        f"{lost}. Then going on failed: {why.message}",
        hint="flyGetMachine shows whether it was carried out; repeating the call is safe.",
        status=why.status,
        request_id=why.request_id,
        facts={**why.facts, **facts, "then": str(why.code)},
    )


def _note_run(call: Call, sending: _Posted) -> None:
    """Whoever goes on after a kill has to know whether the machine was to run, and from which version it was sent."""
    call.journal.note(f"run:{sending.before.id}", sending.run)
    call.journal.note(_from_key(sending.before), sending.before.instance_id)


def _from_key(machine: Machine) -> str:
    return f"from:{machine.id}"


def _sent_from(call: Call, machine: Machine) -> str | None:
    noted = call.journal.notes.get(_from_key(machine)) if call.resumed else None
    return noted if isinstance(noted, str) else None


def _noted_run(call: Call, now: Machine, launch: bool | None) -> bool:
    noted = call.journal.notes.get(f"run:{now.id}")
    return noted if isinstance(noted, bool) else _to_run(now, launch)


async def _settled(work: _Work, posted: _Posted) -> waiting.Seen:
    # For one that stays down any resting state will do: a new version may rest in stopped or in created.
    ends = ("started", "failed") if posted.run else (waiting.SETTLED,)
    see = partial(
        waiting.see, work.call, work.app_name, posted.now, ends, seconds=SETTLE_WITHIN, lease=work.lease
    )
    try:
        return await see(version=posted.now.instance_id)
    except NotFound:
        # The machine, or only this version of it, because somebody's update came after.
        await machines.there(work.call, work.app_name, posted.now.id)
        return await see()


def _judge(work: _Work, posted: _Posted, seen: waiting.Seen) -> Updated:
    after = seen.machine
    if not seen.trouble:
        missing = _missing(work, posted, after)
        if missing is not None:
            return Updated(posted.before, after, "unclear", missing)
    outcome, note = _ended(posted, seen)
    if outcome == "done" and after.config is None:
        outcome, note = (
            "pending",
            "Fly accepted it, and the machine's host does not answer now. "
            + (waiting.look_later(after.id, after.state)),
        )
    notes = [note] if note else []
    if not posted.sent:
        notes.append(
            "The config was like that already: an earlier try of this call did it, or somebody else."
        )
    elif not seen.trouble and after.instance_id != posted.now.instance_id:
        notes.append("Somebody else's update came after this one; what was asked for is still there.")
    return Updated(posted.before, after, outcome, " ".join(notes) or None)


def _missing(work: _Work, posted: _Posted, after: Machine) -> str | None:
    """What to say where the machine has not what was asked for, though the update was taken. Raises Conflict."""
    if work.wish is None or after.config is None:
        return None
    own = after.instance_id == posted.now.instance_id
    if not (lacks := work.wish.lacks(after.config, replaced=posted.before.config if own else None)):
        return None
    if own:
        return (
            f"Fly accepted the update, and the machine's config does not show it: {difference.says(lacks)}."
        )
    raise Conflict(
        f"The update of machine {after.id} was carried out, and then somebody else's changed the same: "
        f"{difference.says(lacks)}.",
        hint="flyGetMachine shows the machine; send the call again if this is still wanted.",
        retryable=True,
        changed="something",
        facts={"difference": lacks},
    )


def _ended(posted: _Posted, seen: waiting.Seen) -> tuple[Outcome, str | None]:
    after = seen.machine
    cold = _COLD if posted.before.state == "suspended" else None
    if posted.run:
        outcome, note = waiting.running(seen)
        return outcome, note or cold
    if seen.trouble:
        return "pending", waiting.unseen(seen)
    if not seen.reached:
        return "pending", waiting.look_later(after.id, after.state)
    return "done", cold
