"""Certificates, as older clients see them."""

from __future__ import annotations

from typing import Any

from fly_mcp_emulator.api import certificates as rest_certificates
from fly_mcp_emulator.call import Call
from fly_mcp_emulator.errors import FlyError
from fly_mcp_emulator.identity import opaque
from fly_mcp_emulator.world import App

from . import apps
from .nodes import Args, Node, find_app, moment, pages, rest, with_args, with_input


def fields(call: Call) -> Node:
    """Mutations."""
    return {
        "addCertificate": with_args(lambda args: _add(call, args)),
        "checkCertificate": with_input(lambda given: _check(call, given)),
        "deleteCertificate": with_args(lambda args: _delete(call, args)),
    }


def of_app(call: Call, app: App) -> Node:
    """What an app has of certificates."""

    def one(args: Args) -> Node | None:
        return _node(call, app, args["hostname"]) if args["hostname"].lower() in app.certificates else None

    def many(args: Args) -> list[Node]:
        part = args.get("filter") or ""
        found = [_node(call, app, name) for name in app.certificates if part in name]
        return [node for node in found if args.get("id") in (None, node["id"])]

    return {"certificate": with_args(one), "certificates": pages(many)}


def _node(call: Call, app: App, hostname: str) -> Node:
    """A certificate, from what REST says of it."""
    detail = rest(call, rest_certificates.get_certificate, app, "r", hostname=hostname)
    name, needs, valid = detail["hostname"], detail["dns_requirements"], detail["validation"]
    sources = [entry["source"] for entry in detail["certificates"]]
    challenge = needs["acme_challenge"]
    return {
        "id": _id(app, name),
        "hostname": name,
        "domain": ".".join(name.split(".")[-2:]),
        "clientStatus": "Ready" if detail["status"] == "active" else "Awaiting configuration",
        "configured": detail["configured"],
        "isConfigured": detail["configured"],
        "acmeAlpnConfigured": valid["alpn_configured"],
        "isAcmeAlpnConfigured": valid["alpn_configured"],
        "acmeDnsConfigured": valid["dns_configured"],
        "isAcmeDnsConfigured": valid["dns_configured"],
        "isAcmeHttpConfigured": valid["http_configured"],
        "isApex": name.count(".") == 1,
        "isWildcard": name.startswith("*."),
        "certificateAuthority": "lets_encrypt" if "fly" in sources else None,
        "dnsProvider": detail["dns_provider"] or None,
        "dnsValidationHostname": challenge["name"],
        "dnsValidationTarget": challenge["target"],
        "dnsValidationInstructions": f"CNAME {challenge['name']} => {challenge['target']}",
        "source": sources[0] if sources else None,
        "createdAt": moment(app.certificates[name].created_at),
        "issued": pages(lambda _: _issued(app, detail)),
        "validationErrors": list[Node](),
    }


def _id(app: App, hostname: str) -> str:
    return opaque("certificate", f"{app.name}:{hostname}")


def _issued(app: App, detail: dict[str, Any]) -> list[Node]:
    return [
        {
            "id": opaque("issued", f"{app.name}:{detail['hostname']}:{entry['source']}:{one['type']}"),
            "hostname": detail["hostname"],
            "type": one["type"],
            "expiresAt": one["expires_at"],
        }
        for entry in detail["certificates"]
        for one in entry["issued"]
    ]


def _looked_up(call: Call, app: App, hostname: str) -> Node:
    answer = rest(call, rest_certificates.check_certificate, app, "r", hostname=hostname)
    records, valid = answer["dns_records"], answer["validation"]
    return {
        "id": opaque("check", f"{app.name}:{hostname}"),
        "aRecords": records["a"],
        "aaaaRecords": records["aaaa"],
        "cnameRecords": records["cname"],
        "caaRecords": list[str](),
        "resolvedAddresses": records["resolved_addresses"],
        "soa": records["soa"] or None,
        "dnsProvider": None,
        "dnsVerificationRecord": records["ownership_txt"] or None,
        "dnsConfigured": answer["configured"],
        "acmeDnsConfigured": valid["dns_configured"],
        "isProxied": False,
        "errors": list[str](),
    }


def _add(call: Call, args: Args) -> Node:
    app, hostname = find_app(call, args["appId"]), args["hostname"]
    made = rest(call, rest_certificates.create_acme, app, "w", {"hostname": hostname})
    return _payload(call, app, made["hostname"]) | {"errors": list[str]()}


def _check(call: Call, given: Args) -> Node:
    return _payload(call, find_app(call, given["appId"]), given["hostname"])


def _payload(call: Call, app: App, hostname: str) -> Node:
    return {
        "app": apps.node(call, app),
        "certificate": _node(call, app, hostname),
        "check": _looked_up(call, app, hostname),
    }


def _delete(call: Call, args: Args) -> Node:
    app, hostname = find_app(call, args["appId"]), args["hostname"]
    if hostname.lower() not in app.certificates:
        raise FlyError(404, "Certificate not found")
    gone = _node(call, app, hostname)
    rest(call, rest_certificates.delete_certificate, app, "w", hostname=hostname)
    return {"app": apps.node(call, app), "certificate": gone, "errors": list[str]()}
