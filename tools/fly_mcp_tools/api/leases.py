"""Leases: nobody else changes the machine while a composite does.

Fly's own CLI takes a lease around every machine command (reference 7.2). Ours are short and refreshed, so
that a killed server leaves a machine locked for seconds, not minutes.

Who has the machine already decides what happens:

    a call of this process         wait in line (`turns`)
    the caller, who gives a nonce  use it, as long as it is good; it is neither refreshed nor released
    our own call, answer lost      adopt the lease: its description carries the mark of the call
    another fly-mcp                wait for it, at most `_WAIT` seconds, looking every now and then
    anybody else                   LeaseHeld at once, with owner and expiry

Under somebody else's lease Fly lets a stop or a delete hang until it is over (reference 6.6), which is why the
lease comes first.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import anyio
from pydantic import JsonValue

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import (
    EARLIER_ATTEMPT,
    Code,
    FlyError,
    LeaseHeld,
    MaybeDone,
    NotFound,
    TimedOut,
    WrongState,
)
from fly_mcp_tools.foreign import clean, quoted
from fly_mcp_tools.turns import TooLong
from fly_mcp_tools.wire import Lease

from . import machines, parse

#: Seconds a lease lives without a refresh.
TTL = 30
#: How a description of ours begins, in every process.
OURS = "fly-mcp "
#: Seconds another fly-mcp's lease is waited for: longer than TTL, so one of a killed process ends meanwhile.
_WAIT = 45.0
#: Seconds in line behind other calls of this process: some updates that each pull a large image.
_LINE = 300.0
#: Seconds between two looks at another's lease, rolled anew each time: two processes must not dance in step.
_LOOK_EVERY = (1.5, 3.0)
#: Answers to taking a lease that may be lost, and seconds before the next try (doubled each time).
_LOST, _FIRST_PAUSE = 4, 0.5
#: Seconds in which a lease has to be answered: one that was given long ago is of little use.
_ANSWER_WITHIN = 10.0
#: Seconds for one try of a release, for all of them, and for all when everything else is being torn down.
_RELEASE_ONCE, _RELEASE_WITHIN, _RELEASE_NOW = 2.0, 6.0, 2.0


@dataclass
class Held:
    """A lease that we hold.

    `waited`: somebody else was at work on the machine before, so what was read earlier may be old.
    `lost`: somebody else has it now, because it ran out; what is seen from now on may be theirs.
    """

    call: Call
    app_name: str
    machine_id: str
    lease: Lease = field(default_factory=Lease)
    renewed: float = field(default=0.0)
    waited: bool = False
    lost: bool = False
    #: A lease may have been given to us whose nonce we do not know.
    stray: bool = False
    #: The caller's own lease: it is used, and neither refreshed nor released.
    borrowed: bool = False

    @property
    def nonce(self) -> str:
        """What proves it."""
        return self.lease.nonce

    @property
    def description(self) -> str:
        """By which it is known as ours: the same for the same request id, in whatever process."""
        return f"{OURS}{self.call.action.name} {self.call.mark(f'lease:{self.machine_id}')}"

    async def keep(self) -> None:
        """Refresh it once a third of its time is gone. Called between the steps of a long wait; never fails."""
        now = self.call.clock.monotonic()
        if self.borrowed or self.lost or now - self.renewed < TTL / 3:
            return
        self.renewed = now
        try:
            if not await self._refreshed():
                await self._refreshed()
        except FlyError:
            # What was sent under it is sent; what is still to be sent, Fly refuses without it.
            return

    async def again(self) -> None:
        """Make sure of it after a request that took long, or that met another's: refresh it, or take it anew.

        Raises:
            LeaseHeld: somebody else has it.
        """
        self.lost = False
        await self.take()

    async def _refreshed(self) -> bool:
        """Whether the refresh was answered. An old nonce that is no longer known gets a new lease, or none."""
        try:
            self._got(await self._post())
        except LeaseHeld:
            found = await self._look()
            self.lost = found is not None and not self._adopt(found)
            return self.lost
        except (MaybeDone, TimedOut):
            return False
        return True

    async def take(self) -> None:
        """Take it, or the one again that was ours. Raises LeaseHeld."""
        if self.borrowed:
            await self._check()
            return
        call = self.call
        began, lost = call.clock.monotonic(), 0
        while True:
            try:
                self._got(await self._post())
                return
            except LeaseHeld as error:
                refusal: FlyError = error
            except (MaybeDone, TimedOut) as error:
                lost += 1
                refusal = _lost(self.machine_id, error)
            found = await self._found(refusal)
            if found is not None and self._adopt(found):
                await self.keep()
                if not self.lost:
                    return
                self.lost = False
            elif found is not None:
                await self._outwait(found, began, refusal)
            if lost >= _LOST or call.clock.monotonic() - began >= 2 * _WAIT:
                raise refusal
            if found is None and lost:
                # The one whose answer was lost may still be on its way: then the next try meets it.
                await call.clock.sleep(call.rng.uniform(0.5, 1.0) * _FIRST_PAUSE * 2**lost)

    async def _check(self) -> None:
        """See that the caller's nonce is good: under a wrong one, Fly lets a stop hang until the lease is over.

        Raises:
            LeaseHeld: the lease is somebody else's.
            WrongState: there is none any more.
        """
        found = await look(self.call, self.app_name, self.machine_id)
        if found is None:
            raise WrongState(
                f"There is no lease on machine {self.machine_id} any more: it ran out or was released. "
                "Nothing was sent.",
                hint="Take another with flyAcquireLease, or leave nonce out.",
            )
        if found.nonce and found.nonce != self.nonce:
            raise held_by(self.machine_id, found)
        self.lease = found.model_copy(update={"nonce": self.nonce})

    async def _outwait(self, lease: Lease, began: float, refusal: FlyError) -> None:
        """Wait until another fly-mcp's lease is gone. Raises LeaseHeld: it stays, or is somebody else's."""
        call = self.call
        self.waited = True
        found: Lease | None = lease
        while found is not None and not self._adopts(found):
            spent = call.clock.monotonic() - began
            if not found.description.startswith(OURS) or spent >= _WAIT:
                raise held_by(self.machine_id, found, refusal)
            await call.progress(spent, _WAIT, f"another fly-mcp is at work on machine {self.machine_id}")
            await call.clock.sleep(call.rng.uniform(*_LOOK_EVERY))
            found = await self._found(refusal)

    async def _found(self, refusal: FlyError) -> Lease | None:
        """The lease on the machine. Raises `refusal` where nobody can look."""
        try:
            return await self._look()
        except FlyError:
            raise refusal from None

    async def _look(self) -> Lease | None:
        # A lease whose answer was lost is looked for in order to release it, too.
        return await look(self.call, self.app_name, self.machine_id, final=True)

    def _adopts(self, found: Lease) -> bool:
        return bool(found.nonce) and found.description == self.description

    def _adopt(self, found: Lease) -> bool:
        """Go on with a lease of this very call. It may be old: `renewed` is not set, so it is refreshed next."""
        if not self._adopts(found):
            return False
        self.lease, self.stray, self.renewed = found, False, self.call.clock.monotonic() - TTL
        return True

    def _got(self, lease: Lease) -> None:
        self.lease, self.stray, self.renewed = lease, False, self.call.clock.monotonic()

    async def _post(self) -> Lease:
        body: dict[str, JsonValue] = {"ttl": TTL, "description": self.description}
        try:
            answer = await self.call.send(
                fly.ACQUIRE_LEASE,
                machines.ids(self.app_name, self.machine_id),
                body=body,
                nonce=self.nonce or None,
                timeout=_ANSWER_WITHIN,
            )
            data = parse.key(answer.data, "data", endpoint=fly.ACQUIRE_LEASE, answer=answer)
            lease = parse.one(Lease, data, endpoint=fly.ACQUIRE_LEASE, answer=answer)
            if not lease.nonce:
                raise parse.unreadable(fly.ACQUIRE_LEASE, answer)
        except FlyError as error:
            unclear = error.facts.pop(EARLIER_ATTEMPT, None) is not None
            self.stray = self.stray or unclear or isinstance(error, (MaybeDone, TimedOut))
            error.changed = "nothing"  # a lease passes by itself
            raise
        return lease

    async def release(self) -> None:
        """Give it back, the one whose answer was lost included. Never fails: it ends by itself within TTL seconds."""
        if self.borrowed:
            return
        try:
            if self.nonce and not self.lost and await self._released():
                return
            if self.stray or self.nonce:
                found = await self._look()
                if found is not None and self._adopt(found):
                    await self._released()
        except FlyError:
            return

    async def _released(self) -> bool:
        """Whether our lease is gone. False: Fly knows another one than ours."""
        try:
            await self.call.send(
                fly.RELEASE_LEASE,
                machines.ids(self.app_name, self.machine_id),
                nonce=self.nonce,
                timeout=_RELEASE_ONCE,
                final=True,
            )
        except NotFound:
            return not self.stray
        except LeaseHeld:
            return False
        return not self.stray


async def look(call: Call, app_name: str, machine_id: str, *, final: bool = False) -> Lease | None:
    """The lease on a machine, with its nonce where Fly shows it. None: there is none, or no such machine."""
    try:
        answer = await call.send(
            fly.GET_LEASE, machines.ids(app_name, machine_id), timeout=_ANSWER_WITHIN, final=final
        )
    except NotFound:
        return None
    data = parse.key(answer.data, "data", endpoint=fly.GET_LEASE, answer=answer)
    return parse.one(Lease, data, endpoint=fly.GET_LEASE, answer=answer)


@asynccontextmanager
async def held(
    call: Call, app_name: str, machine_id: str, *, nonce: str | None = None
) -> AsyncGenerator[Held]:
    """Hold the machine's lease; released whatever happens, cancellation included.

    Args:
        nonce: of a lease that the caller holds. It is used, and no other is taken.

    Raises:
        LeaseHeld: somebody else has it; the error says who and until when. With a nonce: it is not that lease's.
        WrongState: the caller's lease is over.
    """
    lease = Held(call, app_name, machine_id)
    if nonce is not None:
        lease.lease, lease.borrowed = Lease(nonce=nonce), True

    async def say(seconds: float) -> None:
        await call.progress(seconds, _LINE, f"other calls are at work on machine {machine_id}")

    async with AsyncExitStack() as stack:
        try:
            lease.waited = await stack.enter_async_context(
                call.memory.turns.taken((app_name, machine_id), call.clock, within=_LINE, say=say)
            )
        except TooLong:
            raise LeaseHeld(
                f"Other calls of this server have been at work on machine {machine_id} for {_LINE:.0f} s, and "
                "this one is still in line. Nothing was sent.",
                hint="Wait for their ends, then try again.",
            ) from None
        within = _RELEASE_WITHIN
        try:
            await lease.take()
            yield lease
        except LeaseHeld as error:
            if lease.borrowed:
                _say_not_that_nonce(error)
            raise
        except anyio.get_cancelled_exc_class():
            within = _RELEASE_NOW
            raise
        finally:
            with anyio.CancelScope(shield=True), anyio.move_on_after(within):
                await lease.release()


@asynccontextmanager
async def borrowed(call: Call, app_name: str, machine_id: str, nonce: str | None) -> AsyncGenerator[None]:
    """Be under the caller's lease for what needs none; without one, under none.

    Raises:
        LeaseHeld: the lease is somebody else's.
        WrongState: the caller's lease is over.
    """
    if nonce is None:
        yield
        return
    async with held(call, app_name, machine_id, nonce=nonce):
        yield


def _say_not_that_nonce(error: LeaseHeld) -> None:
    """To wait is no help to whom the lease may belong: what has to be put right is the nonce."""
    error.message += " The nonce that was sent is not that lease's."
    error.hint = (
        "Send the nonce that flyAcquireLease gave for this machine; if that lease ran out and somebody else has taken "
        "one since, leave nonce out and wait until theirs expires."
    )
    error.retryable = False


def _lost(machine_id: str, error: FlyError) -> MaybeDone:
    return MaybeDone(
        f"Fly's answer to taking the lease of machine {machine_id} was lost; nothing else was sent.",
        code=Code.FLY_UNAVAILABLE,
        hint=f"Try again in {TTL} s: if the lease was given, it has ended by itself then.",
        retryable=True,
        changed="nothing",
        status=error.status,
        request_id=error.request_id,
    )


def held_by(machine_id: str, found: Lease, refusal: FlyError | None = None) -> LeaseHeld:
    """The error that says who has a machine's lease, what for and until when."""
    owner, says = clean(found.owner, 100), clean(found.description, 100)
    facts: dict[str, JsonValue] = {"owner": owner, "expires_at": moment(found.expires_at)}
    if says:
        facts["description"] = says
    if says.startswith(OURS):
        who, hint = "another fly-mcp is still at work on it", "Try again when it is done."
    else:
        who, hint = "somebody else is at work on it", "Wait until the lease expires, then try again."
    error = LeaseHeld(
        f"Machine {machine_id}'s lease is held by {owner or 'somebody'} until {facts['expires_at']}"
        + (f", for {quoted(says)}" if says else "")
        + f": {who}. Nothing was sent.",
        hint=hint,
        status=refusal.status if refusal else None,
        request_id=refusal.request_id if refusal else None,
        facts=facts,
    )
    error.fly_says = getattr(refusal, "fly_says", "")
    return error


def moment(seconds: float) -> str:
    """When a lease ends, as it is told."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, OSError, ValueError):
        return "an unknown time"
