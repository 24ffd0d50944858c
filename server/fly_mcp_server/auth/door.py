"""Calls that came without a token: the verifier never hears of them, so they are noted here."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .refusals import Refusals

_UNAUTHENTICATED, _FORBIDDEN = 401, 403


class Door:
    """An app behind authentication; what is answered 401 or 403 is noted. Stands around the SDK's own middleware.

    A token that was wrong is noted by the verifier, which knows why.
    """

    def __init__(self, app: ASGIApp, refusals: Refusals) -> None:
        self._app = app
        self._refusals = refusals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""

        async def look(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] == _UNAUTHENTICATED and not _has_bearer(scope):
                    self._refusals.note("it came without a bearer token")
                elif message["status"] == _FORBIDDEN:
                    self._refusals.note("its token lacks a scope that is needed here")
            await send(message)

        await self._app(scope, receive, look)


def _has_bearer(scope: Scope) -> bool:
    return Headers(scope=scope).get("authorization", "").lower().startswith("bearer ")
