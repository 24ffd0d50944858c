"""Rows: organisations."""

from __future__ import annotations

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.action import Access, Action, Example, Group, Scope
from fly_mcp_tools.composites import orgs, orgs_unattached

from . import sources

LIST_ORGS = Action(
    name="flyListOrgs",
    title="List organisations",
    summary="List the organisations that the token sees.",
    notes="Other actions take the slug as orgSlug.",
    group=Group.ORGS,
    calls=(fly.LIST_ORGS,),
    params=orgs.ListOrgs,
    result=orgs.OrgList,
    run=orgs.list_,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=sources.FLYCTL,
    examples=(Example("which organisations do I have?", {}),),
    untrusted_output=True,
)
LIST_ORG_MACHINES = Action(
    name="flyListOrgMachines",
    title="List an organisation's machines",
    summary="List machines over all apps of an organisation.",
    notes="For one app use flyListMachines. `incomplete` names regions that did not answer.",
    group=Group.ORGS,
    calls=(fly.LIST_ORG_MACHINES, fly.CURRENT_TOKEN),
    params=orgs.ListOrgMachines,
    result=orgs.OrgMachineList,
    run=orgs.list_machines,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=sources.SPEC,
    examples=(
        Example("everything that is up in Frankfurt", {"region": "fra", "state": "started"}),
        Example("which images run in lab-team?", {"orgSlug": "lab-team", "detail": "full"}),
    ),
    untrusted_output=True,
)
LIST_ORG_VOLUMES = Action(
    name="flyListOrgVolumes",
    title="List an organisation's volumes",
    summary="List volumes over all apps of an organisation.",
    notes="For one app use flyListVolumes.",
    group=Group.ORGS,
    calls=(fly.LIST_ORG_VOLUMES, fly.CURRENT_TOKEN),
    params=orgs.OfOrg,
    result=orgs.OrgVolumeList,
    run=orgs.list_volumes,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=sources.SPEC,
    examples=(Example("all our disks", {"orgSlug": "personal"}),),
    untrusted_output=True,
)
LIST_UNATTACHED_VOLUMES = Action(
    name="flyListUnattachedVolumes",
    title="List unattached volumes",
    summary="List an organisation's volumes without a machine: size, age, last snapshot, monthly cost.",
    notes="They are billed all the same; flyDeleteVolume removes one.",
    group=Group.ORGS,
    calls=(fly.LIST_ORG_VOLUMES, fly.LIST_SNAPSHOTS, fly.CURRENT_TOKEN),
    params=orgs_unattached.ListUnattached,
    result=orgs_unattached.UnattachedList,
    run=orgs_unattached.list_,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=sources.SPEC,
    examples=(Example("which disks do we pay for and not use?", {}),),
    untrusted_output=True,
)

ROWS = (LIST_ORGS, LIST_ORG_MACHINES, LIST_ORG_VOLUMES, LIST_UNATTACHED_VOLUMES)
