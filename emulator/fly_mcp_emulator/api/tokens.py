"""What the presented tokens are (reference 4.9)."""

from __future__ import annotations

from typing import Any

from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.call import Call
from fly_mcp_emulator.routing import Endpoint
from fly_mcp_emulator.tokens import Grant


def current_token(call: Call) -> Answer:
    """One row for each token of the header."""
    return Answer({"tokens": [_row(call, grant) for grant in call.principal.grants]})


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


ENDPOINTS = (Endpoint("GET", "/v1/tokens/current", current_token),)
