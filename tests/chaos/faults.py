"""Which requests meet which fault: a fifth of all, and every kind often enough.

The emulator's own rules do it. They are armed anew every so many calls, with the probabilities that are still
needed: a kind that can befall few requests strikes a larger part of those.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.faults import KINDS, FaultRule

from . import ground

#: The part of all requests that meets a fault, and between what it may end.
SHARE, AT_LEAST, AT_MOST = 0.20, 0.18, 0.22
#: How often each kind is to occur in a run of `OF` calls; aimed at is a little more.
EACH, OF, AIM = 50, 5000, 75
#: The largest part of the requests that a kind can befall: more would leave no life in them.
_MOST = 0.5

#: Kinds that can befall any request, or nearly so: they share what the others leave of the fifth.
COMMON = (
    "answer", "rate_limited", "rate_limited_retry_after", "internal_error", "internal_error_after", "bad_gateway",
    "bad_gateway_after", "unavailable", "unavailable_after", "gateway_timeout", "gateway_timeout_after", "html",
    "reset_before", "reset_after", "cut_body", "slow", "late",
)  # fmt: skip

#: Faults come in spells: what is lost, looked for in vain and asked again shows more than one fault alone.
_WEATHER = (0.4, 0.4, 0.4, 0.6, 0.6, 1.0, 3.2)

#: How often an app is out when the rules are armed, and how that shows.
_OUTAGES = 0.2
#: The part of all requests that falls to outages, about.
_OUT_SHARE = 0.015
_OUT = ("internal_error", "bad_gateway", "unavailable", "gateway_timeout", "reset_before", "html")

#: Kinds that can befall most requests, and stay for a while.
_WIDE = ("failing_check", "unreachable_host", "lease_held")

#: Seconds that an answer or a request is late by: below and above a lease's 30 s, and what a client waits for.
_LATE = (0.5, 2.0, 5.0, 12.0, 20.0, 29.0, 33.0, 40.0, 65.0, 95.0)
_SECONDS: dict[str, tuple[float, ...]] = {
    "rate_limited_retry_after": (1.0, 2.0, 7.0, 25.0),
    "slow": _LATE,
    "late": _LATE,
    "lease_held": (2.0, 5.0, 12.0, 40.0),
    "out_of_memory": (1.0, 4.0, 20.0),
    "unreachable_host": (3.0, 8.0, 20.0),
    "expired_certificate": (60.0, 86_400.0),
    "app_hidden": (1.0, 4.0, 20.0),
    "machine_hidden": (1.0, 3.0, 9.0),
    "still_active": (2.0, 8.0, 12.0),
}
#: Answers of the kind `answer` and `html`. None of them is a lie in Fly's own words, such as a 404 for what is
#: there: nobody could tell that from the truth.
_ANSWERS: tuple[dict[str, Any], ...] = (
    {"status": 418, "error": "a teapot", "headers": {"x-odd": "1"}},
    {"status": 500, "after": True, "body": ""},
    {"status": 502, "after": True, "body": '{"error": "upstr'},
    {"status": 200, "body": "", "after": True},
    {"status": 200, "body": '{"id": ', "after": True},
    {"status": 200, "body": '"?"'},
    {"status": 307, "headers": {"location": "https://elsewhere.example/"}},
    {"status": 429, "error": "rate limit exceeded", "headers": {"retry-after": "3"}},
    {"latency": 6.0},
)
_PAGES = (200, 403, 404, 502, 503)


class Faults:
    """The rules in force, and the count of what they have done since the run began."""

    def __init__(self, emulator: Emulator, rng: Random, calls: int) -> None:
        self._emulator = emulator
        self._rng = rng
        self._calls = calls
        self._before: Counter[str] = Counter()
        self._seen: Counter[str] = Counter()
        self._shares = dict.fromkeys(KINDS, 0.0)

    @property
    def struck(self) -> Counter[str]:
        """How often each kind has struck."""
        counted = Counter(self._before)
        # Not a sum of counters, which drops what is below zero: a fault under way when the rules were armed anew
        # may find that it has nothing to do.
        counted.update(self._emulator.faults.struck)
        return counted

    @property
    def share(self) -> float:
        """The part of all requests that met one."""
        return self.struck.total() / max(1, len(self._emulator.requests))

    def arm(self, calls_made: int) -> None:
        """Put the rules in force that are needed from here on."""
        self._take_stock()
        rules = [
            *(kind for kind in KINDS if kind not in COMMON),
            *sorted(COMMON, key=lambda _: self._rng.random()),
        ]
        left, weather, calm = 1.0, self._rng.choice(_WEATHER), self.share > SHARE
        if calm:
            weather = min(_WEATHER)
        for kind in rules:
            if kind == rules[-len(COMMON)] and self._rng.random() < _OUTAGES and not calm:
                self._emulator.faults.add(self._outage())
            share = self._share_of(kind, calls_made) * (weather if kind in COMMON else 1.0)
            # A rule that comes later sees all requests, and strikes only those that none before it has struck.
            rolled = min(_MOST, share / left if kind in COMMON else share)
            left -= share if kind in COMMON else 0.0
            if rolled > 0:
                self._emulator.faults.add(self._rule(kind, rolled))

    def _take_stock(self) -> None:
        for row in self._emulator.faults.report():
            self._seen[row.get("kind", "answer")] += row["seen"]
        self._before = self.struck
        self._emulator.faults.clear()

    def _share_of(self, kind: str, calls_made: int) -> float:
        struck = self._before[kind]
        if kind in COMMON:
            # What is missing to a fifth, made good within the next tenth of the run.
            requests = max(1, len(self._emulator.requests))
            special = sum(count for name, count in self._before.items() if name not in COMMON) / requests
            behind = SHARE - self._before.total() / requests if calls_made else 0.0
            return max(
                0.0, (SHARE - _OUT_SHARE - (special if calls_made else 0.05) + 2 * behind) / len(COMMON)
            )
        aim = AIM * self._calls / OF
        if not calls_made or not self._seen[kind]:
            return 0.02 if kind in _WIDE else 0.1
        to_come = self._seen[kind] * max(1, self._calls - calls_made) / calls_made
        return max(0.001, min(_MOST, (aim - struck) / max(1.0, to_come)))

    def _outage(self) -> FaultRule:
        """For a while nothing can be read of an app, or nothing at all goes through: looks fail in a row."""
        rule: dict[str, Any] = {
            "kind": self._rng.choice(_OUT),
            "app": self._rng.choice((*ground.POOLS, ground.DISKS, ground.DISKS, ground.CLONES)),
            "probability": 0.9,
            "seed": self._rng.getrandbits(32),
        }
        if self._rng.random() < 0.7:
            rule["method"] = "GET"
        return FaultRule.model_validate(rule)

    def _rule(self, kind: str, share: float) -> FaultRule:
        rule: dict[str, Any] = {
            "kind": kind,
            "name": kind,
            "probability": share,
            "seed": self._rng.getrandbits(32),
        }
        if kind in _SECONDS:
            rule["seconds"] = self._rng.choice(_SECONDS[kind])
        if kind == "answer":
            rule |= self._rng.choice(_ANSWERS)
        if kind == "html":
            rule["status"] = self._rng.choice(_PAGES)
        return FaultRule.model_validate(rule)
