"""flyListSecrets and flyGetSecret: names, digests and dates; a value never leaves Fly."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from fly_mcp_tools.api import secrets
from fly_mcp_tools.call import Call
from fly_mcp_tools.ids import AppName, SecretName
from fly_mcp_tools.models import Params, Result
from fly_mcp_tools.wire import Secret

from .paging import Paged, page


class ListSecrets(Paged):
    """Of which app."""

    app_name: AppName


class OfSecret(Params):
    """One secret."""

    app_name: AppName
    name: Annotated[SecretName, Field(description="Secret name")]


class SecretRow(Result):
    """A secret, without its value. Equal digests mean equal values within an app only."""

    name: str
    digest: str
    created_at: datetime | None = Field(alias="createdAt")


class SecretList(Result):
    """The app's secrets."""

    secrets: list[SecretRow]
    total: int | None = Field(default=None, description="how many there are, where not all are shown")
    showing: str | None = None
    next_cursor: str | None = None


class SecretDetail(SecretRow):
    """One secret, without its value."""

    updated_at: datetime | None = Field(alias="updatedAt", description="when it was last set")


async def list_(call: Call, params: ListSecrets) -> SecretList:
    """The app's secrets by name; their values never leave Fly."""
    shown = page(params, await secrets.list_of(call, params.app_name), lambda one: one.name)
    return SecretList(
        secrets=[SecretRow.model_validate(_row(one)) for one in shown.rows],
        total=shown.total if shown.showing else None,
        showing=shown.showing,
        next_cursor=shown.next_cursor,
    )


async def get(call: Call, params: OfSecret) -> SecretDetail:
    """One secret; its value is not asked for. Raises NotFound."""
    secret = await secrets.get(call, params.app_name, params.name)
    return SecretDetail.model_validate({**_row(secret), "updatedAt": secret.updated_at})


def _row(secret: Secret) -> dict[str, object]:
    return {"name": secret.name, "digest": secret.digest, "createdAt": secret.created_at}
