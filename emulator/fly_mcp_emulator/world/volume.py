"""Volumes and their snapshots (reference 3.4)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import Record

VolumeState = Literal[
    "creating",
    "created",
    "extending",
    "restoring",
    "hydrating",
    "scheduling_destroy",
    "pending_destroy",
    "destroyed",
]


class Snapshot(Record):
    """A copy of a volume at a moment."""

    id: str
    created_at: float
    status: Literal["pending", "created"] = "created"
    size: int = 0
    volume_size: int = 0
    digest: str = ""
    retention_days: int = 5
    files: dict[str, str] = Field(default_factory=dict[str, str])


class Volume(Record):
    """A volume. Only `id`, `name` and `region` have to be in a world file."""

    id: str
    name: str
    region: str
    state: VolumeState = "created"
    size_gb: int = 1
    zone: str = ""
    """Four hex digits for the hardware zone; made up when empty."""
    encrypted: bool = True
    fstype: str = "ext4"
    attached_machine_id: str | None = None
    releasing: bool = False
    """Its machine is destroyed, and the host has not let go of it yet (reference 6.4)."""
    formatted: bool = False
    """Whether it was ever mounted: before that it has no blocks and no file system (reference 3.4)."""
    created_at: float = 0.0
    updated_at: float = 0.0
    snapshot_retention: int = 5
    auto_backup_enabled: bool = True
    host_status: Literal["ok", "unknown", "unreachable"] = "ok"
    snapshots: list[Snapshot] = Field(default_factory=list[Snapshot])
    """Newest first."""
    files: dict[str, str] = Field(default_factory=dict[str, str])
    """What is on it, by path from its root: `/workspace/README.md`."""
