"""Snapshots of volumes (reference 4.6)."""

from __future__ import annotations

from fly_mcp_emulator import durations
from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.call import Call
from fly_mcp_emulator.errors import not_found, precondition
from fly_mcp_emulator.routing import Endpoint
from fly_mcp_emulator.views import moment, snapshot_view
from fly_mcp_emulator.world import Snapshot


def list_snapshots(call: Call) -> Answer:
    """Newest first; of deleted volumes too."""
    volume = call.app.volumes.get(call.params["vol"])
    if volume is None:
        raise not_found("volume")
    return Answer([snapshot_view(snapshot) for snapshot in volume.snapshots])


def create_snapshot(call: Call) -> Answer:
    """Take one. A second one while the first is pending is refused."""
    volume, state = call.volume, call.state
    now = state.now()
    pending = next((one for one in volume.snapshots if one.status == "pending"), None)
    if pending is not None:
        raise precondition(f"snapshot is already scheduled at {moment(pending.created_at)}")
    snapshot = Snapshot(
        id=state.ids.snapshot(),
        created_at=now,
        status="pending",
        size=sum(len(text) for text in volume.files.values()),
        volume_size=volume.size_gb * 2**30,
        digest=state.ids.hex(64),
        retention_days=volume.snapshot_retention,
        files=dict(volume.files),
    )
    volume.snapshots.insert(0, snapshot)
    state.schedule(durations.SNAPSHOT, "snapshot_done", call.app.name, snapshot.id)
    # The odd capitals are what the docs show (reference 4.6 [D]).
    return Answer({"Msg": {"backup": {"id": snapshot.id, "created_at": moment(now), "status": "pending"}}})


_PATH = "/v1/apps/{app}/volumes/{vol}/snapshots"
ENDPOINTS = (
    Endpoint(
        "GET",
        _PATH,
        list_snapshots,
        "r",
        sure=("client", "document", "report"),
        lacks="Snapshots do not go away when their days are over.",
    ),
    Endpoint("POST", _PATH, create_snapshot, "w", sure=("docs", "report")),
)
