"""Rows: leases of machines."""

from __future__ import annotations

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.action import Access, Action, Example, Group, Scope
from fly_mcp_tools.composites import handing_leases
from fly_mcp_tools.composites.lifecycle import OneMachine

from . import sources

_ONE = {"appName": "catvet-records", "machineId": "7846e45f27e218"}

GET_LEASE = Action(
    name="flyGetLease",
    title="Get lease",
    summary="Say who holds a machine's lease, for what and until when.",
    group=Group.LEASES,
    calls=(fly.GET_LEASE,),
    params=OneMachine,
    result=handing_leases.LeaseNow,
    run=handing_leases.get,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=sources.MACHINES,
    untrusted_output=True,
    examples=(Example("is anybody at work on it?", _ONE),),
)
ACQUIRE_LEASE = Action(
    name="flyAcquireLease",
    title="Acquire lease",
    summary="Lock a machine for some calls of yours: others cannot change it.",
    notes="Pass the nonce to each. A single call locks by itself.",
    group=Group.LEASES,
    calls=(fly.ACQUIRE_LEASE, fly.GET_LEASE),
    params=handing_leases.AcquireLease,
    result=handing_leases.LeaseTaken,
    run=handing_leases.acquire,
    access=Access.WRITE,
    additive=True,
    idempotent=False,
    scope=Scope.DEPLOY,
    source=sources.MACHINES,
    purpose=fly.ACQUIRE_LEASE,
    secret_params=frozenset({"nonce"}),
    examples=(Example("keep others off it for a minute", {**_ONE, "ttl": 60, "description": "maintenance"}),),
)
RELEASE_LEASE = Action(
    name="flyReleaseLease",
    title="Release lease",
    summary="Give back a lease from flyAcquireLease before it ends.",
    group=Group.LEASES,
    calls=(fly.RELEASE_LEASE, fly.GET_LEASE),
    params=handing_leases.ReleaseLease,
    result=handing_leases.LeaseReleased,
    run=handing_leases.release,
    access=Access.WRITE,
    additive=True,
    idempotent=True,
    scope=Scope.DEPLOY,
    source=sources.MACHINES,
    purpose=fly.RELEASE_LEASE,
    secret_params=frozenset({"nonce"}),
    examples=(Example("let the others go on", {**_ONE, "nonce": "4f2a9c01d3b7"}),),
)

ROWS = (GET_LEASE, ACQUIRE_LEASE, RELEASE_LEASE)
