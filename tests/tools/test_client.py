"""The client through its only door: what leaves the process and what comes back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import httpx2
import pytest

from fly_mcp_tools.base_url import parse_base_url
from fly_mcp_tools.client import FlyClient
from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.endpoints import (
    CREATE_MACHINE,
    DELETE_MACHINE,
    ENDPOINTS,
    GET_MACHINE,
    LIST_APPS,
    START_MACHINE,
    UPDATE_MACHINE,
)
from fly_mcp_tools.errors import Code, FlyError, MaybeDone, NotConfigured, NotFound, NotSent, WrongState
from fly_mcp_tools.http import MAX_BODY, asgi_transport
from tests.tools.fakes import (
    APP,
    CANARY,
    HOSTS,
    MACHINE,
    MAYBE,
    NOT_SENT,
    Fly,
    answer,
    client_of,
    error_of,
    ids_for,
    success,
)

every = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)


async def error_of_machine(client: FlyClient, number: int) -> FlyError:
    """The error of reading one of many machines: each has a bucket of its own."""
    with pytest.raises(FlyError) as caught:
        await client.call(GET_MACHINE, {"app_name": APP, "machine_id": f"{number:014x}"})
    return caught.value


# What leaves the process


async def test_a_call_carries_token_agent_nonce_and_json() -> None:
    """Reference 1.2 and 1.4."""
    fly = Fly(answer(200, {"ok": True}))
    client = client_of(fly)
    got = await client.call(
        UPDATE_MACHINE, ids_for(UPDATE_MACHINE), query={"x": True}, body={"a": [1]}, nonce="0123abc"
    )
    assert (got.status, got.data, got.request_id) == (200, {"ok": True}, "01TESTREQUEST-fra")
    (sent,) = fly.seen
    assert str(sent.url) == f"https://api.machines.dev/v1/apps/{APP}/machines/{MACHINE}?x=true"
    assert sent.headers["authorization"] == f"FlyV1 {CANARY}"
    assert sent.headers["user-agent"].startswith("fly-mcp/")
    assert sent.headers["fly-machine-lease-nonce"] == "0123abc"
    assert sent.headers["content-type"] == "application/json"
    assert sent.content == b'{"a":[1]}'


async def test_a_call_without_body_has_no_content_type_and_without_nonce_no_nonce() -> None:
    """Reference 1.4: fly-go sends the content type only with a body."""
    fly = Fly()
    await client_of(fly).call(START_MACHINE, ids_for(START_MACHINE))
    assert "content-type" not in fly.seen[0].headers
    assert "fly-machine-lease-nonce" not in fly.seen[0].headers
    assert fly.seen[0].content == b""


async def test_the_base_url_is_the_only_host() -> None:
    """Issue 2, section 4."""
    fly = Fly()
    await client_of(fly, base_url=parse_base_url("http://127.0.0.1:4280/v1/")).call(LIST_APPS, {})
    assert str(fly.seen[0].url) == "http://127.0.0.1:4280/v1/apps"


@every
async def test_without_a_token_nothing_is_sent_and_the_answer_says_how_to_give_one(
    endpoint: Endpoint,
) -> None:
    """Architecture: no token means an explanation in each answer."""
    fly = Fly()
    error = await error_of(client_of(fly, token=None), endpoint)
    assert isinstance(error, NotConfigured)
    assert not fly.seen
    for words in ("FLY_API_TOKEN", "fly tokens create org", "fly tokens create deploy", "--emulator"):
        assert words in error.hint


@every
async def test_a_redirect_is_not_followed_and_the_token_goes_nowhere_else(endpoint: Endpoint) -> None:
    """Issue 2, section 4: redirects are never followed."""
    fly = Fly(answer(307, headers={"location": "https://evil.example/v1/apps"}))
    error = await error_of(client_of(fly), endpoint)
    assert error.code is Code.FLY_UNAVAILABLE
    assert [request.url.host for request in fly.seen] == [HOSTS[endpoint.host]]


async def test_the_cookie_that_ties_a_new_machine_to_its_node_is_kept() -> None:
    """Reference 1.4: fly-go keeps a cookie jar for fly_flaps_affinity."""
    cookie = {"set-cookie": f"fly_flaps_affinity=node7; Path=/v1/apps/{APP}"}
    fly = Fly(answer(200, {}, cookie), answer(200, {}))
    client = client_of(fly)
    await client.call(CREATE_MACHINE, {"app_name": APP}, body={})
    await client.call(GET_MACHINE, ids_for(GET_MACHINE))
    await client.call(GET_MACHINE, {"app_name": "other", "machine_id": MACHINE})
    assert [request.headers.get("cookie") for request in fly.seen] == [None, "fly_flaps_affinity=node7", None]


def test_building_a_client_needs_neither_network_nor_event_loop() -> None:
    """Ours: reading the certificates takes 50 to 90 ms, which the start of a server does not pay."""
    client = client_of(None)
    assert client.in_flight() == ()


# What comes back


@pytest.mark.parametrize("failure", NOT_SENT, ids=lambda e: type(e).__name__)
@every
async def test_what_was_surely_not_sent_is_tried_four_times_and_then_said_so(
    endpoint: Endpoint, failure: Exception
) -> None:
    """Issue 4, section 3: surely not sent may be repeated, whatever it is."""
    fly = Fly(failure)
    error = await error_of(client_of(fly), endpoint)
    assert isinstance(error, NotSent)
    assert (error.code, error.changed, error.retryable) == (Code.FLY_UNAVAILABLE, "nothing", True)
    assert HOSTS[endpoint.host] in error.message
    assert len(fly.seen) == 4


@pytest.mark.parametrize("failure", MAYBE, ids=lambda e: type(e).__name__)
@every
async def test_what_may_have_been_done_is_repeated_only_where_it_cannot_double(
    endpoint: Endpoint, failure: Exception
) -> None:
    """Issue 4, section 3: maybe done; only what is idempotent."""
    fly = Fly(failure)
    error = await error_of(client_of(fly), endpoint)
    assert isinstance(error, MaybeDone)
    assert error.changed == ("unknown" if endpoint.writes else "nothing")
    assert len(fly.seen) == (4 if endpoint.idempotent else 1)


@every
async def test_what_fly_refused_for_now_is_repeated_until_it_works(endpoint: Endpoint) -> None:
    """Issue 4, section 3: refused with 429, nothing happened."""
    well, data = success(endpoint)
    fly = Fly(answer(429), answer(429), well)
    assert (await client_of(fly).call(endpoint, ids_for(endpoint))).data == data
    assert len(fly.seen) == 3


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@every
async def test_after_a_trouble_of_flys_own_only_what_cannot_double_is_repeated(
    endpoint: Endpoint, status: int
) -> None:
    """Issue 4, section 3: it may have been done, 503 included."""
    well, data = success(endpoint)
    fly = Fly(answer(status, {"error": "unavailable: x"}), well)
    client = client_of(fly)
    if endpoint.idempotent:
        assert (await client.call(endpoint, ids_for(endpoint))).data == data
        assert len(fly.seen) == 2
        return
    error = await error_of(client, endpoint)
    assert (type(error), error.changed, error.status) == (MaybeDone, "unknown", status)
    assert len(fly.seen) == 1


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"", b'{"id": "78'], ids=["html", "empty", "half"])
@every
async def test_an_answer_that_cannot_be_read_is_never_taken_for_done(endpoint: Endpoint, body: bytes) -> None:
    """Issue 2, bad input: HTML, nothing, or half a JSON."""
    fly = Fly(httpx2.Response(200, content=body))
    error = await error_of(client_of(fly), endpoint)
    assert error.code is (Code.UNCLEAR if endpoint.writes else Code.FLY_UNAVAILABLE)
    assert len(fly.seen) == (4 if endpoint.idempotent else 1)


async def test_retry_after_is_waited_for() -> None:
    """RFC 9110."""
    fly = Fly(answer(429, headers={"retry-after": "7"}), answer(200, {}))
    await client_of(fly).call(CREATE_MACHINE, {"app_name": APP}, body={})
    assert 7 <= fly.times[1] - fly.times[0] <= 7.5


async def test_retry_after_holds_for_the_others_in_the_bucket_too() -> None:
    """Ours: what Fly says to one of them it would say to all."""
    fly = Fly(answer(429, headers={"retry-after": "7"}), answer(200, {}))
    client = client_of(fly)
    async with anyio.create_task_group() as group:
        group.start_soon(client.call, START_MACHINE, ids_for(START_MACHINE))
        await anyio.sleep(0.1)
        group.start_soon(client.call, START_MACHINE, ids_for(START_MACHINE))
    assert len(fly.times) == 3
    assert min(fly.times[1:]) >= 7


async def test_a_repetition_goes_before_those_who_came_after_it() -> None:
    """Ours: first come, first served; else 30 seconds would never suffice in a busy bucket."""
    fly = Fly(answer(200, {}), answer(200, {}), answer(429), answer(200, {}))
    client = client_of(fly)
    done: list[int] = []

    async def one(number: int) -> None:
        await client.call(CREATE_MACHINE, {"app_name": APP}, body={})
        done.append(number)

    async with anyio.create_task_group() as group:
        for number in range(12):
            group.start_soon(one, number)
    # One other may go while it waits a moment, as its delay asks.
    assert done.index(2) <= 4
    assert fly.times[-1] == pytest.approx((12 + 1 - 3) / 0.97)


async def test_the_time_for_repetitions_begins_with_the_first_attempt() -> None:
    """Ours: having waited long for its turn, a call is tried as often as any."""
    fly = Fly(*[answer(200, {})] * 50, httpx2.ConnectError("refused"), answer(200, {}))
    client = client_of(fly)
    async with anyio.create_task_group() as group:
        for _ in range(51):
            group.start_soon(client.call, START_MACHINE, ids_for(START_MACHINE))
    assert len(fly.seen) == 52


async def test_a_sick_fly_is_sent_twenty_repetitions_by_all_calls_together() -> None:
    """Issue 4, section 3: a retry budget; the error is raised at once then, and says why."""
    fly = Fly(httpx2.ReadError("reset"))
    client = client_of(fly)
    hints: list[str] = []
    for number in range(50):
        with pytest.raises(MaybeDone) as caught:
            await client.call(GET_MACHINE, {"app_name": APP, "machine_id": f"{number:014x}"})
        hints.append(caught.value.hint)
    assert len(fly.seen) == 50 + 20
    assert ["many calls to Fly failed lately" in hint for hint in hints] == [False] * 6 + [True] * 44


async def test_when_fly_is_well_again_calls_are_repeated_again() -> None:
    """Ours: clear answers fill the budget, refusals too."""
    down = True

    def sick(_: httpx2.Request) -> httpx2.Response:
        return answer(502) if down else answer(404, {"error": "not_found: machine not found"})

    fly = Fly(sick)
    client = client_of(fly)
    for number in range(30):
        await error_of_machine(client, number)
    sent = len(fly.seen)
    assert sent == 30 + 20
    down = False
    for number in range(6):
        await error_of_machine(client, number)
    assert len(fly.seen) == sent + 6
    down = True
    await error_of_machine(client, 7)
    assert len(fly.seen) == sent + 6 + 4


async def test_a_call_that_was_unclear_stays_so_when_there_is_no_further_attempt() -> None:
    """Ours: shutting down between two attempts must not say that nothing was sent."""
    fly = Fly(httpx2.ReadError("reset"))
    client = client_of(fly)

    errors: list[FlyError] = []

    async def start() -> None:
        errors.append(await error_of(client, START_MACHINE))

    async with anyio.create_task_group() as group:
        group.start_soon(start)
        await anyio.sleep(0.001)
        await client.drain(0)
    assert [(type(error), error.changed) for error in errors] == [(MaybeDone, "unknown")]
    assert len(fly.seen) == 1


async def test_a_read_that_somebody_waits_for_goes_before_bulk_work() -> None:
    """Issue 4, section 5."""
    fly = Fly()
    client = client_of(fly)
    waits: list[float] = []

    async def read() -> None:
        began = anyio.current_time()
        await client.call(GET_MACHINE, ids_for(GET_MACHINE), interactive=True)
        waits.append(anyio.current_time() - began)

    async with anyio.create_task_group() as group:
        for _ in range(100):
            group.start_soon(client.call, GET_MACHINE, ids_for(GET_MACHINE))
        await anyio.sleep(3)
        await read()
    assert waits[0] <= 0.21


async def test_each_attempt_waits_for_the_bucket_again() -> None:
    """Ours: repeating must not break the very limit that refused."""
    fly = Fly(answer(429))
    error = await error_of(client_of(fly), START_MACHINE)
    assert error.code is Code.RATE_LIMITED
    gaps = [after - before for before, after in zip(fly.times, fly.times[1:], strict=False)]
    assert len(gaps) == 3
    assert min(gaps) >= 1


async def test_a_refusal_after_an_unclear_attempt_does_not_say_that_nothing_changed() -> None:
    """Ours: the first DELETE may be the reason why the second finds nothing."""
    fly = Fly(httpx2.ReadError("reset"), answer(404, {"error": "not_found: machine not found"}))
    error = await error_of(client_of(fly), DELETE_MACHINE)
    assert isinstance(error, NotFound)
    assert error.changed == "unknown"
    assert error.facts["earlier_attempt"] == "unclear"
    fly = Fly(httpx2.ReadError("reset"), answer(404, {"error": "not_found: machine not found"}))
    assert (await error_of(client_of(fly), GET_MACHINE)).changed == "nothing"


async def test_a_slow_answer_ends_at_the_time_out() -> None:
    """Ours: one attempt takes no longer than it was given, however the bytes drip."""
    fly = Fly(seconds=100)
    client = client_of(fly)
    began = anyio.current_time()
    with pytest.raises(MaybeDone, match="no answer within 5 seconds"):
        await client.call(CREATE_MACHINE, {"app_name": APP}, body={}, timeout=5)
    assert anyio.current_time() - began == pytest.approx(5)
    assert client.in_flight() == ()


async def test_a_body_without_end_is_not_read_for_ever() -> None:
    """Ours: memory is bounded whatever answers."""
    read = 0

    async def endless(_: httpx2.Request) -> httpx2.Response:
        async def chunks() -> object:
            nonlocal read
            while True:
                read += 1
                yield b" " * 1024 * 1024

        return httpx2.Response(200, content=chunks())  # type: ignore[arg-type]  # an async generator is one

    fly = Fly(endless)
    with pytest.raises(MaybeDone, match="to its end"):
        await client_of(fly).call(CREATE_MACHINE, {"app_name": APP}, body={})
    assert read <= MAX_BODY // (1024 * 1024) + 1


async def test_a_refusal_whose_body_breaks_off_is_still_a_refusal() -> None:
    """Ours: the status came before the break."""

    async def broken(_: httpx2.Request) -> httpx2.Response:
        async def chunks() -> object:
            yield b'{"error": "not_'
            raise httpx2.ReadError("reset")

        return httpx2.Response(412, content=chunks())  # type: ignore[arg-type]  # an async generator is one

    assert isinstance(await error_of(client_of(Fly(broken)), DELETE_MACHINE), WrongState)


async def test_an_asgi_app_answers_in_this_process() -> None:
    """Architecture: the embedded emulator is reached through the client's own transport."""

    async def app(scope: dict[str, str], receive: object, send: Callable[[object], Awaitable[None]]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b'{"path": "%s"}' % scope["path"].encode()})

    got = await client_of(asgi_transport(app)).call(LIST_APPS, {})
    assert got.data == {"path": "/v1/apps"}
