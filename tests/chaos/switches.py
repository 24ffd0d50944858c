"""Safeguards that can be switched off, so that the judge is seen to find what is missing then.

    lookup    a create whose answer was lost is simply sent again
    lease     a machine is changed without its lease, and without a line of those who want to
    version   what was read is written back, whoever wrote in between
    mark      a new machine has no mark, neither in its metadata nor as its name

Each is taken out at the client, through which everything passes, or at the one place where a lease is taken.
Nothing of it is in the product.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterable, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal, get_args
from unittest.mock import patch

from pydantic import JsonValue

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.api import leases
from fly_mcp_tools.call import Call
from fly_mcp_tools.client import FlyClient
from fly_mcp_tools.decode import Answer
from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.errors import MaybeDone, TimedOut
from fly_mcp_tools.request import Query
from fly_mcp_tools.wire import JsonObject, obj

from .line import CURRENT
from .model import Told

Safeguard = Literal["lookup", "lease", "version", "mark"]
SAFEGUARDS: tuple[Safeguard, ...] = get_args(Safeguard)
_CREATES = (fly.CREATE_MACHINE, fly.CREATE_VOLUME, fly.CREATE_APP, fly.ALLOCATE_IP)
_SENT_AGAIN = 2


class UnsafeClient(FlyClient):
    """A client without one of the safeguards; with all of them where `without` is None."""

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
        tries = _SENT_AGAIN if self.without == "lookup" and endpoint in _CREATES else 0
        if self.without == "mark" and endpoint is fly.CREATE_MACHINE:
            body = _unmarked(body)
        if self.without == "lease":
            nonce = None
        kept = self._kept(endpoint, ids)
        if kept is not None:
            return kept
        if self.without == "version" and endpoint is fly.UPDATE_MACHINE:
            body = {key: value for key, value in obj(body).items() if key != "current_version"}
        while True:
            try:
                answer = await super().call(
                    endpoint,
                    ids,
                    query=query,
                    body=body,
                    nonce=nonce,
                    timeout=timeout,
                    final=final,
                    hide=hide,
                    **more,
                )
            except (MaybeDone, TimedOut):
                if not tries:
                    raise
                tries -= 1
            else:
                if self.without == "version" and endpoint is fly.GET_MACHINE:
                    self._read().setdefault(CURRENT.get(), answer)
                return answer

    def _kept(self, endpoint: Endpoint, ids: Mapping[str, str]) -> Answer | None:
        """What an update has read of its machine, instead of what is there now, until it is sent."""
        told = CURRENT.get()
        if self.without != "version" or told is None or told.intent.asked.machine != ids.get("machine_id"):
            return None
        if endpoint is fly.UPDATE_MACHINE:
            self._sent().add(told)
        if told in self._sent() or told.intent.asked.action != "flyUpdateMachineConfig":
            return None
        return self._read().get(told) if endpoint is fly.GET_MACHINE else None

    def _read(self) -> dict[Told | None, Answer]:
        kept: dict[Told | None, Answer] = self.__dict__.setdefault("_read_machines", {})
        return kept

    def _sent(self) -> set[Told]:
        kept: set[Told] = self.__dict__.setdefault("_sent_updates", set())
        return kept


@contextmanager
def switched_off(client: UnsafeClient, without: Safeguard | None) -> Generator[None]:
    """Without this safeguard, for as long as it lasts."""
    client.without = without

    @asynccontextmanager
    async def none(
        call: Call, app_name: str, machine_id: str, *, nonce: str | None = None
    ) -> AsyncGenerator[leases.Held]:
        yield _NoLease(call, app_name, machine_id)

    if without != "lease":
        yield
        return
    with patch.object(leases, "held", none):
        yield


class _NoLease(leases.Held):
    """What is held without a lease."""

    async def keep(self) -> None:
        """Nothing is there to be kept."""

    async def again(self) -> None:
        """Nothing is there to be taken."""


def _unmarked(body: JsonValue) -> JsonObject:
    """A machine without the mark, in its metadata and as its name."""
    config = obj(obj(body).get("config"))
    kept: JsonObject = {
        key: value for key, value in obj(config.get("metadata")).items() if key != "fly_mcp_mark"
    }
    named = {key: value for key, value in obj(body).items() if key != "name" or not _is_mark(value)}
    return {**named, "config": {**config, "metadata": kept}}


def _is_mark(name: JsonValue) -> bool:
    return isinstance(name, str) and name.startswith("fly-mcp-")
