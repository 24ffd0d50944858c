"""What Fly's "no" means: HTTP status, code word and text become one error of our tree.

The texts are those of the error catalogue in Fly's client code, its tests and recorded answers; they are
looked for as substrings, because prefixes come and go. Whatever is not recognised keeps its status.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from pydantic import JsonValue

from fly_mcp_tools.errors import (
    Code,
    Conflict,
    FlyError,
    LeaseHeld,
    MaybeDone,
    NotFound,
    RateLimited,
    RefusedByFly,
    TimedOut,
    WrongState,
)
from fly_mcp_tools.foreign import clean, quoted
from fly_mcp_tools.request import Request

RETRY_AFTER: Final = "retry_after_seconds"

_LEASE: Final = re.compile(r"lease currently held by (?P<owner>.+?), expires at (?P<expires_at>[0-9TZ:.+-]+)")
_STATE: Final = re.compile(r"current(?:ly)?(?: state:)? '?(?P<state>[a-z_]+)'?$")
_BOUND: Final = re.compile(r"(?:bound to machine:|claimed by machine) (?P<machine>[0-9a-f]{8,20})")
_NO_ROOM: Final = re.compile(
    r"insufficient_capacity|volume_placement_capacity|insufficient (?:resources|CPUs|memory|IPs)|no capacity"
    r"|could not find a candidate host"
)
#: What a registry says of a tag or a digest that it does not have (reference 6.3).
_NO_IMAGE: Final = "MANIFEST_UNKNOWN"
_ONE_HOST: Final = re.compile(r"current host|volume_placement_capacity|existing volume")
_TAKEN: Final = re.compile(
    r"name_taken|already been taken|already_exists|uniqueness constraint|unique machine name"
)
_PASSING: Final = re.compile(
    r"still active|getting replaced|not yet available|current state: '(?:created|replacing|stopping|suspending)'"
)


@dataclass(frozen=True)
class Refusal:
    """Fly's "no". `text` is Fly's without the token, and neither hidden nor cleaned; `retry_after` the raw header."""

    status: int
    text: str
    rpc_code: str = ""
    status_word: str = ""
    request_id: str | None = None
    retry_after: str | None = None
    now: float = field(default=0.0, repr=False)

    @property
    def haystack(self) -> str:
        """Everything in which a known text may stand."""
        return f"{self.rpc_code} {self.status_word} {self.text}"


@dataclass
class _Verdict:
    """Our reading of a refusal: the kind of error, a sentence, the next step."""

    kind: type[FlyError]
    message: str
    hint: str
    code: Code | None = None
    retryable: bool | None = None
    changed_by_write: bool = False
    facts: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])


def refusal_error(request: Request, refusal: Refusal) -> FlyError:
    """The error for `refusal`; its message is ours, Fly's words stand in it as a quotation."""
    verdict = _judge(request, refusal)
    # Only what is repeated: a word of a command must not take "lease" out of the text that tells what it means.
    said = clean(request.hide(refusal.text))
    message = f"{verdict.message} Fly says: {quoted(said)}." if said else verdict.message
    wait = _retry_after_seconds(refusal)
    facts = dict(verdict.facts)
    if wait is not None:
        facts[RETRY_AFTER] = wait
    error = verdict.kind(
        message,
        hint=verdict.hint,
        code=verdict.code,
        retryable=verdict.retryable,
        changed="unknown" if verdict.changed_by_write and request.endpoint.writes else None,
        status=refusal.status,
        request_id=refusal.request_id,
        facts=facts,
    )
    if isinstance(error, RefusedByFly):
        error.fly_says = said
    return error


def _judge(request: Request, refusal: Refusal) -> _Verdict:
    """The verdict on `refusal`."""
    judge = _BY_STATUS.get(refusal.status)
    if judge is not None:
        return judge(request, refusal)
    if refusal.status >= 500:
        return _server_error(request, refusal)
    if refusal.status >= 400:
        return _invalid(request, refusal)
    return _Verdict(
        RefusedByFly,
        f"Could not {request.says}: the answer points to another address (HTTP {refusal.status}), and "
        "redirects are never followed, because the token would go along.",
        f"Check {request.endpoint.setting}: it has to be the address of Fly's API itself.",
        retryable=False,
    )


