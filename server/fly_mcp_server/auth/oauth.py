"""Access tokens of an OAuth issuer: JWTs, checked here, since their issuer is not asked about each.

PyJWT checks the signature, the issuer and the audience. The times are checked here, because PyJWT takes them from a
clock of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

import jwt
from mcp.server.auth.provider import AccessToken

from fly_mcp_tools.clock import Clock

from .keys import ALGORITHMS, Keys
from .verifier import NotThisOne, Unfit

#: Other kinds of JWT are not to be taken for access tokens (RFC 8725, 3.11; RFC 9068, 4).
_TYPES: Final = ("", "jwt", "at+jwt", "application/at+jwt")
#: Seconds by which an issuer's clock may be ahead of ours. Its being behind is for the issuer to allow for.
AHEAD: Final = 30.0
_WORDS: Final[Mapping[type[Exception], str]] = {
    jwt.InvalidSignatureError: "its signature is wrong",
    jwt.InvalidIssuerError: "it is of another issuer",
    jwt.InvalidAudienceError: "it is for another audience",
    jwt.InvalidAlgorithmError: "its algorithm is not one for this key",
    jwt.MissingRequiredClaimError: "it lacks a claim that it must have",
}


class IssuedTokens:
    """Tokens of `issuer` for `audience`.

    Args:
        keys: the issuer's.
        bound: the agent of a subject or client id, as the policy says.
    """

    def __init__(
        self, *, issuer: str, audience: str, keys: Keys, bound: Mapping[str, str], clock: Clock
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        # Clients write the address of a host with its slash or without; both are this server, as for the SDK.
        self._audiences = (audience.rstrip("/"), audience.rstrip("/") + "/")
        self._keys = keys
        self._bound = bound
        self._clock = clock

    async def verify(self, token: str) -> AccessToken:
        """Whose token it is.

        Raises:
            NotThisOne: it lets nobody in; Unfit where it is the issuer's all the same. Missing scopes are not looked
                at here: the SDK answers those with 403, and says which.
        """
        claims = await self._signed(token)
        try:
            return self._admitted(claims)
        except NotThisOne as why:
            raise Unfit(str(why)) from None

    def _admitted(self, claims: Mapping[str, Any]) -> AccessToken:
        """Whom these claims let in. Raises NotThisOne."""
        until = self._in_time(claims)
        if "cnf" in claims:
            raise NotThisOne("it is bound to a key of the caller's, and came as a mere bearer token")
        subject = claims.get("sub")
        return AccessToken(
            token="",  # nobody needs it any more, and so nobody can show it
            client_id=self._agent(subject, claims.get("client_id"), claims.get("azp")),
            scopes=_scopes(claims),
            expires_at=until,
            resource=self._audience,
            subject=subject if isinstance(subject, str) else None,
            claims={"iss": self._issuer},
        )

    async def _signed(self, token: str) -> dict[str, Any]:
        """The claims of a token that the issuer signed for this server."""
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise NotThisOne("it is no token of ours and no JWT") from None
        kid = header.get("kid")
        if str(header.get("typ", "")).lower() not in _TYPES:
            raise NotThisOne("it is a JWT of another kind")
        if not any(header.get("alg") in family for family in ALGORITHMS.values()):
            raise NotThisOne("its algorithm is none that is taken")  # before anybody is asked for keys
        if not isinstance(kid, str) or not kid:
            raise NotThisOne("it does not say with which key it is signed")
        key = await self._keys.get(kid)
        try:
            return jwt.decode(
                token,
                key.key,
                algorithms=key.algorithms,
                audience=self._audiences,
                issuer=self._issuer,
                options={
                    "require": ["exp", "iss", "aud"],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                    "enforce_minimum_key_length": True,
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            words = (said for kind, said in _WORDS.items() if isinstance(error, kind))
            raise NotThisOne(next(words, "it is no JWT that can be checked")) from None

    def _in_time(self, claims: Mapping[str, Any]) -> int:
        """Until when it is good, in seconds since the epoch."""
        now = self._clock.now()
        until = claims["exp"]
        if not _is_time(until):
            raise NotThisOne("its expiry is no number")
        if until <= now:
            raise NotThisOne("it has expired")
        for name in ("nbf", "iat"):
            begins = claims.get(name, now)
            if not _is_time(begins) or begins > now + AHEAD:
                raise NotThisOne("it is not good yet")
        return int(until)

    def _agent(self, *identities: object) -> str:
        """The one agent that the policy binds to any of these."""
        agents = {self._bound[one] for one in identities if isinstance(one, str) and one in self._bound}
        if not agents:
            raise NotThisOne("no agent of the policy is bound to its subject or client id")
        if len(agents) > 1:
            raise NotThisOne("its subject is bound to one agent and its client id to another")
        return agents.pop()


def _is_time(value: object) -> bool:
    """Whether it is a number of seconds. Not `true`, and neither of the numbers that compare with nothing."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e12


def _scopes(claims: Mapping[str, Any]) -> list[str]:
    """What the token may do: `scope` in words (RFC 9068), or `scp` as some issuers have it."""
    given = claims.get("scope", claims.get("scp", ""))
    if isinstance(given, str):
        return given.split()
    listed = cast("list[object]", given) if isinstance(given, list) else []
    return [one for one in listed if isinstance(one, str)]
