"""`fly-mcp serve --http`: from settings to an app that listens."""

from __future__ import annotations

import gc
import ipaddress
import logging
import os
import socket
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

import anyio

from fly_mcp_server import logs, runtime, sdk
from fly_mcp_server.access.desk import Desk
from fly_mcp_server.activity import Activity
from fly_mcp_server.audit.opening import open_trail
from fly_mcp_server.audit.transport import current
from fly_mcp_server.auth import parts as auth
from fly_mcp_server.consent.configured import configured
from fly_mcp_server.settings import Settings, SettingsError
from fly_mcp_tools.client import FlyClient
from fly_mcp_tools.clock import SystemClock

from .app import Parts, application
from .doors import allowed
from .limits import Limits
from .noise import OncePerBurst
from .serving import Ending, Served, listen, serve
from .work import Work


def run(settings: Settings) -> int:
    """Serve until a signal comes; the exit code. 1: the address cannot be had.

    Raises:
        NotConfigured, SettingsError: something that was set cannot be used.
    """
    clock = SystemClock()
    _check(settings)
    built = runtime.build(settings, clock=clock, network=True, unasked=settings.no_auth)
    verifier = None if settings.no_auth else auth.parts(settings, clock, bound=built.bound)
    kept = open_trail(settings, clock, transport=_transport)
    if verifier is not None and kept is not None:
        verifier.refusals.told, verifier.refusals.transport = kept.at_the_door, _transport
    asking = configured(settings, built.store)
    try:
        listener = listen(settings.host, settings.port)
    except OSError as error:
        sys.stderr.write(
            f"fly-mcp: cannot listen on {settings.host}:{settings.port}: {error.strerror}. Try --port 0.\n"
        )
        return 1
    logs.configure(settings.log_level, built.redact)
    for handler in logging.getLogger().handlers:
        handler.addFilter(OncePerBurst(clock))
    parts = Parts(
        clock=clock,
        verifier=verifier.verifier if verifier else None,
        auth=verifier.settings if verifier else None,
        security=allowed(_names(settings), _listed(settings.allowed_origins)),
        limits=_limits(settings),
        refused=verifier.refusals.note if verifier else lambda _: None,
        missing=lambda: not settings.policy,
        meanwhile=verifier.refusals.keep_telling if verifier else None,
    )
    gc.freeze()
    gc.enable()
    try:
        return anyio.run(
            _serve, settings, parts, Desk(built.callers, trail=kept), asking, built.clients, listener
        )
    except Exception:  # a bug; Python's own traceback would show what the log takes out
        logging.getLogger(__name__).exception("fly-mcp ends through a bug of its own")
        sys.stderr.flush()
        os._exit(1)
    finally:
        if verifier is not None:
            verifier.refusals.flush()


def _transport() -> str:
    """Over which transport the running call came. What is refused before that is known came over HTTP too."""
    return "sse" if current() == "sse" else "http"


async def _serve(
    settings: Settings,
    parts: Parts,
    desk: Desk,
    asking: sdk.Asking,
    clients: Sequence[FlyClient],
    listener: socket.socket,
) -> int:
    activity, work = Activity(), Work()
    server = sdk.server(desk, activity, output_schemas=settings.output_schemas, asking=asking)
    app = application(server, parts, work)
    served = Served(app, listener, parts.limits, _listed(settings.trusted_proxies))
    ending = Ending(work, clients, activity, parts.limits)

    def started(host: str, port: int) -> None:
        sys.stderr.write("".join(f"fly-mcp: {line}\n" for line in _announced(settings, host, port)))
        sys.stderr.flush()

    return await serve(served, ending, clients, started)


def _limits(settings: Settings) -> Limits:
    """The usual ones, where the system lets the process open so much: half is left for connections to Fly."""
    usual = Limits(shutdown=settings.shutdown)
    if sys.platform == "win32":  # pragma: no cover - no such bound there
        return usual
    import resource

    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    connections = usual.connections if most == resource.RLIM_INFINITY else min(usual.connections, most // 2)
    return replace(usual, connections=connections, streams=min(usual.streams, connections // 2))


def _check(settings: Settings) -> None:
    """Raise SettingsError naming every setting about the network that cannot be used; it shows no value."""
    rules = (
        ("FLY_MCP_ALLOWED_HOSTS", settings.allowed_hosts, _host, "mcp.example.com or mcp.example.com:8443"),
        ("FLY_MCP_ALLOWED_ORIGINS", settings.allowed_origins, _origin, "https://app.example.com"),
        ("FLY_MCP_TRUSTED_PROXIES", settings.trusted_proxies, _network, "10.0.0.7 or 10.0.0.0/8"),
    )
    problems = [
        f"{name}: must be, with commas, such as {example}, and nothing more."
        for name, words, fits, example in rules
        if not all(fits(one) for one in _listed(words))
    ]
    if problems:
        raise SettingsError(" ".join(problems))


def _announced(settings: Settings, host: str, port: int) -> Iterable[str]:
    name = f"[{host}]" if ":" in host else host
    yield f"serving on http://{name}:{port}/mcp, and on /sse for older clients. Ctrl-C ends it."
    if not settings.policy:
        yield (
            "NOTHING IS ALLOWED: there is no policy, and over a network that means no. Write one and name it in "
            "FLY_MCP_POLICY."
        )
    if settings.no_auth:
        who = settings.agent or "nobody, and FLY_MCP_AGENT has to name an agent of the policy"
        yield f"NOBODY IS ASKED who they are (--no-auth): whoever reaches this address is {who}."
    if not _loopback(host):
        yield "it speaks plain HTTP: have a proxy with TLS in front of it, or tokens can be read on the way."


def _names(settings: Settings) -> list[str]:
    """The hosts that are allowed beside loopback's: those that were named, in whichever setting."""
    names = _listed(settings.allowed_hosts)
    if settings.public_url:
        names.append(urlsplit(settings.public_url).netloc.rpartition("@")[2])
    if settings.host not in ("0.0.0.0", "::"):  # noqa: S104 - not bound to here; these are no names
        names.append(f"[{settings.host}]" if ":" in settings.host else settings.host)
    return names


def _listed(words: str) -> list[str]:
    return [word.strip() for word in words.split(",") if word.strip()]


def _network(words: str) -> bool:
    try:
        ipaddress.ip_network(words)
    except ValueError:
        return False
    return True


def _origin(words: str) -> bool:
    scheme, _, host = words.partition("://")
    return scheme in ("http", "https") and _host(host.rstrip("/"))


def _host(words: str) -> bool:
    """Whether it is a name or an address, maybe with a port, and nothing else."""
    try:
        parts = urlsplit(f"//{words}")
        return (
            bool(parts.hostname)
            and parts.port != 0
            and parts.netloc == words
            and not set(words) & set("@*% ")
        )
    except ValueError:
        return False


def _loopback(host: str) -> bool:
    return host == "localhost" or (_network(host) and ipaddress.ip_address(host).is_loopback)
