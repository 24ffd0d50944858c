"""flyGetOidcToken: a signed token that says which machine this is, in a file and never in an answer.

Fly gives one only to its own machines. Whoever has it is that machine for some minutes, towards everybody who trusts
Fly, such as a cloud provider. So an agent gets the name of a file that only this user can read, and what is in it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, JsonValue

from fly_mcp_tools.api import tokens
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import Code, FlyError, NotConfigured
from fly_mcp_tools.foreign import harmless
from fly_mcp_tools.models import Params, Result
from fly_mcp_tools.wire import JsonObject, obj

from .undoing import day


def _audience(value: str) -> str:
    if not value or len(value) > 500 or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("an audience is 1 to 500 printable characters without blanks, such as a URL")
    return value


class GetOidcToken(Params):
    """For whom it is."""

    audience: Annotated[str, AfterValidator(_audience)] | None = Field(
        default=None, description="Whom it is for; default: Fly's URL of the organisation"
    )
    aws_principal_tags: bool = Field(default=False, description="Add AWS session tags")


class OidcToken(Result):
    """Where it is, and what it says. Nobody has checked its signature here."""

    inside_fly: bool
    file: str | None = Field(default=None, description="holds the token; only this user can read it")
    expires_at: str | None = None
    claims: dict[str, JsonValue] | None = None
    note: str | None = None


async def get(call: Call, params: GetOidcToken) -> OidcToken:
    """Ask for one and put it into a file of mode 0600; one for the same audience takes the place of the last.

    Raises:
        NotConfigured: the file cannot be written.
    """
    wanted: JsonObject = {"aud": params.audience} if params.audience else {}
    if params.aws_principal_tags:
        wanted["aws_principal_tags"] = True
    try:
        token = await tokens.identity(call, wanted)
    except FlyError as error:
        if error.code is not Code.FORBIDDEN:
            raise
        return OidcToken(
            inside_fly=False,
            note="Fly refused. It gives identity tokens only to its own machines, and this server does not seem to run "
            "on one; run it there to have one.",
        )
    claims = _claims(token)
    return OidcToken(
        inside_fly=True,
        file=str(_kept(call, params.audience or "", token)),
        expires_at=_end(claims.get("exp")),
        claims=obj(harmless(claims)),
        note=None if claims else "What it says could not be read.",
    )


def _end(value: JsonValue) -> str | None:
    """The moment of an `exp`, in seconds since the epoch; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**36:
        return None
    return day(datetime.fromtimestamp(value, UTC))


def _claims(token: str) -> JsonObject:
    """What it says, unchecked; empty where it cannot be read."""
    part = token.split(".")[1]
    try:
        return obj(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))
    except (ValueError, binascii.Error, RecursionError):
        return {}


def _kept(call: Call, audience: str, token: str) -> Path:
    """Write it into a file that nobody else can read at any moment.

    Without a directory of the operator's, into a temporary one: the same for all calls of this process.

    Raises:
        NotConfigured: that failed.
    """
    name = f"oidc-{hashlib.sha256(audience.encode()).hexdigest()[:12]}.jwt"
    try:
        directory = call.defaults.directory or call.memory.directory
        if directory is None:
            directory = call.memory.directory = Path(
                tempfile.mkdtemp(prefix="fly-mcp-")
            )  # made with mode 0700
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, new = tempfile.mkstemp(dir=directory, prefix="oidc-")  # made with mode 0600
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(token)
        return Path(new).replace(directory / name)
    except OSError as error:
        raise NotConfigured(
            f"The token could not be written to a file: {error.strerror or type(error).__name__}.",
            hint="Set FLY_MCP_STATE to a directory that this user may write, and start again.",
        ) from None
