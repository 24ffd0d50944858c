"""Which names this server answers to, and which web pages it answers.

Against DNS rebinding: a page that a browser on this machine shows must not reach a server that listens on
loopback. Both checks are the SDK's. They stand in front of everything, since the SDK's own apps check only
their routes, and nothing at all where no settings are passed. There is no CORS: no page can read an answer.
"""

from __future__ import annotations

from collections.abc import Iterable

from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

#: Alive and ready. Probes call them by whatever address they have: kubelet by the pod's IP, Fly by its own.
HEALTH = frozenset({"/healthz", "/readyz"})

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def allowed(hosts: Iterable[str] = (), origins: Iterable[str] = ()) -> TransportSecuritySettings:
    """The settings for these names beside those of loopback.

    `hosts`: as the Host header has them, `mcp.example.com` (on any port) or `mcp.example.com:8443` (on this one).
    `origins`: `https://app.example.com`, with its port where it has one. None but these: not even loopback's,
    since whatever page a developer has open there is not the operator.
    """
    names = [*_LOOPBACK, *(host.strip().lower() for host in hosts if host.strip())]
    any_port = [f"{name}:*" for name in names if not _has_port(name)]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=[*names, *any_port],
        allowed_origins=[origin.strip().lower().rstrip("/") for origin in origins if origin.strip()],
    )


def _has_port(name: str) -> bool:
    return ":" in name.rpartition("]")[2]


class Doors:
    """Refuses foreign Hosts with 421 and foreign Origins with 403, whatever the path.

    The health routes answer under any name, for probes know no names. What they say is one word, and who
    says where it comes from is a browser, which has no business there.
    """

    def __init__(self, app: ASGIApp, security: TransportSecuritySettings) -> None:
        self._app = app
        self._check = TransportSecurityMiddleware(security)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it through, or answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        if scope["path"] in HEALTH:
            from_a_page = "origin" in request.headers
            answer: ASGIApp = PlainTextResponse("not for pages", 403) if from_a_page else self._app
        else:
            answer = await self._check.validate_request(request) or self._app
        await answer(scope, receive, send)
