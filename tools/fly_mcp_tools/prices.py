"""What things cost a month, estimated from what Fly publishes.

Two public sources, each with its date: Fly's price calculator and its pricing page. What neither has is unknown
and said to be; nothing is guessed. Nothing here reads or sends anything.

    prices.machine(guest, "fra").said()
    "2.05 USD a month (estimate; Fly's prices of 2024-10-03 and 2026-08-07)"
    prices.change(before, after).said(signed=True)       # what an action changes: "+0.30 USD a month (...)"

A `Cost` adds up: its known part in dollars, and in words each part that has no price.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .wire import JsonObject


class Source(StrEnum):
    """Where a price is from: the value is its date."""

    #: superfly/flyio-price-calc-ex.
    CALCULATOR = "2024-10-03"
    #: Fly's pricing page, as in its docs repository.
    PAGE = "2026-08-07"


#: USD a month for each vCPU of a started machine, before the region's markup [calculator].
CPU: Final = {"shared": 0.695, "performance": 21.0}
#: USD a month for each GB of a started machine's memory. The calculator has no markup on it, the page has.
MEMORY_GB: Final = 5.0
#: USD a month for each GB of a stopped machine's root file system [page].
ROOTFS_GB: Final = 0.15
#: USD a month for each GB of a volume, attached or not [page].
VOLUME_GB: Final = 0.15
#: USD a month for each GB of a snapshot that is stored, after an organisation's first 10 [page].
SNAPSHOT_GB: Final = 0.08
#: USD a month for an app's own IPv4 address; shared and IPv6 ones are free [page].
DEDICATED_V4: Final = 2.0
#: USD a month for a pair of static egress addresses: 0.005 an hour [page].
EGRESS_PAIR: Final = 3.6
#: USD a month for a certificate: a single host name (an organisation's first 10 are free), and a wildcard [page].
CERTIFICATE: Final = 0.10
WILDCARD_CERTIFICATE: Final = 1.0
#: What a region's vCPUs cost more than those of iad [calculator].
MARKUP: Final = {
    "iad": 1.0,
    "ewr": 1.0,
    "ams": 1.038,
    "arn": 1.038,
    "bom": 1.077,
    "yyz": 1.115,
    "lhr": 1.135,
    "cdg": 1.135,
    "fra": 1.154,
    "sjc": 1.192,
    "lax": 1.2,
    "ord": 1.25,
    "dfw": 1.25,
    "sin": 1.269,
    "syd": 1.269,
    "jnb": 1.303,
    "nrt": 1.308,
    "gru": 1.615,
}
#: Kinds of address that cost nothing [page].
_FREE_IPS: Final = frozenset({"v6", "shared_v4", "private_v6"})
#: States in which a machine's cpus and memory are billed.
_UP: Final = frozenset({"started", "starting", "stopping", "restarting", "replacing", "updating"})

_BOTH: Final = frozenset({Source.CALCULATOR, Source.PAGE})
_PAGE: Final = frozenset({Source.PAGE})


@dataclass(frozen=True)
class Cost:
    """USD a month: `usd` is the part that has a price, `unknown` names each part that has none."""

    usd: float = 0.0
    unknown: tuple[str, ...] = ()
    sources: frozenset[Source] = frozenset()

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.usd + other.usd, self.unknown + other.unknown, self.sources | other.sources)

    def times(self, count: int) -> Cost:
        """As many of it; none at all for 0."""
        return total([self] * count)

    @property
    def known(self) -> bool:
        """Whether each part has a price."""
        return not self.unknown

    def said(self, *, signed: bool = False, when: str = "") -> str:
        """For an answer: the sum to the cent, what is unknown, and whose prices of when.

        `signed`: a difference, with + or - before it. `when`: words after the sum, where it is not owed always.
        """
        amount = f"{round(self.usd, 2) + 0.0:{'+' if signed else ''}.2f} USD a month{when}"
        missing = f"unknown for {', '.join(dict.fromkeys(self.unknown))}"
        if self.unknown and not self.sources:
            return missing
        whose = (
            f"estimate; Fly's prices of {' and '.join(sorted(self.sources))}" if self.sources else "estimate"
        )
        return f"{amount}{f', and {missing}' if self.unknown else ''} ({whose})"


NOTHING: Final = Cost()


def total(costs: Iterable[Cost]) -> Cost:
    """All of them together."""
    return sum(costs, NOTHING)


def change(before: Cost, after: Cost) -> Cost:
    """What `after` costs more than `before`. A part without a price that is in both drops out."""
    had, has = Counter(before.unknown), Counter(after.unknown)
    unknown = (*(has - had).elements(), *(f"{what} (before)" for what in (had - has).elements()))
    return Cost(after.usd - before.usd, unknown, before.sources | after.sources)


def machine(
    guest: JsonObject, region: str, *, state: str = "started", rootfs_gb: float | None = None
) -> Cost:
    """A machine that is in `state` all month; its volume not counted.

    Args:
        guest: the config's: cpu_kind, cpus and memory_mb; what is left out is Fly's default (shared, 1, 256).
        rootfs_gb: what a stopped machine is billed for. Fly's API does not tell it; None: unknown.
    """
    if state in ("destroyed", "destroying"):
        return NOTHING
    if state in ("stopped", "created", "failed"):
        if rootfs_gb is None:
            return _unknown(f"a {state} machine ({ROOTFS_GB} USD per GB of root file system)")
        return Cost(rootfs_gb * ROOTFS_GB, sources=_PAGE)
    if state not in _UP:
        return _unknown(f"a {state} machine")
    kind, cpus, memory = guest.get("cpu_kind", "shared"), guest.get("cpus", 1), guest.get("memory_mb", 256)
    if not isinstance(cpus, int) or not isinstance(memory, int):
        return _unknown("a machine of unknown size")
    if gpu := guest.get("gpu_kind") or guest.get("gpus"):
        return _unknown(f"a machine with a GPU ({gpu})")
    each, markup = CPU.get(str(kind)), MARKUP.get(region)
    if each is None:
        return _unknown(f"a machine of cpu kind {kind}")
    if markup is None:
        return _unknown(f"a machine in region {region or '?'}")
    return Cost(each * cpus * markup + MEMORY_GB * memory / 1024, sources=_BOTH)


def volume(size_gb: int | None) -> Cost:
    """A volume of that size, attached or not; its snapshots not counted."""
    if size_gb is None:
        return _unknown("a volume of unknown size")
    return Cost(size_gb * VOLUME_GB, sources=_PAGE)


def ip(kind: str) -> Cost:
    """An address of the kind that Fly's API calls v4, v6, shared_v4, private_v6, egress_v4, egress_v6, egress_pair."""
    if kind in _FREE_IPS:
        return Cost(sources=_PAGE)
    if kind == "v4":
        return Cost(DEDICATED_V4, sources=_PAGE)
    if kind == "egress_pair":
        return Cost(EGRESS_PAIR, sources=_PAGE)
    return _unknown(f"an address of type {kind} ({EGRESS_PAIR:.2f} USD a pair)" if "egress" in kind else kind)


def certificate(hostname: str) -> Cost:
    """Fly's certificate for a host name. The free ones of an organisation are not taken off."""
    return Cost(WILDCARD_CERTIFICATE if hostname.startswith("*.") else CERTIFICATE, sources=_PAGE)


def _unknown(what: str) -> Cost:
    return Cost(unknown=(what,))
