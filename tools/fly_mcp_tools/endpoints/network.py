"""Addresses and certificates."""

from __future__ import annotations

from fly_mcp_tools.endpoint import Endpoint

from .sources import CERTIFICATES, SPEC

LIST_IPS = Endpoint(
    name="list_ips",
    says="list the addresses of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/ip_assignments",
    idempotent=True,
    source=SPEC,
)
ALLOCATE_IP = Endpoint(
    name="allocate_ip",
    says="allocate an address for {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/ip_assignments",
    idempotent=False,  # a second one is a second address
    bills=True,
    source=SPEC,
)
RELEASE_IP = Endpoint(
    name="release_ip",
    says="release address {ip} of {app_name}",
    method="DELETE",
    path="/v1/apps/{app_name}/ip_assignments/{ip}",
    idempotent=True,
    destroys=True,
    source=SPEC,
)
LIST_CERTIFICATES = Endpoint(
    name="list_certificates",
    says="list the certificates of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/certificates",
    idempotent=True,
    source=CERTIFICATES,
)
GET_CERTIFICATE = Endpoint(
    name="get_certificate",
    says="read the certificate for {hostname} of {app_name}",
    method="GET",
    path="/v1/apps/{app_name}/certificates/{hostname}",
    idempotent=True,
    source=CERTIFICATES,
)
CHECK_CERTIFICATE = Endpoint(
    name="check_certificate",
    says="check the certificate for {hostname} of {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/certificates/{hostname}/check",
    idempotent=True,
    asks=True,  # Fly looks at the DNS again
    source=CERTIFICATES,
)
REQUEST_CERTIFICATE = Endpoint(
    name="request_certificate",
    says="request a certificate for {app_name}",
    method="POST",
    path="/v1/apps/{app_name}/certificates/acme",
    idempotent=False,  # a second one is refused, which looks like another's host name
    source=CERTIFICATES,
)
DELETE_CERTIFICATE = Endpoint(
    name="delete_certificate",
    says="remove the certificates for {hostname} of {app_name}",
    method="DELETE",
    path="/v1/apps/{app_name}/certificates/{hostname}",
    idempotent=True,
    destroys=True,
    source=CERTIFICATES,
)
DELETE_ACME_CERTIFICATE = Endpoint(
    name="delete_acme_certificate",
    says="remove Fly's own certificate for {hostname} of {app_name}",
    method="DELETE",
    path="/v1/apps/{app_name}/certificates/{hostname}/acme",
    idempotent=True,
    destroys=True,
    source=CERTIFICATES,
)

ROWS: tuple[Endpoint, ...] = (
    LIST_IPS,
    ALLOCATE_IP,
    RELEASE_IP,
    LIST_CERTIFICATES,
    GET_CERTIFICATE,
    CHECK_CERTIFICATE,
    REQUEST_CERTIFICATE,
    DELETE_CERTIFICATE,
    DELETE_ACME_CERTIFICATE,
)
