"""flyListCertificates and flyCheckCertificate."""

from __future__ import annotations

from pydantic import Field

from fly_mcp_tools.api import certificates
from fly_mcp_tools.call import Call
from fly_mcp_tools.ids import AppName, Hostname
from fly_mcp_tools.models import Params, Result
from fly_mcp_tools.wire import Certificate, CertificateEntry

from . import paging
from .dns_records import DnsRecord, needed, problems
from .undoing import day


class ListCertificates(paging.Paged):
    """Which of an app's certificates."""

    app_name: AppName
    filter: str | None = Field(default=None, max_length=253, description="Part of the host name")


class CertificateRow(Result):
    """A host name. `certificate`: fly, custom, both or none."""

    hostname: str
    status: str
    certificate: str
    configured: bool


class CertificateList(Result):
    """The app's host names."""

    certificates: list[CertificateRow]
    total: int | None = Field(default=None, description="how many fit, where not all are shown")
    showing: str | None = None
    next_cursor: str | None = None


class OfHostname(Params):
    """One host name of an app."""

    app_name: AppName
    hostname: Hostname


class Issued(Result):
    """A certificate for a host name."""

    source: str = Field(description="fly or custom")
    status: str
    issuer: str | None = None
    expires_at: str | None = None


class CertificateCheck(Result):
    """What a host name has, and what it needs."""

    hostname: str
    status: str
    ready: bool = Field(description="a valid certificate is there and the DNS is right")
    problems: list[str] = Field(description="in words; empty: none")
    dns: list[DnsRecord] = Field(description="records that it needs")
    certificates: list[Issued]


async def list_(call: Call, params: ListCertificates) -> CertificateList:
    """A page of the app's host names; the pages are Fly's own.

    Raises:
        InvalidArguments: the cursor is none of ours, or was given for other filters.
    """
    found, after, total = await certificates.page_of(
        call, params.app_name, part=params.filter, cursor=paging.place(params), limit=params.limit
    )
    more = total is not None and total > len(found)
    return CertificateList(
        certificates=[
            CertificateRow(
                hostname=one.hostname,
                status=one.status,
                certificate=_kinds(one),
                configured=one.configured,
            )
            for one in found
        ],
        total=total if more else None,
        showing=f"{len(found)} of {total}" if more else None,
        next_cursor=paging.cursor_to(params, after) if after else None,
    )


async def check(call: Call, params: OfHostname) -> CertificateCheck:
    """Let Fly look at the DNS again: what is needed, what is there, and what is wrong, in words. Raises NotFound."""
    found = await certificates.check(call, params.app_name, params.hostname)
    wrong = problems(found, now=call.clock.now())
    return CertificateCheck(
        hostname=found.hostname,
        status=found.status,
        ready=found.configured and not wrong,
        problems=wrong,
        dns=needed(found),
        certificates=[_issued(one) for one in found.certificates],
    )


def _kinds(found: Certificate) -> str:
    if found.has_fly_certificate and found.has_custom_certificate:
        return "both"
    return "fly" if found.has_fly_certificate else "custom" if found.has_custom_certificate else "none"


def _issued(entry: CertificateEntry) -> Issued:
    return Issued(
        source=entry.source,
        status=entry.status,
        issuer=entry.issuer or None,
        expires_at=day(entry.expires_at) if entry.expires_at else None,
    )
