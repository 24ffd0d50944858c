"""uvicorn's HTTP/1.1, with patience that ends: it has no switch for slow headers, nor for idle strangers.

The parser is h11, which uvicorn always brings: the faster httptools is an extra, and not what takes the time
here. The timers are the running loop's.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import ClassVar, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from .limits import Limits

_log = logging.getLogger(__name__)
#: The order in which connections have become idle; clocks have ties.
_MOMENTS = itertools.count()


class CarefulProtocol(H11Protocol):
    """One connection. Headers and body must be complete in time; there is room for so many connections."""

    limits: ClassVar[Limits] = Limits()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Take it, close an idle one for it, or refuse it."""
        super().connection_made(transport)
        self._timer: asyncio.TimerHandle | None = None
        self._awaited: object = None
        self._idle_since = next(_MOMENTS)
        if len(self.connections) > self.limits.connections and not self._make_room():
            _log.warning("all %d connections are at work: a new one was refused", self.limits.connections)
            self._refuse(b"503 Service Unavailable", b"all connections are in use")
            return
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self._await(None, 0)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; what is still missing must come in time."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Wait for the next request: uvicorn does, until its first byte."""
        self._idle_since = next(_MOMENTS)
        super().on_response_complete()
        if self.conn.their_state is not h11.IDLE or self.conn.trailing_data[0]:
            self._look()
        else:
            self._await(None, 0)

    @property
    def _idle(self) -> bool:
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None before the first request
        return cycle is None or cycle.response_complete

    def _look(self) -> None:
        state = self.conn.their_state
        if state is h11.IDLE:
            self._await(state, self.limits.headers_within)
        elif state is h11.SEND_BODY:
            self._await(state, self.limits.body_within)
        else:
            self._await(None, 0)

    def _await(self, state: object, seconds: float) -> None:
        """Have the time for this part of a request begin, unless it has begun; `None`: nothing is awaited."""
        if state is self._awaited and state is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._awaited = state
        self._timer = None if state is None else self.loop.call_later(seconds, self._late)

    def _late(self) -> None:
        if self.transport.is_closing():
            return
        _log.warning("a request was not complete in time: its connection was closed")
        if self._awaited is h11.IDLE and self._idle:
            self._refuse(b"408 Request Timeout", b"the headers were not complete in time")
        else:
            self.transport.abort()  # whoever waits for the body is told that the client has gone

    def _make_room(self) -> bool:
        """Close the connection that has been idle longest; whether there was one."""
        others = [
            one for one in cast("set[CarefulProtocol]", self.connections) if one is not self and one._idle
        ]
        if not others:
            return False
        oldest = min(others, key=lambda one: one._idle_since)
        _log.warning("all %d connections are in use: the longest idle was closed", self.limits.connections)
        # It is told of its end only later; until then it must not be counted, nor be found again.
        self.connections.discard(oldest)
        oldest.transport.abort()
        return True

    def _refuse(self, status: bytes, words: bytes) -> None:
        self.transport.write(
            b"HTTP/1.1 %s\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: %d\r\n\r\n%s"
            % (status, len(words), words)
        )
        self.transport.close()


def careful(limits: Limits) -> type[asyncio.Protocol]:
    """The protocol with these limits: uvicorn makes the objects, and hands on nothing of ours."""
    return type("CarefulProtocol", (CarefulProtocol,), {"limits": limits})
