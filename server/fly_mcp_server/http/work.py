"""The calls that are running, and what becomes of them when the process is to end.

Running calls finish; new ones are refused in words; streams that nobody waits on are closed.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import contextmanager

import anyio
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.transport_security import RequestBodyLimitMiddleware
from pydantic import BaseModel, StrictInt, StrictStr, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .limits import Limits
from .shares import KEY, NoRoom, Shares

#: One of the codes that JSON-RPC leaves to servers, and MCP's newest version to us.
_UNAVAILABLE = -32000
_REFUSED = "fly-mcp is shutting down and takes no new calls; nothing was done. Send it again in a moment."
_TOO_MANY = (
    "You have too many calls running; nothing was done. Wait for the answer of one, and send it again."
)
_TOO_LARGE_TOGETHER = (
    "The calls that are running are too large together; nothing was done. Wait for the answer of one, and send it "
    "again."
)
_CUT = (
    "fly-mcp is shutting down and has cut this call short. It may have changed something: look at the present "
    "state before you repeat it."
)
_TOO_LARGE = 413

_log = logging.getLogger(__name__)


class _Numbered(BaseModel):
    """What of a request has to be in its answer."""

    id: StrictStr | StrictInt | None = None


class Work:
    """Counts what runs. The end begins once; from then on nothing new is taken."""

    def __init__(self) -> None:
        self.ending = anyio.Event()
        """Set when the end has begun."""
        self._scopes: dict[str, set[anyio.CancelScope]] = {}
        self._changed = anyio.Event()
        self._cut = False

    @property
    def draining(self) -> bool:
        """Whether new calls are refused."""
        return self.ending.is_set()

    def end(self) -> None:
        """Take nothing new from now on."""
        self.ending.set()

    @contextmanager
    def one(self, kind: str, scope: anyio.CancelScope | None = None) -> Generator[anyio.CancelScope]:
        """Count a piece of work of this kind while it runs; cutting it short cancels its scope."""
        with scope or anyio.CancelScope() as scope:
            mine = self._scopes.setdefault(kind, set())
            mine.add(scope)
            if self._cut:
                scope.cancel()
            try:
                yield scope
            finally:
                mine.discard(scope)
                self._changed.set()
                self._changed = anyio.Event()

    async def none(self, *kinds: str) -> None:
        """Wait until nothing of these kinds runs; without kinds, nothing at all."""
        while self.busy(*kinds):
            await self._changed.wait()

    def busy(self, *kinds: str) -> bool:
        """Whether anything of these kinds runs; without kinds, anything at all."""
        return any(scopes for kind, scopes in self._scopes.items() if not kinds or kind in kinds)

    def cut(self) -> None:
        """Cancel all that runs, and all that still begins."""
        self._cut = True
        for scopes in self._scopes.values():
            for scope in list(scopes):
                scope.cancel()


class Calls:
    """An endpoint whose requests are work of a kind: counted, refused while draining, told when cut short."""

    def __init__(self, app: ASGIApp, work: Work, kind: str, limits: Limits, shares: Shares) -> None:
        self._app = app
        self._work = work
        self._kind = kind
        self._limits = limits
        self._shares = shares
        self._refusing = {
            words: RequestBodyLimitMiddleware(_refusal(status, words), limits.body)
            for status, words in ((503, _REFUSED), (429, _TOO_MANY))
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve it, or refuse it."""
        whose = caller()
        serve = self._serve
        if self._work.draining:
            serve = self._refusing[_REFUSED]
        elif self._shares.full(whose):
            serve = self._refusing[_TOO_MANY]
        with self._shares.one(whose) as share:  # a refused one too: its body is read, for its id

            async def weighed() -> Message:
                message = await receive()
                share.weigh(len(message.get("body", b"")))
                return message

            scope[KEY] = share
            try:
                await serve(scope, weighed, send)
            except NoRoom as full:
                _log.warning(
                    "the running calls were too large together: one was refused with %d", full.status
                )
                await _answer(full.status, None, _TOO_LARGE_TOGETHER)(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = over = False

        async def watched(message: Message) -> None:
            nonlocal begun, over
            begun = True
            if message.get("status") == _TOO_LARGE:
                _log.warning("a request of more than %d bytes was refused", self._limits.body)
            over = message["type"] == "http.response.body" and not message.get("more_body")
            await send(message)

        with self._work.one(self._kind) as running:
            await self._app(scope, receive, watched)
        if running.cancelled_caught and not over:
            if begun:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            else:
                await _answer(503, None, _CUT)(scope, receive, send)


def caller() -> str:
    """The agent whose request this is; empty where nobody is asked."""
    token = get_access_token()
    return token.client_id if token else ""


def _refusal(status: int, words: str) -> ASGIApp:
    async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the id of the request, so that its caller finds the answer."""
        try:
            number = _Numbered.model_validate_json(await Request(scope, receive).body()).id
        except ValidationError:
            number = None
        await _answer(status, number, words)(scope, receive, send)

    return refuse


def _answer(status: int, number: str | int | None, words: str) -> JSONResponse:
    return JSONResponse(
        {"jsonrpc": "2.0", "id": number, "error": {"code": _UNAVAILABLE, "message": words}},
        status_code=status,
        headers={"retry-after": "1", "connection": "close"},
    )
