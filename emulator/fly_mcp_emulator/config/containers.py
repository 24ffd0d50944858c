"""Processes, files, and several containers in one machine (reference 3.3)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from .base import GoStruct, StringMap
from .duration import Duration
from .services import HttpHeader

StopSignal = Literal["SIGHUP", "SIGINT", "SIGQUIT", "SIGKILL", "SIGUSR1", "SIGUSR2", "SIGTERM"]


class StopConfig(GoStruct):
    """How to end the main process: a signal, then SIGKILL after `timeout`."""

    POINTERS = frozenset({"timeout", "signal"})

    timeout: Duration | None = None
    signal: str | None = None


class Restart(GoStruct):
    """Restart policy; `on-failure` when absent."""

    policy: Literal["no", "always", "on-failure", "spot-price", ""] | None = None
    max_retries: int | None = None
    gpu_bid_price: float | None = None


class File(GoStruct):
    """A file written at boot; exactly one of the sources."""

    POINTERS = frozenset({"raw_value", "secret_name", "image_config"})

    guest_path: str | None = None
    raw_value: str | None = None
    secret_name: str | None = None
    image_config: str | None = None
    mode: int | None = None


class SecretRef(GoStruct):
    """A secret that a process asks for by name."""

    ALWAYS = frozenset({"env_var", "name"})

    env_var: str = ""
    name: str = ""


class EnvFrom(GoStruct):
    """An environment variable taken from a field of the machine."""

    ALWAYS = frozenset({"env_var", "field_ref"})

    env_var: str = ""
    field_ref: Literal["id", "version", "app_name", "private_ip", "region", "image", ""] = ""


class MachineProcess(GoStruct):
    """What runs in a single-container machine."""

    exec: list[str] | None = None
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    user: str | None = None
    env: StringMap | None = None
    secrets: list[SecretRef] | None = None
    ignore_app_secrets: bool | None = None
    env_from: list[EnvFrom] | None = None


class Dependency(GoStruct):
    """Start after another container."""

    ALWAYS = frozenset({"name", "condition"})

    name: str = ""
    condition: Literal["exited_successfully", "healthy", "started", ""] = ""


class ContainerMount(GoStruct):
    """A volume of `config.volumes` inside a container."""

    ALWAYS = frozenset({"name", "path"})

    name: str = ""
    path: str = ""


class HttpCheck(GoStruct):
    """An HTTP request that has to be answered with 200."""

    ALWAYS = frozenset({"port"})
    POINTERS = frozenset({"tls_skip_verify"})

    port: int = 0
    method: str | None = None
    path: str | None = None
    headers: list[HttpHeader] | None = None
    scheme: Literal["http", "https", ""] | None = None
    tls_skip_verify: bool | None = None
    tls_server_name: str | None = None


class TcpCheck(GoStruct):
    """A port that has to be open."""

    ALWAYS = frozenset({"port"})

    port: int = 0


class ExecCheck(GoStruct):
    """A command that has to end with 0."""

    ALWAYS = frozenset({"command"})

    command: list[str] = Field(default_factory=list[str])


class Healthcheck(GoStruct):
    """A container's health check; intervals in whole seconds."""

    ALWAYS = frozenset({"name"})

    name: str = ""
    interval: int | None = None
    grace_period: int | None = None
    success_threshold: int | None = None
    failure_threshold: int | None = None
    timeout: int | None = None
    kind: Literal["readiness", "liveness", ""] | None = None
    unhealthy: Literal["stop", ""] | None = None
    http: HttpCheck | None = None
    tcp: TcpCheck | None = None
    exec: ExecCheck | None = None


class Container(GoStruct):
    """One container of several."""

    ALWAYS = frozenset({"name", "image"})

    name: str = ""
    image: str = ""
    exec: list[str] | None = None
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    user: str | None = None
    env: StringMap | None = None
    secrets: list[SecretRef] | None = None
    env_from: list[EnvFrom] | None = None
    files: list[File] | None = None
    restart: Restart | None = None
    stop: StopConfig | None = None
    depends_on: list[Dependency] | None = None
    healthchecks: list[Healthcheck] | None = None
    mounts: list[ContainerMount] | None = None


class TempDir(GoStruct):
    """Scratch space for containers."""

    ALWAYS = frozenset({"storage_type"})

    storage_type: Literal["disk", "memory", ""] = ""
    size_mb: int | None = None


class ContainerVolume(GoStruct):
    """A volume for containers; not one of Fly's volumes."""

    ALWAYS = frozenset({"name"})

    name: str = ""
    temp_dir: TempDir | None = None
    image: str | None = None
