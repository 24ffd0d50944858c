"""Wrong tokens: an address that keeps trying is refused for a while, before anything is looked up for it.

A token of ours cannot be guessed. What is bounded here is what the attempts cost: hashing, signatures, and
log lines.
"""

from __future__ import annotations

import ipaddress
import logging
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fly_mcp_tools.clock import Clock

from .limits import Limits

_log = logging.getLogger(__name__)
#: Addresses remembered; the ones that failed longest ago are forgotten first.
_MOST = 10_000
_UNAUTHENTICATED = 401


@dataclass
class _Failed:
    """What came from one address."""

    since: float
    times: int = 0
    refused_until: float = 0.0


class WrongTokens:
    """Counts 401s to requests that brought a token; answers 429 to an address that has too many.

    A request without any token is not counted: that is how an OAuth client finds out where to get one.
    """

    def __init__(self, app: ASGIApp, limits: Limits, clock: Clock, refused: Callable[[str], object]) -> None:
        self._app = app
        self._limits = limits
        self._clock = clock
        self._refused = refused
        self._failed: OrderedDict[str, _Failed] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it through and look at the answer, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        tries = "authorization" in Headers(scope=scope)
        address = _network(scope)
        failed = self._failed.get(address)
        left = failed.refused_until - self._clock.monotonic() if failed else 0.0
        if left > 0 and tries:
            self._refused("too many wrong tokens came from its address before")
            refusal = PlainTextResponse(
                "too many wrong tokens from your address", 429, {"retry-after": str(math.ceil(left))}
            )
            await refusal(scope, receive, send)
            return

        async def look(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == _UNAUTHENTICATED:
                if tries:
                    self._note(address)
                else:
                    self._refused("it brought none")
            await send(message)

        await self._app(scope, receive, look)

    def _note(self, address: str) -> None:
        now = self._clock.monotonic()
        failed = self._failed.get(address)
        if failed is None or now >= max(failed.since + self._limits.failures_within, failed.refused_until):
            failed = self._failed[address] = _Failed(now)
        self._failed.move_to_end(address)
        failed.times += 1
        if failed.times >= self._limits.failures:
            failed.refused_until = now + self._limits.refused_for
            # One line for all of them: whoever is refused must not be able to fill the log.
            _log.warning(
                "%d wrong tokens from %s: what comes from there is answered 429 for %g s",
                *(failed.times, address, self._limits.refused_for),
            )
        while len(self._failed) > _MOST:
            self._failed.popitem(last=False)


def _network(scope: Scope) -> str:
    """Whom the address belongs to: with IPv6, whoever has one address has 2^64 of them."""
    host = str((scope.get("client") or ("unknown",))[0])
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))
    return host
