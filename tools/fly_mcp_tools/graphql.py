"""What GraphQL's "no" means: it comes with HTTP 200, as `errors` beside or instead of `data`."""

from __future__ import annotations

from typing import Final

from pydantic import JsonValue

from fly_mcp_tools.errors import Code, FlyError, RefusedByFly
from fly_mcp_tools.foreign import clean, quoted
from fly_mcp_tools.refusals import Refusal, refusal_error
from fly_mcp_tools.request import Request
from fly_mcp_tools.wire import obj, objects

#: Fly's code words, and the status with which its REST API says the same (superfly/graphql).
_STATUS: Final = {"NOT_FOUND": 404, "UNAUTHORIZED": 403}
#: One code word stands for "who are you" and "you may not"; the text tells (supabase/fly-admin, issue 12).
_WHO: Final = "must be authenticated"
_PASSING: Final = frozenset({"INTERNAL_SERVER_ERROR", "SERVER_ERROR"})


def said_no(data: JsonValue) -> bool:
    """Whether an answer holds errors. Data beside them are part of what was asked for, and not taken for all."""
    return bool(obj(data).get("errors"))


def refused(
    request: Request, data: JsonValue, *, words: str, status: int, request_id: str | None
) -> FlyError:
    """The error for an answer that said no.

    Args:
        words: its text, as `words_of` finds it, the token taken out.
        status: the HTTP status it came with.
    """
    (first, *_) = [*objects(obj(data).get("errors")), {}]
    word = str(obj(first.get("extensions")).get("code") or "")
    means = 401 if _WHO in words else 404 if "Could not find" in words else _STATUS.get(word)
    if means is not None:
        error = refusal_error(request, Refusal(status=means, text=words, request_id=request_id))
    else:
        said = clean(words)
        passing = word in _PASSING
        error = RefusedByFly(
            f"Could not {request.says}: Fly's GraphQL refused it."
            + (f" Fly says: {quoted(said)}." if said else ""),
            hint="Try again in a few seconds; status.flyio.net tells whether Fly has trouble."
            if passing
            else f"If {request.endpoint.setting} is Fly's own, Fly has changed its API: this server needs an update.",
            code=Code.FLY_UNAVAILABLE,
            retryable=passing,
            request_id=request_id,
        )
        error.fly_says = said
    error.status = status
    return error


def words_of(data: JsonValue) -> str:
    """The text of the first error; "" where there is none."""
    for error in objects(obj(data).get("errors")):
        if isinstance(message := error.get("message"), str):
            return message
    return ""
