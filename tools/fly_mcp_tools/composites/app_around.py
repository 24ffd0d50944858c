"""What hangs on an app besides machines and volumes, and what that costs: its addresses and certificates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from fly_mcp_tools import prices
from fly_mcp_tools.api import addresses, certificates
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import FlyError
from fly_mcp_tools.wire import Address, Certificate

#: Of each kind so many are named; an app can have hundreds.
_SHOWN: Final = 20
#: Certificates that are read: a page of Fly's.
_PAGE: Final = 500
_UNKNOWN: Final = "unknown: could not be read"


@dataclass(frozen=True)
class Around:
    """None: could not be read, as a token may see machines and not these. `more`: certificates beyond those read."""

    addresses: list[Address] | None
    certificates: list[Certificate] | None
    more: bool = False

    def facts(self) -> dict[str, JsonValue]:
        """What is there, by name; what is lost with what could not be read is said to be unknown."""
        ips, hosts = self.addresses, self.certificates
        return {
            "ip_addresses": _UNKNOWN if ips is None else _named([one.ip for one in ips]),
            "certificates": _UNKNOWN if hosts is None else _named([one.hostname for one in hosts]),
        }

    def cost(self) -> prices.Cost:
        """What they cost a month. An egress address looks like any other, and is counted as such."""
        costs: list[prices.Cost] = []
        if self.addresses is None:
            costs.append(prices.Cost(unknown=("its addresses, which could not be read",)))
        else:
            costs += [prices.ip(one.kind) for one in self.addresses]
        if self.certificates is None:
            costs.append(prices.Cost(unknown=("its certificates, which could not be read",)))
        else:
            ours = [one for one in self.certificates if one.acme_requested or not one.custom]
            costs += [prices.certificate(one.hostname) for one in ours]
        if self.more:
            costs.append(prices.Cost(unknown=(f"certificates beyond the first {_PAGE}",)))
        # What is free needs no source to be named for it.
        return prices.total(one for one in costs if one.usd or one.unknown)


async def read(call: Call, app_name: str) -> Around:
    """Read both; what cannot be read is no reason to stop."""
    try:
        ips: list[Address] | None = await addresses.list_of(call, app_name)
    except FlyError:
        ips = None
    try:
        hosts, after, _ = await certificates.page_of(call, app_name, part=None, cursor=None, limit=_PAGE)
    except FlyError:
        return Around(ips, None)
    return Around(ips, hosts, more=after is not None)


def _named(names: list[str]) -> list[JsonValue]:
    return [*names[:_SHOWN], *([f"and {len(names) - _SHOWN} more"] if names[_SHOWN:] else [])]
