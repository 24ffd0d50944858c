"""The kinds of fault: one row for each, from which rules are checked and the documentation is made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from fly_mcp_emulator.answer import Answer

from . import conditions
from .dropped import Begun, ConnectionDropped
from .hit import Hit, Incoming
from .rule import FaultKind, FaultRule

Act = Callable[[Hit], Awaitable[Answer]]
_TEXTS = {
    408: "deadline_exceeded: context deadline exceeded",
    429: "rate limit exceeded",
    500: "internal: injected fault",
    502: "Bad Gateway",
    503: "unavailable: injected fault",
    504: "Gateway Timeout",
}
_EXEC_TEXT = (
    'deadline_exceeded: Post "http://unix/v1/exec": net/http: request canceled '
    "(Client.Timeout exceeded while awaiting headers)"
)
_PAGE = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"

_APPS = "/v1/apps"
_MACHINES = "/v1/apps/{}/machines"
_MACHINE = "/v1/apps/{}/machines/{}"
_VOLUMES = "/v1/apps/{}/volumes"
_CERTIFICATES = "/v1/apps/{}/certificates"
_BOOTS = (f"POST {_MACHINES}", f"POST {_MACHINE}", f"POST {_MACHINE}/start")
_LEASED = (
    f"POST {_MACHINE}", f"DELETE {_MACHINE}", f"POST {_MACHINE}/lease",
    *(f"POST {_MACHINE}/{verb}" for verb in ("start", "stop", "suspend", "restart", "cordon", "uncordon")),
)  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of fault."""

    name: FaultKind
    says: str
    """What happens, for the documentation."""
    act: Act
    """What it makes of a request."""
    example: Mapping[str, object]
    """The rest of a rule that shows it."""
    operations: tuple[str, ...] = ()
    """What it can befall: method and template, names cut; empty: every request."""
    when: Callable[[Incoming], bool] | None = None
    """What must be so, besides; a request that it cannot befall is not counted."""
    seconds: float | None = None
    """What null means for the rule's `seconds`."""
    takes: tuple[str, ...] = ()
    """Which of the keys of a rule that say what happens have a meaning."""

    def can_befall(self, incoming: Incoming) -> bool:
        """Tell whether a request can meet it."""
        if self.operations and incoming.operation not in self.operations:
            return False
        return self.when is None or self.when(incoming)


def text_of(status: int) -> str:
    """Return what a refusal says that no rule words."""
    return _TEXTS.get(status, "internal: injected fault")


async def _answer(hit: Hit) -> Answer:
    rule = hit.rule
    if rule.status is None:
        return await hit.carry()
    if rule.after:
        await hit.carry()
    if rule.body is not None:
        return Answer(text=rule.body, status=rule.status, headers=rule.headers)
    return hit.refusal(rule.status, rule.error or text_of(rule.status), rule.headers)


def _refusing(status: int, text: str = "", *, after: bool = False) -> Act:
    async def act(hit: Hit) -> Answer:
        if after:
            await hit.carry()
        return hit.refusal(status, text or text_of(status))

    return act


async def _retry_after(hit: Hit) -> Answer:
    return hit.refusal(429, text_of(429), {"retry-after": f"{hit.seconds:g}"})


async def _html(hit: Hit) -> Answer:
    return Answer(text=_PAGE, status=hit.rule.status or 502, headers={"content-type": "text/html"})


async def _reset_before(_: Hit) -> Answer:
    raise ConnectionDropped("request")


async def _reset_after(hit: Hit) -> Answer:
    await hit.carry()
    raise ConnectionDropped("answer")


