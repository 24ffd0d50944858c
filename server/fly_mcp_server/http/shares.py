"""What each agent has running, in calls and in bytes, so that one agent leaves room for the others.

A call counts until it is answered, on whichever transport it came. On `/sse` that is long after its request is
over, so the share is handed on: the request lets go of it, and the stream holds it until the answer.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Generator
from contextlib import contextmanager
from typing import cast

from mcp.shared.message import ServerMessageMetadata, SessionMessage
from mcp_types import JSONRPCError, JSONRPCRequest, JSONRPCResponse

from fly_mcp_server.traffic import Message, Owed

from .limits import Limits

#: Where a request's scope has its share.
KEY = "fly_mcp.share"


class NoRoom(Exception):
    """A body is more than there is room for. `status`: 429 by its agent's own doing, 503 by everybody's."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Shares:
    """Counts for all agents together."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._calls: Counter[str] = Counter()
        self._bytes: Counter[str] = Counter()

    def full(self, whose: str) -> bool:
        """Whether this agent may begin no call more."""
        return self._calls[whose] >= self._limits.calls_of_one

    @contextmanager
    def one(self, whose: str) -> Generator[Share]:
        """A call of this agent, for as long as its request lasts, or as somebody else holds it."""
        share = Share(self, whose)
        share.hold()
        try:
            yield share
        finally:
            share.release()

    def add(self, whose: str, calls: int, size: int) -> None:
        """Count so much more, or less."""
        self._calls[whose] += calls
        self._bytes[whose] += size
        for counted in (self._calls, self._bytes):
            if not counted[whose]:
                del counted[whose]

    def check(self, whose: str, size: int) -> None:
        """Raise NoRoom where there is none for so many bytes more."""
        if self._bytes[whose] + size > self._limits.bytes_of_one:
            raise NoRoom(429)
        if self._bytes.total() + size > self._limits.bytes:
            raise NoRoom(503)


class Share:
    """One call, and what was read of its body. It counts while anybody holds it."""

    def __init__(self, shares: Shares, whose: str) -> None:
        self._shares = shares
        self._whose = whose
        self._size = 0
        self._holds = 0

    def weigh(self, size: int) -> None:
        """Count bytes that were read. Raises NoRoom where that is too much."""
        self._shares.check(self._whose, size)
        self._size += size
        self._shares.add(self._whose, 0, size)

    def hold(self) -> None:
        """Have it count until `release`."""
        if not self._holds:
            self._shares.add(self._whose, 1, self._size)
        self._holds += 1

    def release(self) -> None:
        """Undo one `hold`."""
        self._holds -= 1
        if not self._holds:
            self._shares.add(self._whose, -1, -self._size)


class OwedShares(Owed):
    """The requests of one stream that are owed an answer, each holding its share until it has it.

    A client that withdraws a call gets its share back when the call has ended, and not before: whoever calls and
    withdraws all the time would else have no bound. Nor has an id to be another each time: each call holds its own.
    """

    def __init__(self) -> None:
        super().__init__()
        self._held: defaultdict[str, list[Share]] = defaultdict(list)

    def read(self, item: Message) -> None:
        """Note what the client said."""
        super().read(item)
        if not isinstance(item, SessionMessage) or not isinstance(item.message, JSONRPCRequest):
            return
        metadata, number = item.metadata, str(item.message.id)
        if not isinstance(metadata, ServerMessageMetadata):
            return
        # The request that brought it. The SDK does not say of what kind it is.
        share = cast("dict[str, object]", getattr(metadata.request_context, "scope", {})).get(KEY)
        if not isinstance(share, Share):
            return
        share.hold()
        self._held[number].append(share)

        async def ended() -> None:
            self._let_go(number, share)

        metadata.on_request_unanswered = ended  # how the SDK tells that a withdrawn call is over

    def sent(self, item: SessionMessage) -> None:
        """Note what the client was told."""
        super().sent(item)
        if isinstance(item.message, JSONRPCResponse | JSONRPCError):
            number = str(item.message.id)
            if number in self._held:
                self._let_go(number, self._held[number][0])

    def closed(self) -> None:
        """The stream is over, and with it all its calls."""
        for number, shares in list(self._held.items()):
            for share in list(shares):
                self._let_go(number, share)

    def _let_go(self, number: str, share: Share) -> None:
        held = self._held.get(number, [])
        if share not in held:
            return
        held.remove(share)
        share.release()
        if not held:
            del self._held[number]