def _invalid(request: Request, refusal: Refusal) -> _Verdict:
    if _NO_ROOM.search(refusal.haystack):
        return _no_capacity(request, refusal)
    if _TAKEN.search(refusal.haystack):
        return _taken(request)
    if _NO_IMAGE in refusal.text:
        return _Verdict(
            RefusedByFly,
            f"Could not {request.says}: the registry does not have the image. Nothing was changed.",
            "Push it first, or name an image and a tag that are there.",
            code=Code.INVALID_ARGUMENTS,
        )
    return _Verdict(
        RefusedByFly,
        f"Fly refused to {request.says}: it does not accept what was sent (HTTP {refusal.status}).",
        "Correct the arguments; nothing was changed.",
        code=Code.INVALID_ARGUMENTS,
    )


def _unauthenticated(request: Request, _: Refusal) -> _Verdict:
    return _Verdict(
        RefusedByFly,
        f"Could not {request.says}: Fly does not accept the token. It is wrong, expired or revoked.",
        "Make a new one (`fly tokens create org`, or `fly tokens create deploy -a APP`), set it as "
        "FLY_API_TOKEN and restart this server.",
        code=Code.UNAUTHENTICATED,
    )


def _forbidden(request: Request, _: Refusal) -> _Verdict:
    app = request.ids.get("app_name", "APP")
    return _Verdict(
        RefusedByFly,
        f"The token may not {request.says}.",
        f"`fly tokens create deploy -a {app}` makes a token that may, if the app is yours; one for the whole "
        "organisation comes from `fly tokens create org`. An app of somebody else's organisation is answered "
        "like this too: check the name.",
        code=Code.FORBIDDEN,
    )


#: What is in an app, by its placeholder: its name, and where to look for the right one.
_THINGS: Final = {
    "machine_id": (
        "machine",
        "List the app's machines for the ids that exist; a destroyed machine is gone for good.",
    ),
    "volume_id": ("volume", "List the app's volumes for the ids that exist."),
    "secret_name": ("secret", "List the app's secrets for the names that exist."),
    "key_name": ("secret key", "List the app's secret keys for the names that exist."),
    "hostname": ("certificate for", "List the app's certificates for the host names that exist."),
    "ip": ("address", "List the app's addresses for those that it has."),
}


#: What a body names and Fly does not find: the app itself is there.
_NAMED: Final = re.compile(r"\b(?P<what>snapshot|volume|machine) not found", re.IGNORECASE)


def _not_found(request: Request, refusal: Refusal) -> _Verdict:
    if "404 page not found" in refusal.text:
        return _Verdict(
            RefusedByFly,
            f"Could not {request.says}: the address that was asked does not know this call.",
            f"Check {request.endpoint.setting}: it has to be the address of Fly's API itself.",
        )
    if "lease not found" in refusal.text:
        return _Verdict(
            NotFound, f"Could not {request.says}: there is no lease on it.", "Nobody holds it: go on without."
        )
    ids = request.ids
    app = ids.get("app_name", "")
    inner = next((name for name in _THINGS if name in ids), None)
    if inner is not None and "Could not find App" not in refusal.text:
        words, hint = _THINGS[inner]
        what = f"no {words} {ids[inner]} in {app}"
    elif app and (named := _NAMED.search(refusal.text)):
        what = f"no such {named['what'].lower()} in {app}, or not for this token"
        hint = "List what the app has for the ids that exist."
    elif app:
        what, hint = f"no app {app} that this token can see", "List the apps for the names that exist."
    else:
        what, hint = "no such thing, or not for this token", "Check the organisation and the token."
    return _Verdict(NotFound, f"Could not {request.says}: there is {what}.", hint)


def _timed_out(request: Request, _: Refusal) -> _Verdict:
    if not request.endpoint.writes:
        return _Verdict(
            TimedOut, f"Fly stopped waiting before it could {request.says}.", "Try again, or wait longer."
        )
    return _Verdict(
        TimedOut,
        f"Fly gave up waiting for the end of: {request.says}. It may still be going on.",
        "Look at the present state before doing it again.",
        retryable=False,
        changed_by_write=True,
    )


