"""Fly's answer as data, or as a typed error.

Two services answer behind one address: one says `{"error": ...}`, the other `{"message": ...}`, the web REST
says `{"errors": {"detail": ...}}`, GraphQL says no with HTTP 200, an unknown route says plain text, and a proxy
in between may say HTML or nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NoReturn

from pydantic import JsonValue

from fly_mcp_tools import graphql
from fly_mcp_tools.errors import Code, FlyError, MaybeDone
from fly_mcp_tools.foreign import clean
from fly_mcp_tools.refusals import Refusal, refusal_error
from fly_mcp_tools.request import Request

REQUEST_ID: Final = "fly-request-id"
_NO_BODY: Final = frozenset({202, 204})
_GONE: Final = frozenset({404, 410})
#: What Fly says of a route that it does not know, and only of that (reference 1.1).
_NO_ROUTE: Final = b"404 page not found"
_TOKEN: Final = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class RawAnswer:
    """What came back. `complete` is false where the body broke off or was longer than we read.

    `headers` has lower-case names.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    complete: bool = True


@dataclass(frozen=True)
class Answer:
    """A success. `data` is an object or a list, or `None` where Fly says nothing (202, 204).

    Of an endpoint whose `token` is set it is that token: a secret.
    """

    status: int
    data: JsonValue = field(repr=False)
    request_id: str | None


def decode(request: Request, raw: RawAnswer, *, now: float, redact: Callable[[str], str]) -> Answer:
    """Turn what came back for `request` into an `Answer`.

    `now` (seconds since the epoch) makes a wait of a Retry-After date; `redact` takes the token out of
    Fly's text. Raises `RefusedByFly` or one of its kinds where Fly said no, `MaybeDone` where the answer
    says nothing usable.
    """
    request_id = clean(raw.headers.get(REQUEST_ID, ""), 100) or None
    if 200 <= raw.status < 300:
        if raw.status in _NO_BODY and raw.complete and not raw.body.strip():
            return Answer(raw.status, None, request_id)
        data = _token(raw) if request.endpoint.token else _json(raw)
        if not isinstance(data, str if request.endpoint.token else (dict, list)):
            raise no_usable_answer(request, _what_is_wrong(raw), status=raw.status, request_id=request_id)
        if request.endpoint.graphql and graphql.said_no(data):
            words = request.hide(redact(graphql.words_of(data)))
            raise graphql.refused(request, data, words=words, status=raw.status, request_id=request_id)
        return Answer(raw.status, data, request_id)
    if raw.status in _GONE and not _is_flys(raw):
        # Whoever stands in between may say 404 too; taken for Fly's, it would mean "gone", and a wrong "done".
        raise no_usable_answer(
            request, f"the answer (HTTP {raw.status}) is not Fly's", status=raw.status, request_id=request_id
        )
    text, status_word = _error_text(raw)
    refusal = Refusal(
        status=raw.status,
        # Fly may quote what it was sent, and this body holds secrets: only its own code word is kept.
        text="" if request.endpoint.secret_body else redact(text),
        rpc_code=text.partition(":")[0] if ": " in text else "",
        status_word=status_word,
        request_id=request_id,
        retry_after=raw.headers.get("retry-after"),
        now=now,
    )
    raise refusal_error(request, refusal)


def no_usable_answer(
    request: Request,
    why: str,
    *,
    status: int | None = None,
    request_id: str | None = None,
    fly_says: str = "",
) -> FlyError:
    """The error for a request that was sent and not clearly answered. `why` is a clause: "it was HTML".

    A read has changed nothing and may be repeated; a write may have happened.
    """
    if not request.endpoint.writes:
        return MaybeDone(
            f"Could not {request.says}: {why}.{fly_says} Nothing was changed.",
            hint="Try again in a few seconds; status.flyio.net tells whether Fly has trouble.",
            code=Code.FLY_UNAVAILABLE,
            retryable=True,
            changed="nothing",
            status=status,
            request_id=request_id,
        )
    return MaybeDone(
        f"It is unclear whether Fly did {request.says}: {why}.{fly_says} It may or may not have happened.",
        hint="Look at the present state before doing it again.",
        status=status,
        request_id=request_id,
    )


def _json(raw: RawAnswer) -> JsonValue:
    """The body as JSON; `None` where it is none."""
    if not raw.complete:
        return None
    try:
        data: JsonValue = json.loads(raw.body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):  # not JSON, not UTF-8, or nested beyond reason
        return None
    return data


def _token(raw: RawAnswer) -> str | None:
    """The body as a signed token, three parts with dots between; `None` where it is none."""
    text = raw.body.strip()
    return text.decode() if raw.complete and _TOKEN.fullmatch(text) else None


def _refuse_constant(name: str) -> NoReturn:
    """NaN and Infinity are not JSON, although Python reads them."""
    raise ValueError(name)


def _what_is_wrong(raw: RawAnswer) -> str:
    """Why a success cannot be read, in words."""
    if not raw.complete:
        return "Fly's answer could not be read to its end"
    if not raw.body.strip():
        return "Fly's answer could not be read (it is empty)"
    if raw.body.lstrip()[:1] == b"<":
        return (
            "Fly's answer could not be read (it is a web page: something stands between Fly and this server)"
        )
    return "Fly's answer could not be read (it is not what belongs here)"


def _is_flys(raw: RawAnswer) -> bool:
    """Whether an error is in Fly's own shape."""
    if raw.body.strip() == _NO_ROUTE:
        return True
    data = _json(raw)
    return isinstance(data, dict) and (
        any(isinstance(data.get(key), str) for key in ("error", "message")) or bool(_detail(data))
    )


def _error_text(raw: RawAnswer) -> tuple[str, str]:
    """Fly's text and its code word: `message`, else `error`, as in Fly's own client; else the plain body."""
    data = _json(raw)
    if isinstance(data, dict):
        said = next((v for k in ("message", "error") if isinstance(v := data.get(k), str) and v.strip()), "")
        said = said or _detail(data)
        word = data.get("status")
        return said, word if isinstance(word, str) else ""
    text = raw.body[:4000].decode("utf-8", "replace").strip()
    return ("" if text.startswith("<") else text), ""


def _detail(data: Mapping[str, JsonValue]) -> str:
    """What the web REST says: `{"errors": {"detail": ...}}` (flyctl, internal/uiex/error.go); else ""."""
    errors = data.get("errors")
    detail = errors.get("detail") if isinstance(errors, dict) else None
    return detail if isinstance(detail, str) else ""
