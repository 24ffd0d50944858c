"""Releases: what was deployed when, as flyctl writes it down (reference 8.3)."""

from __future__ import annotations

from typing import Any, Literal, get_args

from .base import Record

ReleaseStatus = Literal["pending", "running", "complete", "failed", "interrupted"]
"""Which words flyctl sends [C: internal/command/deploy/machines_deploymachinesapp.go], and the first one."""
Strategy = Literal["BLUEGREEN", "CANARY", "IMMEDIATE", "ROLLING", "ROLLING_ONE", "SIMPLE"]
STATUSES: tuple[ReleaseStatus, ...] = get_args(ReleaseStatus)
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)


class Release(Record):
    """A deployment of an app. Only `id` and `version` have to be in a world file."""

    id: str
    version: int
    status: ReleaseStatus = "complete"
    strategy: Strategy = "ROLLING"
    image: str = ""
    description: str = "Release"
    reason: str = "change_request"
    user: str = ""
    """The email address of who made it."""
    definition: dict[str, Any] | None = None
    """The app's config, fly.toml as JSON; None: whoever wants it has to rebuild it from the machines."""
    metadata: dict[str, Any] | None = None
    created_at: float = 0.0
    updated_at: float = 0.0
