"""IP addresses."""

from __future__ import annotations

from fly_mcp_emulator.api import addresses as rest_addresses
from fly_mcp_emulator.call import Call
from fly_mcp_emulator.errors import FlyError
from fly_mcp_emulator.identity import opaque
from fly_mcp_emulator.world import App, IpAddress

from . import apps, orgs
from .nodes import (
    Args,
    Node,
    find_app,
    missing,
    moment,
    on_demand,
    pages,
    rest,
    visible,
    with_args,
    with_input,
)


def fields(call: Call) -> Node:
    """Queries and mutations."""

    def one(args: Args) -> Node:
        app, address = _by_id(call, args["id"])
        return node(call, app, address)

    return {
        "ipAddress": with_args(one),
        "allocateIpAddress": with_input(lambda given: _allocate(call, given)),
        "releaseIpAddress": with_input(lambda given: _release(call, given)),
    }


def of_app(call: Call, app: App) -> Node:
    """What an app has of addresses. The shared one is a field of its own [C: fly-go's GetIPAddresses]."""
    shared = next((address.ip for address in app.ips.values() if address.shared), None)
    own = [address for address in app.ips.values() if not address.shared and not address.egress]

    def one(args: Args) -> Node | None:
        address = app.ips.get(args["address"])
        return node(call, app, address) if address and not address.egress else None

    return {
        "ipAddress": with_args(one),
        "ipAddresses": pages(lambda _: [node(call, app, address) for address in own]),
        "sharedIpAddress": shared,
        "egressIpAddresses": pages(lambda _: [_egress(app, one) for one in app.ips.values() if one.egress]),
    }


def node(call: Call, app: App, address: IpAddress) -> Node:
    """An address for traffic from outside, or from the private network."""
    return {
        "id": _id(app, address),
        "address": address.ip,
        "type": _type(address),
        "region": address.region,
        "serviceName": address.service_name or None,
        "createdAt": moment(address.created_at),
        "network": on_demand(lambda: _network(call, app) if _type(address) == "private_v6" else None),
    }


def _id(app: App, address: IpAddress) -> str:
    return opaque("ip", f"{app.name}:{address.ip}")


def _type(address: IpAddress) -> str:
    if address.shared:
        return "shared_v4"
    if ":" not in address.ip:
        return "v4"
    return "private_v6" if address.ip.startswith("fdaa:") else "v6"


def _network(call: Call, app: App) -> Node:
    return {
        "id": opaque("network", f"{app.org}:{app.network}"),
        "name": app.network,
        "organization": orgs.node(call, call.state.world.orgs[app.org]),
        "createdAt": moment(app.created_at),
        "updatedAt": moment(app.created_at),
    }


def _egress(app: App, address: IpAddress) -> Node:
    return {
        "id": _id(app, address),
        "ip": address.ip,
        "version": 6 if ":" in address.ip else 4,
        "region": address.region,
        "updatedAt": moment(address.created_at),
    }


def _by_id(call: Call, id_: object) -> tuple[App, IpAddress]:
    for app in visible(call):
        for address in app.ips.values():
            if _id(app, address) == id_:
                return app, address
    raise missing("IPAddress")


def _allocate(call: Call, given: Args) -> Node:
    app = find_app(call, given["appId"])
    body = {
        "type": given["type"],
        "region": given.get("region") or "",
        "network": given.get("network") or "",
        "service_name": given.get("serviceName") or "",
    }
    if given.get("organizationId"):
        body["org_slug"] = orgs.by_id(call, given["organizationId"]).slug
    made = rest(call, rest_addresses.assign_address, app, "w", body)
    address = app.ips[made["ip"]]
    # A shared one is no node, it is asked for by `app { sharedIpAddress }` [C: fly-go].
    shown = None if address.shared else node(call, app, address)
    return {"app": apps.node(call, app), "ipAddress": shown}


def _release(call: Call, given: Args) -> Node:
    if given.get("ipAddressId"):
        app, address = _by_id(call, given["ipAddressId"])
        ip = address.ip
    elif given.get("appId") and given.get("ip"):
        app, ip = find_app(call, given["appId"]), str(given["ip"])
    else:
        raise FlyError(422, "appId and ip, or ipAddressId, must be given")
    rest(call, rest_addresses.release_address, app, "w", ip=ip)
    return {"app": apps.node(call, app)}
