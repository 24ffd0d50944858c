"""How often an issuer is asked for its keys, and how long they count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from fly_mcp_server.auth.keys import AT_MOST_EVERY, FRESH, STALE, CannotAsk, Keys, fetch_json
from fly_mcp_server.auth.verifier import NotThisOne

from .issuer import OTHER_RSA_KEY, RSA_KEY, FixedClock, Issuer, rsa_jwk


@pytest.fixture
def keys(issuer: Issuer, clock: FixedClock) -> Keys:
    return Keys(issuer.url, f"{issuer.url}/keys", clock, fetch=issuer.fetch)


async def test_the_issuer_is_asked_once(keys: Keys, issuer: Issuer) -> None:
    """Also by many at the same time."""
    async with anyio.create_task_group() as tasks:
        for _ in range(50):
            tasks.start_soon(keys.get, "rsa")
    assert issuer.asked == ["/keys"]


async def test_a_new_key_is_found(keys: Keys, issuer: Issuer, clock: FixedClock) -> None:
    """An issuer that begins to sign with another one need not be told to us."""
    await keys.get("rsa")
    issuer.keys = [rsa_jwk(OTHER_RSA_KEY, "new")]
    clock.passed = AT_MOST_EVERY
    await keys.get("new")
    with pytest.raises(NotThisOne, match="a key that the issuer does not have"):
        await keys.get("rsa")


async def test_unknown_keys_cannot_make_us_ask_all_the_time(
    keys: Keys, issuer: Issuer, clock: FixedClock
) -> None:
    """A thousand of them in a minute and a half, and the right one in between."""
    for number in range(1000):
        clock.passed += 0.09
        with pytest.raises(NotThisOne):
            await keys.get(f"made-up-{number}")
        await keys.get("rsa")
    assert len(issuer.asked) <= 1 + 90 / AT_MOST_EVERY


async def test_a_key_that_was_withdrawn_counts_no_longer(
    keys: Keys, issuer: Issuer, clock: FixedClock
) -> None:
    """Within ten minutes, though nobody tells us."""
    issuer.keys = [rsa_jwk(RSA_KEY, "rsa"), rsa_jwk(OTHER_RSA_KEY, "stolen")]
    await keys.get("stolen")
    issuer.keys = [rsa_jwk(RSA_KEY, "rsa")]
    clock.passed = FRESH
    with pytest.raises(NotThisOne):
        await keys.get("stolen")
    await keys.get("rsa")


async def test_an_issuer_that_is_down_does_not_lock_everybody_out(
    keys: Keys, issuer: Issuer, clock: FixedClock
) -> None:
    """For an hour; then nobody can say any more what its keys are. It is asked again when it is back."""
    await keys.get("rsa")
    issuer.down = True
    clock.passed = STALE - 1
    await keys.get("rsa")
    clock.passed = STALE + 1
    with pytest.raises(NotThisOne, match="could not be fetched"):
        await keys.get("rsa")
    issuer.down = False
    clock.passed += AT_MOST_EVERY
    await keys.get("rsa")


@pytest.mark.parametrize(
    "place",
    [
        None,
        5,
        "ftp://issuer.example.com/keys",
        "http://issuer.example.com/keys",
        "http://127.0.0.1/keys",
        "https://",
    ],
)
async def test_keys_are_as_safe_as_their_issuer(clock: FixedClock, place: object) -> None:
    """An issuer at https cannot send us to plain http, nor to a port of this machine."""
    asked: list[str] = []

    async def fetch(url: str) -> dict[str, Any]:
        asked.append(url)
        return {"issuer": "https://issuer.example.com/x", "jwks_uri": place}

    with pytest.raises(NotThisOne, match="could not be fetched"):
        await Keys("https://issuer.example.com/x", "", clock, fetch=fetch).get("rsa")
    assert asked == [
        "https://issuer.example.com/.well-known/oauth-authorization-server/x",
        "https://issuer.example.com/x/.well-known/openid-configuration",
    ]


async def test_keys_that_cannot_be_used_are_passed_over(keys: Keys, issuer: Issuer) -> None:
    """One bad one spoils no other."""
    good = rsa_jwk(RSA_KEY, "rsa")
    issuer.keys = [{}, {"kty": "RSA", "kid": "cut"}, {"kty": "EC", "kid": 5}, {**good, "n": "!"}, good]
    assert (await keys.get("rsa")).algorithms[0] == "RS256"
    with pytest.raises(NotThisOne):
        await keys.get("cut")


@pytest.mark.parametrize(
    ("path", "why"), [("/nowhere", "HTTP 404"), ("/keys", "no JSON object"), ("/keys", "too long")]
)
async def test_an_answer_that_is_none_is_told(
    issuer: Issuer, path: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over the socket."""
    answers: dict[str, Callable[[str], tuple[int, object]]] = {
        "HTTP 404": lambda _: (404, {}),
        "no JSON object": lambda _: (200, ["a"]),
        "too long": lambda _: (200, {"keys": "x" * 2_000_000}),
    }
    monkeypatch.setattr(issuer, "answer", answers[why])
    with pytest.raises(CannotAsk, match=why):
        await fetch_json(issuer.url + path)
    with pytest.raises(CannotAsk, match="ConnectError"):
        await fetch_json("http://127.0.0.1:1/keys")
