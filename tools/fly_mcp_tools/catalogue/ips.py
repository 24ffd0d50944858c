"""Rows: IP addresses."""

from __future__ import annotations

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.action import Access, Action, Example, Gate, Group, Scope
from fly_mcp_tools.composites import allocating_ip, ips
from fly_mcp_tools.composites.listing import OfApp

_SOURCE = "https://fly.io/docs/networking/services/"

LIST_IPS = Action(
    name="flyListIps",
    title="List IP addresses",
    summary="List an app's IP addresses: shared or dedicated, public or private.",
    group=Group.IPS,
    calls=(fly.LIST_IPS,),
    params=OfApp,
    result=ips.IpList,
    run=ips.list_,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=_SOURCE,
    examples=(Example("what is its address?", {"appName": "catvet-web"}),),
)
ALLOCATE_IP = Action(
    name="flyAllocateIp",
    title="Allocate IP address",
    summary="Give an app an IP address: a shared IPv4, which is free, unless told otherwise.",
    notes="One that costs says how much and needs confirm: true.",
    group=Group.IPS,
    calls=(fly.LIST_REGIONS, fly.LIST_IPS, fly.ALLOCATE_IP),
    params=allocating_ip.AllocateIp,
    result=allocating_ip.IpAllocated,
    run=allocating_ip.allocate,
    gate=Gate.BY_PLAN,
    access=Access.WRITE,
    additive=True,
    idempotent=False,
    scope=Scope.DEPLOY,
    source=_SOURCE,
    examples=(
        Example("make it reachable from the internet", {"appName": "catvet-records"}),
        Example("it needs an IPv4 of its own", {"appName": "catvet-records", "type": "v4", "confirm": True}),
    ),
)
RELEASE_IP = Action(
    name="flyReleaseIp",
    title="Release IP address",
    summary="Give an app's IP address back; whatever reaches the app by it stops.",
    group=Group.IPS,
    calls=(fly.LIST_IPS, fly.RELEASE_IP),
    params=ips.OfIp,
    result=ips.IpReleased,
    run=ips.release,
    preview=ips.preview,
    gate=Gate.ALWAYS,
    access=Access.DESTRUCTIVE,
    additive=False,
    idempotent=True,
    scope=Scope.DEPLOY,
    source=_SOURCE,
    examples=(
        Example(
            "give the IPv6 address back",
            {"appName": "catvet-web", "ip": "2a09:8280:1::5c:1f2e:0", "confirm": True},
        ),
    ),
)

ROWS = (LIST_IPS, ALLOCATE_IP, RELEASE_IP)
