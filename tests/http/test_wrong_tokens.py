"""Wrong tokens: refused, told once, and after a while not even looked at."""

from __future__ import annotations

import logging

import pytest

from fly_mcp_server.http.limits import Limits
from fly_mcp_server.http.noise import OncePerBurst

from .place import ALICE, MODERN, Place, opened

ROUTES = ("POST /mcp", "GET /sse", "POST /messages/?session_id=" + "0" * 32)
WRONG = {
    "none": {},
    "another": {"authorization": "Bearer canary-0123456789"},
    "empty": {"authorization": "Bearer"},
    "another scheme": {"authorization": "Basic dG9rZW4tb2YtYWxpY2U6"},
    "no scheme": {"authorization": "token-of-alice"},
    "longer": {"authorization": "Bearer token-of-alice2"},
    "shorter": {"authorization": "Bearer token-of-alic"},
    "other case": {"authorization": "Bearer Token-of-alice"},
    "huge": {"authorization": "Bearer " + "x" * 30_000},
    "not a letter": {"authorization": "Bearer t\xf6ken"},
}


async def _knock(place: Place, route: str, who: dict[str, str], **more: str) -> int:
    method, path = route.split(" ")
    request = place.request(MODERN, "tools/list")
    headers = {**place.headers(MODERN, request, {}), **who, **more}
    answer = await place.http.request(
        method,
        place.url + path,
        headers=[(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        json=request,
    )
    if answer.status_code == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
    return answer.status_code


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("wrong", WRONG)
async def test_no_call_without_a_right_token(route: str, wrong: str) -> None:
    """Issue 6: no call without authentication on any network transport, loopback included."""
    async with opened() as place:
        assert await _knock(place, route, WRONG[wrong]) == 401
        assert place.wire.sent == []
        assert not place.work.busy()


async def test_a_token_in_the_address_is_none() -> None:
    """It would be in every log on the way: the protocol forbids it."""
    async with opened() as place:
        for name in ("access_token", "token", "authorization"):
            assert await _knock(place, f"POST /mcp?{name}=token-of-alice", {}) == 401


async def test_a_thousand_wrong_tokens_leave_the_server_healthy(caplog: pytest.LogCaptureFixture) -> None:
    """Refused, logged in few lines, the server healthy, and who has the right token untouched elsewhere."""
    async with opened(proxies=("127.0.0.1",)) as place:
        caplog.handler.addFilter(OncePerBurst(place.clock))
        with caplog.at_level(logging.DEBUG, "fly_mcp_server.http"):
            statuses = [
                await _knock(
                    place,
                    ROUTES[n % 3],
                    {"authorization": f"Bearer canary-{n}"},
                    **{"x-forwarded-for": "192.0.2.7"},
                )
                for n in range(1000)
            ]
        assert statuses == [401] * 20 + [429] * 980
        assert place.known.asked == 20, "what is refused is not looked up"
        assert await place.healthy()
        assert await _knock(place, "POST /mcp", ALICE, **{"x-forwarded-for": "192.0.2.8"}) == 200
        assert await _knock(place, "POST /mcp", ALICE, **{"x-forwarded-for": "192.0.2.7"}) == 429
        assert await _knock(place, "POST /mcp", ALICE, **{"x-forwarded-for": "2001:db8::1"}) == 200
    told = [one for one in caplog.records if one.name.startswith("fly_mcp_server.http")]
    assert [one.getMessage() for one in told] == [
        "20 wrong tokens from 192.0.2.7: what comes from there is answered 429 for 60 s"
    ]
    assert "canary" not in caplog.text
    assert "token-of-alice" not in caplog.text


async def test_a_refused_address_is_heard_again_after_a_while() -> None:
    """It says for how long; a proxy in front of many agents must not be out for good."""
    async with opened(limits=Limits(failures=3)) as place:
        for _ in range(3):
            assert await _knock(place, "POST /mcp", WRONG["another"]) == 401
        request = place.request(MODERN, "tools/list")
        answer = await place.http.post(
            f"{place.url}/mcp", json=request, headers=place.headers(MODERN, request)
        )
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
        await place.clock.sleep(60)
        assert await place.healthy()


async def test_a_few_wrong_tokens_now_and_then_refuse_nobody() -> None:
    """An agent that was misconfigured for a moment is not an attack."""
    async with opened(limits=Limits(failures=3)) as place:
        for _ in range(10):
            for _ in range(2):
                assert await _knock(place, "POST /mcp", WRONG["another"]) == 401
            await place.clock.sleep(61)
        assert await place.healthy()


async def test_asking_without_any_token_is_no_attempt() -> None:
    """That is how an OAuth client finds out where to get one."""
    async with opened(limits=Limits(failures=3)) as place:
        for _ in range(50):
            assert await _knock(place, "POST /mcp", {}) == 401
        assert await place.healthy()


@pytest.mark.parametrize("proxies", [(), ("192.0.2.1",)])
async def test_only_a_named_proxy_may_say_whom_it_speaks_for(proxies: tuple[str, ...]) -> None:
    """Else whoever tries tokens would have as many addresses as it can write."""
    async with opened(proxies=proxies, limits=Limits(failures=3)) as place:
        statuses = [
            await _knock(place, "POST /mcp", WRONG["another"], **{"x-forwarded-for": f"192.0.2.{n}"})
            for n in range(5)
        ]
        assert statuses == [401] * 3 + [429] * 2


async def test_one_ipv6_network_is_one_address() -> None:
    """Whoever has one has 2^64 of them."""
    async with opened(proxies=("127.0.0.1",), limits=Limits(failures=3)) as place:
        statuses = [
            await _knock(place, "POST /mcp", WRONG["another"], **{"x-forwarded-for": f"2001:db8::{n}"})
            for n in range(5)
        ]
        assert statuses == [401] * 3 + [429] * 2
        assert await _knock(place, "POST /mcp", ALICE, **{"x-forwarded-for": "2001:db8:0:1::1"}) == 200
