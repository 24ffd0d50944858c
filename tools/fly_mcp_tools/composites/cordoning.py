"""flyCordonMachine and flyUncordonMachine: whether Fly's proxy sends a machine traffic."""

from __future__ import annotations

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.api import leases, machines
from fly_mcp_tools.call import Call
from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.errors import FlyError, MaybeDone, TimedOut
from fly_mcp_tools.models import WriteResult

from .lifecycle import Driven


class Cordoned(WriteResult):
    """The machine now."""

    id: str
    state: str
    cordoned: bool


async def cordon(call: Call, params: Driven) -> Cordoned:
    """Keep the proxy from sending the machine traffic; it runs on."""
    return await _turn(call, params, fly.CORDON_MACHINE, cordoned=True)


async def uncordon(call: Call, params: Driven) -> Cordoned:
    """Let the proxy send the machine traffic again."""
    return await _turn(call, params, fly.UNCORDON_MACHINE, cordoned=False)


async def _turn(call: Call, params: Driven, endpoint: Endpoint, *, cordoned: bool) -> Cordoned:
    # Older answers of Fly do not say whether a machine is cordoned (reference 3.2): it is always sent, twice is once.
    before = await machines.there(call, params.app_name, params.machine_id)
    lost: FlyError | None = None
    async with leases.held(call, params.app_name, before.id, nonce=params.nonce) as lease:
        try:
            await machines.change_state(call, endpoint, params.app_name, before.id, nonce=lease.nonce)
        except (MaybeDone, TimedOut) as error:
            lost = error
    try:
        now = await machines.there(call, params.app_name, before.id)
    except FlyError as error:
        what = "may have taken" if lost else "took"
        raise MaybeDone(
            f"Fly {what} it, and looking at machine {before.id} failed: {error.message}",
            hint="flyGetMachine shows `cordoned`; repeating the call is safe.",
            changed="unknown" if lost else "something",
            facts={"machine_id": before.id},
        ) from None
    note = None
    if now.cordoned is not cordoned:
        what = "Fly's answer was lost" if lost else "Fly took it"
        note = f"{what}, and the machine is {'' if now.cordoned else 'not '}cordoned. Repeating the call is safe."
    return Cordoned(
        outcome="unclear" if note else "done", note=note, id=now.id, state=now.state, cordoned=now.cordoned
    )
