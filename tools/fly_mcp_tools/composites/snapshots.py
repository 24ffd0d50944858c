"""flyListSnapshots and flyCreateSnapshot."""

from __future__ import annotations

from pydantic import Field

from fly_mcp_tools import prices
from fly_mcp_tools.api import volumes
from fly_mcp_tools.call import Call
from fly_mcp_tools.ids import AppName, VolumeId
from fly_mcp_tools.models import Result, WriteResult
from fly_mcp_tools.wire import Snapshot

from . import snapshotting
from .paging import Paged, page
from .undoing import day
from .volumes import OfVolume


class ListSnapshots(Paged):
    """Of which volume."""

    app_name: AppName
    volume_id: VolumeId


class SnapshotRow(Result):
    """A snapshot. `stored_gb` is what it is billed for, `volume_gb` the least size of a volume made from it."""

    id: str
    status: str
    created_at: str | None
    kept_until: str | None = None
    stored_gb: float | None = None
    volume_gb: float | None = None


class SnapshotList(Result):
    """The volume's snapshots, newest first."""

    snapshots: list[SnapshotRow]
    total: int | None = Field(default=None, description="how many there are, where not all are shown")
    showing: str | None = None
    next_cursor: str | None = None


class SnapshotTaken(WriteResult):
    """The snapshot."""

    id: str
    volume_id: str
    status: str
    created_at: str | None
    kept_until: str | None = None
    monthly_cost: str


async def list_(call: Call, params: ListSnapshots) -> SnapshotList:
    """The volume's snapshots; a volume deleted not long ago still has its own."""
    found = await volumes.snapshots(call, params.app_name, params.volume_id)
    shown = page(params, found, _age)
    return SnapshotList(
        snapshots=[_row(one) for one in shown.rows],
        total=shown.total if shown.showing else None,
        showing=shown.showing,
        next_cursor=shown.next_cursor,
    )


async def create(call: Call, params: OfVolume) -> SnapshotTaken:
    """Take a snapshot and see it complete.

    Raises:
        FlyError: none could be taken.
    """
    snapshot = await snapshotting.take(call, params.app_name, params.volume_id)
    notes: list[str] = []
    if not snapshot.complete:
        notes.append(
            f"It is still {snapshot.status or 'on the way'}; flyListSnapshots shows when it is created, and the same "
            "requestId waits on."
        )
    until = snapshotting.kept_until(snapshot)
    return SnapshotTaken(
        outcome="done" if snapshot.complete else "pending",
        note=" ".join(notes) or None,
        id=snapshot.id,
        volume_id=params.volume_id,
        status=snapshot.status,
        created_at=day(snapshot.created_at) if snapshot.created_at else None,
        kept_until=day(until) if until else None,
        monthly_cost=_cost(snapshot),
    )


def _cost(snapshot: Snapshot) -> str:
    """What is stored of it is known once it is complete: of what a snapshot before has, nothing is stored again."""
    each = f"{prices.SNAPSHOT_GB:.2f} USD a month per GB stored"
    cost = prices.Cost(unknown=(f"a snapshot whose size Fly does not show yet ({each})",))
    if snapshot.complete and snapshot.size is not None:
        cost = prices.Cost(
            snapshot.size / 2**30 * prices.SNAPSHOT_GB, sources=frozenset({prices.Source.PAGE})
        )
    return f"{cost.said(signed=True)}; an organisation's first 10 GB are free"


def _age(snapshot: Snapshot) -> str:
    """Sorts newest first; the id tells apart what was taken in one second."""
    seconds = int(snapshot.created_at.timestamp()) if snapshot.created_at else 0
    return f"{99_999_999_999 - seconds:011d} {snapshot.id}"


def _row(snapshot: Snapshot) -> SnapshotRow:
    until = snapshotting.kept_until(snapshot)
    return SnapshotRow(
        id=snapshot.id,
        status=snapshot.status,
        created_at=day(snapshot.created_at) if snapshot.created_at else None,
        kept_until=day(until) if until else None,
        stored_gb=_gb(snapshot.size),
        volume_gb=_gb(snapshot.volume_size),
    )


def _gb(size: int | None) -> float | None:
    return None if size is None else round(size / 2**30, 2)
