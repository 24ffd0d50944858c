"""Leases: nobody else changes the machine while a composite does.

Fly's own CLI takes a lease around every machine command (reference 7.2). Ours are short and refreshed, so
that a killed server leaves a machine locked for seconds, not minutes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from pydantic import JsonValue

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import Code, FlyError, MaybeDone, TimedOut
from fly_mcp_tools.wire import Lease

from . import machines, parse

#: Seconds a lease lives without a refresh.
TTL = 30
#: Seconds a release may take when everything else is being torn down.
_RELEASE_WITHIN = 2.0


@dataclass
class Held:
    """A lease that we hold."""

    call: Call
    app_name: str
    machine_id: str
    lease: Lease
    renewed: float = field(default=0.0)

    @property
    def nonce(self) -> str:
        """What proves it."""
        return self.lease.nonce

    async def keep(self) -> None:
        """Refresh it once a third of its time is gone. Called between the steps of a long wait."""
        now = self.call.clock.monotonic()
        if now - self.renewed < TTL / 3:
            return
        self.renewed = now
        try:
            self.lease = await _acquire(self.call, self.app_name, self.machine_id, nonce=self.nonce)
        except FlyError:
            # What was sent under it is sent; what is still to be sent, Fly refuses without it.
            return


@asynccontextmanager
async def held(call: Call, app_name: str, machine_id: str) -> AsyncGenerator[Held]:
    """Hold the machine's lease; released whatever happens, cancellation included.

    Raises:
        LeaseHeld: somebody else has it; the error says who and until when.
    """
    lease = Held(call, app_name, machine_id, await _acquire(call, app_name, machine_id))
    lease.renewed = call.clock.monotonic()
    try:
        yield lease
    finally:
        with anyio.CancelScope(shield=True), anyio.move_on_after(_RELEASE_WITHIN):
            await _release(lease)


async def _acquire(call: Call, app_name: str, machine_id: str, nonce: str | None = None) -> Lease:
    body: dict[str, JsonValue] = {"ttl": TTL, "description": f"fly-mcp {call.action.name}"}
    try:
        answer = await call.send(
            fly.ACQUIRE_LEASE, machines.ids(app_name, machine_id), body=body, nonce=nonce
        )
        data = parse.key(answer.data, "data", endpoint=fly.ACQUIRE_LEASE, answer=answer)
        return parse.one(Lease, data, endpoint=fly.ACQUIRE_LEASE, answer=answer)
    except (MaybeDone, TimedOut) as error:
        raise MaybeDone(
            f"Fly's answer to taking the lease of machine {machine_id} was lost; nothing else was sent.",
            code=Code.FLY_UNAVAILABLE,
            hint=f"Try again in {TTL} s: if the lease was given, it has ended by itself then.",
            retryable=True,
            changed="nothing",
            status=error.status,
            request_id=error.request_id,
        ) from None


async def _release(lease: Held) -> None:
    try:
        await lease.call.send(
            fly.RELEASE_LEASE,
            machines.ids(lease.app_name, lease.machine_id),
            nonce=lease.nonce,
            timeout=_RELEASE_WITHIN,
            final=True,
        )
    except FlyError:
        # Gone with the machine, expired, or Fly does not answer: it ends by itself within TTL seconds.
        return
