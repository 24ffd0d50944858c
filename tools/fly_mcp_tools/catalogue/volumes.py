"""Rows: volumes."""

from __future__ import annotations

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.action import Access, Action, Example, Gate, Group, Scope
from fly_mcp_tools.composites import delete_volume, volumes
from fly_mcp_tools.composites.listing import OfApp

from . import sources

LIST_VOLUMES = Action(
    name="flyListVolumes",
    title="List volumes",
    summary="List an app's volumes with size, region and attached machine.",
    group=Group.VOLUMES,
    calls=(fly.LIST_VOLUMES,),
    params=OfApp,
    result=volumes.VolumeList,
    run=volumes.list_,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=sources.VOLUMES,
    examples=(Example("which disks does it have?", {"appName": "catvet-records"}),),
)
CREATE_VOLUME = Action(
    name="flyCreateVolume",
    title="Create volume",
    summary="Create a persistent volume for a machine in the same region. Billed by GB.",
    notes="Attach it with flyCreateMachine.",
    group=Group.VOLUMES,
    calls=(fly.LIST_REGIONS, fly.LIST_VOLUMES, fly.CREATE_VOLUME, fly.UPDATE_VOLUME, fly.GET_VOLUME),
    params=volumes.CreateVolume,
    result=volumes.VolumeCreated,
    run=volumes.create,
    access=Access.WRITE,
    additive=True,
    idempotent=False,
    scope=Scope.DEPLOY,
    source=sources.VOLUMES,
    examples=(
        Example(
            "make a disk called data in Frankfurt",
            {"appName": "my-sandbox", "name": "data", "region": "fra"},
        ),
    ),
)
DELETE_VOLUME = Action(
    name="flyDeleteVolume",
    title="Delete volume",
    summary="Destroy an unattached volume and all data on it.",
    notes="A last snapshot is taken first; the answer says how to restore it.",
    group=Group.VOLUMES,
    calls=(fly.GET_VOLUME, fly.GET_MACHINE, fly.LIST_SNAPSHOTS, fly.CREATE_SNAPSHOT, fly.DELETE_VOLUME),
    params=delete_volume.DeleteVolume,
    result=delete_volume.VolumeDeleted,
    run=delete_volume.delete,
    preview=delete_volume.preview,
    gate=Gate.ALWAYS,
    access=Access.DESTRUCTIVE,
    additive=False,
    idempotent=True,
    scope=Scope.DEPLOY,
    source=sources.VOLUMES,
    examples=(
        Example(
            "throw the unused disk away",
            {"appName": "catvet-records", "volumeId": "vol_abc123", "confirm": True},
        ),
    ),
)

ROWS = (LIST_VOLUMES, CREATE_VOLUME, DELETE_VOLUME)
