"""The messages of one client, with one thing noted: which of its requests are still owed an answer."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context
from types import TracebackType
from typing import Protocol, Self

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import JSONRPCError, JSONRPCNotification, JSONRPCRequest, JSONRPCResponse

Message = SessionMessage | Exception
"""What the SDK reads from a client: a message, or why a line was none."""


class Source(Protocol):
    """Where the client's messages come from: the SDK's stream over stdin."""

    async def receive(self) -> Message:
        """The next one. Raises `EndOfStream`."""
        ...


class Sink(Protocol):
    """Where ours go: the SDK's stream over stdout."""

    async def send(self, item: SessionMessage, /) -> None:
        """Hand one over."""
        ...

    async def aclose(self) -> None:
        """Say that there are no more."""
        ...


class Owed:
    """The requests that were read and not answered yet."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._changed = anyio.Event()

    def __len__(self) -> int:
        """How many they are."""
        return len(self._ids)

    def read(self, item: Message) -> None:
        """Note what the client said: a request is owed an answer until the client withdraws it."""
        message = item.message if isinstance(item, SessionMessage) else None
        if isinstance(message, JSONRPCRequest):
            self._ids.add(str(message.id))
        elif isinstance(message, JSONRPCNotification) and message.method == "notifications/cancelled":
            self._settle((message.params or {}).get("requestId"))

    def sent(self, item: SessionMessage) -> None:
        """Note what the client was told."""
        if isinstance(item.message, JSONRPCResponse | JSONRPCError):
            self._settle(item.message.id)

    async def nothing(self) -> None:
        """Wait until every request is answered."""
        while self._ids:
            await self._changed.wait()

    def _settle(self, request_id: object) -> None:
        self._ids.discard(str(request_id))
        self._changed.set()
        self._changed = anyio.Event()


class _Stream:
    """What the SDK asks of both directions: to be entered and left."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close it."""


class Inbox(_Stream):
    """The client's messages. Their end is ours to give: the SDK would cut all calls at once.

    `left` is called when no more come: stdin was closed, or what carried them broke off. The stream then ends
    by cancellation. Closing it closes nothing: what came too late is read by whoever made it.
    """

    def __init__(self, source: Source, owed: Owed, left: Callable[[], None]) -> None:
        self._source = source
        self._owed = owed
        self._left = left

    @property
    def last_context(self) -> Context | None:
        """The context that the last message was read in; the SDK runs its handler there."""
        return getattr(self._source, "last_context", None)

    async def receive(self) -> Message:
        """The next message."""
        try:
            item = await self._source.receive()
        except anyio.EndOfStream:
            self._left()
            await anyio.sleep_forever()
            raise
        except anyio.get_cancelled_exc_class():
            self._left()
            raise
        self._owed.read(item)
        return item

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        return await self.receive()


class Outbox(_Stream):
    """Our messages to the client."""

    def __init__(self, sink: Sink, owed: Owed) -> None:
        self._sink = sink
        self._owed = owed

    async def send(self, item: SessionMessage, /) -> None:
        """Hand one over."""
        await self._sink.send(item)
        self._owed.sent(item)

    async def aclose(self) -> None:
        """Say that there are no more; those handed over are still written."""
        await self._sink.aclose()
