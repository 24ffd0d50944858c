"""flyListIps and flyReleaseIp."""

from __future__ import annotations

from ipaddress import ip_address

from pydantic import Field, JsonValue

from fly_mcp_tools import prices
from fly_mcp_tools.action import Loss
from fly_mcp_tools.api import addresses
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import EARLIER_ATTEMPT, MaybeDone, NotFound, TimedOut
from fly_mcp_tools.ids import AppName, IpAddress
from fly_mcp_tools.models import Outcome, Params, Result, WriteResult
from fly_mcp_tools.wire import Address

from . import looking
from .listing import OfApp, capped, some
from .undoing import Undo

_ADDRESS = "address"
#: What a type is in words.
WORDS = {
    "shared_v4": "shared IPv4",
    "v4": "dedicated IPv4",
    "v6": "IPv6",
    "private_v6": "private IPv6 (Flycast)",
    "egress_v4": "static egress IPv4",
    "egress_v6": "static egress IPv6",
    "egress_pair": "pair of static egress addresses",
}


class IpRow(Result):
    """An address. An egress address looks like any other: Fly does not tell it apart."""

    ip: str
    type: str
    region: str
    service_name: str | None = None


class IpList(Result):
    """The app's addresses."""

    ips: list[IpRow]
    total: int | None = Field(default=None, description="how many there are, where not all are shown")


class OfIp(Params):
    """One address."""

    app_name: AppName
    ip: IpAddress


class IpReleased(WriteResult):
    """The address that was given back."""

    ip: str
    left: list[str] | None = Field(default=None, description="addresses that the app still has")
    undo: Undo
    monthly_cost: str | None = Field(default=None, description="the difference")


async def list_(call: Call, params: OfApp) -> IpList:
    """The app's addresses."""
    shown, total = capped(await addresses.list_of(call, params.app_name))
    return IpList(ips=[row(one) for one in shown], total=total)


def row(address: Address) -> IpRow:
    """An address as answers show it."""
    return IpRow(
        ip=address.ip,
        type=address.kind,
        region=address.region,
        service_name=address.service_name or None,
    )


async def preview(call: Call, params: OfIp) -> Loss:
    """What stops answering with it. Raises NotFound."""
    address, others = await _found(call, params)
    public = [one.ip for one in others if one.kind != "private_v6"]
    stops = (
        "apps in the private network no longer reach this one by it."
        if address.kind == "private_v6"
        else "whoever connects to it, and every DNS record that names it, no longer reaches the app."
    )
    last = "" if public else " The app would have no public address left."
    again = "" if address.shared else " The same address cannot be had back."
    facts: dict[str, JsonValue] = {
        "ip": address.ip,
        "type": address.kind,
        "region": address.region,
        "left": some(one.ip for one in others),
        "monthly_cost": _saved(address.kind),
    }
    return Loss(
        f"Address {address.ip} ({WORDS[address.kind]}) of {params.app_name} would be given back: {stops}{last}{again}",
        facts,
    )


async def release(call: Call, params: OfIp) -> IpReleased:
    """Give an address back.

    Raises:
        NotFound: the app has no such address.
    """
    noted = call.journal.notes.get(_ADDRESS)

    async def gone() -> list[Address] | None:
        there = await addresses.list_of(call, params.app_name)
        return None if any(_same(one, params.ip) for one in there) else there

    if isinstance(noted, str) and (left := await gone()) is not None:
        return _released(params, noted, "done", left, "An earlier call with this requestId had released it.")
    address, _ = await _found(call, params)
    call.journal.note(_ADDRESS, address.kind)
    lost = False
    try:
        await addresses.release(call, params.app_name, address.ip)
    except NotFound as error:
        if EARLIER_ATTEMPT not in error.facts:
            raise
    except (MaybeDone, TimedOut):
        lost = True
    left, looked = await looking.seen(call, gone, lost=lost)
    call.memory.unmade("ip", params.app_name, address.ip)
    if left is None:
        note = looking.unlike("the address was seen to be there still", lost=lost, looked=looked)
        return _released(params, address.kind, "unclear", None, note)
    return _released(params, address.kind, "done", left, None)


async def _found(call: Call, params: OfIp) -> tuple[Address, list[Address]]:
    """The address, as Fly writes it, and the others."""
    there = await addresses.list_of(call, params.app_name)
    ours = next((one for one in there if _same(one, params.ip)), None)
    if ours is None:
        raise NotFound(
            f"App {params.app_name} has no address {params.ip}.",
            hint="flyListIps shows those that it has.",
            facts={"addresses": some(one.ip for one in there)},
        )
    return ours, [one for one in there if one is not ours]


def _same(address: Address, ip: str) -> bool:
    """Whether they are one address, however it is written."""
    try:
        return ip_address(address.ip) == ip_address(ip)
    except ValueError:
        return False


def _saved(kind: str) -> str:
    return prices.change(prices.ip(kind), prices.NOTHING).said(signed=True)


def _released(
    params: OfIp, kind: str, outcome: Outcome, left: list[Address] | None, note: str | None
) -> IpReleased:
    return IpReleased(
        outcome=outcome,
        note=note,
        ip=params.ip,
        left=None if left is None else [str(word) for word in some(one.ip for one in left)],
        undo=Undo(how="flyAllocateIp gives the app another address.", lost="the address itself"),
        monthly_cost=_saved(kind) if outcome == "done" else None,
    )
