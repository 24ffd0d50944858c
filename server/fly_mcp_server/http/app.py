"""The application: every protocol era on `/mcp`, the older transport on `/sse`, and two health routes.

The factory takes a server and parts, so that the conformance suite judges the very app that agents get.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import anyio
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import TokenVerifier
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from mcp.server.auth.settings import AuthSettings
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp, StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from fly_mcp_server.audit.transport import Named
from fly_mcp_server.sdk import Server
from fly_mcp_tools.clock import Clock

from .doors import Doors, allowed
from .failures import WrongTokens
from .limits import Limits
from .shares import Shares
from .sse import MESSAGES, POSTS, SseEndpoints
from .work import Calls, Work

CALLS = "calls"


@dataclass(frozen=True)
class Parts:
    """What one app differs from another in."""

    clock: Clock
    verifier: TokenVerifier | None
    """Who a token belongs to. `None`: nobody is asked, which an operator has to say in so many words."""
    auth: AuthSettings | None = None
    """Where agents can get a token by OAuth, and for what it has to be issued; `None`: they have one."""
    security: TransportSecuritySettings = field(default_factory=allowed)
    limits: Limits = field(default_factory=Limits)
    refused: Callable[[str], object] = lambda _: None
    """Told why a call was not let in, where the verifier was not asked: for the trail."""
    missing: Callable[[], bool] = lambda: False
    """Whether something that was configured is not there, so that no traffic should be sent here."""
    meanwhile: Callable[[], Coroutine[None, None, None]] | None = None
    """What runs beside for as long as the app serves; it is cancelled then."""


def application(server: Server, parts: Parts, work: Work) -> ASGIApp:
    """The app that serves `server`. `work` counts its calls, and refuses them from its end on."""
    limits = parts.limits
    manager = _manager(server, parts)
    sse = SseEndpoints(server, parts.security, limits, work)
    shares = Shares(limits)

    def guarded(app: ASGIApp) -> ASGIApp:
        return _authenticated(app, parts)

    async def alive(_: Request) -> PlainTextResponse:
        return PlainTextResponse("alive")

    async def ready(_: Request) -> PlainTextResponse:
        if work.draining:
            return PlainTextResponse("shutting down", 503)
        return PlainTextResponse("not configured", 503) if parts.missing() else PlainTextResponse("ready")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        async with manager.run(), anyio.create_task_group() as beside:
            if parts.meanwhile is not None:
                beside.start_soon(parts.meanwhile)
            yield
            beside.cancel_scope.cancel()

    messages = Calls(sse.tell, work, POSTS, limits, shares)
    calls = Calls(StreamableHTTPASGIApp(manager), work, CALLS, limits, shares)
    routes: list[BaseRoute] = [
        # Without sessions, GET has no stream to give and DELETE nothing to end: 405, as the protocol has it.
        Route("/mcp", endpoint=Named(guarded(calls), "http"), methods=["POST"]),
        Route("/sse", endpoint=Named(guarded(sse.listen), "sse"), methods=["GET"]),
        Mount(MESSAGES, app=Named(guarded(messages), "sse")),
        Route("/healthz", endpoint=alive),
        Route("/readyz", endpoint=ready),
        *_metadata(parts.auth),
    ]
    app = Starlette(routes=routes, lifespan=lifespan)
    # A redirect would be made before anybody is asked who it is, and to the http:// that a proxy speaks to us.
    app.router.redirect_slashes = False
    return Doors(WrongTokens(app, limits, parts.clock, parts.refused), parts.security)


def _manager(server: Server, parts: Parts) -> StreamableHTTPSessionManager:
    """The SDK's part for `/mcp`.

    Stateless, so that any replica can answer any request. Answers are SSE where there is progress to tell:
    JSON alone would lose it, and with it the cancellation of a call whose client has gone.
    """
    server.streamable_http_app(  # what it returns has the auth of the SDK's own settings, and no SSE beside it
        stateless_http=True,
        json_response=False,
        transport_security=parts.security,
        max_request_body_size=parts.limits.body,
    )
    return server.session_manager


def _authenticated(app: ASGIApp, parts: Parts) -> ASGIApp:
    """The app behind the SDK's own check of bearer tokens. It looks at nothing of a request without one."""
    verifier, auth = parts.verifier, parts.auth
    if verifier is None:
        return app
    resource = auth.resource_server_url if auth else None
    required = RequireAuthMiddleware(
        app,
        (auth.required_scopes if auth else None) or [],
        build_resource_metadata_url(resource) if resource else None,
    )
    backend = BearerAuthBackend(
        verifier, resource_server_url=resource if auth and auth.validate_token_resource else None
    )
    return AuthenticationMiddleware(AuthContextMiddleware(required), backend=backend)


def _metadata(auth: AuthSettings | None) -> list[Route]:
    """RFC 9728: where a client without a token learns who gives it one. Open to all."""
    if auth is None or auth.resource_server_url is None:
        return []
    return create_protected_resource_routes(
        resource_url=auth.resource_server_url,
        authorization_servers=[auth.issuer_url],
        scopes_supported=auth.required_scopes,
    )
