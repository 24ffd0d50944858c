"""Processes, files, and several containers in one machine (reference 3.3)."""

from __future__ import annotations

from typing import Any, Literal

from .base import GoStruct, StringMap
from .duration import Duration

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
    field_ref: str = ""


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


class Healthcheck(GoStruct):
    """A container's health check; intervals in whole seconds."""

    ALWAYS = frozenset({"name"})

    name: str = ""
    interval: int | None = None
    grace_period: int | None = None
    success_threshold: int | None = None
    failure_threshold: int | None = None
    timeout: int | None = None
    kind: str | None = None
    unhealthy: str | None = None
    http: dict[str, Any] | None = None
    tcp: dict[str, Any] | None = None
    exec: dict[str, Any] | None = None


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
