"""Leases: the right to change a machine, for a while (reference 4.4, 6.6)."""

from __future__ import annotations

from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.call import Body, Call
from fly_mcp_emulator.errors import FlyError, bad_request
from fly_mcp_emulator.routing import Endpoint
from fly_mcp_emulator.views import lease_view, moment
from fly_mcp_emulator.world import Lease, Machine

_USUAL_TTL = 120
"""When none is given; Fly's own is not known. What flyctl's commands take (reference 7.2)."""


class TakeLease(Body):
    """`ttl` in seconds. fly-go sends it in the query instead."""

    ttl: int | None = None
    description: str = ""


def running(call: Call, machine: Machine) -> Lease | None:
    """Return the lease that is in force. An expired one is gone."""
    if machine.lease is not None and machine.lease.expires_at <= call.state.now():
        machine.lease = None
    return machine.lease


def held_by_another(call: Call, machine: Machine) -> FlyError | None:
    """Return the 409 for a caller without the running lease's nonce; a wrong nonce is no nonce."""
    lease = running(call, machine)
    if lease is None or lease.nonce == call.nonce:
        return None
    return FlyError(
        409,
        f"machine ID {machine.id} lease currently held by {lease.owner}, "
        f"expires at {moment(lease.expires_at)}",
    )


def yield_to_lease(call: Call, machine: Machine) -> None:
    """Refuse at once under another's lease: update, start, second lease (reference 6.6 [L])."""
    refusal = held_by_another(call, machine)
    if refusal is not None:
        raise refusal


async def wait_for_lease(call: Call) -> None:
    """Stop and delete are not refused: they block until the other's lease is over (reference 6.6 [L]).

    With `lease_refuses_stop_and_delete` in the world's settings they answer 409, as the docs suggest.
    """
    if call.state.world.settings.lease_refuses_stop_and_delete:
        yield_to_lease(call, call.machine)
        return

    def free() -> bool | None:
        return True if held_by_another(call, call.machine) is None else None

    while free() is None:
        lease = call.machine.lease
        await call.state.until(free, lease.expires_at if lease else call.state.now())


def take(call: Call, machine: Machine, ttl: int, description: str = "") -> Lease:
    """Give the caller a lease, or extend the one it has: the nonce stays (reference 4.4)."""
    held = running(call, machine)
    expires_at = call.state.now() + ttl
    if held is not None and held.nonce == call.nonce:
        held.expires_at = expires_at
        held.description = description or held.description
        return held
    machine.lease = Lease(
        nonce=call.state.ids.nonce(),
        owner=call.principal.owner,
        expires_at=expires_at,
        description=description,
    )
    return machine.lease


def get_lease(call: Call) -> Answer:
    """The running lease."""
    lease = running(call, call.machine)
    if lease is None:
        raise FlyError(404, "lease not found")
    return Answer(lease_view(call.machine, lease))


def take_lease(call: Call) -> Answer:
    """Take a lease, or refresh the own one."""
    body, machine = call.read(TakeLease, optional=True), call.machine
    ttl = body.ttl if body.ttl is not None else call.whole("ttl")
    ttl = _USUAL_TTL if ttl is None else ttl
    if ttl <= 0:
        raise bad_request("invalid lease ttl")
    yield_to_lease(call, machine)
    return Answer(lease_view(machine, take(call, machine, ttl, body.description)), 201)


def release_lease(call: Call) -> Answer:
    """Give a lease back."""
    machine = call.machine
    if call.nonce is None:
        raise bad_request("missing lease nonce")
    if running(call, machine) is None:
        raise FlyError(404, "lease not found")
    yield_to_lease(call, machine)
    machine.lease = None
    return Answer({"status": "success", "data": {"ok": True}})


_PATH = "/v1/apps/{app}/machines/{id}/lease"
ENDPOINTS = (
    Endpoint("GET", _PATH, get_lease, "r", sure=("client", "docs")),
    Endpoint(
        "POST",
        _PATH,
        take_lease,
        "w",
        sure=("client", "docs", "report"),
        lacks="Bounds of the TTL, which are not known.",
    ),
    Endpoint("DELETE", _PATH, release_lease, "w", sure=("client", "docs")),
)
