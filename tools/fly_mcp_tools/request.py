"""The one maker of URLs: an endpoint and its ids become a request, or nothing is sent.

Quoting is not enough here: `..` stays `..` when quoted, and servers and HTTP libraries resolve it, so that
"delete machine `..`" would arrive as "delete the app". Ids are therefore checked, and the result is counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, urlencode

from pydantic import JsonValue

from fly_mcp_tools.endpoint import Endpoint
from fly_mcp_tools.errors import Bug, InvalidArguments, Problem

Query = Mapping[str, str | int | bool]

MAX_ID: Final = 128
_SHORTEST_HIDDEN: Final = 6
_ID: Final = re.compile(rf"[A-Za-z0-9_.-]{{1,{MAX_ID}}}")
#: Placeholders whose ids have characters of their own, and so a shape of their own: `:` and `*` stand in a path as
#: they are (RFC 3986, 3.3), and no such id can be taken for another part of a URL.
_SHAPES: Final = {
    "ip": (re.compile(r"[0-9a-f]{0,4}(?:[.:][0-9a-f]{0,4}){2,8}"), "must be an IP address"),
    "hostname": (
        re.compile(
            r"(?=.{4,253}$)(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]"
        ),
        "must be a host name such as www.example.com",
    ),
}
_AS_THEY_ARE: Final = "/:*"
_NONCE: Final = re.compile(r"[!-~]{1,256}")


@dataclass(frozen=True)
class Request:
    """What will be sent, without host and token. `says` is the call in plain words, with its ids."""

    endpoint: Endpoint
    ids: Mapping[str, str]
    path: str
    query: str
    says: str
    body: bytes | None = field(repr=False, default=None)
    nonce: str | None = field(repr=False, default=None)
    #: Texts of the body that must not come back in Fly's words, longest first.
    hidden: tuple[str, ...] = field(repr=False, default=())

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{self.query}" if self.query else self.path

    def hide(self, text: str) -> str:
        """`text` without what this request was told to hide."""
        for value in self.hidden:
            text = text.replace(value, "[value]")
        return text


def build_request(
    endpoint: Endpoint,
    ids: Mapping[str, str],
    *,
    query: Query | None = None,
    body: JsonValue = None,
    nonce: str | None = None,
    hide: Iterable[str] = (),
) -> Request:
    """Fill the endpoint's template.

    `ids` must be exactly its placeholders; `body` `None` means no body at all; `query` values `True` and
    `False` are sent as Fly's `true` and `false`. `hide`: values in the body that may be secrets, such as those
    of an env; short ones stay, since they are part of any text. Raises `InvalidArguments` for an id or a text
    that cannot be sent (each problem named, no value repeated), `Bug` where the caller contradicts the
    template.
    """
    if set(ids) != set(endpoint.placeholders):
        raise Bug(f"{endpoint.name}: needs ids {endpoint.placeholders}, was given {tuple(ids)}")
    problems = [
        Problem(_wire_name(name), problem)
        for name, value in ids.items()
        if (problem := _id_problem(name, value)) is not None
    ]
    if nonce is not None and not _NONCE.fullmatch(nonce):
        problems.append(Problem("nonce", "is not a lease nonce"))
    encoded = _encode_query(query or {}, problems)
    if problems:
        first = problems[0]
        raise InvalidArguments(
            f"{first.path} {first.message}; nothing was sent to Fly.",
            hint="Use the id exactly as a list action shows it.",
            problems=problems,
        )
    path = endpoint.path.format_map(ids)
    if len(path.split("/")) != len(endpoint.path.split("/")) or quote(path, safe=_AS_THEY_ARE) != path:
        raise Bug(f"{endpoint.name}: the path is not the template's")
    return Request(
        endpoint=endpoint,
        ids=dict(ids),
        path=path,
        query=encoded,
        says=endpoint.says.format_map(ids),
        body=None if body is None else _encode_body(endpoint, body),
        nonce=nonce,
        hidden=tuple(sorted({text for text in hide if len(text) >= _SHORTEST_HIDDEN}, key=len, reverse=True)),
    )


def _id_problem(name: str, value: str) -> str | None:
    """Why `value` cannot be the path segment `name`; `None` if it can. Never repeats the value."""
    if not value:
        return "is empty"
    if name in _SHAPES:
        shape, words = _SHAPES[name]
        return None if shape.fullmatch(value) and value.strip(".:") else words
    if len(value) > MAX_ID:
        return f"is longer than {MAX_ID} characters"
    if not _ID.fullmatch(value) or not value.strip("."):
        return "must be letters, digits, dash, underscore or dot, and not dots alone"
    return None


def _wire_name(name: str) -> str:
    """`machine_id` as agents spell it: `machineId`."""
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


def _encode_query(query: Query, problems: list[Problem]) -> str:
    """The query string; lone surrogates, which no encoding carries, go to `problems`."""
    pairs: list[tuple[str, str]] = []
    for key, value in query.items():
        text = ("true" if value else "false") if isinstance(value, bool) else str(value)
        if not _is_encodable(text):
            problems.append(Problem(key, "holds half a character (a lone surrogate)"))
            continue
        pairs.append((key, text))
    return urlencode(pairs, quote_via=quote)


def _is_encodable(text: str) -> bool:
    """Whether UTF-8 can carry `text`."""
    return not any("\ud800" <= c <= "\udfff" for c in text)


def _encode_body(endpoint: Endpoint, body: JsonValue) -> bytes:
    """Compact JSON; what JSON has no word for (NaN, foreign types) is our mistake, not the caller's."""
    try:
        return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        # Not the value: a body may hold secrets.
        raise Bug(f"{endpoint.name}: the body is not JSON ({type(error).__name__})") from None
