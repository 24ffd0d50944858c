"""Costs are those of the two published sources, and what neither has is unknown."""

from __future__ import annotations

import pytest

from fly_mcp_tools import prices
from fly_mcp_tools.prices import NOTHING, Cost
from fly_mcp_tools.wire import JsonObject

SMALL: JsonObject = {"cpu_kind": "shared", "cpus": 1, "memory_mb": 256}


@pytest.mark.parametrize(
    ("guest", "region", "usd"),
    [
        (SMALL, "iad", 1.945),
        ({}, "iad", 1.945),
        ({**SMALL, "memory_mb": 1024}, "iad", 5.695),
        ({"cpu_kind": "performance", "cpus": 2, "memory_mb": 4096}, "iad", 62.0),
        (SMALL, "fra", 0.695 * 1.154 + 1.25),
        ({"cpu_kind": "shared", "cpus": 2, "memory_mb": 512}, "gru", 2 * 0.695 * 1.615 + 2.5),
    ],
)
def test_a_started_machine_costs_its_cpus_times_the_markup_and_its_memory(
    guest: JsonObject, region: str, usd: float
) -> None:
    """The calculator's own check: shared 1 vCPU 256 MB in iad is 1.945."""
    assert prices.machine(guest, region).usd == pytest.approx(usd)


@pytest.mark.parametrize(
    ("guest", "region", "state", "word"),
    [
        (SMALL, "xyz", "started", "region xyz"),
        ({**SMALL, "cpu_kind": "quantum"}, "iad", "started", "quantum"),
        ({**SMALL, "gpu_kind": "a10"}, "iad", "started", "a10"),
        ({**SMALL, "cpus": "many"}, "iad", "started", "size"),
        (SMALL, "iad", "suspended", "suspended"),
        (SMALL, "iad", "stopped", "root file system"),
        (SMALL, "iad", "", "machine"),
    ],
)
def test_what_has_no_price_is_unknown(guest: JsonObject, region: str, state: str, word: str) -> None:
    """The issue: `unknown` where the table has none."""
    cost = prices.machine(guest, region, state=state)
    assert (cost.usd, cost.known) == (0.0, False)
    assert cost.said().startswith("unknown for ")
    assert word in cost.said()


def test_a_stopped_machine_costs_its_root_file_system() -> None:
    """The pricing page."""
    assert prices.machine(SMALL, "iad", state="stopped", rootfs_gb=2).usd == pytest.approx(0.3)
    assert prices.machine(SMALL, "iad", state="destroyed") == NOTHING


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        (prices.volume(3), "0.45 USD a month (estimate; Fly's prices of 2026-08-07)"),
        (prices.ip("v4"), "2.00 USD a month (estimate; Fly's prices of 2026-08-07)"),
        (prices.ip("shared_v4"), "0.00 USD a month (estimate; Fly's prices of 2026-08-07)"),
        (prices.ip("egress_pair"), "3.60 USD a month (estimate; Fly's prices of 2026-08-07)"),
        (prices.ip("egress_v4"), "unknown for an address of type egress_v4 (3.60 USD a pair)"),
        (prices.certificate("*.a.example"), "1.00 USD a month (estimate; Fly's prices of 2026-08-07)"),
        (prices.certificate("a.example"), "0.10 USD a month (estimate; Fly's prices of 2026-08-07)"),
        (prices.volume(None), "unknown for a volume of unknown size"),
        (
            prices.machine(SMALL, "iad") + prices.volume(1),
            "2.09 USD a month (estimate; Fly's prices of 2024-10-03 and 2026-08-07)",
        ),
        (
            prices.volume(2).times(2) + prices.machine(SMALL, "iad", state="suspended").times(3),
            "0.60 USD a month, and unknown for a suspended machine (estimate; Fly's prices of 2026-08-07)",
        ),
        (NOTHING, "0.00 USD a month (estimate)"),
    ],
)
def test_a_cost_says_its_sum_its_gaps_and_the_dates(cost: Cost, said: str) -> None:
    """prices.md: estimates carry the dates and the word."""
    assert cost.said() == said


def test_a_difference_has_a_sign_and_drops_what_stays_unknown() -> None:
    """The issue: estimated monthly cost, as a difference."""
    asleep = prices.machine(SMALL, "iad", state="suspended")
    grown = prices.change(prices.volume(1) + asleep, prices.volume(3) + asleep)
    assert grown.said(signed=True) == "+0.30 USD a month (estimate; Fly's prices of 2026-08-07)"
    shrunk = prices.change(prices.ip("v4"), NOTHING)
    assert shrunk.said(signed=True) == "-2.00 USD a month (estimate; Fly's prices of 2026-08-07)"
    woken = prices.change(asleep, prices.machine(SMALL, "iad"))
    assert woken.said(signed=True).startswith("+1.9")
    assert "unknown for a suspended machine (before)" in woken.said(signed=True)
    same = prices.change(prices.volume(1), prices.volume(1))
    assert same.said(signed=True).startswith("+0.00 USD")
