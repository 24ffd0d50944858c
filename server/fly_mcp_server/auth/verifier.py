"""From a bearer token to the agent: ours by its hash, any other by the issuer's signature.

What the SDK is given of a token holds no token: nothing that logs or prints it later can show one.
"""

from __future__ import annotations

import hmac
import logging
from typing import Protocol

from mcp.server.auth.provider import AccessToken

from . import attempt
from .agents_file import PREFIX, AgentsFile, AgentsFileError, Entry, digest
from .refusals import Refusals

_log = logging.getLogger("fly_mcp_server.auth")

#: Characters; longer than any token that an issuer makes, and short enough to look at a thousand of them.
LONGEST = 16_384


class NotThisOne(Exception):
    """A token that lets nobody in; the text says why, in words of ours alone."""


class Unfit(NotThisOne):
    """The issuer made it for this server, and it lets nobody in all the same: it has expired, for example."""


class Issued(Protocol):
    """Tokens of an issuer."""

    async def verify(self, token: str) -> AccessToken:
        """Who it is. Raises NotThisOne."""
        ...


class Live:
    """The tokens of the agents' file as they are now: a revocation counts from the next call on."""

    def __init__(self, file: AgentsFile) -> None:
        self._file = file
        self._seen: object = None
        self._told = ""
        self._tokens: tuple[tuple[bytes, Entry], ...] = ()

    def whose(self, token: str) -> Entry | None:
        """The entry of a token. All are compared, each in the same time whatever it is like."""
        self._refresh()
        given = digest(token)
        found: Entry | None = None
        for kept, entry in self._tokens:
            if hmac.compare_digest(kept, given):
                found = entry
        return found

    def _refresh(self) -> None:
        """Read the file anew where it is another. One that cannot be read lets nobody in, and is tried again.

        That it cannot is told once, and not with each call: whoever is refused must not be able to fill the log.
        """
        try:
            status = self._file.path.stat()
            now: object = (status.st_ino, status.st_mtime_ns, status.st_size, status.st_mode)
        except OSError as error:
            now = error.errno
        if now == self._seen:
            return
        self._tokens = ()
        try:
            self._tokens = tuple((bytes.fromhex(one.sha256), one) for one in self._file.read())
        except AgentsFileError as error:
            # Not remembered as seen: the next time it may be readable without having changed.
            self._seen = None
            if str(error) != self._told:
                self._told = str(error)
                _log.error("no agent with a token of ours is let in: %s", error)
        else:
            self._seen, self._told = now, ""


class AgentVerifier:
    """The SDK's `TokenVerifier` over both kinds.

    Args:
        live: tokens of our own.
        issued: those of an issuer; None: none is taken.
        resource: this server's public address, for which tokens of ours are good by their making.
        scopes: what tokens of ours may, so that they pass where the issuer's have to have these.
        refusals: told of each token that is refused, and why.
    """

    def __init__(
        self,
        live: Live,
        *,
        issued: Issued | None = None,
        resource: str | None = None,
        scopes: tuple[str, ...] = (),
        refusals: Refusals | None = None,
    ) -> None:
        self._live = live
        self._issued = issued
        self._resource = resource
        self._scopes = scopes
        self._refusals = refusals

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whose token it is, with the agent's name as `client_id`; None where it lets nobody in."""
        try:
            return await self._verified(token)
        except NotThisOne as why:
            if isinstance(why, Unfit):
                attempt.not_guessed()
            if self._refusals is not None:
                self._refusals.note(str(why))
            return None

    async def _verified(self, token: str) -> AccessToken:
        if len(token) > LONGEST:
            raise NotThisOne("it is too long to be one")
        if token.startswith(PREFIX) or self._issued is None:
            entry = self._live.whose(token)
            if entry is None:
                raise NotThisOne("no such token, or it was revoked")
            # No subject: an agent's two tokens are one agent, also where a session began with the other.
            return AccessToken(
                token="", client_id=entry.agent, scopes=list(self._scopes), resource=self._resource
            )
        return await self._issued.verify(token)
