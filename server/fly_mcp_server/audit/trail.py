"""What is kept of calls: the desk's `Trail` and `Record`, over a target.

A call is one event, written when it is over. Before each request that destroys or executes there is one more, `begun`,
which is durable before the request leaves: a call that is killed in between has left its name.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from pydantic import JsonValue

from fly_mcp_server import __version__
from fly_mcp_server.access.asking import AskFirst, Step
from fly_mcp_tools.action import REQUEST_ID, AnyAction
from fly_mcp_tools.call import Effect
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.clock import Clock
from fly_mcp_tools.dispatch import UnknownAction
from fly_mcp_tools.errors import Code, FlyError, NotSent, RefusedByUs

from . import known, sentence
from .chain import GENESIS, Event
from .decided import Decided
from .target import Target

if TYPE_CHECKING:
    from fly_mcp_server.policy.decision import Decision
    from fly_mcp_tools.decode import Answer
    from fly_mcp_tools.endpoint import Endpoint
    from fly_mcp_tools.models import Params

#: Ids of one kind that an event names; it says how many more there were.
_MOST: Final = 50

_log = logging.getLogger("fly_mcp_server.audit")


class AuditTrail:
    """Begins records.

    Args:
        transport: over which one a call came; asked when it comes.
    """

    def __init__(self, target: Target, clock: Clock, *, transport: Callable[[], str]) -> None:
        self._target = target
        self._clock = clock
        self._transport = transport

    def begin(
        self,
        caller: str,
        name: str,
        action: AnyAction | None,
        arguments: Mapping[str, object],
        *,
        org: str = "",
        ruled: bool = False,
    ) -> AuditRecord:
        """A call came in.

        `org`: the organisation of whoever calls, where it has one alone; `ruled`: whether a policy is in force for it.
        """
        return AuditRecord(
            self._write, self._clock, self._transport(), caller, name, action, arguments, org=org, ruled=ruled
        )

    def at_the_door(self, why: str, count: int, transport: str = "") -> None:
        """Calls that nobody was let in with: `count` for `why` since the last of these events about it.

        `transport`: over which they came. Default: the one of the running call. Does not raise.
        """
        transport = transport or self._transport()
        calls = "A call" if count == 1 else f"{count} calls"
        event: Event = {
            "event": "refused",
            "transport": transport,
            "outcome": "refused",
            "code": str(Code.UNAUTHENTICATED),
            "count": count,
            "says": f"{calls} over {transport} came without a token that counts, and nothing was done: {why}.",
        }
        try:
            self._write(event, durable=False)
        except OSError as error:
            _log.error("the audit trail cannot be written: %s", _words(error))

    def _write(self, event: Mapping[str, JsonValue], *, durable: bool) -> None:
        self._target.append({"time": stamp(self._clock), **event}, durable=durable)


class AuditRecord:
    """One call."""

    def __init__(
        self,
        write: Callable[..., None],
        clock: Clock,
        transport: str,
        caller: str,
        name: str,
        action: AnyAction | None,
        arguments: Mapping[str, object],
        *,
        org: str,
        ruled: bool,
    ) -> None:
        self._write = write
        self._clock = clock
        self._began = clock.monotonic()
        self._action = action
        # A tool that there is, though not for this caller, is named; any other name is the caller's own text.
        self._row = action or ACTIONS.get(name)
        self._org = org
        self._ids: dict[str, str] = {}
        self._with: dict[str, str] = {}
        self._touched: dict[str, dict[str, None]] = {"app_name": {}, "machine_id": {}, "volume_id": {}}
        self._decided = Decided(ruled=ruled)
        self._effect = Effect()
        self._requests = 0
        self._flys: dict[str, None] = {}
        self._common: Event = {
            "call": secrets.token_hex(8),
            "caller": caller,
            "transport": transport,
            "action": self._row.name if self._row else None,
            "access": str(self._row.access) if self._row else None,
        }
        if self._row is not None:
            self._know(known.given(self._row, arguments))
        repeated = arguments.get(REQUEST_ID)
        if isinstance(repeated, str) and action is not None and action.writes:
            # Enough to find calls of one intent; and the caller's own text is not kept.
            self._common["request_id"] = hashlib.sha256(repeated.encode("utf-8", "replace")).hexdigest()[:16]

    def admitted(self, decision: Decision | None, params: Params) -> None:
        """The arguments are well formed, and the policy let them pass."""
        self._know(known.checked(params))
        self._decided.admitted(decision)

    def human(self, step: Step) -> None:
        """A human was asked, or has accepted."""
        self._decided.human(step)

    async def before_destroying(self, endpoint: Endpoint, ids: Mapping[str, str]) -> None:
        """Write what is about to be sent, durably.

        Raises:
            RefusedByUs: it cannot be written; the request does not leave.
        """
        shown = known.ids_of(ids)
        self._touch(shown)
        caller = self._common["caller"]
        event: Event = {
            **self._what({**self._ids, **shown}),
            "event": "begun",
            "endpoint": endpoint.name,
            "says": f"{caller} is about to {sentence.request(endpoint, shown)}; {self._decided.words()}.",
        }
        try:
            self._write(event, durable=True)
        except OSError as error:
            words = _words(error)
            _log.error("the audit trail cannot be written, so nothing is destroyed: %s", words)
            raise RefusedByUs(
                f"Did not {endpoint.says.format_map(dict(ids))}: the audit trail cannot be written ({words}), and "
                "without it nothing is destroyed and no command is run. That request was not sent.",
                hint="Tell the operator of this server; once the trail can be written, repeat the call.",
                code=Code.INTERNAL,
                retryable=True,
            ) from None

    def sent(self, endpoint: Endpoint, ids: Mapping[str, str], came: Answer | FlyError | None) -> None:
        """A request ended."""
        if isinstance(came, (NotSent, RefusedByUs)) and came.changed == "nothing":
            return  # it never left
        self._requests += 1
        action = self._action
        if endpoint.writes:
            self._touch(known.ids_of(ids))
        if action is not None and action.counts(endpoint):
            if came is None:
                self._effect.note("unknown")
            else:
                self._effect.note(came.changed if isinstance(came, FlyError) else "something")
        fly = known.request_id(came.request_id) if came is not None else None
        if fly is not None:
            self._flys[fly] = None

    def end(self, came: Mapping[str, Any] | BaseException) -> str:
        """Write the event of the call: words for the caller where that cannot be done and something was changed."""
        ms = round((self._clock.monotonic() - self._began) * 1000)
        outcome, code, changed = self._outcome(came)
        self._decided.ended(came)
        caller = str(self._common["caller"])
        what = sentence.deed(self._row, self._ids) if self._row else "use a tool that there is not"
        event: Event = {
            **self._what(self._ids),
            "event": "call",
            "outcome": outcome,
            "code": code,
            "changed": changed,
            "ms": ms,
            "requests": self._requests,
            "fly_requests": [*list(self._flys)[:_MOST]],
            "says": sentence.ended(
                caller,
                what,
                outcome=outcome,
                code=code,
                changed=changed,
                writes=self._row is not None and self._row.writes,
                ms=ms,
                by=self._decided.words(came) if self._action else "it has no such tool",
            ),
        }
        try:
            self._write(
                {key: value for key, value in event.items() if value not in (None, "", [])}, durable=False
            )
        except OSError as error:
            words = _words(error)
            _log.error("the audit trail cannot be written: %s. What it lacks: %s", words, event["says"])
            if changed == "nothing":
                return ""
            note = f"The audit trail could not be written afterwards ({words}): tell the operator of this server."
            if isinstance(came, FlyError):
                came.hint = " ".join(filter(None, (came.hint, note)))
            return note
        return ""

    def _outcome(self, came: Mapping[str, Any] | BaseException) -> tuple[str, str, str]:
        """How it ended, the code of an error, and what it has changed."""
        if isinstance(came, Mapping):
            outcome = str(came.get("outcome", "done"))
            changed = "unknown" if outcome == "unclear" else self._effect.changed
            return outcome, "", "nothing" if came.get("already_done") else changed
        if isinstance(came, UnknownAction):
            return "refused", "unknown_tool", "nothing"
        if isinstance(came, AskFirst):
            return "asking", "", "nothing"
        if isinstance(came, FlyError):
            failed = "refused" if isinstance(came, RefusedByUs) else "failed"
            return came.outcome or failed, str(came.code), came.changed
        if isinstance(came, Exception):
            writes = self._action is not None and self._action.writes
            return "failed", str(Code.INTERNAL), "unknown" if writes else "nothing"
        return "cancelled", "", self._effect.changed

    def _know(self, values: Mapping[str, object]) -> None:
        row = self._row
        assert row is not None
        self._ids = known.ids_of(values)
        self._with = known.words_of(row, values)
        self._touch(self._ids)

    def _touch(self, ids: Mapping[str, str]) -> None:
        for name, seen in self._touched.items():
            if name in ids:
                seen[ids[name]] = None

    def _what(self, ids: Mapping[str, str]) -> Event:
        """Who, and on which things."""
        apps, machines, volumes = (list(seen) for seen in self._touched.values())
        other = {
            name: value
            for name, value in ids.items()
            if name not in ("app_name", "machine_id", "volume_id", "org_slug")
        }
        event: Event = {
            **self._common,
            "app": ids.get("app_name") or (apps[0] if len(apps) == 1 else None),
            "org": ids.get("org_slug") or self._org or None,
            "machines": [*machines[:_MOST]],
            "volumes": [*volumes[:_MOST]],
            "more": max(0, len(machines) - _MOST) + max(0, len(volumes) - _MOST) or None,
            "ids": {**other} or None,
            "with": {**self._with} or None,
            "decision": self._decided.effect or None,
            "rule": self._decided.rule or None,
        }
        return {key: value for key, value in event.items() if value not in (None, [])}


def genesis(clock: Clock) -> Event:
    """The first event of a chain."""
    return {
        "event": GENESIS,
        "time": stamp(clock),
        "chain": secrets.token_hex(16),
        "version": __version__,
        "says": "A new audit trail begins.",
    }


def stamp(clock: Clock) -> str:
    """Now, in UTC, to the millisecond."""
    return datetime.fromtimestamp(clock.now(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _words(error: OSError) -> str:
    return error.strerror or str(error)
