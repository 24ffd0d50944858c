"""Rows: secrets."""

from __future__ import annotations

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.action import Access, Action, Example, Group, Scope
from fly_mcp_tools.composites import list_secrets, secrets
from fly_mcp_tools.composites.listing import OfApp

from . import sources

#: What bringing secrets to machines needs.
_UPDATE = (
    fly.LIST_MACHINES,
    fly.GET_MACHINE,
    fly.ACQUIRE_LEASE,
    fly.GET_LEASE,
    fly.UPDATE_MACHINE,
    fly.WAIT_MACHINE,
    fly.RELEASE_LEASE,
)


LIST_SECRETS = Action(
    name="flyListSecrets",
    title="List secrets",
    summary="List the names of an app's secrets; values are never shown.",
    group=Group.SECRETS,
    calls=(fly.LIST_SECRETS,),
    params=OfApp,
    result=list_secrets.SecretList,
    run=list_secrets.list_,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=sources.SECRETS,
    examples=(Example("which secrets are set?", {"appName": "catvet-records"}),),
)
SET_SECRETS = Action(
    name="flySetSecrets",
    title="Set secrets",
    summary="Set an app's secrets. Machines see them after an update or flyRestartMachine.",
    notes="Old values are lost. restartMachines updates running machines one by one.",
    group=Group.SECRETS,
    calls=(fly.LIST_SECRETS, fly.SET_SECRETS, *_UPDATE),
    params=secrets.SetSecrets,
    result=secrets.SecretsChanged,
    run=secrets.set_,
    access=Access.WRITE,
    additive=False,
    idempotent=True,
    scope=Scope.DEPLOY,
    source=sources.SECRETS,
    secret_params=frozenset({"secrets"}),
    examples=(
        Example(
            "set the API key and the database, and restart",
            {
                "appName": "catvet-records",
                "secrets": {"API_KEY": "sk-...", "DATABASE_URL": "postgres://..."},
                "restartMachines": True,
            },
        ),
    ),
)
UNSET_SECRETS = Action(
    name="flyUnsetSecrets",
    title="Unset secrets",
    summary="Remove an app's secrets; unknown names come back as not_set.",
    group=Group.SECRETS,
    calls=(fly.LIST_SECRETS, fly.SET_SECRETS, *_UPDATE),
    params=secrets.UnsetSecrets,
    result=secrets.SecretsChanged,
    run=secrets.unset,
    access=Access.WRITE,
    additive=False,
    idempotent=True,
    scope=Scope.DEPLOY,
    source=sources.SECRETS,
    examples=(
        Example(
            "drop the old keys and restart",
            {
                "appName": "catvet-records",
                "secretNames": ["OLD_API_KEY", "DEPRECATED_TOKEN"],
                "restartMachines": True,
            },
        ),
    ),
)

ROWS = (LIST_SECRETS, SET_SECRETS, UNSET_SECRETS)
