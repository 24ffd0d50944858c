"""Certificates of an app (reference 4.8). Answered by the service whose refusals are `{"message": ...}`."""

from __future__ import annotations

import re
from typing import Any

from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.call import Body, Call
from fly_mcp_emulator.errors import FlyError
from fly_mcp_emulator.routing import Endpoint
from fly_mcp_emulator.views import moment
from fly_mcp_emulator.world import App, Certificate

_HOSTNAME = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}\Z")
_USUAL, _MOST = 25, 500
_ISSUE_SECONDS = 30.0
"""How long Let's Encrypt takes once the names are right [I]."""
_NEVER = ".invalid"
_LIFETIME = 90 * 86_400.0


class Hostname(Body):
    """A host name, and for a custom certificate the certificate itself."""

    hostname: str = ""
    fullchain: str = ""
    private_key: str = ""


def list_certificates(call: Call) -> Answer:
    """A page of summaries, by host name; `filter` is a part of the name."""
    limit = call.whole("limit")
    if limit is not None and limit < 1:
        raise FlyError(400, "invalid limit")
    part, after = call.first("filter") or "", call.first("cursor") or ""
    names = sorted(name for name in call.app.certificates if part in name)
    rest = [name for name in names if name > after]
    page = rest[: min(limit or _USUAL, _MOST)]
    return Answer(
        {
            "certificates": [_summary(call, call.app.certificates[name]) for name in page],
            "next_cursor": page[-1] if len(page) < len(rest) else "",
            "total_count": len(names),
        }
    )


def create_acme(call: Call) -> Answer:
    """Ask for a certificate by Fly. It is issued half a minute later, for names ending in `.invalid` never."""
    return Answer(_detail(call, _stored(call, custom=False)), 201)


def create_custom(call: Call) -> Answer:
    """Bring a certificate."""
    body = call.read(Hostname)
    if "BEGIN CERTIFICATE" not in body.fullchain or "PRIVATE KEY" not in body.private_key:
        raise FlyError(422, "Certificate or private key is not valid PEM")
    return Answer(_detail(call, _stored(call, custom=True)), 201)


def get_certificate(call: Call) -> Answer:
    """All about one host name."""
    return Answer(_detail(call, _find(call)))


def check_certificate(call: Call) -> Answer:
    """Look at its DNS again."""
    certificate = _find(call)
    issued = _issued(call, certificate)
    records = {
        "a": ["66.241.124.7"] if issued else [],
        "aaaa": [],
        "cname": [],
        "resolved_addresses": ["66.241.124.7"] if issued else [],
        "ownership_txt": "",
        "acme_challenge_cname": "",
        "soa": "",
    }
    return Answer(_detail(call, certificate) | {"dns_records": records})


def delete_certificate(call: Call) -> Answer:
    """Forget a host name."""
    del call.app.certificates[_find(call).hostname]
    return Answer(status=204)


def delete_acme(call: Call) -> Answer:
    """Stop asking for Fly's certificate; a custom one stays."""
    certificate = _find(call)
    certificate.acme = False
    return Answer(_detail(call, certificate))


def delete_custom(call: Call) -> Answer:
    """Drop the custom certificate; Fly's stays, if there is one."""
    certificate = _find(call)
    if not certificate.custom:
        raise FlyError(404, "No custom certificate found")
    certificate.custom = False
    left = _issued(call, certificate)
    warning = "" if left else "The hostname has no certificate left"
    return Answer(_detail(call, certificate) | {"warning": warning})


def _stored(call: Call, *, custom: bool) -> Certificate:
    name, now = call.read(Hostname).hostname.lower(), call.state.now()
    if _HOSTNAME.match(name) is None or len(name) > 253:
        raise FlyError(422, "Hostname is invalid")
    owner = next((app for app in call.state.world.apps.values() if name in app.certificates), None)
    if owner is not None and (owner is not call.app or not custom):
        raise FlyError(422, "Hostname already exists on app")
    fresh = Certificate(hostname=name, acme=not custom, created_at=now, expires_at=now + _LIFETIME)
    certificate = call.app.certificates.setdefault(name, fresh)
    certificate.custom = certificate.custom or custom
    certificate.updated_at = now
    return certificate


def _find(call: Call) -> Certificate:
    certificate = call.app.certificates.get(call.params["hostname"].lower())
    if certificate is None:
        raise FlyError(404, "Certificate not found")
    return certificate


def _issued(call: Call, certificate: Certificate) -> bool:
    if not certificate.acme:
        return False
    ready = call.state.now() >= certificate.created_at + _ISSUE_SECONDS * call.state.pace
    return certificate.issued or (ready and not certificate.hostname.endswith(_NEVER))


