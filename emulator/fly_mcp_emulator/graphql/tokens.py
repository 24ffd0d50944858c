"""Tokens with narrower rights: `fly tokens create`, `list` and `revoke` (reference 1.3)."""

from __future__ import annotations

from fly_mcp_emulator.call import Call
from fly_mcp_emulator.config import seconds_of
from fly_mcp_emulator.errors import bad_request, forbidden
from fly_mcp_emulator.identity import opaque
from fly_mcp_emulator.world import App, Org, Token

from . import orgs
from .nodes import Args, Node, find_app, missing, moment, on_demand, pages, with_input

_TWENTY_YEARS = 175_200 * 3600.0
_PROFILES = {"deploy": "deploy", "deploy_organization": "org"}


def fields(call: Call) -> Node:
    """Mutations."""
    return {
        "createLimitedAccessToken": with_input(lambda given: _create(call, given)),
        "deleteLimitedAccessToken": with_input(lambda given: _delete(call, given)),
    }


def of_app(call: Call, app: App) -> Node:
    """What an app has of tokens."""
    return {
        "limitedAccessTokens": pages(lambda _: _nodes(call, [t for t in _known(call) if t.app == app.name]))
    }


def of_org(call: Call, org: Org) -> list[Node]:
    """Return the tokens for a whole organisation."""
    return _nodes(call, [token for token in _known(call) if token.org == org.slug and token.app is None])


def _known(call: Call) -> list[Token]:
    return call.state.world.tokens


def _nodes(call: Call, found: list[Token]) -> list[Node]:
    return [_node(call, token) for token in found]


def _node(call: Call, token: Token) -> Node:
    expires = token.expires_at if token.expires_at is not None else call.state.now() + _TWENTY_YEARS
    return {
        "id": opaque("token", token.text),
        "name": token.name,
        "token": token.text,
        "tokenHeader": f"FlyV1 {token.text}",
        "profile": next((name for name, kind in _PROFILES.items() if kind == token.kind), token.kind),
        "profileParams": {"app_id": token.app} if token.app else None,
        "createdAt": moment(0.0),
        "expiresAt": moment(expires),
        "revokedAt": None,
        "user": orgs.user_node(call, call.state.world.user),
        "organization": on_demand(lambda: orgs.node(call, orgs.by_id(call, token.org or "personal"))),
    }


def _create(call: Call, given: Args) -> Node:
    org = orgs.by_id(call, given["organizationId"])
    profile = str(given["profile"])
    params: Args = given.get("profileParams") or {}
    if profile not in _PROFILES:
        raise bad_request(f"unknown profile {profile[:64]}")
    app = find_app(call, params.get("app_id")) if profile == "deploy" else None
    if not call.principal.may("w", org.slug, app.name if app else None):
        raise forbidden("token cannot create tokens")
    token = Token(
        text="fm2_" + call.state.ids.base58(43),
        name=str(given["name"]),
        kind="deploy" if app else "org",
        org=org.slug,
        app=app.name if app else None,
        expires_at=_expiry(call, given.get("expiry")),
    )
    call.state.world.tokens.append(token)
    return {"limitedAccessToken": _node(call, token)}


def _expiry(call: Call, text: str | None) -> float | None:
    try:
        return call.state.now() + seconds_of(text) if text else None
    except ValueError as error:
        raise bad_request(str(error)) from None


def _delete(call: Call, given: Args) -> Node:
    known = _known(call)
    for token in known:
        if given.get("token") == token.text or given.get("id") == opaque("token", token.text):
            if not call.principal.may("w", token.org or "", token.app):
                break
            known.remove(token)
            return {"token": token.text}
    raise missing("LimitedAccessToken")
