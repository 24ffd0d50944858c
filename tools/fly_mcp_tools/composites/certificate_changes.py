"""flyRequestCertificate and flyRemoveCertificate.

A host name is its own mark: it exists once over all of Fly, so a lost answer is looked up by it.
"""

from __future__ import annotations

from pydantic import Field, JsonValue

from fly_mcp_tools import prices
from fly_mcp_tools.action import Loss
from fly_mcp_tools.api import certificates
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import EARLIER_ATTEMPT, MaybeDone, NotFound, TimedOut
from fly_mcp_tools.ids import AppName, Hostname
from fly_mcp_tools.models import Outcome, Params, WriteResult
from fly_mcp_tools.wire import Certificate

from . import looking
from .certificates import OfHostname
from .dns_records import DnsRecord, needed
from .undoing import Undo, day

_SENT = "sent"


class RemoveCertificate(Params):
    """What to remove."""

    app_name: AppName
    hostname: Hostname
    keep_custom: bool = Field(default=False, description="true: only Fly's own")


class CertificateRequested(WriteResult):
    """The host name that a certificate was asked for. Fly issues it once the DNS is right."""

    hostname: str
    status: str
    dns: list[DnsRecord] = Field(description="records that it needs")
    cname: str | None = Field(default=None, description="instead of A and AAAA where it is no apex")
    monthly_cost: str | None = None


class CertificateRemoved(WriteResult):
    """The host name that was removed, or only Fly's own certificate of it."""

    hostname: str
    undo: Undo
    monthly_cost: str | None = Field(default=None, description="the difference")


async def request(call: Call, params: OfHostname) -> CertificateRequested:
    """Ask Fly for a certificate; the answer says what has to stand in the DNS.

    Raises:
        MaybeDone: the answer was lost, and the host name is not there (yet).
    """

    async def there() -> Certificate | None:
        try:
            found = await certificates.get(call, params.app_name, params.hostname)
        except NotFound:
            return None
        return found if found.acme_requested else None

    if (found := await there()) is not None:
        earlier = "An earlier call with this requestId had asked for it."
        if _SENT in call.journal.notes:
            return _requested(found, earlier)
        return _requested(found, "It was asked for already; nothing was sent.", new=False)
    call.journal.note(_SENT, True)
    try:
        return _requested(await certificates.request(call, params.app_name, params.hostname), None)
    except (MaybeDone, TimedOut) as error:
        found, looked = await looking.after_lost(call, there)
        if found is not None:
            return _requested(found, "Fly's answer was lost; the host name is there, and was not before.")
        raise MaybeDone(
            f"The request for a certificate for {params.hostname} was sent, its answer lost, and "
            + ("it is not there." if looked else "looking for it failed as well."),
            hint="flyListCertificates looks again. Repeating the call is safe: a host name exists once.",
            status=error.status,
            request_id=error.request_id,
            facts={"found": "nothing" if looked else "unknown"},
        ) from None


async def preview(call: Call, params: RemoveCertificate) -> Loss:
    """What removing it would lose. Raises NotFound."""
    found = await certificates.get(call, params.app_name, params.hostname)
    listed: list[JsonValue] = [
        {
            "source": one.source,
            "status": one.status,
            "expires_at": day(one.expires_at) if one.expires_at else None,
        }
        for one in found.certificates
    ]
    facts: dict[str, JsonValue] = {
        "hostname": found.hostname,
        "status": found.status,
        "certificates": listed,
    }
    if params.keep_custom and found.custom:
        return Loss(
            f"Fly's own certificate for {params.hostname} would be removed and not renewed; the one that was brought "
            "stays, and is served until it expires.",
            facts,
        )
    brought = (
        " The certificate that was brought is lost: to have it back, its private key has to be uploaded again."
        if found.custom
        else ""
    )
    return Loss(
        f"{params.hostname} would no longer be answered by {params.app_name} over https: browsers warn or fail. Its "
        f"DNS records stay and should go too.{brought} Asking for a new one later takes minutes, and Let's Encrypt "
        "allows only some a week.",
        facts,
    )


async def remove(call: Call, params: RemoveCertificate) -> CertificateRemoved:
    """Remove a host name with its certificates, or Fly's own alone.

    Raises:
        NotFound: the app has no such host name.
    """

    async def gone() -> bool | None:
        try:
            found = await certificates.get(call, params.app_name, params.hostname)
        except NotFound:
            return True
        return True if params.keep_custom and not found.acme_requested else None

    if _SENT in call.journal.notes and await gone():
        return _removed(params, "done", "An earlier call with this requestId had removed it.")
    await certificates.get(call, params.app_name, params.hostname)
    call.journal.note(_SENT, True)
    lost = False
    try:
        await certificates.remove(call, params.app_name, params.hostname, keep_custom=params.keep_custom)
    except NotFound as error:
        if EARLIER_ATTEMPT not in error.facts:
            raise
    except (MaybeDone, TimedOut):
        lost = True
    found, looked = await looking.seen(call, gone, lost=lost)
    if not found:
        note = looking.unlike("it was seen to be there still", lost=lost, looked=looked)
        return _removed(params, "unclear", note)
    return _removed(params, "done", None)


def _requested(found: Certificate, note: str | None, *, new: bool = True) -> CertificateRequested:
    rows = needed(found)
    notes = [note] if note else []
    if not found.configured:
        notes.append("Fly issues it once the DNS is right; flyCheckCertificate looks.")
    if not found.dns_requirements.a and not found.dns_requirements.aaaa:
        notes.append("The app has no public address for it: flyAllocateIp gives one.")
    return CertificateRequested(
        outcome="done",
        note=" ".join(notes) or None,
        hostname=found.hostname,
        status=found.status,
        dns=rows,
        cname=found.dns_requirements.cname or None,
        monthly_cost=f"{prices.certificate(found.hostname).said(signed=True)}; an organisation's first 10 that are no "
        "wildcard are free"
        if new
        else None,
    )


def _removed(params: RemoveCertificate, outcome: Outcome, note: str | None) -> CertificateRemoved:
    saved = prices.change(prices.certificate(params.hostname), prices.NOTHING)
    return CertificateRemoved(
        outcome=outcome,
        note=note,
        hostname=params.hostname,
        undo=Undo(
            how="flyRequestCertificate asks for a new one, which takes minutes.",
            lost="the certificate itself" + ("" if params.keep_custom else ", and one that was brought"),
        ),
        monthly_cost=saved.said(signed=True) if outcome == "done" else None,
    )
