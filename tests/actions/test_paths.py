"""An id of `..` must not turn "delete machine" into "delete app" (the issue, 4 and Shows 4)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fly_mcp_tools.action import AnyAction
from fly_mcp_tools.catalogue import ACTIONS

from .fly import Fly

#: Parameters whose values are, or could be, put into a path.
IDS = ("appName", "machineId", "volumeId", "name", "region", "orgSlug")
WITH_IDS = [
    action
    for action in ACTIONS.values()
    if any(field.alias in IDS for field in action.params.model_fields.values())
]
#: Strings like ids, like paths, like attacks, and any at all.
HOSTILE = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "..",
            ".",
            "/",
            "",
            "../..",
            "%2e%2e",
            "%2E%2E%2f",
            "a/b",
            "a\\b",
            "a?b=c",
            "a#b",
            "..;",
            "\x00",
            "a\nb",
        ]
    ),
    st.text(alphabet="./%2eEfF\\?#;:@\x00\r\n ", min_size=1, max_size=12),
    st.from_regex(r"[a-z0-9.-]{1,20}", fullmatch=True),
    st.from_regex(r"[0-9a-f]{8,20}", fullmatch=True),
    st.from_regex(r"vol_[a-z0-9./]{2,16}", fullmatch=True),
)


@pytest.mark.parametrize("action", WITH_IDS, ids=lambda action: str(action.name))
@example(words=[".."] * len(IDS))
@example(words=["x", "..", "..", "..", "fra", "x"])
@example(words=["catvet-records", "..", "..", "..", "fra", "personal"])
@given(words=st.lists(HOSTILE, min_size=len(IDS), max_size=len(IDS)))
@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
async def test_nothing_is_sent_or_the_path_has_the_templates_segments(
    fly: Fly, action: AnyAction, words: list[str]
) -> None:
    """The issue, Shows 4: for arbitrary strings as ids."""
    fly.wire.sent.clear()
    arguments = _arguments(action, dict(zip(IDS, words, strict=True)))

    await fly.result(action.name, arguments)

    shapes = [(one.method, re.sub(r"\{\w+\}", "[^/?#%]+", one.path)) for one in action.calls]
    for line in fly.wire.sent:
        method, _, target = line.partition(" ")
        path = target.partition("?")[0]
        assert any(method == known and re.fullmatch(shape, path) for known, shape in shapes), line
        assert not set(path.split("/")[1:]) & {"", ".", ".."}


BAD = (
    "..", "a/b", "../../apps/x", "x" * 10_000, "tab\there", "new\nline", "nul\x00", "\u202eevil", "%2e%2e", "", " ",
)  # fmt: skip


@pytest.mark.parametrize("action", WITH_IDS, ids=lambda action: str(action.name))
async def test_an_id_that_is_none_is_refused_by_name_and_not_repeated(
    fly: Fly, action: AnyAction, subtests: pytest.Subtests
) -> None:
    """The issue, Bad input: ids with slashes, dots, control characters or 10,000 characters."""
    ids = {key for key in IDS if key in _aliases(action)}
    for bad in BAD:
        with subtests.test(bad=ascii(bad)[:24]):
            error = await fly.refused(action.name, {**_arguments(action, {}), **dict.fromkeys(ids, bad)})

            assert error["code"] == "invalid_arguments"
            assert error["changed"] == "nothing"
            assert {problem["path"] for problem in error["problems"]} == ids
            assert not fly.wire.sent
            assert len(bad) < 2 or bad not in fly.said[-1]
            assert len(fly.said[-1]) < 6_000


def _aliases(action: AnyAction) -> set[str]:
    return {str(field.alias) for field in action.params.model_fields.values()}


def _arguments(action: AnyAction, ids: dict[str, str]) -> dict[str, Any]:
    """The row's own example with other ids; confirmed, so that nothing but the ids stands in the way."""
    given_ids = {key: value for key, value in ids.items() if key in _aliases(action)}
    return {**action.examples[0].arguments, **given_ids}