def _conflict(request: Request, refusal: Refusal) -> _Verdict:
    held = _LEASE.search(refusal.text)
    if held or "lease" in refusal.text:
        owner = clean(held["owner"], 100) if held else ""
        facts: dict[str, JsonValue] = {"owner": owner, "expires_at": held["expires_at"]} if held else {}
        return _Verdict(
            LeaseHeld,
            f"Could not {request.says}: somebody else holds the machine's lease"
            + (f", until {held['expires_at']}." if held else "."),
            "Another deploy or agent is at work on it. Wait until the lease expires, then try again.",
            facts=facts,
        )
    if _NO_ROOM.search(refusal.haystack):
        return _no_capacity(request, refusal)
    if _TAKEN.search(refusal.haystack):
        return _taken(request)
    if "concurrent update" in refusal.text:
        return _Verdict(
            Conflict,
            f"Could not {request.says}: it was changed by somebody else meanwhile.",
            "Read it again, then repeat the change.",
            retryable=True,
        )
    return _Verdict(
        Conflict,
        f"Could not {request.says}: it collides with something that is there or going on.",
        "Look at the present state, then decide.",
    )


def _wrong_state(request: Request, refusal: Refusal) -> _Verdict:
    if _NO_ROOM.search(refusal.haystack):
        return _no_capacity(request, refusal)
    facts: dict[str, JsonValue] = {}
    if state := _STATE.search(refusal.text):
        facts["state"] = state["state"]
    if bound := _BOUND.search(refusal.text):
        facts["machine_id"] = bound["machine"]
    if _PASSING.search(refusal.text):
        return _Verdict(
            WrongState,
            f"Could not {request.says} just now: it is still changing from one state to another.",
            "Wait a few seconds, then try again.",
            retryable=True,
            facts=facts,
        )
    return _Verdict(
        WrongState,
        f"Could not {request.says}: it is in a state in which Fly does not do this.",
        "Look at its present state; bring it into the right one first.",
        facts=facts,
    )


def _rate_limited(request: Request, _: Refusal) -> _Verdict:
    return _Verdict(
        RateLimited,
        f"Fly refused to {request.says}: too many calls of this kind in a short time.",
        "Wait some seconds. Fly allows about one call a second per action and machine, and everybody who "
        "uses the same token or app counts.",
    )


def _server_error(request: Request, refusal: Refusal) -> _Verdict:
    if request.endpoint.writes:
        # A gateway says 502, 503 and 504 also when the service behind it did the work, and nothing in a 503
        # tells whose it is: Fly's front and the host that it asks use the same word, `unavailable` (reference
        # 1.5). Fly's own client repeats even a POST after it (1.7, 9.21), which is how machines are doubled.
        # So a 503 is no refusal; who may not repeat the write looks for what it did.
        return _Verdict(
            MaybeDone,
            f"It is unclear whether Fly did {request.says}: its answer was an error of its own "
            f"(HTTP {refusal.status}). It may or may not have happened.",
            "Look at the present state before doing it again.",
        )
    return _Verdict(
        RefusedByFly,
        f"Could not {request.says}: Fly has an error of its own (HTTP {refusal.status}).",
        "Try again in a few seconds; status.flyio.net tells whether Fly has trouble.",
        retryable=True,
    )


def _no_capacity(request: Request, refusal: Refusal) -> _Verdict:
    here = bool(_ONE_HOST.search(refusal.haystack))
    return _Verdict(
        RefusedByFly,
        f"Could not {request.says}: Fly has no room for it "
        + ("on the host it is bound to." if here else "there at the moment."),
        "That host is full: make a copy elsewhere (a new machine, for a volume a new one from a snapshot)."
        if here
        else "Try another region, a smaller size, or later.",
        code=Code.NO_CAPACITY,
        retryable=False,
        facts={"full": "host" if here else "region"},
    )


def _taken(request: Request) -> _Verdict:
    app = "app_name" not in request.ids
    return _Verdict(
        Conflict,
        f"Could not {request.says}: the name is taken already.",
        "Choose another name; app names are shared by all of Fly." if app else "Choose another name.",
    )


def _retry_after_seconds(refusal: Refusal) -> float | None:
    """Seconds of a Retry-After header, which may be a number or a date; `None` if absent or senseless."""
    text = (refusal.retry_after or "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        then = parsedate_to_datetime(text)
    except ValueError:
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.fromtimestamp(refusal.now, UTC)).total_seconds())


_BY_STATUS: Final[dict[int, Callable[[Request, Refusal], _Verdict]]] = {
    400: _invalid,
    401: _unauthenticated,
    403: _forbidden,
    404: _not_found,
    408: _timed_out,
    409: _conflict,
    410: _not_found,
    412: _wrong_state,
    422: _invalid,
    429: _rate_limited,
}