def _status(call: Call, certificate: Certificate) -> str:
    if certificate.custom or _issued(call, certificate):
        return "active"
    return "pending_validation"


def _summary(call: Call, certificate: Certificate) -> dict[str, Any]:
    issued = _issued(call, certificate)
    return {
        "hostname": certificate.hostname,
        "status": _status(call, certificate),
        "configured": issued or certificate.custom,
        "acme_requested": certificate.acme,
        "acme_alpn_configured": issued,
        "acme_dns_configured": False,
        "acme_http_configured": issued,
        "dns_provider": "",
        "has_custom_certificate": certificate.custom,
        "has_fly_certificate": issued,
        "ownership_txt_configured": False,
        "created_at": moment(certificate.created_at),
        "updated_at": moment(certificate.updated_at),
    }


def _detail(call: Call, certificate: Certificate) -> dict[str, Any]:
    issued = _issued(call, certificate)
    return {
        "hostname": certificate.hostname,
        "status": _status(call, certificate),
        "configured": issued or certificate.custom,
        "acme_requested": certificate.acme,
        "dns_provider": "",
        "certificates": _entries(call, certificate),
        "dns_requirements": _requirements(call.app, certificate),
        "validation": {
            "alpn_configured": issued,
            "dns_configured": False,
            "http_configured": issued,
            "ownership_txt_configured": False,
        },
        "validation_errors": [],
    }


def _entries(call: Call, certificate: Certificate) -> list[dict[str, Any]]:
    sources = [("custom", "Custom CA")] if certificate.custom else []
    if certificate.acme:
        sources.append(("fly", "Let's Encrypt"))
    rows: list[dict[str, Any]] = []
    for source, issuer in sources:
        active = source == "custom" or _issued(call, certificate)
        expires = moment(certificate.expires_at)
        kinds = ("ecdsa", "rsa") if active else ()
        rows.append(
            {
                "source": source,
                "status": "active" if active else "pending_validation",
                "issuer": issuer,
                "created_at": moment(certificate.created_at),
                "expires_at": expires,
                "issued": [
                    {"type": kind, "expires_at": expires, "certificate_authority": issuer} for kind in kinds
                ],
            }
        )
    return rows


def _requirements(app: App, certificate: Certificate) -> dict[str, Any]:
    name, target = certificate.hostname.removeprefix("*."), f"{app.id[:7]}.{app.name}.fly.dev"
    return {
        "a": [ip for ip in app.ips if "." in ip],
        "aaaa": [ip for ip in app.ips if ":" in ip and not ip.startswith("fdaa:")],
        "cname": target,
        "acme_challenge": {"name": f"_acme-challenge.{name}", "target": f"{name}.{app.id[:7]}.flydns.net"},
        "ownership": {
            "name": f"_fly-ownership.{name}",
            "app_value": f"app-{app.id[:7]}",
            "org_value": f"org-{app.number}",
        },
    }


_PATH = "/v1/apps/{app}/certificates"
ENDPOINTS = (
    Endpoint("GET", _PATH, list_certificates, "r", shape="message", sure=("document",)),
    Endpoint(
        "POST",
        f"{_PATH}/acme",
        create_acme,
        "w",
        shape="message",
        sure=("document", "inferred"),
        lacks="No name is looked up: certificates are issued half a minute later, never for `.invalid`.",
    ),
    Endpoint(
        "POST",
        f"{_PATH}/custom",
        create_custom,
        "w",
        shape="message",
        sure=("document", "inferred"),
        lacks="The certificate is not read, beyond being PEM.",
    ),
    Endpoint(
        "GET",
        f"{_PATH}/{{hostname}}",
        get_certificate,
        "r",
        shape="message",
        sure=("document", "inferred"),
        lacks="What Fly says of one that has expired is not known: here its dates tell.",
    ),
    Endpoint("DELETE", f"{_PATH}/{{hostname}}", delete_certificate, "w", shape="message", sure=("document",)),
    Endpoint(
        "DELETE",
        f"{_PATH}/{{hostname}}/acme",
        delete_acme,
        "w",
        shape="message",
        sure=("document", "inferred"),
    ),
    Endpoint(
        "POST",
        f"{_PATH}/{{hostname}}/check",
        check_certificate,
        "r",
        shape="message",
        sure=("document", "inferred"),
        lacks="DNS: the records shown are made up.",
    ),
    Endpoint(
        "DELETE",
        f"{_PATH}/{{hostname}}/custom",
        delete_custom,
        "w",
        shape="message",
        sure=("document", "inferred"),
        lacks="The words of the warning.",
    ),
)
