"""What an operator can set about who calls, and everything that is said of what cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fly_mcp_server.auth.parts import parts
from fly_mcp_server.auth.place import agents_path
from fly_mcp_server.auth.refusals import EVERY, Refusals
from fly_mcp_server.settings import Settings, SettingsError

from .issuer import AUDIENCE, FixedClock

ISSUER = "https://issuer.example.com"


@pytest.fixture
def usual(tmp_path: Path) -> dict[str, Any]:
    return {"agents": str(tmp_path / "agents.json")}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"oauth_issuer": ISSUER}, ["FLY_MCP_PUBLIC_URL: is needed beside FLY_MCP_OAUTH_ISSUER"]),
        ({"oauth_jwks": ISSUER}, ["FLY_MCP_OAUTH_JWKS: says nothing without FLY_MCP_OAUTH_ISSUER"]),
        ({"oauth_scopes": "a"}, ["FLY_MCP_OAUTH_SCOPES: says nothing without FLY_MCP_OAUTH_ISSUER"]),
        (
            {"oauth_issuer": "http://issuer.example.com", "public_url": "ftp://c4n4ry"},
            ["FLY_MCP_OAUTH_ISSUER: must be", "FLY_MCP_PUBLIC_URL: must be"],
        ),
        (
            {"oauth_issuer": "https://me:c4n4ry@example.com", "public_url": AUDIENCE},
            ["FLY_MCP_OAUTH_ISSUER: must be an address that begins with https://"],
        ),
        ({"oauth_issuer": ISSUER, "public_url": AUDIENCE + "?c4n4ry"}, ["FLY_MCP_PUBLIC_URL: must be"]),
        (
            {"oauth_issuer": ISSUER, "public_url": AUDIENCE, "oauth_jwks": "http://[c4n4ry"},
            ["FLY_MCP_OAUTH_JWKS: must be"],
        ),
    ],
)
def test_what_cannot_be_used_is_named_and_not_shown(
    usual: dict[str, Any], given: dict[str, Any], said: list[str]
) -> None:
    """All of it at once, before anybody can call."""
    with pytest.raises(SettingsError) as error:
        parts(Settings(**usual, **given), FixedClock())
    for words in said:
        assert words in str(error.value)
    assert "c4n4ry" not in str(error.value)


def test_a_file_that_is_none_is_told_at_the_start(usual: dict[str, Any]) -> None:
    """Not with the first call."""
    Path(usual["agents"]).write_text("x")
    with pytest.raises(SettingsError, match=r"FLY_MCP_AGENTS: .* is not what `fly-mcp agents` writes"):
        parts(Settings(**usual), FixedClock())


def test_without_an_issuer_there_is_nothing_to_publish(usual: dict[str, Any]) -> None:
    """Tokens of our own are not got by OAuth."""
    assert parts(Settings(**usual), FixedClock()).settings is None


@pytest.mark.parametrize("address", ["https://issuer.example.com", "https://issuer.example.com/"])
def test_an_issuer_stays_as_it_was_written(usual: dict[str, Any], address: str) -> None:
    """A slash more is another issuer: they are compared to the letter."""
    made = parts(Settings(**usual, oauth_issuer=address, public_url="https://fly.example.com"), FixedClock())
    assert made.settings is not None
    assert str(made.settings.issuer_url) == address
    assert str(made.settings.resource_server_url) == "https://fly.example.com"
    assert made.settings.validate_token_resource is True


def test_the_file_lies_in_the_state_directory(tmp_path: Path) -> None:
    """Unless another one is named."""
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    assert agents_path(Settings(), environment) == tmp_path / "fly-mcp" / "agents.json"
    assert agents_path(Settings(state="/srv/state"), environment) == Path("/srv/state/agents.json")
    assert agents_path(Settings(state="/srv/state", agents="/etc/a.json"), environment) == Path("/etc/a.json")


def test_a_thousand_refusals_are_a_few_lines(caplog: pytest.LogCaptureFixture) -> None:
    """The first at once, then one line in ten seconds with the number; and none is forgotten."""
    clock, told = FixedClock(), list[tuple[str, int]]()
    refusals = Refusals(clock, lambda why, count, _: told.append((why, count)))
    for _ in range(1000):
        refusals.note("no such token, or it was revoked")
        clock.passed += 0.02
    refusals.flush()
    refusals.flush()
    assert sum(count for _, count in told) == 1000
    assert told[0] == ("no such token, or it was revoked", 1)
    assert len(told) <= 2 + 20 / EVERY
    assert len(caplog.records) == len(told)
