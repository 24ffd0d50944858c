"""Tokens of an issuer: the good ones, and a table of those that let nobody in."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from mcp.server.auth.provider import AccessToken

from fly_mcp_server.auth.attempt import attempt
from fly_mcp_server.auth.parts import AuthParts, parts
from fly_mcp_server.settings import Settings

from .issuer import (
    AUDIENCE,
    EC_KEY,
    ED_KEY,
    NOW,
    OTHER_RSA_KEY,
    RSA_KEY,
    SECRET,
    SHORT_RSA_KEY,
    FixedClock,
    Issuer,
    claims,
    public_pem,
    signed,
)

Make = Callable[[str], str]
BOUND = {"user-night": "night-watch", "client-deploy": "deployer", "user-odd": "odd"}


@pytest.fixture
def made(settings: Settings, clock: FixedClock) -> AuthParts:
    return parts(settings, clock, bound=BOUND)


def part(value: object) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def forged(payload: dict[str, Any], header: dict[str, Any], signature: bytes = b"") -> str:
    """What no library would sign."""
    return f"{part(header)}.{part(payload)}.{part(signature) if signature else ''}"


def hs256(payload: dict[str, Any], key: bytes, kid: str) -> str:
    """Signed with a secret that is none: PyJWT itself refuses to do this with a public key."""
    import hashlib
    import hmac

    head = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': kid})}.{part(payload)}"
    return f"{head}.{part(hmac.new(key, head.encode(), hashlib.sha256).digest())}"


GOOD: dict[str, tuple[Make, str]] = {
    "RS256": (lambda url: signed(claims(url)), "night-watch"),
    "RS512": (lambda url: signed(claims(url), alg="RS512"), "night-watch"),
    "PS256": (lambda url: signed(claims(url), alg="PS256", kid="rsa-pss"), "night-watch"),
    "ES256": (lambda url: signed(claims(url), key=EC_KEY, alg="ES256", kid="ec"), "night-watch"),
    "EdDSA": (lambda url: signed(claims(url), key=ED_KEY, alg="EdDSA", kid="ed"), "night-watch"),
    "the type of RFC 9068": (lambda url: signed(claims(url), typ="at+jwt"), "night-watch"),
    "several audiences": (lambda url: signed(claims(url, aud=["x", AUDIENCE])), "night-watch"),
    "an audience with a slash": (lambda url: signed(claims(url, aud=AUDIENCE + "/")), "night-watch"),
    "by client id": (lambda url: signed(claims(url, sub="x", client_id="client-deploy")), "deployer"),
    "by azp": (lambda url: signed(claims(url, sub=None, client_id=None, azp="client-deploy")), "deployer"),
    "scopes as scp": (lambda url: signed(claims(url, scope=None, scp=["fly:use"])), "night-watch"),
    "an issuer's clock is a little ahead": (
        lambda url: signed(claims(url, nbf=NOW + 20, iat=NOW + 20)),
        "night-watch",
    ),
}
BAD: dict[str, Make] = {
    "another audience": lambda url: signed(claims(url, aud="https://other.example.com/mcp")),
    "no audience": lambda url: signed(claims(url, aud=None)),
    "a part of the audience": lambda url: signed(claims(url, aud=AUDIENCE + "/more")),
    "expired": lambda url: signed(claims(url, exp=NOW - 1)),
    "expires now": lambda url: signed(claims(url, exp=NOW)),
    "no expiry": lambda url: signed(claims(url, exp=None)),
    "an expiry that is true": lambda url: signed(claims(url, exp=True)),
    "an expiry that is text": lambda url: signed(claims(url, exp=str(NOW + 600))),
    "an expiry without end": lambda url: signed(claims(url, exp=1e300)),
    "not yet": lambda url: signed(claims(url, nbf=NOW + 3600)),
    "made in the future": lambda url: signed(claims(url, iat=NOW + 3600)),
    "another issuer": lambda _: signed(claims("https://issuer.example.com")),
    "the issuer with a slash": lambda url: signed(claims(url + "/")),
    "no issuer": lambda url: signed(claims(url, iss=None)),
    "signed with another key": lambda url: signed(claims(url), key=OTHER_RSA_KEY),
    "signed with a key for encryption": lambda url: signed(
        claims(url), key=OTHER_RSA_KEY, kid="for-encryption"
    ),
    "an unknown key": lambda url: signed(claims(url), kid="other"),
    "no key": lambda url: signed(claims(url), kid=None),
    "an algorithm that the key is not for": lambda url: signed(claims(url), kid="rsa-pss"),
    "alg none": lambda url: forged(claims(url), {"alg": "none", "kid": "rsa"}),
    "alg None": lambda url: forged(claims(url), {"alg": "None", "kid": "rsa"}, b"x"),
    "no alg": lambda url: forged(claims(url), {"kid": "rsa"}, b"x"),
    "HS256 with the public key": lambda url: hs256(claims(url), public_pem(), "rsa"),
    "HS256 with a published secret": lambda url: hs256(claims(url), SECRET, "shared"),
    "changed after it was signed": lambda url: _changed(signed(claims(url)), claims(url, sub="user-odd")),
    "the signature is cut": lambda url: signed(claims(url))[:-6],
    "an unbound subject": lambda url: signed(claims(url, sub="somebody")),
    "bound to two agents": lambda url: signed(claims(url, sub="user-odd", client_id="client-deploy")),
    "a subject that is a list": lambda url: signed_as_is(claims(url, sub=["user-night"])),
    "an ID token by its type": lambda url: signed(claims(url), typ="logout+jwt"),
    "bound to the caller's key": lambda url: signed(claims(url, cnf={"jkt": "x"})),
    "an unknown critical header": lambda url: signed(claims(url), crit=["x"], x=1),
    "signed with a short key": lambda url: _signed_short(claims(url)),
    "no JWT": lambda _: "hello",
    "empty": lambda _: "",
    "dots": lambda _: "..",
    "deep": lambda _: forged({}, {}).replace("e30", part(b"[" * 5000)),
    "far too long": lambda url: signed(claims(url, pad="x" * 20_000)),
    "our prefix": lambda url: "flymcp_" + signed(claims(url)),
}
#: What the log says of each, so that none is refused for a reason that was not meant.
WHY: dict[str, tuple[str, ...]] = {
    "it is for another audience": ("another audience", "a part of the audience"),
    "it lacks a claim": ("no audience", "no expiry", "no issuer"),
    "it has expired": ("expired", "expires now"),
    "its expiry is no number": ("an expiry that is true", "an expiry that is text", "an expiry without end"),
    "it is not good yet": ("not yet", "made in the future"),
    "it is of another issuer": ("another issuer", "the issuer with a slash"),
    "its signature is wrong": (
        "signed with another key",
        "the signature is cut",
        "changed after it was signed",
    ),
    "the issuer does not have": ("signed with a key for encryption", "an unknown key"),
    "with which key": ("no key",),
    "its algorithm is not one for this key": ("an algorithm that the key is not for",),
    "its algorithm is none that is taken": (
        "alg none",
        "alg None",
        "no alg",
        "HS256 with the public key",
        "HS256 with a published secret",
    ),
    "no agent of the policy": ("an unbound subject",),
    "bound to one agent": ("bound to two agents",),
    "no JWT that can be checked": ("a subject that is a list", "signed with a short key"),
    "another kind": ("an ID token by its type",),
    "a key of the caller's": ("bound to the caller's key",),
    "no token of ours and no JWT": (
        "an unknown critical header",
        "no JWT",
        "empty",
        "dots",
        "deep",
    ),
    "too long": ("far too long",),
    "no such token": ("our prefix",),
}


def signed_as_is(payload: dict[str, Any]) -> str:
    """PyJWT checks the subject also where it signs."""
    import jwt

    return jwt.PyJWS().encode(json.dumps(payload).encode(), RSA_KEY, "RS256", {"kid": "rsa"})


def _signed_short(payload: dict[str, Any]) -> str:
    """PyJWT warns of the key also where it signs."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return signed(payload, key=SHORT_RSA_KEY, kid="short")


