"""The action table: one file per resource, each ending in the tuple of its rows."""

from __future__ import annotations

from collections.abc import Mapping

from fly_mcp_tools.action import AnyAction, table

from . import (
    apps,
    certificates,
    ips,
    leases,
    logs,
    machines,
    metadata,
    orgs,
    platform,
    scaling,
    secrets,
    tokens,
    volumes,
)

ACTIONS: Mapping[str, AnyAction] = table(
    *apps.ROWS,
    *machines.ROWS,
    *leases.ROWS,
    *metadata.ROWS,
    *secrets.ROWS,
    *scaling.ROWS,
    *volumes.ROWS,
    *certificates.ROWS,
    *ips.ROWS,
    *logs.ROWS,
    *orgs.ROWS,
    *platform.ROWS,
    *tokens.ROWS,
)
"""Every action by its name, in the order of the documentation."""
