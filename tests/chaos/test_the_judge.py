"""The comparison of claims and world can fail: with each safeguard switched off, it does."""

from __future__ import annotations

import pytest

from tests.chaos.run import Plan, Report, run
from tests.chaos.switches import SAFEGUARDS, Safeguard

#: The run stops at what it finds, with these seeds after some dozens of calls.
_AT_MOST = 2000
_SEEDS: dict[Safeguard, int] = {"lookup": 2, "lease": 6, "version": 8, "mark": 1}
#: Laws of which one at least is broken without it, and nothing but these.
_BROKEN: dict[Safeguard, set[str]] = {
    "lookup": {"doubled", "wrong refused"},
    "lease": {"disturbed", "lost race"},
    "version": {"lost key", "lost race", "wrong done"},
    "mark": {"doubled", "wrong done"},
}


def _laws(report: Report) -> set[str]:
    return {violation.law for violation in report.violations}


@pytest.mark.parametrize("without", SAFEGUARDS)
def test_what_a_missing_safeguard_breaks_is_found(without: Safeguard) -> None:
    """Issue 4, Shows 2: look-up after unclear creates, lease, version check, mark."""
    found = _laws(run(Plan(seed=_SEEDS[without], calls=_AT_MOST, without=without, stop_at=1)))

    assert found
    assert found <= _BROKEN[without]


def test_with_all_safeguards_nothing_is_found() -> None:
    """Issue 4, Shows 1, in short: the whole run is `make chaos`."""
    report = run(Plan(seed=1, calls=300))

    assert [violation.words for violation in report.violations] == []
    assert report.struck.total() > 0.15 * len(report.emulator.requests)
