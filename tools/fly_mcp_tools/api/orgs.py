"""Organisations, and what lies in the whole of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from pydantic import Field, JsonValue

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.call import Call
from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.wire import Machine, Organization, Volume, Word, obj

from . import parse

#: Rows that Fly gives at most at once; advisory, a page may be shorter and even empty (reference 4.9).
MOST: Final = 1000
_LONGEST_CURSOR: Final = 300
_ORGS: Final = """
query { organizations(first: 200) {
  nodes { slug rawSlug name type viewerRole billingStatus }
  pageInfo { hasNextPage }
} }
"""


class Org(Organization):
    """An organisation. `slug` is what calls take; that of one's own is always "personal"."""

    raw_slug: Word = Field(default="", alias="rawSlug")
    type: Word = ""
    role: Word = Field(default="", alias="viewerRole")
    billing: Word = Field(default="", alias="billingStatus")


class OrgMachine(Machine):
    """A machine, and whose it is."""

    app_name: Word


class OrgVolume(Volume):
    """A volume, and whose it is."""

    app_name: Word


ItemT = TypeVar("ItemT", OrgMachine, OrgVolume)


@dataclass(frozen=True)
class Page(Generic[ItemT]):
    """Some of an organisation's things. `silent`: regions that did not answer, whose things are missing."""

    items: list[ItemT]
    next_cursor: str | None
    silent: list[str]


async def list_of(call: Call) -> tuple[list[Org], bool]:
    """The organisations that the token sees, and whether there are more than were told."""
    answer = await call.send(fly.LIST_ORGS, {}, body={"query": _ORGS})
    found = obj(obj(obj(answer.data).get("data")).get("organizations"))
    nodes = parse.key(found, "nodes", endpoint=fly.LIST_ORGS, answer=answer)
    more = obj(found.get("pageInfo")).get("hasNextPage") is True
    return parse.many(Org, nodes, endpoint=fly.LIST_ORGS, answer=answer), more


async def machines(
    call: Call, org_slug: str, *, limit: int, cursor: str | None, summary: bool, filters: dict[str, str]
) -> Page[OrgMachine]:
    """A page of the organisation's machines. `summary`: without their configs."""
    query = _query(limit, cursor, summary=summary, filters=filters)
    return await _page(call, fly.LIST_ORG_MACHINES, OrgMachine, "machines", org_slug, query)


async def volumes(
    call: Call, org_slug: str, *, limit: int, cursor: str | None, filters: dict[str, str]
) -> Page[OrgVolume]:
    """A page of the organisation's volumes, those on their way out included."""
    query = _query(limit, cursor, summary=True, filters=filters)
    return await _page(call, fly.LIST_ORG_VOLUMES, OrgVolume, "volumes", org_slug, query)


def _query(
    limit: int, cursor: str | None, *, summary: bool, filters: dict[str, str]
) -> dict[str, str | int | bool]:
    query: dict[str, str | int | bool] = {"limit": limit, **filters}
    if summary:
        query["summary"] = True
    if cursor:
        query["cursor"] = cursor
    return query


async def _page(
    call: Call,
    endpoint: Endpoint,
    model: type[ItemT],
    name: str,
    org_slug: str,
    query: dict[str, str | int | bool],
) -> Page[ItemT]:
    answer = await call.send(endpoint, {"org_slug": org_slug}, query=query)
    data = parse.key(answer.data, name, endpoint=endpoint, answer=answer)
    items = parse.many(model, data, endpoint=endpoint, answer=answer)
    after = obj(answer.data).get("next_cursor") or None
    if after is not None and not _usable(after):
        raise parse.unreadable(endpoint, answer)  # without it the list would seem to end here
    return Page(items, str(after) if after else None, _words(obj(answer.data).get("error_regions")))


def _usable(cursor: JsonValue) -> bool:
    """Whether it is a cursor that can be sent back."""
    if not isinstance(cursor, str) or len(cursor) > _LONGEST_CURSOR:
        return False
    return cursor.isascii() and cursor.isprintable()


def _words(value: JsonValue) -> list[str]:
    """Region codes; whatever is none counts, and is not repeated."""
    items = value if isinstance(value, list) else []
    return [item if isinstance(item, str) and item.isalpha() and len(item) <= 8 else "?" for item in items]
