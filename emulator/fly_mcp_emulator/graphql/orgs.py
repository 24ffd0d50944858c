"""Organisations and whoever asks."""

from __future__ import annotations

from fly_mcp_emulator.call import Call
from fly_mcp_emulator.errors import FlyError
from fly_mcp_emulator.identity import opaque
from fly_mcp_emulator.world import Org

from . import apps, tokens
from .nodes import Args, Node, missing, moment, on_demand, pages, visible, with_args


def fields(call: Call) -> Node:
    """Queries."""

    def one(args: Args) -> Node:
        if args.get("id") is not None:
            return node(call, by_id(call, args["id"]))
        slug = args.get("slug")
        if slug is None and args.get("name") is not None:
            slug = next((org.slug for org in _seen(call) if org.name == args["name"]), None)
        return node(call, _by_slug(call, slug))

    def many(args: Args) -> list[Node]:
        return [node(call, org) for org in _seen(call) if args.get("type") in (None, org.type)]

    return {
        "organization": with_args(one),
        "organizations": pages(many),
        "personalOrganization": on_demand(lambda: node(call, _by_slug(call, "personal"))),
        "currentUser": on_demand(lambda: user_node(call, call.state.world.user)),
        "viewer": on_demand(lambda: _viewer(call)),
    }


def by_id(call: Call, id_: object) -> Org:
    """Return an organisation by its GraphQL id; its slug does as well. Raises: 404."""
    for org in _seen(call):
        if id_ in (opaque("org", org.slug), org.slug):
            return org
    raise missing("Organization")


def node(call: Call, org: Org) -> Node:
    """An organisation. Billing is not modelled: everything is paid for."""
    members = [call.state.world.user]
    return {
        "id": opaque("org", org.slug),
        "internalNumericId": str(org.number),
        "slug": org.slug,
        "rawSlug": org.slug,
        "name": org.name,
        "type": org.type,
        "viewerRole": "admin",
        "paidPlan": True,
        "billable": True,
        "billingStatus": "CURRENT",
        "provisionsBetaExtensions": False,
        "remoteBuilderImage": "",
        "remoteBuilderApp": None,
        "addOnSsoLink": None,
        "settings": {},
        "addOns": pages(lambda _: []),
        "apps": pages(lambda _: [apps.node(call, app) for app in visible(call) if app.org == org.slug]),
        "limitedAccessTokens": pages(lambda _: tokens.of_org(call, org)),
        "members": {
            "nodes": [user_node(call, email) for email in members],
            "edges": [
                {"cursor": "MQ", "node": user_node(call, email), "joinedAt": moment(0.0), "role": "ADMIN"}
                for email in members
            ],
            "totalCount": len(members),
            "pageInfo": {"hasNextPage": False, "hasPreviousPage": False},
        },
    }


def user_node(call: Call, email: str) -> Node:
    """A user."""
    return {
        "__typename": "User",
        "id": opaque("user", email),
        "internalNumericId": int(opaque("user", email)[:7], 16),
        "email": email,
        "name": email.partition("@")[0],
        "username": email.partition("@")[0],
        "emailVerified": True,
        "enablePaidHobby": True,
        "createdAt": moment(0.0),
        "personalOrganization": on_demand(lambda: node(call, _by_slug(call, "personal"))),
    }


def _viewer(call: Call) -> Node:
    owner = call.principal.owner
    if owner == call.state.world.user:
        return user_node(call, owner)
    return {"__typename": "Macaroon", "email": owner, "name": owner}


def _seen(call: Call) -> list[Org]:
    return [org for org in call.state.world.orgs.values() if call.principal.sees(org.slug)]


def _by_slug(call: Call, slug: str | None) -> Org:
    try:
        return call.state.world.orgs[call.org(slug, "r")]
    except FlyError:
        raise missing("Organization") from None
