"""The older transport: answers come over one long `/sse` stream, requests go to `/messages/`.

For clients that speak nothing newer. The SDK carries the messages; how many streams there are, how long they
may be silent and how they end is decided here.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from urllib.parse import parse_qs

import anyio
from mcp.server.sse import SseServerTransport
from mcp.server.transport_security import TransportSecuritySettings
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from fly_mcp_server.sdk import Server
from fly_mcp_server.traffic import Inbox, Outbox

from .limits import Limits
from .shares import OwedShares
from .work import Work, caller

STREAMS = "streams"
POSTS = "posts"
MESSAGES = "/messages/"

_SESSION = re.compile(rb"session_id=([0-9a-f]{32})")
#: What keeps the connection open and says nothing.
_PING = b": ping"


#: The SDK's answer to a message that belongs to a stream.
_ACCEPTED = 202


@dataclass(frozen=True)
class _Stream:
    """An open one: the calls on it, and its life."""

    owed: OwedShares
    talk: anyio.CancelScope


class SseEndpoints:
    """`listen` is `GET /sse`; `tell` is `POST /messages/`."""

    def __init__(
        self, server: Server, security: TransportSecuritySettings, limits: Limits, work: Work
    ) -> None:
        self._server = server
        self._limits = limits
        self._work = work
        self._transport = SseServerTransport(
            MESSAGES, security_settings=security, max_request_body_size=limits.body
        )
        self._open: Counter[str] = Counter()
        self._streams: dict[str, _Stream] = {}

    async def listen(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one stream until either side ends it."""
        whose = caller()
        refusal = self._refusal(whose)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        self._open[whose] += 1
        try:
            await self._carry(scope, receive, send)
        finally:
            self._open[whose] -= 1
            self._open += Counter[str]()  # drops the zeros

    async def tell(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one message."""
        session = parse_qs(scope["query_string"].decode("latin-1")).get("session_id", [""])[0]

        async def watched(message: Message) -> None:
            if message.get("status") == _ACCEPTED:
                self._heard(session)
            await send(message)

        await self._transport.handle_post_message(scope, receive, watched)

    def _refusal(self, whose: str) -> PlainTextResponse | None:
        if self._work.draining:
            return PlainTextResponse("fly-mcp is shutting down", 503, {"retry-after": "1"})
        if self._open[whose] >= self._limits.streams_of_one:
            return PlainTextResponse("you have too many streams open; close some", 429)
        if self._open.total() >= self._limits.streams:
            return PlainTextResponse("too many streams are open", 503, {"retry-after": "60"})
        return None

    async def _carry(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Carry the messages of a session. However it ends here, the response is ended in good order."""
        stream, session = _Stream(OwedShares(), anyio.CancelScope()), ""
        owed, talk = stream.owed, stream.talk

        async def watched(message: Message) -> None:
            nonlocal session
            body = message.get("body", b"")
            if not session and (found := _SESSION.search(body)):
                session = found.group(1).decode()
                self._streams[session] = stream
            if not body.startswith(_PING):
                self._heard(session)
            await send(message)

        try:
            async with self._transport.connect_sse(scope, receive, watched) as (read, write):
                with self._work.one(STREAMS, talk):
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(self._close_when_quiet, owed, talk)
                        await self._server.run_over(Inbox(read, owed, talk.cancel), Outbox(write, owed))
                        talk.cancel()
                await read.aclose()
                await write.aclose()  # the SDK ends the response when nothing more can come
        finally:
            self._streams.pop(session, None)
            owed.closed()

    async def _close_when_quiet(self, owed: OwedShares, talk: anyio.CancelScope) -> None:
        """When the process is to end: take no more, let the calls of this stream finish, and close it."""
        await self._work.ending.wait()
        await self._work.none(POSTS)  # one that was accepted has still to be read
        await owed.nothing()
        talk.cancel()

    def _heard(self, session: str) -> None:
        """Something was said on this stream: its silence begins anew."""
        stream = self._streams.get(session)
        if stream is not None:
            stream.talk.deadline = anyio.current_time() + self._limits.stream_idle
