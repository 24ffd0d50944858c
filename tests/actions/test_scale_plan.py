"""Where machines are made and which go: what `fly scale count` does (reference 7.3), and where we differ."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fly_mcp_tools.composites.scale_plan import plan, reusable
from fly_mcp_tools.wire import Machine, Volume


def _group(*regions: str) -> list[Machine]:
    return [Machine(id=f"d{number:07x}", region=region) for number, region in enumerate(regions)]


def _gone(group: list[Machine], count: int) -> list[str]:
    return [machine.region for machine in plan(group[0], group, count, None).destroy]


@pytest.mark.parametrize(
    ("regions", "count", "lost"),
    [
        ("a b c", 2, ["b"]),
        ("a b c", 1, ["b", "c"]),
        ("scl iad", 1, ["iad"]),
        ("iad scl", 1, ["scl"]),
        ("a b c", 0, ["b", "c", "a"]),
        ("a a a", 1, ["a", "a"]),
        ("a a b b", 2, ["b", "a"]),
        ("a b b b", 1, ["b", "a", "b"]),
    ],
)
def test_regions_lose_one_at_a_time_the_second_first(regions: str, count: int, lost: list[str]) -> None:
    """Reference 7.3's worked examples: visiting indices 1, 2, ..., 0, skipping empty ones."""
    assert _gone(_group(*regions.split()), count) == lost


def test_in_a_region_the_first_listed_goes_first() -> None:
    """Reference 7.3.9: in list order, whether running or not, newest or oldest alike."""
    group = _group("a", "b", "a", "b", "b")
    assert [machine.id for machine in plan(group[0], group, 3, None).destroy] == [group[1].id, group[0].id]


@pytest.mark.parametrize(
    ("regions", "count", "made"),
    [
        ("a", 3, ["a", "a"]),
        ("a b", 5, ["a", "b", "a"]),
        ("b a", 3, ["b"]),
        ("a a b", 5, ["a", "b"]),
    ],
)
def test_new_ones_go_round_robin_over_the_regions_from_the_first(
    regions: str, count: int, made: list[str]
) -> None:
    """Reference 7.3.6: add one at a time, round robin from index 0."""
    group = _group(*regions.split())
    assert list(plan(group[0], group, count, None).create_in) == made


def test_a_region_named_takes_all_new_ones_and_counts_none() -> None:
    """The issue, 3: `count` is the total, `region` only where new machines go. Here flyctl differs."""
    group = _group("iad", "iad")
    assert plan(group[0], group, 3, "fra").create_in == ("fra",)
    assert [machine.region for machine in plan(group[0], group, 1, "fra").destroy] == ["iad"]


@given(
    regions=st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=12),
    count=st.integers(0, 20),
    region=st.none() | st.sampled_from(["a", "z"]),
)
def test_a_plan_ends_at_the_count(regions: list[str], count: int, region: str | None) -> None:
    """Ours: for any group, machines are made or destroyed, never both, each at most once."""
    group = _group(*regions)
    made = plan(group[0], group, count, region)

    assert len(group) + len(made.create_in) - len(made.destroy) == count
    assert not (made.create_in and made.destroy)
    assert all(times == 1 for times in Counter(machine.id for machine in made.destroy).values())
    assert set(made.create_in) <= ({region} if region else set(regions))


def test_a_volume_is_reused_by_name_and_region() -> None:
    """Reference 7.3.8: unattached, same name, same region, host ok."""
    volumes = [
        Volume(id="vol_other", name="logs", region="fra", state="created"),
        Volume(id="vol_away", name="data", region="ams", state="created"),
        Volume(id="vol_used", name="data", region="fra", state="created", attached_machine_id="d0000001"),
        Volume(id="vol_dying", name="data", region="fra", state="pending_destroy"),
        Volume(id="vol_dark", name="data", region="fra", state="created", host_status="unreachable"),
        Volume(id="vol_one", name="data", region="fra", state="created"),
        Volume(id="vol_two", name="data", region="fra", state="created"),
    ]
    taken: set[str] = set()
    found: list[str | None] = []
    for _ in range(3):
        volume = reusable(volumes, "data", "fra", taken)
        found.append(volume.id if volume else None)
        taken.add(volume.id if volume else "")
    assert found == ["vol_one", "vol_two", None]
