"""Who is asking: reading the Authorization header, and what its tokens may do (reference 1.2, 1.3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from .world import Token, World

Access = Literal["r", "w", "c", "d", "C", "exec"]
"""The action letters of a macaroon, and exec, for which there is a kind of token of its own."""

ACTIONS: dict[Access, int] = {"r": 1, "w": 2, "c": 4, "d": 8, "C": 16}
"""The bits that the letters are in a macaroon; all together are 31 (reference 1.3)."""

_SCHEMES = ("bearer", "flyv1")


def pieces(header: str) -> list[str]:
    """Return the tokens of a header: commas split, scheme words dropped, in any case and however often."""
    found: list[str] = []
    for piece in header.split(","):
        words = piece.split()
        while words and words[0].lower() in _SCHEMES:
            words.pop(0)
        if words:
            found.append(" ".join(words))
    return found


@dataclass(frozen=True)
class Grant:
    """What one token may do."""

    name: str
    token: Token | None
    """None for a token the world does not know: good for everything."""
    user: str
    id: str

    @property
    def org(self) -> str | None:
        """The only organisation it sees; None sees all."""
        return self.token.org if self.token else None

    def sees(self, org: str, app: str | None = None) -> bool:
        """Tell whether an organisation, or an app in it, is in its view."""
        if self.token is None:
            return True
        if self.token.org is not None and self.token.org != org:
            return False
        return self.token.app is None or app is None or self.token.app == app

    def may(self, access: Access, org: str, app: str | None) -> bool:
        """Tell whether it may do something to an app, or to an organisation when `app` is None."""
        if not self.sees(org, app):
            return False
        if self.token is None or access == "r":
            return True
        if self.token.kind == "readonly":
            return False
        if self.token.kind == "machine-exec":
            return access == "exec" and app is not None
        return self.token.app is None or app is not None

    def may_run(self, argv: list[str]) -> bool:
        """Tell whether it may run this command (reference 1.3: exact or prefix)."""
        if self.token is None or not self.token.commands:
            return True
        line = " ".join(argv)
        return any(line == allowed or line.startswith(f"{allowed} ") for allowed in self.token.commands)


class Principal:
    """All tokens of a request together: it may do what any one of them may."""

    def __init__(self, grants: Iterable[Grant]) -> None:
        self.grants = list(grants)

    @property
    def name(self) -> str:
        """The names of the kinds of token, for the log. Never a token."""
        return "+".join(dict.fromkeys(grant.name for grant in self.grants)) or "none"

    @property
    def owner(self) -> str:
        """Whom a lease is held by: `hello@fly.io` for a user, `<uuid>@tokens.fly.io` for a token."""
        grant = self.grants[0]
        return (
            grant.user if grant.token is None or grant.token.kind == "user" else f"{grant.id}@tokens.fly.io"
        )

    def sees(self, org: str, app: str | None = None) -> bool:
        """Tell whether any token sees it."""
        return any(grant.sees(org, app) for grant in self.grants)

    def may(self, access: Access, org: str, app: str | None = None) -> bool:
        """Tell whether any token may do it."""
        return any(grant.may(access, org, app) for grant in self.grants)

    def may_run(self, argv: list[str], org: str, app: str) -> bool:
        """Tell whether any token may run this command on the app's machines."""
        return any(grant.may("exec", org, app) and grant.may_run(argv) for grant in self.grants)


def authenticate(world: World, header: str | None, now: float) -> Principal | None:
    """Return who is asking, or None when no token of the header is good."""
    known = {_plain(token.text): token for token in world.tokens}
    grants: list[Grant] = []
    for piece in pieces(header or ""):
        token = known.get(_plain(piece))
        if token is None:
            grants.append(Grant("any", None, world.user, "3f1b7a52-7c1e-4e0f-9a44-2d6f0c8be001"))
        elif token.expires_at is None or token.expires_at > now:
            grants.append(Grant(token.name, token, world.user, _id_of(world, token)))
    return Principal(grants) if grants else None


def _plain(token: str) -> str:
    return token.removeprefix("fm2_")


def _id_of(world: World, token: Token) -> str:
    return f"00000000-0000-4000-8000-{world.tokens.index(token) + 1:012d}"
