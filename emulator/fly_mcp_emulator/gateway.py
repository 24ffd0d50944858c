"""The door of the pretend Fly: every request passes here, is logged, checked, carried out and answered."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from .answer import Answer
from .call import Call
from .errors import FlyError, bad_request, rate_limited, unauthenticated
from .faults import Armed, ConnectionDropped, Faults, Incoming
from .ids import Ids
from .limits import Limits
from .log import RequestRecord
from .routing import Match, Router
from .state import State
from .tokens import Principal, authenticate

_log = logging.getLogger(__name__)
_LARGEST_BODY = 10 * 1024 * 1024
WIRE = "fly_mcp_emulator.wire"
"""The ASGI extension by which a server lends the connection: something with the methods of `wire.Wire`."""


class Gateway:
    """An ASGI application that answers as Fly does."""

    def __init__(
        self,
        state: State,
        router: Router,
        limits: Limits | None,
        faults: Faults,
        kept: Callable[[], None],
    ) -> None:
        self.state = state
        self.requests: list[RequestRecord] = []
        self._router = router
        self._limits = limits
        self._faults = faults
        self._kept = kept
        self._ids = Ids(state.ids.seed, stream="requests")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            response = await self._respond(request, await request.body())
        except ConnectionDropped as dropped:
            extensions: Mapping[str, Any] = scope.get("extensions") or {}
            if WIRE not in extensions:
                raise
            await extensions[WIRE].drop(dropped, receive, send)
        else:
            await response(scope, receive, send)

    async def _respond(self, request: Request, body: bytes) -> Response:
        state = self.state
        state.settle()
        raw_path = request.scope.get("raw_path", b"").decode("latin-1") or request.url.path
        now = state.clock.now()
        record = RequestRecord(
            method=request.method,
            path=request.scope["path"],
            query=request.url.query,
            at=now,
            request_id=self._ids.request(now, state.world.settings.nearest_region),
            raw_path=raw_path,
        )
        self.requests.append(record)
        match = self._router.match(request.method, raw_path)
        record.endpoint = match.endpoint.path if match else ""
        incoming = Incoming(record.method, record.path, match, body, state)
        fault = self._faults.strike(incoming)

        async def carry() -> Answer:
            answer = await self._answer(match, request, body, record)
            record.world_status = answer.status
            if request.method not in ("GET", "HEAD"):
                state.changed()
            return answer

        answer = await (self._befall(fault, incoming, carry, record) if fault else carry())
        record.status = answer.status
        response = answer.response()
        response.headers["fly-request-id"] = record.request_id
        return response

    async def _befall(
        self, fault: Armed, incoming: Incoming, carry: Callable[[], Awaitable[Answer]], record: RequestRecord
    ) -> Answer:
        record.fault, record.fault_kind = fault.rule.name, fault.kind.name
        try:
            answer, took_hold = await self._faults.befall(fault, incoming, carry)
        except ConnectionDropped as dropped:
            if dropped.begun is not None:
                record.status = dropped.begun.status
                dropped.begun.headers.append((b"fly-request-id", record.request_id.encode()))
            raise
        if took_hold:
            self._kept()  # some are conditions of the world
        else:
            record.fault = record.fault_kind = ""
        return answer

    async def _answer(
        self, match: Match | None, request: Request, body: bytes, record: RequestRecord
    ) -> Answer:
        if match is None:
            # Plain text, not JSON (reference 1.1 [L]).
            return Answer(text="404 page not found", status=404)
        shape = match.endpoint.shape
        try:
            answer = await self._carry_out(match, request, body, record)
            if request.method not in ("GET", "HEAD"):
                self._kept()
            return answer
        except FlyError as error:
            return Answer(error.body(shape), error.status)
        except Exception:  # noqa: BLE001 - the last resort: a bug of ours still answers in Fly's shape
            _log.exception("the emulator failed to answer %s %s", record.method, record.path)
            return Answer(FlyError(500, "internal: the emulator failed, see its log").body(shape), 500)

    async def _carry_out(self, match: Match, request: Request, body: bytes, record: RequestRecord) -> Answer:
        endpoint, state = match.endpoint, self.state
        principal = self._principal(request.headers, record)
        if principal is None and not endpoint.public:
            raise unauthenticated(endpoint.shape)
        if self._limits is not None and not self._limits.admit(match, state.now()):
            raise rate_limited()
        if len(body) > _LARGEST_BODY:
            raise bad_request("request body too large")
        call = Call(
            state=state,
            principal=principal or Principal(()),
            params=match.params,
            query=tuple(parse_qsl(request.url.query, keep_blank_values=True)),
            headers=request.headers,
            body=body,
            request_id=record.request_id,
        )
        if endpoint.access is not None and "app" in match.params:
            call.require(endpoint.access)
        answer = endpoint.handler(call)
        return await answer if inspect.isawaitable(answer) else answer

    def _principal(self, headers: Mapping[str, str], record: RequestRecord) -> Principal | None:
        header = headers.get("authorization")
        principal = authenticate(self.state.world, header, self.state.now())
        if principal is not None:
            record.token = principal.name
        elif header:
            record.token = "invalid"  # noqa: S105 - a word for the log, no token
        return principal
