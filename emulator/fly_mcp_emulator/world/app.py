"""An app with all that belongs to it (reference 3.1)."""

from __future__ import annotations

from pydantic import Field

from .address import Certificate, IpAddress
from .base import Record
from .log_line import LogLine
from .machine import Machine
from .release import Release
from .secret import Secret, SecretKey
from .volume import Volume


class App(Record):
    """An app with all that belongs to it."""

    name: str
    org: str
    """The slug of its organisation."""
    id: str = ""
    number: int = 0
    network: str = "default"
    role: str = ""
    created_at: float = 0.0
    hidden_until: float = 0.0
    """Until then it answers 404: other nodes have not heard of it yet."""
    had_machines: bool = False
    """Whether it ever had a machine: until then its status is `pending`."""
    machines: dict[str, Machine] = Field(default_factory=dict[str, Machine])
    """By id, in the order of creation, destroyed ones included."""
    volumes: dict[str, Volume] = Field(default_factory=dict[str, Volume])
    secrets: dict[str, Secret] = Field(default_factory=dict[str, Secret])
    secrets_version: int = 0
    secret_keys: dict[str, SecretKey] = Field(default_factory=dict[str, SecretKey])
    ips: dict[str, IpAddress] = Field(default_factory=dict[str, IpAddress])
    certificates: dict[str, Certificate] = Field(default_factory=dict[str, Certificate])
    releases: list[Release] = Field(default_factory=list[Release])
    """Oldest first."""
    logs: list[LogLine] = Field(default_factory=list[LogLine])
    """Oldest first; the last thousand or so."""
