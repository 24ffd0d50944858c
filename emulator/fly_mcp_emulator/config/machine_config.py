"""The whole config of a machine (reference 3.3)."""

from __future__ import annotations

from typing import Literal

from .base import GoStruct, StringMap
from .containers import Container, ContainerVolume, File, MachineProcess, Restart, StopConfig
from .guest import Guest, Persist
from .services import Check, Service


class Init(GoStruct):
    """Overrides of the image's command."""

    POINTERS = frozenset({"swap_size_mb"})

    exec: list[str] | None = None
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    tty: bool | None = None
    swap_size_mb: int | None = None
    kernel_args: list[str] | None = None


class Mount(GoStruct):
    """Where the volume goes. Fly fills in `name`, `size_gb` and `encrypted` from the volume [L]."""

    encrypted: bool | None = None
    path: str | None = None
    size_gb: int | None = None
    volume: str | None = None
    name: str | None = None
    extend_threshold_percent: int | None = None
    add_size_gb: int | None = None
    size_gb_limit: int | None = None


class DnsOption(GoStruct):
    """A resolver option."""

    name: str | None = None
    value: str | None = None


class DnsForwardRule(GoStruct):
    """A domain answered by a resolver of its own."""

    basename: str | None = None
    addr: str | None = None


class Dns(GoStruct):
    """Name resolution."""

    skip_registration: bool | None = None
    nameservers: list[str] | None = None
    searches: list[str] | None = None
    options: list[DnsOption] | None = None
    dns_forward_rules: list[DnsForwardRule] | None = None
    hostname: str | None = None
    hostname_fqdn: str | None = None


class Static(GoStruct):
    """Files served by the proxy."""

    ALWAYS = frozenset({"guest_path", "url_prefix", "tigris_bucket", "index_document"})

    guest_path: str = ""
    url_prefix: str = ""
    tigris_bucket: str = ""
    index_document: str = ""


class Metrics(GoStruct):
    """Where Prometheus finds the machine."""

    port: int | None = None
    path: str | None = None
    https: bool | None = None


class Rootfs(GoStruct):
    """Whether the root file system outlives a stop."""

    persist: Persist | None = None
    size_gb: int | None = None


class CacheDrive(GoStruct):
    """A scratch disk."""

    size_mb: int | None = None


class Spot(GoStruct):
    """Spot pricing."""

    max_price_fraction: float | None = None


class MachineConfig(GoStruct):
    """What a caller says a machine should be. Only `image` is required, and that is checked on use."""

    ALWAYS = frozenset({"init"})
    POINTERS = frozenset({"disable_machine_autostart"})

    env: StringMap | None = None
    init: Init = Init()
    guest: Guest | None = None
    metadata: StringMap | None = None
    mounts: list[Mount] | None = None
    services: list[Service] | None = None
    metrics: Metrics | None = None
    checks: dict[str, Check] | None = None
    statics: list[Static] | None = None
    image: str = ""
    files: list[File] | None = None
    schedule: Literal["hourly", "daily", "weekly", "monthly", ""] | None = None
    auto_destroy: bool | None = None
    restart: Restart | None = None
    dns: Dns | None = None
    processes: list[MachineProcess] | None = None
    standbys: list[str] | None = None
    stop_config: StopConfig | None = None
    containers: list[Container] | None = None
    volumes: list[ContainerVolume] | None = None
    rootfs: Rootfs | None = None
    cache_drive: CacheDrive | None = None
    spot: Spot | None = None
    size: str | None = None
    disable_machine_autostart: bool | None = None
