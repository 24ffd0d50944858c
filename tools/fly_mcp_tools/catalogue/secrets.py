"""Rows: secrets."""

from __future__ import annotations

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.action import Access, Action, Example, Gate, Group, Scope
from fly_mcp_tools.composites import list_secrets, secret_keys, secrets

from . import sources

#: Where secret keys are documented: they have no page.
_KEYS = "https://docs.machines.dev/spec/openapi3.json"
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
    params=list_secrets.ListSecrets,
    result=list_secrets.SecretList,
    run=list_secrets.list_,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=sources.SECRETS,
    examples=(Example("which secrets are set?", {"appName": "catvet-records"}),),
)
GET_SECRET = Action(
    name="flyGetSecret",
    title="Get secret",
    summary="Get a secret's digest and dates; its value is never shown.",
    notes="Equal digests mean equal values, within one app.",
    group=Group.SECRETS,
    calls=(fly.GET_SECRET,),
    params=list_secrets.OfSecret,
    result=list_secrets.SecretDetail,
    run=list_secrets.get,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=sources.SECRETS,
    examples=(
        Example(
            "when was the API key last changed?",
            {"appName": "catvet-records", "name": "ANTHROPIC_API_KEY"},
        ),
    ),
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
LIST_SECRET_KEYS = Action(
    name="flyListSecretKeys",
    title="List secret keys",
    summary="List an app's cryptographic keys by name, type and date; no key is shown.",
    notes="Not environment variables: for those flyListSecrets.",
    group=Group.SECRETS,
    calls=(fly.LIST_SECRET_KEYS,),
    params=secret_keys.ListSecretKeys,
    result=secret_keys.SecretKeyList,
    run=secret_keys.list_,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=_KEYS,
    examples=(Example("which signing keys are there?", {"appName": "catvet-web"}),),
)
GENERATE_SECRET_KEY = Action(
    name="flyGenerateSecretKey",
    title="Generate secret key",
    summary="Let Fly make a cryptographic key for an app; nobody sees it.",
    notes="A name that is taken is refused, never replaced.",
    group=Group.SECRETS,
    calls=(fly.LIST_SECRET_KEYS, fly.GENERATE_SECRET_KEY),
    params=secret_keys.GenerateSecretKey,
    result=secret_keys.SecretKeyGenerated,
    run=secret_keys.generate,
    access=Access.WRITE,
    additive=True,
    idempotent=False,
    scope=Scope.DEPLOY,
    source=_KEYS,
    examples=(
        Example(
            "make a key for signing cookies",
            {"appName": "catvet-records", "name": "cookies-v1", "type": "hs256"},
        ),
    ),
)
DELETE_SECRET_KEY = Action(
    name="flyDeleteSecretKey",
    title="Delete secret key",
    summary="Delete a cryptographic key of an app; what it encrypted is lost.",
    group=Group.SECRETS,
    calls=(fly.GET_SECRET_KEY, fly.DELETE_SECRET_KEY),
    params=secret_keys.OfSecretKey,
    result=secret_keys.SecretKeyDeleted,
    run=secret_keys.delete,
    preview=secret_keys.preview,
    gate=Gate.ALWAYS,
    access=Access.DESTRUCTIVE,
    additive=False,
    idempotent=True,
    scope=Scope.DEPLOY,
    source=_KEYS,
    examples=(
        Example(
            "drop the old session key",
            {"appName": "catvet-web", "name": "sessions-v1", "confirm": True},
        ),
    ),
)

ROWS = (
    LIST_SECRETS,
    GET_SECRET,
    SET_SECRETS,
    UNSET_SECRETS,
    LIST_SECRET_KEYS,
    GENERATE_SECRET_KEY,
    DELETE_SECRET_KEY,
)
