"""Fly's REST API: one module for each resource, one list of all rows."""

from . import (
    actions,
    addresses,
    apps,
    certificates,
    commands,
    history,
    leases,
    machines,
    memory,
    metadata,
    orgs,
    platform,
    secretkeys,
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
    *memory.ENDPOINTS,
    *volumes.ENDPOINTS,
    *snapshots.ENDPOINTS,
    *secrets.ENDPOINTS,
    *secretkeys.ENDPOINTS,
    *addresses.ENDPOINTS,
    *certificates.ENDPOINTS,
    *platform.ENDPOINTS,
    *tokens.ENDPOINTS,
    *orgs.ENDPOINTS,
)
"""Every operation that is modelled."""

LEFT_OUT: dict[str, str] = {}
"""Operations of Fly's document that are not modelled, each with the reason: `GET /apps/{}/thing`."""
