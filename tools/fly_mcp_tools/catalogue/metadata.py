"""Rows: metadata of machines."""

from __future__ import annotations

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.action import Access, Action, Example, Group, Scope
from fly_mcp_tools.composites import metadata

from . import sources

_ONE = {"appName": "catvet-records", "machineId": "7846e45f27e218"}

LIST_METADATA = Action(
    name="flyListMetadata",
    title="List metadata",
    summary="List a machine's metadata.",
    group=Group.METADATA,
    calls=(fly.LIST_METADATA,),
    params=metadata.ListMetadata,
    result=metadata.MetadataList,
    run=metadata.list_,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=sources.MACHINES,
    untrusted_output=True,
    examples=(Example("how is it tagged?", _ONE),),
)
GET_METADATA = Action(
    name="flyGetMetadata",
    title="Get metadata",
    summary="Get one value of a machine's metadata, up to 12,000 characters.",
    group=Group.METADATA,
    calls=(fly.GET_METADATA_KEY, fly.LIST_METADATA),
    params=metadata.GetMetadata,
    result=metadata.MetadataValue,
    run=metadata.get,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=sources.MACHINES,
    untrusted_output=True,
    examples=(Example("which process group is it of?", {**_ONE, "key": "fly_process_group"}),),
)
SET_METADATA = Action(
    name="flySetMetadata",
    title="Set metadata",
    summary="Set keys of a machine's metadata; other keys stay, and nothing restarts.",
    group=Group.METADATA,
    calls=(fly.GET_LEASE, fly.LIST_METADATA, fly.MERGE_METADATA),
    params=metadata.SetMetadata,
    result=metadata.MetadataChanged,
    run=metadata.set_,
    access=Access.WRITE,
    additive=False,
    idempotent=True,
    scope=Scope.DEPLOY,
    source=sources.MACHINES,
    secret_params=frozenset({"nonce"}),
    examples=(Example("tag it for the shop team", {**_ONE, "metadata": {"team": "shop", "stage": "test"}}),),
)
DELETE_METADATA = Action(
    name="flyDeleteMetadata",
    title="Delete metadata",
    summary="Remove keys of a machine's metadata; nothing restarts.",
    group=Group.METADATA,
    calls=(fly.GET_LEASE, fly.LIST_METADATA, fly.MERGE_METADATA, fly.DELETE_METADATA_KEY),
    params=metadata.DeleteMetadata,
    result=metadata.MetadataChanged,
    run=metadata.delete,
    access=Access.WRITE,
    additive=False,
    idempotent=True,
    scope=Scope.DEPLOY,
    source=sources.MACHINES,
    secret_params=frozenset({"nonce"}),
    examples=(
        Example("take its release tags off", {**_ONE, "keys": ["fly_release_id", "fly_release_version"]}),
    ),
)

ROWS = (LIST_METADATA, GET_METADATA, SET_METADATA, DELETE_METADATA)
