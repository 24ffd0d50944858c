"""Safeguards that can be switched off, so that the judge is seen to find what is missing then.

Each is taken out at the client, through which everything passes; nothing of it is in the product.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args

from pydantic import JsonValue

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.client import FlyClient
from fly_mcp_tools.decode import Answer
from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.errors import MaybeDone, TimedOut
from fly_mcp_tools.request import Query
from fly_mcp_tools.wire import JsonObject, obj

Safeguard = Literal["lookup", "lease", "version", "mark"]
SAFEGUARDS: tuple[Safeguard, ...] = get_args(Safeguard)
_CREATES = (fly.CREATE_MACHINE, fly.CREATE_VOLUME, fly.CREATE_APP)
_SENT_AGAIN = 2


class UnsafeClient(FlyClient):
    """A client without one of the safeguards."""

    without: Safeguard | None = None

    async def call(
        self,
        endpoint: Endpoint,
        ids: Mapping[str, str],
        *,
        query: Query | None = None,
        body: JsonValue = None,
        nonce: str | None = None,
        timeout: float | None = None,
        final: bool = False,
        hide: Iterable[str] = (),
        **more: Any,
    ) -> Answer:
        """Send one call, in a way that is not safe."""
        tries = _SENT_AGAIN + 1 if self.without == "lookup" and endpoint in _CREATES else 1
        if self.without == "mark" and endpoint is fly.CREATE_MACHINE:
            body = _unmarked(body)
        if self.without == "version" and endpoint is fly.UPDATE_MACHINE and isinstance(body, dict):
            body = {key: value for key, value in body.items() if key != "current_version"}
        while True:
            tries -= 1
            try:
                answer = await super().call(
                    endpoint, ids, query=query, body=body, nonce=nonce, timeout=timeout, final=final, hide=hide,
                    **more,
                )  # fmt: skip
            except (MaybeDone, TimedOut):
                if not tries:
                    raise
            else:
                return answer


def _unmarked(body: JsonValue) -> JsonValue:
    """A machine without the mark, in its metadata and as its name."""
    if not isinstance(body, dict) or not isinstance(config := body.get("config"), dict):
        return body
    metadata = obj(config.get("metadata"))
    kept: JsonObject = {key: value for key, value in metadata.items() if key != "fly_mcp_mark"}
    named = {key: value for key, value in body.items() if key != "name" or not _is_mark(value)}
    return {**named, "config": {**config, "metadata": kept}}


def _is_mark(name: JsonValue) -> bool:
    return isinstance(name, str) and name.startswith("fly-mcp-")
