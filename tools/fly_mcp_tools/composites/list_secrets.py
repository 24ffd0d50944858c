"""flyListSecrets."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from fly_mcp_tools.api import secrets
from fly_mcp_tools.call import Call
from fly_mcp_tools.models import Result

from .listing import OfApp, capped


class SecretRow(Result):
    """A secret, without its value. Equal digests mean equal values within an app only."""

    name: str
    digest: str
    created_at: datetime | None = Field(alias="createdAt")


class SecretList(Result):
    """The app's secrets."""

    secrets: list[SecretRow]
    total: int | None = Field(default=None, description="how many there are, where not all are shown")


async def list_(call: Call, params: OfApp) -> SecretList:
    """The app's secrets by name; their values never leave Fly."""
    shown, total = capped(await secrets.list_of(call, params.app_name))
    rows = [
        SecretRow.model_validate({"name": one.name, "digest": one.digest, "createdAt": one.created_at})
        for one in shown
    ]
    return SecretList(secrets=rows, total=total)
