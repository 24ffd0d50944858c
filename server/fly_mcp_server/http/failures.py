"""Wrong tokens: to an address that keeps trying, what it costs to look at them is bounded.

None can be guessed. A token of ours costs one hash to look at, and so is looked at always: whoever has a right one is
served, whatever others try from behind the same address. One of an issuer costs a signature, and is not looked at for
a while where too many wrong ones came from.
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

from fly_mcp_server.auth.attempt import attempt
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
    """Counts 401s to requests that brought a made-up token; where there are too many, further ones are 429.

    A request without any token is not counted: that is how an OAuth client finds out where to get one. Nor is a token
    that the issuer made and that lets nobody in, since it has expired: every agent of OAuth brings such ones.
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
        brought = Headers(scope=scope).get("authorization")
        address = _network(scope)
        failed = self._failed.get(address)
        left = failed.refused_until - self._clock.monotonic() if failed else 0.0
        refusal = PlainTextResponse(
            "too many wrong tokens from your address", 429, {"retry-after": str(math.ceil(left))}
        )
        if left > 0 and brought is not None and _is_dear(brought):
            self._refused("it was not looked at, since too many wrong ones came from its address before")
            await refusal(scope, receive, send)
            return
        answered = False

        async def look(message: Message) -> None:
            nonlocal answered
            if answered:
                return
            if message["type"] == "http.response.start" and message["status"] == _UNAUTHENTICATED:
                if brought is None:
                    self._refused("it brought none")
                elif left > 0:
                    answered = True
                    await refusal(scope, receive, send)
                    return
                elif made.guessed:
                    self._note(address)
            await send(message)

        with attempt() as made:
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
                "%d wrong tokens from %s: further ones from there, and all of an issuer, are answered 429 for %g s",
                *(failed.times, _shown(address), self._limits.refused_for),
            )
        while len(self._failed) > _MOST:
            self._failed.popitem(last=False)


def _shown(address: str) -> str:
    """The address for the log: a proxy may have handed on what its client made up."""
    try:
        ipaddress.ip_network(address)
    except ValueError:
        return "an address that is none"
    return address


def _is_dear(brought: str) -> bool:
    """Whether it may be a token whose signature has to be checked. One of ours has no dot, and a JWT has two."""
    return "." in brought


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
