"""Logs, as Fly's web API gives them (reference 8.1): oldest first, and a token to go on from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from fly_mcp_tools import endpoints as fly
from fly_mcp_tools.call import Call
from fly_mcp_tools.foreign import clean
from fly_mcp_tools.wire import JsonObject, obj, objects

from . import parse

#: Characters of a line that are kept.
_LONGEST: Final = 500
NS: Final = 1_000_000_000
_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_.=-]{1,100}")
_WORD: Final = re.compile(r"[a-z_]{1,16}")


@dataclass(frozen=True)
class Line:
    """A line. `at_ns`: epoch nanoseconds, 0 where Fly does not tell. `by`: app, or a part of Fly such as runner."""

    at_ns: int
    at: str
    machine: str
    region: str
    level: str
    by: str
    text: str


@dataclass(frozen=True)
class Page:
    """Some lines, and the token after which to go on; None where Fly gave none that can be sent back."""

    lines: list[Line]
    next_token: str | None


async def page(
    call: Call, app_name: str, *, token: str | None, machine_id: str | None, region: str | None
) -> Page:
    """A page: the newest lines where `token` is None, else what came after it. Empty: there is nothing more yet."""
    given = {"next_token": token, "instance": machine_id, "region": region}
    query = {key: value for key, value in given.items() if value is not None}
    answer = await call.send(fly.GET_LOGS, {"app_name": app_name}, query=query)
    data = parse.key(answer.data, "data", endpoint=fly.GET_LOGS, answer=answer)
    after = obj(obj(answer.data).get("meta")).get("next_token")
    good = isinstance(after, str) and _TOKEN.fullmatch(after)
    return Page([_line(entry) for entry in objects(data)], str(after) if good else None)


def is_token(text: str) -> bool:
    """Whether it could be a token of Fly's."""
    return _TOKEN.fullmatch(text) is not None


def _line(entry: JsonObject) -> Line:
    told = obj(entry.get("attributes"))
    event = obj(obj(told.get("meta")).get("event"))
    at, at_ns = _moment(str(told.get("timestamp") or ""))
    return Line(
        at_ns=at_ns,
        at=at,
        machine=clean(str(told.get("instance") or ""), 40),
        region=clean(str(told.get("region") or ""), 20),
        level=_word(told.get("level"), "info"),
        by=_word(event.get("provider"), "app"),
        text=clean(str(told.get("message") or ""), _LONGEST),
    )


def _moment(text: str) -> tuple[str, int]:
    """The time to the millisecond, and in nanoseconds."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        return clean(text, 40), 0
    try:
        whole = datetime.fromisoformat(found[1] + found[3]).astimezone(UTC)
    except (ValueError, OverflowError):
        return clean(text, 40), 0
    fraction = (found[2] or "").ljust(9, "0")
    seconds = round(whole.timestamp())
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{fraction[:3]}Z", seconds * NS + int(fraction)


def _word(value: object, otherwise: str) -> str:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else otherwise
