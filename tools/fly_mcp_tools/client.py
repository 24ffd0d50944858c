"""The one shared client: every request of this package to Fly goes through `FlyClient.call`.

    bucket -> send -> decode -> repeat or not

Nothing is cut between a write sent and its answer: a cancelled caller gets its answer first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Final

import anyio
from pydantic import JsonValue

from fly_mcp_tools.base_url import BaseUrl, no_web_url, web_beside
from fly_mcp_tools.chance import Random
from fly_mcp_tools.clock import Clock
from fly_mcp_tools.credentials import Credentials, no_token
from fly_mcp_tools.decode import Answer, RawAnswer, decode
from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.errors import EARLIER_ATTEMPT, Bug, FlyError, MaybeDone, NotSent, RefusedByFly
from fly_mcp_tools.http import Http, Transport
from fly_mcp_tools.limits import Limits
from fly_mcp_tools.request import Query, Request, build_request
from fly_mcp_tools.retry import Retries, told_wait

DEFAULT_TIMEOUT: Final = 30.0

_log = logging.getLogger("fly_mcp_tools")


class FlyClient:
    """Calls Fly's API with one token at its two addresses, within Fly's rates.

    Built without touching the network or the event loop. `credentials=None` is allowed: each call then says
    how to give it a token. `web_url` is where GraphQL and the web REST are; `None`: beside `base_url`, where that
    is clear, and else web calls say what to set. `transport` replaces the network for both (an emulator in this
    process, a test).
    """

    def __init__(
        self,
        *,
        credentials: Credentials | None,
        base_url: BaseUrl,
        web_url: BaseUrl | None = None,
        clock: Clock,
        rng: Random,
        transport: Transport | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._credentials = credentials
        self._base_url = base_url
        self._clock = clock
        self._http = Http(base_url, transport=transport)
        web_url = web_url or web_beside(base_url)
        self._web = None if web_url is None else Http(web_url, transport=transport)
        self._limits = limits or Limits(clock)
        self._retries = Retries(rng)
        self._draining = False
        self._writes: dict[int, str] = {}
        self._numbers = count()
        self._a_write_ended = anyio.Event()

    async def call(
        self,
        endpoint: Endpoint,
        ids: Mapping[str, str],
        *,
        query: Query | None = None,
        body: JsonValue = None,
        nonce: str | None = None,
        timeout: float | None = None,
        final: bool = False,
        interactive: bool = False,
        hide: Iterable[str] = (),
        on_unclear: Callable[[], None] | None = None,
    ) -> Answer:
        """Send one call, repeat it where that can double nothing, and return Fly's answer.

        `timeout`: seconds in which one attempt must be answered once it left (default 30; connecting has 10
        of its own); give more than Fly may wait by itself, as in wait, exec, and stop or delete under
        somebody's lease. `nonce`: of a held lease. `hide`: values in the body that Fly must not be quoted with.
        `final`: tidying up, such as releasing a lease, which is sent even while draining. `interactive`: an
        answer that somebody waits for, which goes before bulk work in its bucket.

        `on_unclear`: told of each attempt of a write that may have gone through, at once: a caller that is cancelled
        before the next attempt gets no error to read it from.

        Cancellation: a call that waits for its bucket or for the next attempt is not sent; a read is cut; a
        write that was sent is awaited, and the cancellation arrives at the caller's next await.

        Raises any `FlyError`; `Bug` where ids or body do not fit the endpoint. A refusal that follows an
        unclear attempt of the same write has `changed == "unknown"` and the fact `earlier_attempt`.
        """
        request = build_request(endpoint, ids, query=query, body=body, nonce=nonce, hide=hide)
        if self._credentials is None:
            raise no_token()
        http = self._way(endpoint)
        seconds = DEFAULT_TIMEOUT if timeout is None else timeout
        number = next(self._numbers)
        failed: FlyError | None = None
        unclear = False
        attempts, first_at = 0, 0.0
        try:
            while True:
                try:
                    await self._turn(request, final=final, interactive=interactive, again=attempts > 0)
                except NotSent as refused:
                    # What an attempt met says more than that there is no further one.
                    raise failed or refused from None
                attempts += 1
                first_at = first_at if failed else self._clock.monotonic()
                try:
                    answer = await self._attempt(http, request, number, self._credentials, seconds)
                except FlyError as error:
                    failed = error
                    unclear = unclear or isinstance(error, MaybeDone)
                    if not unclear:
                        self._ended(number)
                    elif endpoint.writes:
                        _admit_earlier_attempt(error)
                        if on_unclear is not None:
                            on_unclear()
                    if error.status == 429:
                        self._limits.refused(endpoint, ids, told_wait(error))
                    elapsed = self._clock.monotonic() - first_at
                    delay = self._retries.delay(endpoint, error, attempts=attempts, elapsed=elapsed)
                    if delay is None:
                        raise
                    _log.debug("repeating %s in %.2f s after %s", request.says, delay, error.code)
                else:
                    self._retries.answered()
                    return answer
                await self._clock.sleep(delay)
        finally:
            self._ended(number)

    def in_flight(self) -> tuple[str, ...]:
        """Each write that is sent and not clearly answered, in plain words, oldest first."""
        return tuple(self._writes.values())

    async def drain(self, seconds: float) -> tuple[str, ...]:
        """Refuse new calls (all but `final` ones) and wait up to `seconds` for the writes in flight.

        Returns the words of those still unanswered then, oldest first. Cancel the work that uses this client
        before draining: a composite between two writes is not seen here.
        """
        self._draining = True
        with anyio.move_on_after(seconds):
            while self._writes:
                await self._a_write_ended.wait()
        return self.in_flight()

    async def aclose(self) -> None:
        """Refuse new calls and close the connections. May be called twice."""
        self._draining = True
        await self._http.aclose()
        if self._web is not None:
            await self._web.aclose()

    def _way(self, endpoint: Endpoint) -> Http:
        """The address that answers this call.

        Raises:
            NotConfigured: nobody said where that is.
        """
        if endpoint.host == "machines":
            return self._http
        if self._web is None:
            raise no_web_url(self._base_url)
        return self._web

    async def _turn(self, request: Request, *, final: bool, interactive: bool, again: bool) -> None:
        """Wait until the request may leave.

        Raises:
            NotSent: the server is shutting down, or too many wait before it.
        """
        self._refuse_when_draining(request, final=final)
        await self._limits.acquire(request.endpoint, request.ids, interactive=interactive, again=again)
        self._refuse_when_draining(request, final=final)

    async def _attempt(
        self, http: Http, request: Request, number: int, credentials: Credentials, timeout: float
    ) -> Answer:
        """One attempt, logged and listed among the writes in flight."""
        if request.endpoint.writes:
            self._writes[number] = request.says
        began = self._clock.monotonic()
        outcome, request_id = "cancelled", None
        try:
            raw = await self._send(http, request, credentials, timeout)
            answer = decode(request, raw, now=self._clock.now(), redact=credentials.redact)
            outcome, request_id = str(answer.status), answer.request_id
        except FlyError as error:
            outcome, request_id = str(error.status or error.code), error.request_id
            raise
        finally:
            _log.debug(
                "%s %s -> %s in %.0f ms (request %s)",
                request.endpoint.method,
                request.path,  # without the query: it may hold what the agent wrote
                outcome,
                (self._clock.monotonic() - began) * 1000,
                request_id,
            )
        return answer

    async def _send(
        self, http: Http, request: Request, credentials: Credentials, timeout: float
    ) -> RawAnswer:
        """Send once. A write is shielded from cancellation until it is answered or timed out."""
        with anyio.CancelScope(shield=request.endpoint.writes):
            return await http.send(
                request,
                authorization=credentials.authorization(every_piece=request.endpoint.graphql),
                timeout=timeout,
                redact=credentials.redact,
            )
        raise Bug("a scope that nobody cancels was cancelled")

    def _ended(self, number: int) -> None:
        """Strike a call off the list of writes in flight and tell whoever drains."""
        if self._writes.pop(number, None) is not None:
            self._a_write_ended.set()
            self._a_write_ended = anyio.Event()

    def _refuse_when_draining(self, request: Request, *, final: bool) -> None:
        if self._draining and not final:
            raise NotSent(
                f"Did not {request.says}: this server is shutting down. Nothing was sent.",
                hint="Start it again, then repeat the call.",
            )


def _admit_earlier_attempt(error: FlyError) -> None:
    """Correct what an error says of its own attempt alone: an earlier one may have gone through."""
    if isinstance(error, (RefusedByFly, NotSent)):
        error.changed = "unknown"
        error.facts[EARLIER_ATTEMPT] = "unclear"
