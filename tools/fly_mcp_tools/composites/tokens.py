"""flyGetTokenInfo: what the token of this server is. Never the token."""

from __future__ import annotations

from pydantic import Field

from fly_mcp_tools.api import tokens
from fly_mcp_tools.call import Call
from fly_mcp_tools.models import Params, Result
from fly_mcp_tools.wire import TokenInfo


class Nothing(Params):
    """Nothing is asked for."""


class TokenRow(Result):
    """A token. `apps` is ["*"] for all of the organisation."""

    kind: str = Field(description="login, organisation, app or machine, as far as Fly tells")
    organization: str
    apps: list[str]
    user: str | None = None
    machine: str | None = Field(default=None, description="the only machine that may use it")
    expires_at: str = Field(default="unknown", description="Fly does not tell")
    id: str


class TokenInfos(Result):
    """What the token of this server is; several where it is made of several."""

    tokens: list[TokenRow]
    note: str


async def info(call: Call, _: Nothing) -> TokenInfos:
    """Each token that this server sends, as Fly knows it."""
    found = await tokens.current(call)
    return TokenInfos(
        tokens=[
            TokenRow(
                kind=_kind(one),
                organization=one.org_slug,
                apps=list(one.apps),
                user=one.user or None,
                machine=one.restricted_to_machine or None,
                id=one.token_id,
            )
            for one in found
        ],
        note="Fly does not tell when it expires, nor whether it only reads, and how a token spells that is not "
        "documented: `fly tokens list` shows it.",
    )


def _kind(token: TokenInfo) -> str:
    if token.restricted_to_machine:
        return "machine"
    if token.user:
        return "login"
    return "organisation" if "*" in token.apps else "app"
