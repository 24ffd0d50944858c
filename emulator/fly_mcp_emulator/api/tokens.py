"""What tokens are and may do (reference 4.9)."""

from __future__ import annotations

import base64
from typing import Any, Final

from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.call import Body, Call
from fly_mcp_emulator.errors import bad_request, forbidden
from fly_mcp_emulator.routing import Endpoint
from fly_mcp_emulator.tokens import ACTIONS, Access, Grant, authenticate, pieces
from fly_mcp_emulator.world import App

_ALL_ACTIONS: Final = 31


class Header(Body):
    """An Authorization header to look at."""

    header: str = ""


class Scope(Body):
    """What is to be allowed. `action` adds up the letters' bits (reference 1.3)."""

    action: int = 0
    org_slug: str = ""
    app_name: str = ""
    app_feature: str = ""
    org_feature: str = ""
    machine_id: str = ""
    machine_feature: str = ""
    volume_id: str = ""
    source_machine: str = ""
    storage_object: str = ""
    mutation: str = ""
    command: list[str] | None = None


class Question(Header):
    """A header, and what it may be allowed."""

    access: Scope = Scope()


class OidcToken(Body):
    """For whom the token is."""

    aud: str = ""
    aws_principal_tags: bool = False


def current_token(call: Call) -> Answer:
    """One row for each token of the header."""
    return Answer({"tokens": [_row(call, grant) for grant in call.principal.grants]})


def authenticate_header(call: Call) -> Answer:
    """Say which tokens of a header are good. 400 when none is."""
    header = call.read(Header).header
    return Answer([_verified(call, text, grant) for text, grant in _read(call, header)])


def authorize_header(call: Call) -> Answer:
    """Say whether a header may do something. 400 when no token of it is good, 403 when none may."""
    body = call.read(Question)
    wanted, verified = body.access, _read(call, body.header)
    if not 0 <= wanted.action <= _ALL_ACTIONS:
        raise bad_request("invalid access.action")
    app = _scope_app(call, wanted)
    org = app.org if app else call.org(wanted.org_slug, "r")
    letters: list[Access] = [letter for letter, bit in ACTIONS.items() if wanted.action & bit]
    for text, grant in verified:
        runs = wanted.command is None or grant.may("exec", org, app.name if app else None)
        if runs and grant.may_run(wanted.command or []) and _may(grant, letters, org, app):
            access = _access(call, wanted, org, app)
            return Answer({"access": access, "verified_token": _verified(call, text, grant)})
    raise forbidden("token is not authorized for this access")


def request_oidc(call: Call) -> Answer:
    """Refuse: only a machine gets one, and the emulator's callers are outside."""
    call.read(OidcToken, optional=True)
    raise forbidden("OIDC tokens are only available from within a machine")


def request_kms(_call: Call) -> Answer:
    """Refuse: only a machine gets one, and the emulator's callers are outside."""
    raise forbidden("KMS tokens are only available from within a machine")


def _read(call: Call, header: str) -> list[tuple[str, Grant]]:
    """Return the good tokens of a header, each with its text."""
    found: list[tuple[str, Grant]] = []
    for piece in pieces(header):
        principal = authenticate(call.state.world, piece, call.state.now())
        found += [(piece, grant) for grant in principal.grants] if principal else []
    if not found:
        raise bad_request("token validation error")
    return found


def _scope_app(call: Call, wanted: Scope) -> App | None:
    if not wanted.app_name:
        return None
    app = call.state.world.apps.get(wanted.app_name)
    if app is None:
        raise bad_request(f'Could not find App "{wanted.app_name[:64]}"')
    return app


def _may(grant: Grant, letters: list[Access], org: str, app: App | None) -> bool:
    name = app.name if app else None
    return grant.sees(org, name) and all(grant.may(letter, org, name) for letter in letters)


def _access(call: Call, wanted: Scope, org: str, app: App | None) -> dict[str, Any]:
    """Answer the question's scope, in the words of macaroons; what was not asked is left out."""
    view: dict[str, Any] = {
        "action": wanted.action,
        "orgid": call.state.world.orgs[org].number,
        "appid": app.number if app else None,
        "app_feature": wanted.app_feature,
        "feature": wanted.org_feature,
        "machine": wanted.machine_id,
        "machine_feature": wanted.machine_feature,
        "volume": wanted.volume_id,
        "sourceMachine": wanted.source_machine,
        "storage_object": wanted.storage_object,
        "mutation": wanted.mutation,
        "command": wanted.command,
    }
    return {key: value for key, value in view.items() if value not in (None, "")}


def _verified(call: Call, text: str, grant: Grant) -> dict[str, Any]:
    """A token that was looked through. Its inner parts are made up: these tokens are no macaroons."""
    caveats: list[dict[str, Any]] = []
    if grant.org is not None:
        number = call.state.world.orgs[grant.org].number
        caveats.append({"type": "Organization", "body": {"id": number, "mask": _mask(grant)}})
    if grant.token is not None and grant.token.app:
        caveats.append({"type": "Apps", "body": {"apps": {grant.token.app: _mask(grant)}}})
    return {
        "header": f"FlyV1 {text}",
        "permission_token": _bytes(text),
        "nonce": {"kid": _bytes(grant.id), "rnd": _bytes(grant.id[-16:]), "proof": False},
        "caveats": {"caveats": caveats},
    }


def _mask(grant: Grant) -> int:
    return ACTIONS["r"] if grant.token and grant.token.kind in ("readonly", "machine-exec") else _ALL_ACTIONS


def _bytes(text: str) -> str:
    # What Go makes of bytes; the document has a list of numbers, as for secret keys (reference 4.7).
    return base64.b64encode(text.encode()).decode()


def _row(call: Call, grant: Grant) -> dict[str, Any]:
    orgs = call.state.world.orgs
    slug = grant.org
    if slug is None:
        # A login sees all organisations; the call names the personal one.
        slug = next((org.slug for org in orgs.values() if org.type == "PERSONAL"), next(iter(orgs), ""))
    row: dict[str, Any] = {
        "token_id": grant.id,
        "org_slug": slug,
        "organization": orgs[slug].name if slug in orgs else "",
        "apps": [grant.token.app] if grant.token and grant.token.app else ["*"],
    }
    if grant.token is None or grant.token.kind == "user":
        row["user"] = grant.user
    return row


ENDPOINTS = (
    Endpoint("GET", "/v1/tokens/current", current_token, sure=("document",)),
    Endpoint(
        "POST",
        "/v1/tokens/authenticate",
        authenticate_header,
        sure=("document", "inferred"),
        lacks="Macaroons: tokens are words with rights, and caveats are made up from those.",
    ),
    Endpoint(
        "POST",
        "/v1/tokens/authorize",
        authorize_header,
        sure=("document", "inferred"),
        lacks="Macaroons; features and storage objects.",
    ),
    Endpoint(
        "POST",
        "/v1/tokens/oidc",
        request_oidc,
        sure=("document", "inferred"),
        lacks="A machine's own calls, which alone are answered.",
    ),
    Endpoint(
        "POST",
        "/v1/tokens/kms",
        request_kms,
        sure=("document", "inferred"),
        lacks="A machine's own calls, which alone are answered.",
    ),
)
