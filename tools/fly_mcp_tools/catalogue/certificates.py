"""Rows: certificates. Custom ones are left out: an agent should hold no private key."""

from __future__ import annotations

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.action import Access, Action, Example, Gate, Group, Scope
from fly_mcp_tools.composites import certificate_changes, certificates

_SOURCE = "https://fly.io/docs/machines/api/certificates-resource/"

LIST_CERTIFICATES = Action(
    name="flyListCertificates",
    title="List certificates",
    summary="List an app's host names and whether each has a certificate.",
    group=Group.CERTIFICATES,
    calls=(fly.LIST_CERTIFICATES,),
    params=certificates.ListCertificates,
    result=certificates.CertificateList,
    run=certificates.list_,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=_SOURCE,
    examples=(Example("which domains does it serve?", {"appName": "catvet-web"}),),
)
CHECK_CERTIFICATE = Action(
    name="flyCheckCertificate",
    title="Check certificate",
    summary="Check a host name's DNS and certificate: records needed, problems, expiry.",
    group=Group.CERTIFICATES,
    calls=(fly.CHECK_CERTIFICATE,),
    params=certificates.OfHostname,
    result=certificates.CertificateCheck,
    run=certificates.check,
    access=Access.READ,
    additive=True,
    idempotent=True,
    scope=Scope.READONLY,
    source=_SOURCE,
    untrusted_output=True,
    examples=(
        Example("why does https not work?", {"appName": "catvet-web", "hostname": "www.catvet.example"}),
    ),
)
REQUEST_CERTIFICATE = Action(
    name="flyRequestCertificate",
    title="Request certificate",
    summary="Add a host name to an app and ask for its certificate; says which DNS records it needs.",
    notes="Issued once the DNS is right. Billed a little each month.",
    group=Group.CERTIFICATES,
    calls=(fly.GET_CERTIFICATE, fly.REQUEST_CERTIFICATE),
    params=certificates.OfHostname,
    result=certificate_changes.CertificateRequested,
    run=certificate_changes.request,
    access=Access.WRITE,
    additive=True,
    idempotent=True,
    scope=Scope.DEPLOY,
    source=_SOURCE,
    examples=(
        Example(
            "serve it at records.catvet.example",
            {"appName": "catvet-records", "hostname": "records.catvet.example"},
        ),
    ),
)
REMOVE_CERTIFICATE = Action(
    name="flyRemoveCertificate",
    title="Remove certificate",
    summary="Remove a host name and its certificates from an app.",
    group=Group.CERTIFICATES,
    calls=(fly.GET_CERTIFICATE, fly.DELETE_CERTIFICATE, fly.DELETE_ACME_CERTIFICATE),
    params=certificate_changes.RemoveCertificate,
    result=certificate_changes.CertificateRemoved,
    run=certificate_changes.remove,
    preview=certificate_changes.preview,
    gate=Gate.ALWAYS,
    access=Access.DESTRUCTIVE,
    additive=False,
    idempotent=True,
    scope=Scope.DEPLOY,
    source=_SOURCE,
    examples=(
        Example(
            "we no longer use that domain",
            {"appName": "catvet-web", "hostname": "www.catvet.example", "confirm": True},
        ),
    ),
)

ROWS = (LIST_CERTIFICATES, CHECK_CERTIFICATE, REQUEST_CERTIFICATE, REMOVE_CERTIFICATE)
