"""What the HTTP app needs to know who calls, made from the settings."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from mcp.server.auth.settings import AuthSettings

from fly_mcp_server.settings import Settings, SettingsError
from fly_mcp_tools.clock import Clock

from .agents_file import AgentsFile, AgentsFileError
from .place import agents_path, safe
from .refusals import Refusals
from .verifier import AgentVerifier, Issued, Live


@dataclass(frozen=True)
class AuthParts:
    """For the SDK's app.

    `settings` is None without an issuer: then there is no protected-resource metadata to publish, and the
    verifier alone is given to the SDK. `refusals`: for whoever refuses a call that came without a token.
    """

    verifier: AgentVerifier
    settings: AuthSettings | None
    refusals: Refusals


def parts(
    settings: Settings,
    clock: Clock,
    *,
    bound: Mapping[str, str] | None = None,
    refusals: Refusals | None = None,
) -> AuthParts:
    """Make them, without touching the network.

    `bound`: the agent of each OAuth subject or client id, as the policy says.

    Raises:
        SettingsError: naming everything that cannot be used.
    """
    file = AgentsFile(agents_path(settings, os.environ), clock)
    wrong = _wrong(settings)
    try:
        file.read()  # now, and not with the first call
    except AgentsFileError as error:
        wrong.append(f"FLY_MCP_AGENTS: {error}")
    if wrong:
        raise SettingsError(" ".join(wrong))
    scopes = tuple(settings.oauth_scopes.replace(",", " ").split())
    refusals = refusals or Refusals(clock)
    issued: Issued | None = None
    auth: AuthSettings | None = None
    if settings.oauth_issuer:
        from .keys import Keys  # PyJWT and cryptography cost a tenth of a second
        from .oauth import IssuedTokens

        issued = IssuedTokens(
            issuer=settings.oauth_issuer,
            audience=settings.public_url,
            keys=Keys(settings.oauth_issuer, settings.oauth_jwks, clock),
            bound=bound or {},
            clock=clock,
        )
        # From text, since only so an address without a path stays as it is: issuers are compared to the letter.
        auth = AuthSettings.model_validate(
            {
                "issuer_url": settings.oauth_issuer,
                "resource_server_url": settings.public_url,
                "required_scopes": list(scopes) or None,
                "validate_token_resource": True,
            }
        )
    verifier = AgentVerifier(
        Live(file),
        issued=issued,
        resource=settings.public_url or None,
        scopes=scopes,
        refusals=refusals,
    )
    return AuthParts(verifier, auth, refusals)


def _wrong(settings: Settings) -> list[str]:
    """Everything that is wrong with what was set about OAuth. Never a value: an address may hold a password."""
    wrong: list[str] = []
    if settings.oauth_issuer and not settings.public_url:
        wrong.append(
            "FLY_MCP_PUBLIC_URL: is needed beside FLY_MCP_OAUTH_ISSUER, since a token must be for this server. "
            "Set it to the address by which agents reach it, such as https://fly.example.com/mcp."
        )
    for name, value in (
        ("FLY_MCP_OAUTH_ISSUER", settings.oauth_issuer),
        ("FLY_MCP_OAUTH_JWKS", settings.oauth_jwks),
        ("FLY_MCP_PUBLIC_URL", settings.public_url),
    ):
        if value and not _plain(value):
            wrong.append(
                f"{name}: must be an address that begins with https:// (http:// for this machine alone), without "
                "user, query or fragment."
            )
    if not settings.oauth_issuer:
        wrong += [
            f"{name}: says nothing without FLY_MCP_OAUTH_ISSUER; set that too, or leave this unset."
            for name, value in (
                ("FLY_MCP_OAUTH_JWKS", settings.oauth_jwks),
                ("FLY_MCP_OAUTH_SCOPES", settings.oauth_scopes),
            )
            if value
        ]
    return wrong


def _plain(url: str) -> bool:
    """Whether an address is one that is safe to ask, and can be compared letter by letter."""
    parts = urlsplit(url) if url.isascii() and url.isprintable() and safe(url) else None
    return parts is not None and not (
        parts.username or parts.password or parts.query or parts.fragment or " " in url
    )
