"""Machines."""

from __future__ import annotations

from fly_mcp_emulator.call import Call
from fly_mcp_emulator.identity import opaque
from fly_mcp_emulator.views import config_view
from fly_mcp_emulator.world import App, Machine

from . import apps
from .nodes import Args, Node, missing, moment, on_demand, pages, visible, with_args


def fields(call: Call) -> Node:
    """Queries."""

    def one(args: Args) -> Node:
        for app in visible(call):
            machine = app.machines.get(args["machineId"])
            if machine is not None and machine.readable:
                return node(call, app, machine)
        raise missing("Machine")

    return {"machine": with_args(one)}


def of_app(call: Call, app: App) -> Node:
    """What an app has of machines."""

    def one(args: Args) -> Node:
        machine = app.machines.get(args["id"])
        if machine is None or not machine.readable:
            raise missing("Machine")
        return node(call, app, machine)

    def many(args: Args) -> list[Node]:
        alive = [machine for machine in app.machines.values() if machine.alive]
        return [
            node(call, app, machine)
            for machine in alive
            if args.get("active") is None or (machine.state == "started") == args["active"]
        ]

    return {"machine": with_args(one), "machines": pages(many)}


def node(call: Call, app: App, machine: Machine) -> Node:
    """A machine. Addresses for outgoing traffic of its own are not modelled."""
    return {
        "id": machine.id,
        "name": machine.name,
        "state": machine.state,
        "region": machine.region,
        "instanceId": machine.instance_id,
        "createdAt": moment(machine.created_at),
        "updatedAt": moment(machine.updated_at),
        "config": on_demand(lambda: config_view(machine.config)),
        "app": on_demand(lambda: apps.node(call, app)),
        "host": {"id": opaque("host", f"{machine.region}:{machine.id}")},
        "ips": pages(lambda _: [_ip(machine)]),
        "egressIpAddresses": pages(lambda _: []),
    }


def _ip(machine: Machine) -> Node:
    return {
        "id": opaque("ip", machine.private_ip),
        "ip": machine.private_ip,
        "family": "v6",
        "kind": "privatenet",
        "maskSize": 112,
    }
