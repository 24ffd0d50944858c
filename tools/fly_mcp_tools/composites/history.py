"""flyListEvents and flyListVersions: what happened to a machine, and what it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import zip_longest
from typing import Annotated, Any, Final

from pydantic import Field, JsonValue

from fly_mcp_tools import guest, patch, ulid
from fly_mcp_tools.api import insides
from fly_mcp_tools.call import Call
from fly_mcp_tools.foreign import clean, harmless
from fly_mcp_tools.models import Result, Whole
from fly_mcp_tools.wire import Event, JsonObject

from .lifecycle import OneMachine
from .undoing import day

#: Places of a config that a version names.
_PLACES: Final = 10

Limit = Annotated[Whole, Field(ge=1, le=50, description="1-50")]


class ListEvents(OneMachine):
    """Of which machine, and how many."""

    limit: Limit = 20


class ListVersions(OneMachine):
    """Of which machine, and how many."""

    limit: Limit = 10


class EventRow(Result):
    """Something that happened to a machine."""

    at: datetime
    type: str
    status: str
    source: str
    exit_code: int | None = None
    oom_killed: bool | None = None


class FullEventRow(EventRow):
    """Of an exit also the signal, whether somebody asked for it, and how often it was started again."""

    signal: int | None = None
    requested_stop: bool | None = None
    restarts: int | None = None


class EventList(Result):
    """Newest first. After an update the list begins anew."""

    events: list[FullEventRow]


class VersionRow(Result):
    """A version of a machine's config."""

    version: str
    created_at: str | None = None
    image: str
    size: JsonValue = None
    changed: list[str] | None = Field(default=None, description="what differs from the version before")


class VersionList(Result):
    """Newest first."""

    versions: list[VersionRow]
    total: int | None = Field(default=None, description="how many there are, where not all are shown")


async def events(call: Call, params: ListEvents) -> EventList:
    """The machine's events: starts, stops, exits with their codes, updates."""
    found = await insides.events(call, params.app_name, params.machine_id, params.limit)
    return EventList(events=[FullEventRow.model_validate(_full(one)) for one in found[: params.limit]])


async def versions(call: Call, params: ListVersions) -> VersionList:
    """The machine's versions, and what each changed. Values of env and files are left out: they may be secrets."""
    found = await insides.versions(call, params.app_name, params.machine_id)
    # Fly documents no order; a version is a ULID, and so sorts by when it was made.
    newest = sorted(found, key=lambda one: one.version, reverse=True)
    shown = list(zip_longest(newest, newest[1:]))[: params.limit]
    rows = [_row(new, old) for new, old in shown if new is not None]
    return VersionList(versions=rows, total=len(newest) if len(newest) > len(rows) else None)


def event_row(event: Event) -> dict[str, Any]:
    """An event as a machine's own answer has it."""
    how = event.exit
    return {
        "at": event.timestamp / 1000,
        "type": event.type,
        "status": event.status,
        "source": event.source,
        "exit_code": how.get("exit_code"),
        "oom_killed": how.get("oom_killed") or None,
    }


def _full(event: Event) -> dict[str, Any]:
    how, restarts = event.exit, (event.request or {}).get("restart_count")
    signal, asked = how.get("guest_signal"), how.get("requested_stop")
    return {
        **event_row(event),
        "signal": signal if isinstance(signal, int) and signal > 0 else None,
        "requested_stop": asked if isinstance(asked, bool) else None,
        "restarts": restarts if isinstance(restarts, int) and restarts > 0 else None,
    }


def _row(new: insides.Version, old: insides.Version | None) -> VersionRow:
    made = ulid.made_at(new.version)
    return VersionRow(
        version=new.version,
        created_at=day(made) if made else None,
        image=clean(str(new.config.get("image") or "")),
        size=harmless(guest.of_config(new.config), text=60, items=10) or None,
        changed=_told(_differences(old.config, new.config)) if old else None,
    )


def _differences(old: JsonObject, new: JsonObject) -> Iterator[str]:
    """Places of the config that differ; of env and metadata the names."""
    for place in dict.fromkeys([*patch.leaves(old), *patch.leaves(new)]):
        if patch.at(old, place) != patch.at(new, place):
            yield clean(patch.named(place), 100)


def _told(places: Iterator[str]) -> list[str] | None:
    every = list(places)
    more = len(every) - _PLACES
    return [*every[:_PLACES], *([f"and {more} more"] if more > 0 else [])] or None
