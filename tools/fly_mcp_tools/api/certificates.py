"""Certificates of an app."""

from __future__ import annotations

from typing import Final

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.call import Call
from fly_mcp_tools.wire import Certificate, obj

from . import parse

_LONGEST_CURSOR: Final = 300


async def page_of(
    call: Call, app_name: str, *, part: str | None, cursor: str | None, limit: int
) -> tuple[list[Certificate], str | None, int | None]:
    """A page of summaries, Fly's cursor for the next, and how many there are in all.

    `part`: of the host name. The cursor is None at the end, and where it is nothing that could be sent back.
    """
    given = {"filter": part, "cursor": cursor, "limit": limit}
    query = {key: value for key, value in given.items() if value is not None}
    answer = await call.send(fly.LIST_CERTIFICATES, {"app_name": app_name}, query=query)
    data = parse.key(answer.data, "certificates", endpoint=fly.LIST_CERTIFICATES, answer=answer)
    found = parse.many(Certificate, data, endpoint=fly.LIST_CERTIFICATES, answer=answer)
    after, total = obj(answer.data).get("next_cursor"), obj(answer.data).get("total_count")
    good = (
        isinstance(after, str)
        and 0 < len(after) <= _LONGEST_CURSOR
        and after.isascii()
        and after.isprintable()
    )
    return found, str(after) if good else None, total if isinstance(total, int) else None


async def get(call: Call, app_name: str, hostname: str) -> Certificate:
    """All about one host name. Raises NotFound."""
    answer = await call.send(fly.GET_CERTIFICATE, {"app_name": app_name, "hostname": hostname})
    return parse.one(Certificate, answer.data, endpoint=fly.GET_CERTIFICATE, answer=answer)


async def check(call: Call, app_name: str, hostname: str) -> Certificate:
    """All about one host name, Fly having looked at its DNS again. Raises NotFound."""
    ids = {"app_name": app_name, "hostname": hostname}
    answer = await call.send(fly.CHECK_CERTIFICATE, ids, timeout=60)
    return parse.one(Certificate, answer.data, endpoint=fly.CHECK_CERTIFICATE, answer=answer)


async def request(call: Call, app_name: str, hostname: str) -> Certificate:
    """Ask Fly for a certificate. Fly refuses a host name that has been asked for already."""
    answer = await call.send(fly.REQUEST_CERTIFICATE, {"app_name": app_name}, body={"hostname": hostname})
    return parse.one(Certificate, answer.data, endpoint=fly.REQUEST_CERTIFICATE, answer=answer)


async def remove(call: Call, app_name: str, hostname: str, *, keep_custom: bool) -> None:
    """Remove all its certificates, or Fly's own alone. Raises NotFound."""
    endpoint = fly.DELETE_ACME_CERTIFICATE if keep_custom else fly.DELETE_CERTIFICATE
    await call.send(endpoint, {"app_name": app_name, "hostname": hostname})
