"""WireGuard peers, enough for flyctl to set up its end of a tunnel.

`fly apps restart` makes a peer and a local tunnel before it restarts machines, and sends nothing through it
[C: internal/command/apps/apps.go]. No gateway stands behind it: the endpoint is the caller's own machine, and
peers are not kept.
"""

from __future__ import annotations

import base64
import hashlib

from fly_mcp_emulator.call import Call
from fly_mcp_emulator.errors import forbidden
from fly_mcp_emulator.identity import opaque
from fly_mcp_emulator.world import Org

from . import orgs
from .nodes import Args, Node, with_input

_NOWHERE = "127.0.0.1"


def fields(call: Call) -> Node:
    """Mutations."""
    return {
        "addWireGuardPeer": with_input(lambda given: _add(call, given)),
        "removeWireGuardPeer": with_input(lambda given: {"organization": orgs.node(call, _org(call, given))}),
        "validateWireGuardPeers": with_input(
            lambda given: {"validPeerIps": given["peerIps"], "invalidPeerIps": list[str]()}
        ),
    }


def _add(call: Call, given: Args) -> Node:
    org = _org(call, given)
    place = opaque("peer", f"{org.slug}:{given['name']}")
    return {
        "peerip": f"fdaa:{org.number % 256:x}:{org.number >> 8 & 0xFFFF:x}:a7b:{place[:4]}:0:{place[4:8]}:0",
        "endpointip": _NOWHERE,
        "pubkey": base64.b64encode(hashlib.blake2b(place.encode(), digest_size=32).digest()).decode(),
        "network": given.get("network"),
    }


def _org(call: Call, given: Args) -> Org:
    org = orgs.by_id(call, given["organizationId"])
    if not call.principal.may("w", org.slug):
        raise forbidden(f"token is not authorized for organization {org.slug}")
    return org
