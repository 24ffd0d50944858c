"""Certificates in trouble: expired, about to, or never issued."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import anyio
from pydantic import JsonValue

from fly_mcp_tools.api import certificates
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import FlyError
from fly_mcp_tools.wire import Certificate

from .app_status_rows import NAMED, Problem, Step

#: Certificates that are counted, and of these how many are looked at for when they end: that is a call each, and
#: Fly allows one a second.
_COUNTED, _LOOKED_AT = 100, 6
#: Fly renews its own a month before they end.
_SOON = timedelta(days=14)
_PLAIN = re.compile(r"(?:\*\.)?[A-Za-z0-9.-]{1,253}")
_SAYS = {
    "expired": "Expired: browsers refuse to open these host names.",
    "expires_soon": "End within two weeks and were not renewed: Fly renews its own a month before, and one that was "
    "brought has to be brought again.",
    "not_issued": "Not issued: the DNS records that prove whose the name is are missing or wrong.",
}


@dataclass
class Found:
    """How the certificates are, and what is not known of them."""

    counts: Counter[str] = field(default_factory=Counter[str])
    problems: list[Problem] = field(default_factory=list[Problem])
    unknown: list[str] = field(default_factory=list[str])


async def look(call: Call, app_name: str) -> Found:
    """Look at the app's certificates. What cannot be read is said to be unknown."""
    found = Found()
    try:
        listed, cursor, total = await certificates.page_of(
            call, app_name, part=None, cursor=None, limit=_COUNTED
        )
    except FlyError:
        found.unknown.append("certificates")
        return found
    issued = sorted((one for one in listed if one.status == "active"), key=_likely)
    states = {
        one.hostname: "expired" if one.status == "expired" else "not_issued"
        for one in listed
        if one.status != "active"
    }
    states |= await _ends(call, app_name, issued[:_LOOKED_AT])
    found.counts.update(states.get(one.hostname, "issued") for one in listed)
    left = len(issued) - sum(one.hostname in states for one in issued)
    if left:
        found.unknown.append(
            f"when {left} of {len(issued)} certificates end: not looked at; flyCheckCertificate tells of one"
        )
    if cursor is not None:
        found.unknown.append(f"how the certificates beyond the first {len(listed)} of {total or 'many'} are")
    for state, says in _SAYS.items():
        names = [name for name, known in states.items() if known == state]
        if names:
            found.problems.append(_problem(app_name, f"certificate_{state}", says, names))
    return found


def _problem(app_name: str, slug: str, says: str, names: list[str]) -> Problem:
    shown = [name for name in names[:NAMED] if _PLAIN.fullmatch(name)]
    one: dict[str, JsonValue] = (
        {"appName": app_name, "hostname": shown[0]} if shown else {"appName": app_name}
    )
    return Problem(
        problem=slug,
        says=says,
        hostnames=shown,
        count=len(names) if len(names) > len(shown) else None,
        next=Step(tool="flyCheckCertificate" if shown else "flyListCertificates", arguments=one),
    )


def _likely(one: Certificate) -> tuple[bool, float]:
    """Those first that are likeliest to have ended: the brought ones, which nobody renews, then the oldest.

    Fly's list calls one active also after its end, so that a look at each is all that tells.
    """
    touched = one.updated_at or one.created_at
    return not one.custom, touched.timestamp() if touched else 0.0


async def _ends(call: Call, app_name: str, some: list[Certificate]) -> dict[str, str]:
    """How those that were issued are, by when they end; those that could not be read are missing."""
    now = datetime.fromtimestamp(call.clock.now(), UTC)
    states: dict[str, str] = {}

    async def read(one: Certificate) -> None:
        try:
            ends = _end(await certificates.get(call, app_name, one.hostname))
        except FlyError:
            return
        if ends is not None:
            states[one.hostname] = (
                "expired" if ends <= now else "expires_soon" if ends - now < _SOON else "good"
            )

    async with anyio.create_task_group() as group:
        for one in some:
            group.start_soon(read, one)
    return states


def _end(certificate: Certificate) -> datetime | None:
    """When the last of its certificates ends: one that is good is enough."""
    ends = [one.expires_at for one in certificate.certificates if one.expires_at and one.status == "active"]
    return max((one if one.tzinfo else one.replace(tzinfo=UTC) for one in ends), default=None)
