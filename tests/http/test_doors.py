"""Host and Origin, on every route."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import pytest

from .place import ALICE, MODERN, Place, heard, opened

ROUTES = ("POST /mcp", "GET /mcp", "GET /sse", "POST /messages/", "GET /nothing", "OPTIONS /mcp")

#: What a Host header may say, and what it is answered by a server that was told of `mcp.example.com` and
#: `other.example.com:8443`.
HOSTS = {
    "127.0.0.1": True,
    "127.0.0.1:{port}": True,
    "localhost:{port}": True,
    "[::1]:{port}": True,
    "mcp.example.com": True,
    "mcp.example.com:443": True,
    "other.example.com:8443": True,
    "other.example.com": False,
    "other.example.com:8444": False,
    "evil.example": False,
    "mcp.example.com.evil.example": False,
    "evil.example:8443": False,
    "localhost.evil.example:{port}": False,
    "0.0.0.0:{port}": False,
    "": False,
}

#: The same for Origin, with `https://app.example.com` told.
ORIGINS = {
    "https://app.example.com": True,
    "http://app.example.com": False,
    "https://app.example.com:8443": False,
    "https://app.example.com.evil.example": False,
    "https://evil.example": False,
    "http://localhost:{port}": False,
    "http://127.0.0.1:{port}": False,
    "null": False,
}


def told() -> AbstractAsyncContextManager[Place]:
    """A server that was told these names and this page."""
    return opened(hosts=("mcp.example.com", "other.example.com:8443"), origins=("https://app.example.com",))


async def _status(place: Place, route: str, **headers: str) -> int:
    """The status of a request with a right token; a stream is left as soon as it has begun."""
    method, path = route.split()
    name = headers.pop("host", f"127.0.0.1:{place.port}").format(port=place.port)
    async with place.http.stream(
        method,
        place.url + path,
        headers={**ALICE, "content-type": "application/json", "host": name, **headers},
    ) as answer:
        return answer.status_code


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("host", HOSTS)
async def test_only_names_it_was_told_are_answered(route: str, host: str) -> None:
    """Against DNS rebinding: 421, before anything else is looked at."""
    async with told() as place:
        status = await _status(place, route, host=host)
        assert (status != 421) == HOSTS[host], status


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("origin", ORIGINS)
async def test_only_pages_it_was_told_are_answered(route: str, origin: str) -> None:
    """A page of this machine is foreign too: it is not the operator's because it is near."""
    async with told() as place:
        status = await _status(place, route, origin=origin.format(port=place.port))
        assert (status != 403) == ORIGINS[origin], status


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_health_answers_under_any_name_but_no_page(path: str) -> None:
    """A probe calls by an address; a browser says where it comes from."""
    async with opened() as place:
        assert await _status(place, f"GET {path}", host="10.0.0.7:1") == 200
        assert await _status(place, f"GET {path}", origin="https://evil.example") == 403


async def test_a_request_without_any_host_is_refused() -> None:
    """HTTP/1.0 has none, and HTTP/1.1 must."""
    async with opened() as place:
        for version, status in ((b"1.0", b"421"), (b"1.1", b"400")):
            async with place.socket() as stream:
                await stream.send(b"POST /mcp HTTP/%s\r\nconnection: close\r\n\r\n" % version)
                assert (await heard(stream)).split()[1] == status


async def test_no_answer_may_be_read_by_a_page() -> None:
    """No CORS, also for a page that was told: it has a server of its own."""
    async with told() as place:
        asked = {
            **ALICE,
            "origin": "https://app.example.com",
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization",
        }
        for method in ("OPTIONS", "POST"):
            answer = await place.http.request(method, f"{place.url}/mcp", headers=asked)
            assert not [name for name in answer.headers if name.startswith("access-control")]
        assert (await place.http.options(f"{place.url}/mcp", headers=asked)).status_code == 405


async def test_a_foreign_name_is_refused_before_its_token_is_looked_at() -> None:
    """Who is at the wrong door is not asked who it is."""
    async with opened() as place:
        assert await _status(place, "POST /mcp", host="evil.example") == 421
        assert place.known.asked == 0
        await place.result(MODERN, "tools/list")
        assert place.known.asked == 1


@pytest.mark.parametrize("path", ["/mcp/", "/sse/", "/messages"])
async def test_a_path_with_a_slash_too_many_or_too_few_is_none(path: str) -> None:
    """Review of issue 6: a redirect came before the token was looked at, and led to http:// behind a proxy."""
    async with opened() as place:
        for method in ("GET", "POST"):
            answer = await place.http.request(method, place.url + path, follow_redirects=False)
            assert answer.status_code == 404
            assert "location" not in answer.headers
