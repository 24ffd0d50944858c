"""A change of a config as JSON, and whether a config holds it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from fly_mcp_tools.patch import has, holds, leaves, merged, named

TEXT = st.text(max_size=4)
JSON = st.recursive(
    st.booleans() | st.integers(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)
CONFIGS = st.dictionaries(TEXT, JSON, max_size=4)
PATCHES = st.recursive(
    st.none() | JSON, lambda inner: st.dictionaries(TEXT, inner, max_size=3), max_leaves=12
).map(lambda value: value if isinstance(value, dict) else {"x": value})

#: Wanted, and as Fly shows it.
SAME: list[tuple[Any, Any]] = [
    ({"interval": "60s"}, {"interval": "1m0s"}),
    ({"timeout": "1.5s"}, {"timeout": "1500ms"}),
    ({"autostop": "stop"}, {"autostop": True}),
    ({"autostop": "off"}, {"autostop": False}),
    ({"autostop": "off"}, {}),
    (False, None),
    (0, None),
    ([], None),
    (
        {"mounts": [{"volume": "v"}]},
        {"mounts": [{"volume": "v", "name": "data", "size_gb": 3, "encrypted": True}]},
    ),
    ({"a": {"b": False}}, {}),
    ([{"autostop": "stop"}], [{"autostop": True, "force_instance_key": None}]),
    ({"a": False}, {}),
]
DIFFERENT: list[tuple[Any, Any]] = [
    ({"interval": "15s"}, {"interval": "20s"}),
    ({"autostop": "stop"}, {"autostop": "suspend"}),
    ({"policy": "60s"}, {"policy": "1m0s"}),
    ({"env": {"A": "60s"}}, {"env": {"A": "1m0s"}}),
    ({"env": {"A": ""}}, {"env": {}}),
    (True, None),
    (True, 1),
    (1, True),
    ([1], [1, 2]),
    ({"a": 1}, {"a": 1, "b": 2}),
    ([{"a": 1}], [{"a": 1, "b": [2]}]),
    ([{"a": {}}], [{"a": {"b": 1}}]),
    ([{"env": {}}], [{"env": {"A": ""}}]),
    ([{"mounts": [{"volume": "v"}]}], [{"mounts": [{"volume": "v", "add_size_gb": 1}]}]),
    ([{"autostop": "off"}], [{"autostop": True}]),
    ([{"a": 1}], [{}]),
    ({"a": 1}, None),
    ("x", "y"),
    ("1.", "x"),
]


@given(config=CONFIGS, patch=PATCHES)
def test_what_was_merged_is_held(config: dict[str, Any], patch: dict[str, Any]) -> None:
    """The law: whatever a patch asks for is there afterwards, place by place."""
    new = merged(config, patch)
    for place, value in leaves(patch).items():
        assert has(new, place, value)


@given(wanted=JSON, now=JSON)
def test_what_is_held_is_the_same_but_for_what_go_leaves_out(wanted: Any, now: Any) -> None:
    """The law: what stands there besides is a difference, or a change that takes it away would not be sent."""
    if holds(wanted, now):
        assert _without_empty(wanted) == _without_empty(now)


def _without_empty(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key: kept for key, item in value.items() if (kept := _without_empty(item))} or None
    if isinstance(value, list):
        return [_without_empty(item) for item in value] or None
    return value or None


@given(config=CONFIGS, patch=PATCHES)
def test_merging_twice_is_merging_once(config: dict[str, Any], patch: dict[str, Any]) -> None:
    """The law."""
    once = merged(config, patch)
    assert merged(once, patch) == once


@given(config=CONFIGS)
def test_an_empty_patch_changes_nothing(config: dict[str, Any]) -> None:
    """The law."""
    assert merged(config, {}) == config


@given(config=CONFIGS, key=TEXT)
def test_null_removes(config: dict[str, Any], key: str) -> None:
    """The issue."""
    assert key not in merged(config, {key: None})


@pytest.mark.parametrize("key", ["env", "metadata", "services", "restart"])
def test_what_is_to_go_and_is_there_is_a_difference(key: str) -> None:
    """Ours."""
    assert not has({key: {"a": "b"}}, (key,), None)
    assert has({}, (key,), None)


def test_the_given_config_is_left_alone() -> None:
    """Ours: what was read stays what was read."""
    config: dict[str, Any] = {"a": {"b": 1}, "l": [{"x": 1}]}
    merged(config, {"a": {"b": 2}, "l": []})
    assert config == {"a": {"b": 1}, "l": [{"x": 1}]}


def test_lists_are_replaced_and_nulls_in_them_dropped() -> None:
    """The issue: arrays replace. There is nothing to remove from in what is new."""
    assert merged({"l": [1, 2]}, {"l": [{"a": None, "b": 1}]}) == {"l": [{"b": 1}]}


@pytest.mark.parametrize(("wanted", "now"), SAME)
def test_flys_own_spelling_is_no_difference(wanted: Any, now: Any) -> None:
    """Reference 3.3: Go leaves out what is empty, spells durations anew, and fills in."""
    assert holds(wanted, now)


@pytest.mark.parametrize(("wanted", "now"), DIFFERENT)
def test_a_difference_is_one(wanted: Any, now: Any) -> None:
    """Ours: or an update would be taken for done."""
    assert not holds(wanted, now)


@pytest.mark.parametrize(("wanted", "now"), [("off", None), ("", None), ("60s", "1m0s")])
def test_metadata_is_the_callers_letter_by_letter(wanted: str, now: str | None) -> None:
    """Ours: what looks like a switch or a duration is text there."""
    config: dict[str, Any] = {"metadata": {} if now is None else {"timeout": now}}
    assert not has(config, ("metadata", "timeout"), wanted)


def test_places_are_named_apart() -> None:
    """Ours: a check may be called "a.b"."""
    assert named(("checks", "a.b", "port")) == 'checks."a.b".port'
