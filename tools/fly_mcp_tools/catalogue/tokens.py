"""Rows: tokens. Off unless their toolset is named."""

from __future__ import annotations

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.action import Access, Action, Example, Group, Scope
from fly_mcp_tools.composites import identity, tokens

_TOKENS = "https://fly.io/docs/security/tokens/"
_OIDC = "https://fly.io/docs/security/openid-connect/"

GET_TOKEN_INFO = Action(
    name="flyGetTokenInfo",
    title="Get token info",
    summary="Tell what this server's token is: kind, organisation, apps. Never the token.",
    group=Group.TOKENS,
    calls=(fly.CURRENT_TOKEN,),
    params=tokens.Nothing,
    result=tokens.TokenInfos,
    run=tokens.info,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=_TOKENS,
    examples=(Example("what may you do on Fly?", {}),),
)
GET_OIDC_TOKEN = Action(
    name="flyGetOidcToken",
    title="Get identity token",
    summary="Write a signed token that says which Fly machine this server runs on to a private file.",
    notes="Shows its claims alone. Only where this server runs on Fly.",
    group=Group.TOKENS,
    calls=(fly.OIDC_TOKEN,),
    params=identity.GetOidcToken,
    result=identity.OidcToken,
    run=identity.get,
    access=Access.READ,
    additive=True,
    idempotent=True,
    mints=True,
    scope=Scope.READONLY,
    source=_OIDC,
    examples=(Example("log in to AWS as this machine", {"audience": "sts.amazonaws.com"}),),
)

ROWS = (GET_TOKEN_INFO, GET_OIDC_TOKEN)
