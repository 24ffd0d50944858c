"""Over which transport the running call came: the HTTP app says it for each request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from typing import Any

_current: ContextVar[str] = ContextVar("fly_mcp_transport", default="stdio")

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]


def current() -> str:
    """The transport of the running call: "stdio" where nothing was said."""
    return _current.get()


class Named:
    """An ASGI app all of whose calls came over `name`."""

    def __init__(self, app: App, name: str) -> None:
        self._app = app
        self._name = name

    async def __call__(
        self, scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Serve one request."""
        token = _current.set(self._name)
        try:
            await self._app(scope, receive, send)
        finally:
            _current.reset(token)
