"""What happens to volumes and snapshots in time (reference 6.7)."""

from __future__ import annotations

from fly_mcp_emulator.state import State
from fly_mcp_emulator.world import App, Volume


def released(state: State, volume: Volume) -> None:
    """The host has let go of the volume of a destroyed machine."""
    volume.attached_machine_id = None
    volume.releasing = False
    volume.updated_at = state.now()


def ready(state: State, volume: Volume) -> None:
    """A restore or a fork is done."""
    if volume.state in ("creating", "restoring", "hydrating"):
        volume.state = "created"
        volume.updated_at = state.now()


def destroyed(state: State, volume: Volume) -> None:
    """The day of grace is over. The record stays: its snapshots can still be listed (reference 4.6 [L])."""
    volume.state = "destroyed"
    volume.files.clear()
    volume.updated_at = state.now()


def snapshot_done(app: App, snapshot_id: str) -> None:
    """A snapshot is complete."""
    for volume in app.volumes.values():
        for snapshot in volume.snapshots:
            if snapshot.id == snapshot_id:
                snapshot.status = "created"
