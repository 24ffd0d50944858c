"""flyAllocateIp.

An address has nothing that could mark it as ours, and Fly gives another one to whoever asks twice. So the app's
addresses are read before, and after a lost answer the one that is new is looked for; one that another call of this
process has got is not. Two that are new cannot be told apart, and are named.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field, JsonValue

from fly_mcp_tools import prices, regions
from fly_mcp_tools.api import addresses
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import (
    ConfirmationRequired,
    FlyError,
    InvalidArguments,
    MaybeDone,
    Problem,
    TimedOut,
)
from fly_mcp_tools.ids import AppName, NetworkName, RegionCode
from fly_mcp_tools.models import Params, WriteResult
from fly_mcp_tools.wire import Address, JsonObject, obj

from . import in_line, looking
from .ips import WORDS
from .listing import some

_STEP: Final = "ip"
#: Seconds after which a request that was given up is taken for lost.
_LATE: Final = 20.0

#: What an egress address looks like: Fly does not tell it from another of its family.
_LOOKS_LIKE: Final = {"egress_v4": ("v4",), "egress_v6": ("v6",), "egress_pair": ("v4", "v6")}

IpType = Literal["shared_v4", "v4", "v6", "private_v6", "egress_v4", "egress_v6", "egress_pair"]


class AllocateIp(Params):
    """What kind of address, and where."""

    app_name: AppName
    type: Annotated[IpType, Field(description="v4 and egress cost")] = "shared_v4"
    region: RegionCode | None = Field(default=None, description="Default: global")
    network: NetworkName | None = Field(default=None, description="private_v6: network")


class IpAllocated(WriteResult):
    """The new address."""

    ip: str
    type: str
    region: str
    monthly_cost: str
    also: list[str] | None = Field(default=None, description="other addresses that came with it")


async def allocate(call: Call, params: AllocateIp) -> IpAllocated:
    """Allocate an address.

    Raises:
        InvalidArguments: a network is named for an address that is in none.
        ConfirmationRequired: it costs; `facts` says how much a month.
        MaybeDone: the answer was lost, and it cannot be told which address, if any, was allocated.
    """
    if params.network is not None and params.type != "private_v6":
        raise InvalidArguments(
            f"A {WORDS[params.type]} is in no private network; nothing was sent.",
            problems=[Problem("network", "leave it out, or ask for type private_v6")],
        )
    await regions.check(call, params.region)
    # What is new since our look is taken for ours, so nobody else of this process allocates one meanwhile.
    async with in_line.turn(call, params.app_name, "addresses"):
        return await _allocate(call, params)


async def _allocate(call: Call, params: AllocateIp) -> IpAllocated:
    there = await addresses.list_of(call, params.app_name)
    notes = obj(call.journal.notes.get(_STEP))
    if params.type == "shared_v4" and (shared := next((one for one in there if one.shared), None)):
        earlier = "An earlier call with this requestId had allocated it."
        return _said(params, shared, earlier if notes else "The app has it already; nothing was sent.")
    _consent(call, params)
    if notes and (ours := await _earlier(call, params, notes)):
        return _result(call, params, ours, "An earlier call with this requestId had allocated it.")
    known = notes.get("before")
    before: list[JsonValue] = known if isinstance(known, list) else [*(one.ip for one in there)]
    call.journal.note(_STEP, {"before": before})
    try:
        made = await addresses.allocate(call, params.app_name, _wanted(params))
    except (MaybeDone, TimedOut) as error:
        call.journal.jot(_STEP, {"before": before, "given_up_at": call.clock.now()})
        return _result(
            call,
            params,
            await _found(call, params, before, error),
            "Fly's answer was lost; this address is new since, and of the type asked for.",
        )
    return await _shown(call, params, made, before)


def _consent(call: Call, params: AllocateIp) -> None:
    cost = prices.ip(params.type)
    if call.confirmed or (cost.known and not cost.usd):
        return
    facts: dict[str, JsonValue] = {"type": params.type, "monthly_cost": cost.said(signed=True)}
    raise ConfirmationRequired(
        f"A {WORDS[params.type]} for {params.app_name} costs {cost.said()}, used or not, until it is released. "
        "Nothing was changed.",
        hint=f"If that is wanted, repeat {call.action.name} with confirm: true. shared_v4 and v6 are free.",
        facts={"would_cost": facts},
    )


def _wanted(params: AllocateIp) -> JsonObject:
    given: JsonObject = {"type": params.type, "region": params.region, "network": params.network}
    return {key: value for key, value in given.items() if value is not None}


async def _new(call: Call, params: AllocateIp, before: list[JsonValue]) -> list[Address]:
    """Addresses that are new and may be the one asked for."""
    return _among(call, params, await addresses.list_of(call, params.app_name), before)


def _among(call: Call, params: AllocateIp, there: list[Address], before: list[JsonValue]) -> list[Address]:
    mark, kinds = call.mark(_STEP), _LOOKS_LIKE.get(params.type, (params.type,))
    return [
        one
        for one in there
        if one.ip not in before
        and one.kind in kinds
        and not call.memory.is_anothers(_STEP, params.app_name, one.ip, mark)
    ]


async def _found(call: Call, params: AllocateIp, before: list[JsonValue], error: FlyError) -> list[Address]:
    """The address, or the pair, whose answer was lost. Raises MaybeDone where none is there, or more than one."""

    async def look() -> list[Address] | None:
        return await _new(call, params, before) or None

    found, looked = await looking.after_lost(call, look)
    if found is None:
        raise _unclear(params, [], error, looked=looked)
    return _only(params, found, error)


def _only(params: AllocateIp, found: list[Address], error: FlyError | None = None) -> list[Address]:
    """What is new. Raises MaybeDone where there is more than one of a kind: which is ours cannot be told."""
    if len(found) > len({one.kind for one in found}):
        raise _unclear(params, found, error, looked=True)
    return found


def _unclear(params: AllocateIp, found: list[Address], error: FlyError | None, *, looked: bool) -> MaybeDone:
    what = "looking for it failed as well"
    if looked:
        what = f"{len(found)} new ones are there" if found else "no new one is there"
    return MaybeDone(
        f"The request to allocate a {WORDS[params.type]} for {params.app_name} was sent, its answer lost, and {what}.",
        hint="flyListIps shows what is there. The same call with the same requestId looks again, and allocates one "
        "only if none is there.",
        status=error.status if error else None,
        request_id=error.request_id if error else None,
        facts={"found": some(one.ip for one in found) if found else "nothing" if looked else "unknown"},
    )


async def _earlier(call: Call, params: AllocateIp, notes: JsonObject) -> list[Address]:
    """What an earlier call of this intent allocated; nothing once it is sure that it allocated none.

    A request of a killed process was given up when that was killed; the beginning of this call is later than that.
    """
    before, given_up = notes.get("before"), notes.get("given_up_at")
    given_up_at = given_up if isinstance(given_up, float) else call.clock.now()
    while True:
        found = await _new(call, params, before if isinstance(before, list) else [])
        if found:
            return _only(params, found)
        left = given_up_at + _LATE - call.clock.now()
        if left <= 0:
            return []
        await call.progress(_LATE - left, _LATE, "looking for an address that may have been allocated")
        await call.clock.sleep(min(looking.LOOK_EVERY, left))


async def _shown(call: Call, params: AllocateIp, made: Address, before: list[JsonValue]) -> IpAllocated:
    """The address once the app's own list shows it; of a pair, Fly's answer names one, and the list the other."""

    async def look() -> list[Address] | None:
        there = await addresses.list_of(call, params.app_name)
        return there if any(one.ip == made.ip for one in there) else None

    there, looked = await looking.seen(call, look, lost=False)
    if there is None:
        note = f"Fly answered with {made.ip}, and " + (
            "the app's addresses do not show it." if looked else "the app's addresses could not be read."
        )
        result = _result(call, params, [made], f"{note} flyListIps looks again.")
        return result.model_copy(update={"outcome": "unclear"})
    also: list[Address] = []
    if params.type == "egress_pair":
        also = [one for one in _among(call, params, there, before) if one.ip != made.ip]
    return _result(call, params, [made, *also], None)


def _result(call: Call, params: AllocateIp, got: list[Address], note: str | None) -> IpAllocated:
    """What this intent got: from now on no other takes it for its own."""
    for one in got:
        call.memory.made(_STEP, params.app_name, one.ip, call.mark(_STEP))
    return _said(params, got[0], note, [one.ip for one in got[1:]] or None)


def _said(
    params: AllocateIp, address: Address, note: str | None, also: list[str] | None = None
) -> IpAllocated:
    return IpAllocated(
        outcome="done",
        note=note,
        ip=address.ip,
        type=params.type,
        region=address.region,
        monthly_cost=prices.ip(params.type).said(signed=True),
        also=also,
    )
