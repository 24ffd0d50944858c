"""The token, in all the shapes in which people paste it, and never shown again.

Follows Fly's own client (fly-go, `tokens`): pieces split at commas, scheme words dropped, and where there is
a macaroon the header is `FlyV1` with the macaroons alone; GraphQL is given the other pieces too.
"""

from __future__ import annotations

import re
from typing import Final

from fly_mcp_tools.errors import NotConfigured

_SCHEMES: Final = re.compile(r"^(?:(?:bearer|flyv1)(?:\s+|$))+", re.IGNORECASE)
_MACAROON: Final = ("fm1r_", "fm1a_", "fm2_")
# RFC 9110 token68 and the characters seen in Fly's tokens; anything else is none and may split a header.
_PIECE: Final = re.compile(r"[!-~]+")
_SHORTEST_REDACTED: Final = 6
_HIDDEN: Final = "[token]"

HOW_TO_CONFIGURE: Final = (
    "Make a token with `fly tokens create org` (or, for one app only, `fly tokens create deploy -a APP`), "
    "put it as FLY_API_TOKEN into the `env` of this server's entry in your MCP client's configuration, and "
    "restart the server. To try everything without an account, start it with --emulator."
)


def no_token() -> NotConfigured:
    """The error for a call made while there is no token."""
    return NotConfigured("There is no Fly API token, so nothing was sent to Fly.", hint=HOW_TO_CONFIGURE)


class Credentials:
    """One Fly API token: one string that may hold several tokens, separated by commas.

    Neither `repr` nor `str` shows it. Raises `NotConfigured` for a text that cannot be a token, without
    repeating it.
    """

    __slots__ = ("_authorization", "_every", "_secrets")

    def __init__(self, text: str) -> None:
        stripped = text.strip()
        if not stripped:
            raise no_token()
        if not stripped.isascii() or not stripped.isprintable():
            raise NotConfigured(
                "The Fly API token holds line breaks, control characters or letters outside ASCII, so it "
                "cannot be a token. Nothing was sent to Fly.",
                hint="Copy it again, on one line. " + HOW_TO_CONFIGURE,
            )
        pieces = [_SCHEMES.sub("", piece.strip()).strip() for piece in stripped.split(",")]
        pieces = [piece for piece in pieces if piece]
        if not pieces:
            raise no_token()
        if not all(_PIECE.fullmatch(piece) for piece in pieces):
            raise NotConfigured(
                "The Fly API token has a space inside, so it cannot be a token. Nothing was sent to Fly.",
                hint="Tokens are separated by commas; a scheme (`Bearer`, `FlyV1`) may stand before each. "
                + HOW_TO_CONFIGURE,
            )
        macaroons = [piece for piece in pieces if piece.startswith(_MACAROON)]
        scheme = "FlyV1 " if macaroons else "Bearer "
        self._authorization = scheme + ",".join(macaroons or pieces)
        self._every = scheme + ",".join(pieces)
        hidden = {text, stripped, ",".join(pieces), ",".join(macaroons), *pieces}
        # The longest first, so that a piece does not leave the rest of the whole standing.
        self._secrets = sorted((s for s in hidden if len(s) >= _SHORTEST_REDACTED), key=len, reverse=True)

    def authorization(self, *, every_piece: bool = False) -> str:
        """The value of the Authorization header.

        `every_piece`: for GraphQL, which also takes a login token beside macaroons. The Machines API and the
        logs get macaroons alone: logs answer a mixture with 401 (reference 1.2).
        """
        return self._every if every_piece else self._authorization

    def redact(self, text: str) -> str:
        """`text` with each occurrence of the token, or of any piece of six characters or more, hidden."""
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return text

    def __repr__(self) -> str:
        return "Credentials([hidden])"

    __str__ = __repr__

    def __reduce__(self) -> str:
        """Refuse to be pickled: a dump of the process must not carry the token."""
        raise TypeError("credentials are not pickled")
