"""Services, their ports, and health checks (reference 3.3)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from .base import GoStruct
from .duration import Duration


def _autostop(value: object) -> object:
    if value is True:
        return "stop"
    return "off" if value is False else value


Autostop = Annotated[
    Literal["off", "stop", "suspend"],
    BeforeValidator(_autostop, json_schema_input_type=bool | Literal["off", "stop", "suspend"]),
]
_AUTOSTOP_ANSWERS: dict[str, bool | str] = {"off": False, "stop": True, "suspend": "suspend"}


class HttpHeader(GoStruct):
    """A header that a check sends."""

    name: str | None = None
    values: list[str] | None = None


class Check(GoStruct):
    """A health check, top-level or of a service."""

    POINTERS = frozenset({"port", "tls_skip_verify", "method", "path", "protocol", "tls_server_name"})

    port: int | None = None
    type: str | None = None
    kind: Literal["informational", "readiness"] | None = None
    interval: Duration | None = None
    timeout: Duration | None = None
    grace_period: Duration | None = None
    method: str | None = None
    path: str | None = None
    protocol: str | None = None
    tls_skip_verify: bool | None = None
    tls_server_name: str | None = None
    headers: list[HttpHeader] | None = None


class TlsOptions(GoStruct):
    """TLS of a port."""

    POINTERS = frozenset({"default_self_signed"})

    alpn: list[str] | None = None
    versions: list[str] | None = None
    default_self_signed: bool | None = None


class HttpResponse(GoStruct):
    """Headers added to answers."""

    POINTERS = frozenset({"pristine"})

    headers: dict[str, Any] | None = None
    pristine: bool | None = None


class ReplayCache(GoStruct):
    """A rule for remembering `fly-replay`."""

    ALWAYS = frozenset({"path_prefix", "ttl_seconds", "type", "name"})

    path_prefix: str = ""
    ttl_seconds: int = 0
    type: Literal["cookie", "header", ""] = ""
    name: str = ""
    allow_bypass: bool | None = None


class HttpOptions(GoStruct):
    """HTTP of a port."""

    POINTERS = frozenset({"compress", "h2_backend", "idle_timeout", "headers_read_timeout"})

    compress: bool | None = None
    response: HttpResponse | None = None
    h2_backend: bool | None = None
    idle_timeout: int | None = None
    headers_read_timeout: int | None = None
    replay_cache: list[ReplayCache] | None = None


class ProxyProtoOptions(GoStruct):
    """Proxy protocol of a port."""

    version: str | None = None


class Port(GoStruct):
    """A port, or a range of ports, that a service answers on."""

    POINTERS = frozenset({"port", "start_port", "end_port"})

    port: int | None = None
    start_port: int | None = None
    end_port: int | None = None
    handlers: list[str] | None = None
    force_https: bool | None = None
    tls_options: TlsOptions | None = None
    http_options: HttpOptions | None = None
    proxy_proto_options: ProxyProtoOptions | None = None


class Concurrency(GoStruct):
    """When a machine is full."""

    type: str | None = None
    hard_limit: int | None = None
    soft_limit: int | None = None


class Service(GoStruct):
    """Something that Fly's proxy forwards to. `autostop` lives here and nowhere else."""

    POINTERS = frozenset({"autostart", "min_machines_running"})
    ALWAYS = frozenset({"force_instance_key"})  # the only key of a service without omitempty in fly-go [C]

    protocol: str | None = None
    internal_port: int | None = None
    autostop: Autostop | None = None
    autostart: bool | None = None
    min_machines_running: int | None = None
    ports: list[Port] | None = None
    checks: list[Check] | None = None
    concurrency: Concurrency | None = None
    force_instance_key: str | None = None
    force_instance_description: str | None = None

    def as_fly_answers(self) -> dict[str, Any]:
        """Return the service, `autostop` as bool or string by value (reference 3.3, trap 16)."""
        answer = super().as_fly_answers()
        if self.autostop is not None:
            answer["autostop"] = _AUTOSTOP_ANSWERS[self.autostop]
        return answer
