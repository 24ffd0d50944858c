"""What has to stand in the DNS for a certificate, what stands there, and what is wrong, in words."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Final

from pydantic import Field

from fly_mcp_tools.foreign import clean
from fly_mcp_tools.models import Result
from fly_mcp_tools.wire import Certificate, CertificateEntry, JsonObject

from .undoing import day

#: Problems of Fly's that are told at most.
_TOLD: Final = 5
#: Seconds before its end from which a certificate is a problem: Fly renews its own a month before.
_SOON: Final = 14 * 86_400.0


class DnsRecord(Result):
    """A record that is needed."""

    type: str
    name: str
    value: str
    found: bool | None = Field(default=None, description="whether Fly sees it; absent: not looked at")
    why: str | None = Field(default=None, description="where it is not the address itself")


def needed(found: Certificate) -> list[DnsRecord]:
    """The records that lead the host name to its app and prove that it is its own."""
    there, seen = found.dns_requirements, found.dns_records
    rows = [
        DnsRecord(
            type=type_,
            name=found.hostname,
            value=value,
            found=None if seen is None else _holds([*listed, *seen.resolved_addresses], value),
        )
        for type_, values, listed in (
            ("A", there.a, seen.a if seen else []),
            ("AAAA", there.aaaa, seen.aaaa if seen else []),
        )
        for value in values
    ]
    proof = _text(there.acme_challenge, "name"), _text(there.acme_challenge, "target")
    if all(proof) and (found.hostname.startswith("*.") or not found.configured):
        needs = found.hostname.startswith("*.")
        rows.append(
            DnsRecord(
                type="CNAME",
                name=proof[0],
                value=proof[1],
                found=None if seen is None else _dotless(seen.acme_challenge_cname) == _dotless(proof[1]),
                why="proof, needed for a wildcard" if needs else "proof before traffic is moved; optional",
            )
        )
    owner = _text(there.ownership, "name"), _text(there.ownership, "app_value")
    if all(owner) and "ownership" in found.status:
        rows.append(
            DnsRecord(
                type="TXT",
                name=owner[0],
                value=owner[1],
                found=None if seen is None else owner[1] in seen.ownership_txt,
                why="proof of ownership",
            )
        )
    return rows


def problems(found: Certificate, *, now: float) -> list[str]:
    """What stands in the way, one sentence each. `now`: seconds since the epoch."""
    return [*_of_addresses(found), *_of_dates(found, now), *_of_fly(found)]


def _of_addresses(found: Certificate) -> list[str]:
    there, seen = found.dns_requirements, found.dns_records
    told: list[str] = []
    if not there.a and not there.aaaa:
        told.append("The app has no public address for it: flyAllocateIp gives one.")
    if seen is None:
        return told
    rows = needed(found)
    right = any(one.found for one in rows if one.type in ("A", "AAAA"))
    right = right or any(_dotless(name) == _dotless(there.cname) for name in seen.cname if there.cname)
    others = [ip for ip in dict.fromkeys([*seen.a, *seen.aaaa]) if not _holds([*there.a, *there.aaaa], ip)]
    if others and (there.a or there.aaaa):
        told.append(
            f"The DNS leads {found.hostname} to {', '.join(others[:_TOLD])}, which is not this app's: a proxy, or a "
            "record to be changed."
        )
    elif not right and (there.a or there.aaaa):
        cname = f", or a CNAME to {there.cname} where it is no apex" if there.cname else ""
        told.append(
            f"No DNS record leads {found.hostname} to this app yet: the A and AAAA records below{cname}."
        )
    proof = next((one for one in rows if one.name.startswith("_acme-challenge")), None)
    if proof is not None and not proof.found and found.hostname.startswith("*."):
        told.append(f"The proof for the wildcard is missing: a CNAME {proof.name} to {proof.value}.")
    if any(one.type == "TXT" and not one.found for one in rows):
        told.append("The proof of ownership is missing: the TXT record below.")
    return told


def _of_dates(found: Certificate, now: float) -> list[str]:
    told: list[str] = []
    for entry in found.certificates:
        until = _moment(entry)
        if until is None:
            continue
        if until.timestamp() <= now:
            told.append(f"The {entry.source or 'present'} certificate expired at {day(until)}.")
        elif until.timestamp() <= now + _SOON:
            told.append(f"The {entry.source or 'present'} certificate expires at {day(until)}.")
    if found.rate_limited_until:
        told.append(f"No certificate is issued before {found.rate_limited_until}: too many were asked for.")
    return told


def _of_fly(found: Certificate) -> list[str]:
    """Fly's own words on what failed: cleaned, capped, and said to be Fly's."""
    told: list[str] = []
    for error in found.validation_errors[:_TOLD]:
        words = [_text(error, key) for key in ("message", "remediation")]
        said = clean(" ".join(word for word in words if word) or _text(error, "code"), 300)
        if said:
            told.append(f'Fly says: "{said}"'.replace("\n", " "))
    return told


def _holds(values: list[str], value: str) -> bool:
    """Whether an address is among them, however it is written."""
    try:
        return any(ip_address(one) == ip_address(value) for one in values)
    except ValueError:
        return value in values


def _moment(entry: CertificateEntry) -> datetime | None:
    until = entry.expires_at if entry.status == "active" else None
    return until.replace(tzinfo=UTC) if until and not until.tzinfo else until


def _dotless(name: str) -> str:
    return name.rstrip(".").lower()


def _text(value: JsonObject, key: str) -> str:
    found = value.get(key)
    return clean(found, 300) if isinstance(found, str) else ""
