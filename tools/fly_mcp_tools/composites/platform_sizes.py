"""flyListMachineSizes: what sizes of machine there are, and what they cost."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fly_mcp_tools import guest, prices, regions
from fly_mcp_tools.api import platform
from fly_mcp_tools.call import Call
from fly_mcp_tools.ids import RegionCode
from fly_mcp_tools.models import Params, Result


class ListSizes(Params):
    """For which region, and which kind."""

    region: RegionCode | None = Field(default=None, description="For its prices; default: the nearest")
    cpu_kind: Literal["shared", "performance"] | None = Field(default=None, description="Default: both")


class SizeRow(Result):
    """A size. The price is that with the least memory, started all month."""

    size: str
    cpus: int
    memory_mb: str = Field(description="least-most")
    usd_per_month: float | None = Field(description="null: unknown")


class SizeList(Result):
    """Sizes with prices."""

    region: str
    sizes: list[SizeRow]
    memory_steps_mb: dict[str, int]
    usd_per_gb_more: float
    prices: str = Field(description="whose, of when")
    note: str


async def list_(call: Call, params: ListSizes) -> SizeList:
    """Sizes of machine, and what each costs a month in a region.

    Raises:
        InvalidArguments: there is no such region.
    """
    known, nearest = await platform.regions(call)
    await regions.check(call, params.region)
    region = params.region or nearest or next((one.code for one in known if not one.deprecated), "iad")
    kinds = {name: kind for name, kind in guest.KINDS.items() if params.cpu_kind in (None, name)}
    rows: list[SizeRow] = []
    all_of_them: list[prices.Cost] = []
    for name, kind in kinds.items():
        for cpus in kind.cpus:
            least = cpus * kind.least_mb
            cost = prices.machine({"cpu_kind": name, "cpus": cpus, "memory_mb": least}, region)
            all_of_them.append(cost)
            rows.append(
                SizeRow(
                    size=f"{'shared-cpu' if name == 'shared' else name}-{cpus}x",
                    cpus=cpus,
                    memory_mb=f"{least}-{cpus * kind.most_mb}",
                    usd_per_month=round(cost.usd, 2) if cost.known else None,
                )
            )
    return SizeList(
        region=region,
        sizes=rows,
        memory_steps_mb={name: kind.step_mb for name, kind in kinds.items()},
        usd_per_gb_more=prices.MEMORY_GB,
        prices=_whose(prices.total(all_of_them)),
        note=f"With the least memory, started all month. Stopped: {prices.ROOTFS_GB} USD per GB of root file system. "
        "GPUs: price unknown.",
    )


def _whose(cost: prices.Cost) -> str:
    if not cost.known:
        return "unknown for this region"
    return f"estimate; Fly's prices of {' and '.join(sorted(cost.sources))}"