def _changed(token: str, payload: dict[str, Any]) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{part(payload)}.{signature}"


@pytest.mark.parametrize(("make", "agent"), GOOD.values(), ids=GOOD)
async def test_a_good_token_is_its_agent(made: AuthParts, issuer: Issuer, make: Make, agent: str) -> None:
    """Issue 6: the name is the policy's, whatever the issuer calls the subject."""
    found = await made.verifier.verify_token(make(issuer.url))
    assert isinstance(found, AccessToken)
    assert found.client_id == agent
    assert "fly:use" in found.scopes
    assert found.resource == AUDIENCE
    assert (found.claims or {}).get("iss") == issuer.url


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_token_lets_nobody_in(
    made: AuthParts, issuer: Issuer, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Issue 6. And no log line has it, nor any part of it."""
    caplog.set_level(logging.DEBUG)
    token = BAD[name](issuer.url)
    assert await made.verifier.verify_token(token) is None
    (why,) = (words for words, names in WHY.items() if name in names)
    assert "refused at the door" in caplog.text
    assert why in caplog.text
    for piece in token.split("."):
        if len(piece) > 8:
            assert piece not in caplog.text


async def test_a_token_without_the_scope_is_for_the_sdk_to_refuse(made: AuthParts, issuer: Issuer) -> None:
    """With 403, which says which scope: so it is told apart from a token that is none."""
    found = await made.verifier.verify_token(signed(claims(issuer.url, scope="profile")))
    assert found is not None
    assert made.settings is not None
    assert not set(made.settings.required_scopes or []) <= set(found.scopes)


async def test_what_is_made_of_a_token_does_not_hold_it(made: AuthParts, issuer: Issuer) -> None:
    """Neither in a repr nor anywhere inside."""
    token = signed(claims(issuer.url))
    found = await made.verifier.verify_token(token)
    assert found is not None
    for piece in (token, *token.split(".")):
        assert piece not in repr(found)
        assert piece not in found.model_dump_json()
        assert piece not in repr(vars(made.verifier))


async def test_only_tokens_that_the_issuer_did_not_make_are_taken_for_guesses(
    made: AuthParts, issuer: Issuer
) -> None:
    """Review of issue 6: an address is refused for guesses, and an agent whose token has expired guesses nothing."""
    wrong = {
        "it has expired": (signed(claims(issuer.url, exp=NOW - 1)), False),
        "nobody is bound to it": (signed(claims(issuer.url, sub="user-none", client_id="none")), False),
        "another's signature": (signed(claims(issuer.url), key=OTHER_RSA_KEY), True),
        "another's, and expired": (signed(claims(issuer.url, exp=NOW - 1), key=OTHER_RSA_KEY), True),
        "for another audience": (signed(claims(issuer.url, aud="https://other.example.com")), True),
        "as ours": ("flymcp_" + "a" * 43, True),
    }
    for why, (token, guessed) in wrong.items():
        with attempt() as seen:
            assert await made.verifier.verify_token(token) is None
        assert seen.guessed is guessed, why


async def test_the_times_are_the_clocks(made: AuthParts, issuer: Issuer, clock: FixedClock) -> None:
    """To the second."""
    token = signed(claims(issuer.url))
    clock.passed = 599.0
    assert await made.verifier.verify_token(token)
    clock.passed = 600.0
    assert await made.verifier.verify_token(token) is None


async def test_an_issuer_with_openid_metadata_alone_is_found(made: AuthParts, issuer: Issuer) -> None:
    """The second place is asked where the first has nothing."""
    issuer.oidc_only = True
    assert await made.verifier.verify_token(signed(claims(issuer.url)))
    assert issuer.asked == [
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/keys",
    ]


async def test_metadata_of_another_issuer_is_not_used(made: AuthParts, issuer: Issuer) -> None:
    """RFC 8414, 3.3."""
    issuer.named = "https://somebody.example.com"
    assert await made.verifier.verify_token(signed(claims(issuer.url))) is None
    assert "/keys" not in issuer.asked


async def test_keys_can_be_named(settings: Settings, clock: FixedClock, issuer: Issuer) -> None:
    """FLY_MCP_OAUTH_JWKS: the metadata is then not asked for."""
    named = settings.model_copy(update={"oauth_jwks": f"{issuer.url}/keys"})
    made = parts(named, clock, bound=BOUND)
    assert await made.verifier.verify_token(signed(claims(issuer.url)))
    assert issuer.asked == ["/keys"]