async def _cut_body(hit: Hit) -> Answer:
    answer = await hit.carry()
    response = answer.response()
    whole = bytes(response.body)
    if len(whole) < 2:
        hit.missed = True
        return answer
    raise ConnectionDropped(
        "body", Begun(response.status_code, response.raw_headers, whole[: len(whole) // 2])
    )


async def _slow(hit: Hit) -> Answer:
    answer = await hit.carry()
    await hit.state.clock.sleep(hit.seconds)
    return answer


async def _late(hit: Hit) -> Answer:
    await hit.state.clock.sleep(hit.seconds)
    hit.state.settle()
    return await hit.carry()


async def _create_timeout(hit: Hit) -> Answer:
    answer = await hit.carry()
    if answer.status >= 400:
        hit.missed = True
        return answer
    return hit.refusal(408, text_of(408))


def _crash(_: Hit) -> dict[str, object]:
    return {"crash_after": 0.0, "exit_code": 1, "out_of_memory": False}


def _starve(hit: Hit) -> dict[str, object]:
    return {"crash_after": hit.seconds, "out_of_memory": True}


def _server_errors() -> tuple[Kind, ...]:
    """Rows for the statuses that a proxy or a server in trouble answers with, before and after."""
    names: tuple[tuple[int, FaultKind, FaultKind], ...] = (
        (500, "internal_error", "internal_error_after"),
        (502, "bad_gateway", "bad_gateway_after"),
        (503, "unavailable", "unavailable_after"),
        (504, "gateway_timeout", "gateway_timeout_after"),
    )
    rows: list[Kind] = []
    for status, before, after in names:
        say = f"{status} instead of the answer; the request "
        rows += [
            Kind(before, f"{say}is not taken.", _refusing(status), {"method": "GET"}),
            Kind(after, f"{say}was carried out.", _refusing(status, after=True), {"method": "POST"}),
        ]
    return tuple(rows)


_ROWS = (
    Kind(
        "answer",
        "Whatever the rule says: a status with a text, a body or headers; `latency` alone is a late request.",
        _answer,
        {"status": 418, "error": "a teapot", "headers": {"x-odd": "1"}},
        takes=("status", "error", "body", "headers", "after"),
    ),
    Kind(
        "rate_limited",
        "429 without a word on how long; the request is not taken.",
        _refusing(429),
        {"path": "/machines"},
    ),
    Kind(
        "rate_limited_retry_after",
        "429 with `Retry-After: seconds`; the request is not taken.",
        _retry_after,
        {"path": "/machines", "seconds": 2},
        seconds=1.0,
        takes=("seconds",),
    ),
    *_server_errors(),
    Kind(
        "html",
        "A page of HTML instead of JSON, with `status` (502 when null); the request is not taken.",
        _html,
        {"status": 200},
        takes=("status",),
    ),
    Kind("reset_before", "The connection is reset; the request is not taken.", _reset_before, {"nth": 1}),
    Kind(
        "reset_after",
        "The connection is reset before the answer; the request was carried out.",
        _reset_after,
        {"method": "POST", "path": "/start$"},
    ),
    Kind(
        "cut_body",
        "The connection ends in the middle of the answer's body; the request was carried out.",
        _cut_body,
        {"method": "POST", "path": f"{_APPS}/{{app}}/machines"},
    ),
    Kind(
        "slow",
        "The request is carried out at once, and answered after `seconds`.",
        _slow,
        {"seconds": 20},
        seconds=5.0,
        takes=("seconds",),
    ),
    Kind(
        "late",
        "The request waits for `seconds` before it is taken. Over HTTP it is carried out even when the caller "
        "has left meanwhile.",
        _late,
        {"seconds": 20},
        seconds=5.0,
        takes=("seconds",),
    ),
    Kind(
        "create_timeout",
        "408 on a create of an app, a machine or a volume, which was created.",
        _create_timeout,
        {"path": f"{_APPS}/{{app}}/machines", "times": 1},
        (f"POST {_APPS}", f"POST {_MACHINES}", f"POST {_VOLUMES}"),
    ),
    Kind(
        "exec_timeout",
        "408 on a command, which ran.",
        _refusing(408, _EXEC_TEXT, after=True),
        {},
        (f"POST {_MACHINE}/exec",),
    ),
    Kind(
        "lease_held",
        f"Before the request, `{conditions.SOMEBODY}` takes the machine's lease, if it is free, for `seconds`. "
        "Most calls are then refused with 409; stop and delete wait.",
        conditions.lease_held,
        {"machine": "7846e45f27e218", "seconds": 10, "times": 1},
        _LEASED,
        conditions.is_free,
        seconds=10.0,
        takes=("seconds",),
    ),
    Kind(
        "no_capacity",
        "For this request the rule's `region` is full, every region when it is null: 422 for a machine, 409 for "
        "a volume, 412 for a machine on a volume, 409 for a start or a growth.",
        conditions.no_capacity,
        {"region": "ams"},
        (*_BOOTS, f"POST {_VOLUMES}"),
    ),
    Kind(
        "missing_image",
        "For this request the registry does not have the image: `MANIFEST_UNKNOWN`.",
        conditions.missing_image,
        {"app": "my-sandbox"},
        (f"POST {_MACHINES}", f"POST {_MACHINE}"),
        lambda incoming: bool(incoming.image),
    ),
    Kind(
        "crash_at_boot",
        "The machine that is created, updated or started exits with code 1 at each boot, until its next update.",
        conditions.boots_badly(_crash),
        {"method": "POST", "times": 1},
        _BOOTS,
    ),
    Kind(
        "out_of_memory",
        "The machine that is created, updated or started is killed for want of memory `seconds` after each boot, "
        "until its next update.",
        conditions.boots_badly(_starve),
        {"method": "POST", "seconds": 2, "times": 1},
        _BOOTS,
        seconds=2.0,
        takes=("seconds",),
    ),
    Kind(
        "failing_check",
        "All health checks of the machine that is created or named fail, until its next update.",
        conditions.failing_check,
        {"machine": "7846e45f27e218", "times": 1},
        when=lambda incoming: incoming.machine is not None or incoming.operation == f"POST {_MACHINES}",
    ),
    Kind(
        "unreachable_host",
        "Before the request, the machine's host falls silent for `seconds`: `host_status` is `unreachable` and "
        "the config is incomplete.",
        conditions.unreachable_host,
        {"machine": "7846e45f27e218", "seconds": 60, "times": 1},
        when=conditions.is_reachable,
        seconds=60.0,
        takes=("seconds",),
    ),
    Kind(
        "expired_certificate",
        "Before the request, the certificate in the path, or all in the list, expired `seconds` ago.",
        conditions.expired_certificate,
        {"times": 1},
        (f"GET {_CERTIFICATES}", f"GET {_CERTIFICATES}/{{}}", f"POST {_CERTIFICATES}/{{}}/check"),
        conditions.has_certificates,
        seconds=86_400.0,
        takes=("seconds",),
    ),
    Kind(
        "app_hidden",
        "The app that is created answers 404 for `seconds`.",
        conditions.app_hidden,
        {"seconds": 3},
        (f"POST {_APPS}",),
        seconds=3.0,
        takes=("seconds",),
    ),
    Kind(
        "machine_hidden",
        "The machine that is created answers 404, and is not in its app's list, for `seconds`.",
        conditions.machine_hidden,
        {"seconds": 3},
        (f"POST {_MACHINES}",),
        seconds=3.0,
        takes=("seconds",),
    ),
    Kind(
        "still_active",
        'For `seconds` after the stop, a start is refused with "machine still active".',
        conditions.still_active,
        {"machine": "7846e45f27e218", "seconds": 8},
        (f"POST {_MACHINE}/stop",),
        seconds=8.0,
        takes=("seconds",),
    ),
)

KINDS: Final[Mapping[str, Kind]] = {row.name: row for row in _ROWS}
"""Every kind, by name."""


def example(kind: Kind) -> FaultRule:
    """Return the rule that shows a kind."""
    return FaultRule.model_validate({"kind": kind.name, **kind.example})
