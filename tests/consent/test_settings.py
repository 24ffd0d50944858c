"""FLY_MCP_CONSENT_KEY and FLY_MCP_CONSENT_SECONDS, and what is said of bad ones."""

from __future__ import annotations

import pytest

from fly_mcp_server.consent.approval import Consent
from fly_mcp_server.consent.configured import configured
from fly_mcp_server.settings import SettingsError, read
from fly_mcp_tools.state.store import Store
from tests.virtual_time import LoopClock

CANARY = "canary-of-a-key"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FLY_MCP_CONSENT_KEY", "FLY_MCP_CONSENT_SECONDS"):
        monkeypatch.delenv(name, raising=False)


def made() -> Consent:
    return configured(read(), Store(None), LoopClock())


def test_without_a_setting_answers_count_for_five_minutes() -> None:
    assert made().lasts == 300


def test_the_seconds_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLY_MCP_CONSENT_SECONDS", "60")
    assert made().lasts == 60


@pytest.mark.parametrize("seconds", ["0", "9", "601", "soon"])
def test_seconds_that_make_no_sense_are_named(monkeypatch: pytest.MonkeyPatch, seconds: str) -> None:
    monkeypatch.setenv("FLY_MCP_CONSENT_SECONDS", seconds)
    with pytest.raises(SettingsError, match="FLY_MCP_CONSENT_SECONDS"):
        read()


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (CANARY, "key 1 of 1 has fewer than 32 characters"),
        (f"{'k' * 32},{CANARY} {CANARY}", "key 2 and 3 of 3"),
        (f"{CANARY * 3},{CANARY * 3}", "stands twice"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, key: str, words: str
) -> None:
    monkeypatch.setenv("FLY_MCP_CONSENT_KEY", key)
    with pytest.raises(SettingsError) as refused:
        made()
    assert words in str(refused.value)
    assert CANARY not in str(refused.value)


def test_several_keys_can_be_given_with_commas_or_blanks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLY_MCP_CONSENT_KEY", f" {'a' * 32}, {'b' * 40}\n{'c' * 33}")
    codec = made().security().codec
    assert codec.unseal(codec.seal(b"x")) == b"x"


def test_a_key_is_in_no_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLY_MCP_CONSENT_KEY", CANARY * 3)
    consent = made()
    assert CANARY not in repr([read(), consent, consent.security(), vars(consent.security())])
