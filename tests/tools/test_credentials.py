"""The token: read in every shape, sent in one, shown in none."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fly_mcp_tools.credentials import Credentials
from fly_mcp_tools.errors import NotConfigured
from tests.tools.fakes import CANARY


@pytest.mark.parametrize(
    ("pasted", "sent"),
    [
        ("fo1_abc", "Bearer fo1_abc"),
        ("  fo1_abc\n", "Bearer fo1_abc"),
        ("Bearer fo1_abc", "Bearer fo1_abc"),
        ("bearer  BEARER fo1_abc", "Bearer fo1_abc"),
        ("FlyV1 fm2_abc", "FlyV1 fm2_abc"),
        ("fm2_abc", "FlyV1 fm2_abc"),
        ("Bearer FlyV1 fm2_abc", "FlyV1 fm2_abc"),
        ("flyv1 fm1r_abc", "FlyV1 fm1r_abc"),
        ("fm1a_abc", "FlyV1 fm1a_abc"),
        ("fm2_a,fm2_b", "FlyV1 fm2_a,fm2_b"),
        ("FlyV1 fm2_a, FlyV1 fm2_b ,", "FlyV1 fm2_a,fm2_b"),
        ("fo1_abc,fm2_a,fm1r_b", "FlyV1 fm2_a,fm1r_b"),
        ("fo1_abc,fo1_def", "Bearer fo1_abc,fo1_def"),
        ("bearertoken", "Bearer bearertoken"),
        ("fm2_lJPETooMAy+/ab==", "FlyV1 fm2_lJPETooMAy+/ab=="),
    ],
)
def test_each_shape_of_a_token_becomes_flys_own_header(pasted: str, sent: str) -> None:
    """fly-go's rule: macaroons alone under FlyV1, everything else under Bearer."""
    assert Credentials(pasted).authorization() == sent


@pytest.mark.parametrize("pasted", ["", "  ", "\n", ",", " , ,", "Bearer", "FlyV1 ", "bearer flyv1"])
def test_an_empty_token_says_how_to_get_one(pasted: str) -> None:
    """Ours: a blank setting is a missing setting, never an empty header."""
    with pytest.raises(NotConfigured, match="no Fly API token") as refused:
        Credentials(pasted)
    assert "FLY_API_TOKEN" in refused.value.hint
    assert "--emulator" in refused.value.hint


@pytest.mark.parametrize(
    "bad", ["\n", "\r\nX-Evil: 1", "\x00", "\x7f", "é", "\u200b", " and ", "\t", "\ud800"]
)
def test_a_token_that_could_split_a_header_is_refused_without_being_repeated(bad: str) -> None:
    """Ours: the header is one line of ASCII, and an error text is read by strangers."""
    with pytest.raises(NotConfigured) as refused:
        Credentials(CANARY + bad + CANARY)
    assert "canary" not in repr(refused.value) + refused.value.message + refused.value.hint


def test_repr_str_and_format_hide_the_token() -> None:
    """Ours: a token in a log is a leaked token."""
    credentials = Credentials(CANARY)
    shown = f"{credentials} {credentials!r} {credentials!s} {[credentials]} {credentials:}"
    assert "canary" not in shown


def test_credentials_are_neither_pickled_nor_copied() -> None:
    """Ours: a dump of the process does not carry the token."""
    for take in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not pickled"):
            take(Credentials(CANARY))


def test_redact_hides_the_whole_each_piece_and_the_pasted_form() -> None:
    """Ours: Fly's error text may repeat what it was sent."""
    credentials = Credentials("FlyV1 fm2_first111,fm2_second222,abc")
    text = "got 'FlyV1 fm2_first111,fm2_second222,abc'; fm2_second222 is bad; fm2_first111 too"
    assert credentials.redact(text) == "got '[token]'; [token] is bad; [token] too"


def test_redact_leaves_pieces_too_short_to_be_secret() -> None:
    """Ours: hiding `abc` everywhere would ruin texts and hide nothing."""
    assert Credentials("abc").redact("abc def") == "abc def"


@given(st.text(max_size=60))
def test_any_text_is_a_clean_header_or_refused(text: str) -> None:
    """Ours: whatever the operator pastes, no line break and no foreign character reaches the wire."""
    try:
        header = Credentials(text).authorization()
    except NotConfigured:
        return
    scheme, _, rest = header.partition(" ")
    assert scheme in {"Bearer", "FlyV1"}
    assert rest
    assert all("!" <= c <= "~" for c in rest)
