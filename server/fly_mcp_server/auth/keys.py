"""The issuer's keys, fetched when they are needed and kept for a while.

PyJWT's own `PyJWKClient` blocks the whole event loop while it fetches, and a stranger can make it fetch as often as
he likes; what is taken of PyJWT is the reading of keys.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import anyio
from jwt import PyJWK, PyJWTError
from pydantic import JsonValue, TypeAdapter, ValidationError

from fly_mcp_tools.clock import Clock
from fly_mcp_tools.http import NoAnswer, fetch

from .place import safe
from .verifier import NotThisOne

#: Seconds for which keys are taken without looking again: an issuer that withdraws one is heard within that time.
FRESH: Final = 600.0
#: Seconds for which they are still taken where the issuer cannot be asked.
STALE: Final = 3600.0
#: Seconds between two looks, whatever is asked for: unknown key ids cost a stranger nothing.
AT_MOST_EVERY: Final = 30.0
#: By kind of key. Asymmetric ones alone: with the others whoever can check a token can make one.
ALGORITHMS: Final[Mapping[str, tuple[str, ...]]] = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
    "OKP": ("EdDSA",),
}
_TIMEOUT: Final = 10.0
_MOST_BYTES: Final = 1024 * 1024

_log = logging.getLogger("fly_mcp_server.auth")
_OBJECT: Final = TypeAdapter(dict[str, JsonValue])


@dataclass(frozen=True)
class SigningKey:
    """A public key, and the algorithms with which it may be used: the one it names, else those of its kind."""

    key: Any
    algorithms: tuple[str, ...]


class CannotAsk(Exception):
    """The issuer did not give its keys; the text says why."""


class Fetch(Protocol):
    """Gets a JSON object."""

    async def __call__(self, url: str) -> Mapping[str, JsonValue]:
        """The object at an address. Raises CannotAsk."""
        ...


class Keys:
    """The signing keys of one issuer.

    Args:
        issuer: its identifier.
        jwks: where its keys are; empty: where its metadata says.
        fetch: how to ask; a test gives its own.
    """

    def __init__(self, issuer: str, jwks: str, clock: Clock, *, fetch: Fetch | None = None) -> None:
        self._issuer = issuer
        self._jwks = jwks
        self._clock = clock
        self._fetch: Fetch = fetch or fetch_json
        self._keys: dict[str, SigningKey] = {}
        self._got: float | None = None
        self._asked: float | None = None
        self._one_at_a_time = anyio.Lock()

    async def get(self, kid: str) -> SigningKey:
        """The key of this id.

        Raises:
            NotThisOne: the issuer has no such key, or cannot be asked.
        """
        if self._age() >= FRESH or kid not in self._keys:
            async with self._one_at_a_time:
                if (self._age() >= FRESH or kid not in self._keys) and self._may_ask():
                    await self._look()
        if self._age() >= STALE:
            raise NotThisOne("the issuer's keys could not be fetched")
        key = self._keys.get(kid)
        if key is None:
            raise NotThisOne("it is signed with a key that the issuer does not have")
        return key

    def _age(self) -> float:
        return float("inf") if self._got is None else self._clock.monotonic() - self._got

    def _may_ask(self) -> bool:
        return self._asked is None or self._clock.monotonic() - self._asked >= AT_MOST_EVERY

    async def _look(self) -> None:
        self._asked = self._clock.monotonic()
        try:
            keys = _signing(await self._fetch(self._jwks or await self._place()))
        except CannotAsk as error:
            _log.error("the keys of %s could not be fetched: %s", self._issuer, error)
            return
        self._keys, self._got = keys, self._clock.monotonic()

    async def _place(self) -> str:
        """Where the keys are: RFC 8414's document, or OpenID Connect's, whichever the issuer has."""
        parts = urlsplit(self._issuer)
        root, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
        places = (
            f"{root}/.well-known/oauth-authorization-server{path}",
            f"{root}{path}/.well-known/openid-configuration",
        )
        why = ""
        for place in places:
            try:
                found = await self._fetch(place)
            except CannotAsk as error:
                why = str(error)
                continue
            jwks = found.get("jwks_uri")
            if found.get("issuer") != self._issuer:
                # RFC 8414, 3.3: such a document must not be used.
                why = "its metadata names another issuer"
            # As safe as the issuer's own address: https, and http on this machine only where that one is too.
            elif isinstance(jwks, str) and safe(jwks) and jwks.startswith(("https:", f"{parts.scheme}:")):
                return jwks
            else:
                why = "its metadata has no jwks_uri that begins with https://"
        raise CannotAsk(why)


def _signing(document: Mapping[str, JsonValue]) -> dict[str, SigningKey]:
    """The public keys of a document that are there to check signatures, by id; others are passed over."""
    listed = document.get("keys")
    found: dict[str, SigningKey] = {}
    for one in listed if isinstance(listed, list) else ():
        if not isinstance(one, dict):
            continue
        kid, named = one.get("kid"), one.get("alg")
        # A shared secret (oct) in a public document is none: whoever reads it could sign.
        family = ALGORITHMS.get(str(one.get("kty")), ())
        algorithms = tuple(name for name in family if named in (None, name))
        if not isinstance(kid, str) or not algorithms or one.get("use", "sig") != "sig":
            continue
        try:
            found[kid] = SigningKey(PyJWK.from_dict(one, algorithms[0]).key, algorithms)
        except PyJWTError:
            continue
    if not found:
        raise CannotAsk("there is no key in it that can be used")
    return found


async def fetch_json(url: str) -> Mapping[str, JsonValue]:
    """Get a JSON object.

    Raises:
        CannotAsk: no answer in time, or one that is no object.
    """
    try:
        return _OBJECT.validate_json(await fetch(url, timeout=_TIMEOUT, most=_MOST_BYTES))
    except NoAnswer as error:
        raise CannotAsk(str(error)) from None
    except ValidationError:
        raise CannotAsk("the answer is no JSON object") from None
