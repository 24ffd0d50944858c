"""Fly's REST API: one module for each resource, one list of all rows."""

from . import (
    actions,
    apps,
    commands,
    history,
    leases,
    machines,
    metadata,
    orgs,
    platform,
    secrets,
    snapshots,
    tokens,
    volumes,
    wait,
)

ENDPOINTS = (
    *apps.ENDPOINTS,
    *machines.ENDPOINTS,
    *actions.ENDPOINTS,
    *wait.ENDPOINTS,
    *leases.ENDPOINTS,
    *metadata.ENDPOINTS,
    *commands.ENDPOINTS,
    *history.ENDPOINTS,
    *volumes.ENDPOINTS,
    *snapshots.ENDPOINTS,
    *secrets.ENDPOINTS,
    *platform.ENDPOINTS,
    *tokens.ENDPOINTS,
    *orgs.ENDPOINTS,
)
"""Every operation that is modelled."""
