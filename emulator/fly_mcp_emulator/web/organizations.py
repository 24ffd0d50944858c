"""Organisations (reference 8.3): the only REST call that lists them."""

from __future__ import annotations

from typing import Any

from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.call import Call
from fly_mcp_emulator.identity import opaque
from fly_mcp_emulator.routing import Endpoint
from fly_mcp_emulator.world import Org


def list_organizations(call: Call) -> Answer:
    """Those that the token sees. `admin` narrows to those one administers: here that is all of them."""
    orgs = [org for org in call.state.world.orgs.values() if call.principal.sees(org.slug)]
    return Answer({"organizations": [_view(org) for org in orgs]})


def get_organization(call: Call) -> Answer:
    """One, by slug."""
    slug = call.org(call.params["slug"], "r")
    return Answer({"organization": _view(call.state.world.orgs[slug])})


def _view(org: Org) -> dict[str, Any]:
    # The fields that flyctl reads [C: internal/uiex/organizations.go].
    return {
        "id": opaque("org", org.slug),
        "internal_numeric_id": org.number,
        "slug": org.slug,
        "raw_slug": org.slug,
        "name": org.name,
        "personal": org.type == "PERSONAL",
        "paid_plan": True,
        "billable": True,
        "billing_status": "CURRENT",
        "provisions_beta_extensions": False,
        "remote_builder_image": "",
    }


_PATH = "/api/v1/organizations"
ENDPOINTS = (
    Endpoint(
        "GET",
        _PATH,
        list_organizations,
        shape="detail",
        rate="none",
        sure=("client", "inferred"),
        lacks="Billing, members and limits.",
    ),
    Endpoint(
        "GET",
        f"{_PATH}/{{slug}}",
        get_organization,
        shape="detail",
        rate="none",
        sure=("client", "inferred"),
        lacks="Billing, members and limits.",
    ),
)
