"""Where an app can be reached: IP addresses and host names (reference 4.8)."""

from __future__ import annotations

from .base import Record


class IpAddress(Record):
    """An address of the app."""

    ip: str
    region: str = "global"
    service_name: str = ""
    shared: bool = False
    egress: bool = False
    """For outgoing traffic."""
    created_at: float = 0.0


class Certificate(Record):
    """A host name that the app answers for."""

    hostname: str
    acme: bool = True
    custom: bool = False
    issued: bool = False
    """Whether Fly's own certificate is there: host names ending in `.invalid` never get one."""
    created_at: float = 0.0
    updated_at: float = 0.0
    expires_at: float = 0.0
