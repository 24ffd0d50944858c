"""flyGetTokenInfo and flyGetOidcToken: what a token is, and never the token (reference 4.9)."""

from __future__ import annotations

import base64
import json
import stat
from pathlib import Path
from typing import Any

import httpx2
import pytest

from fly_mcp_tools.call import Defaults

from .fly import DEFAULT_IMAGE, TOKEN, Fly

AUDIENCE = "sts.amazonaws.com"
CLAIMS = {
    "sub": "personal:catvet-web:bold\x1b[31m-meadow",
    "aud": AUDIENCE,
    "exp": 1_780_000_600,
    "app_name": "catvet-web",
}


def _jwt(claims: object) -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'RS256'})}.{part(claims)}.c4n4ry-signature"


def _text(file: Path) -> str:
    return file.read_text(encoding="ascii")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _remove(file: Path) -> None:
    for one in file.parent.iterdir():
        one.unlink()
    file.parent.rmdir()


def _inside(fly: Fly, token: str) -> list[dict[str, Any]]:
    """A Fly that takes this server for a machine of its own; what it was asked."""
    asked: list[dict[str, Any]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(json.loads(request.content))
        return httpx2.Response(200, text=token)

    fly.wire.replace_answers("POST", "/tokens/oidc$", answer)
    return asked


@pytest.mark.parametrize(
    ("token", "kind", "apps"),
    [
        (TOKEN, "login", ["*"]),
        ("fm2_emulator_org", "organisation", ["*"]),
        ("fm2_emulator_readonly", "organisation", ["*"]),
        ("fm2_emulator_deploy", "app", ["catvet-records"]),
        ("fm2_emulator_machine_exec", "app", ["catvet-records"]),
    ],
)
async def test_a_token_is_told_as_far_as_fly_tells(fly: Fly, token: str, kind: str, apps: list[str]) -> None:
    """The issue, 1: kind, organisation, apps, never the token."""
    answer = await fly.call("flyGetTokenInfo")
    (row,) = answer["tokens"]
    assert (row["kind"], row["organization"], row["apps"]) == (kind, "personal", apps)
    assert (row["expires_at"], "does not tell when it expires" in answer["note"]) == ("unknown", True)
    assert token.removeprefix("fm2_") not in fly.said[-1]


@pytest.mark.parametrize("token", ["fm2_emulator_org,fm2_emulator_deploy"])
async def test_a_token_of_several_is_several(fly: Fly) -> None:
    """Reference 1.2: joined by commas."""
    answer = await fly.call("flyGetTokenInfo")
    assert [row["kind"] for row in answer["tokens"]] == ["organisation", "app"]


async def test_outside_fly_it_says_where_it_runs(fly: Fly) -> None:
    """The issue, 1: Fly refuses whoever is no machine of its own; that is an answer and no fault."""
    answer = await fly.call("flyGetOidcToken", audience=AUDIENCE)
    assert answer.keys() == {"inside_fly", "note"}
    assert answer["inside_fly"] is False


class TestInsideFly:
    """A file that the answer names, and what is in it."""

    @pytest.fixture
    def defaults(self, tmp_path: Path) -> Defaults:
        return Defaults(image=DEFAULT_IMAGE, directory=tmp_path / "state")

    async def test_the_token_is_in_a_private_file_and_nowhere_else(
        self, fly: Fly, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The issue, 1: 0600, claims and expiry alone."""
        caplog.set_level("DEBUG")
        token = _jwt(CLAIMS)
        asked = _inside(fly, token)
        answer = await fly.call("flyGetOidcToken", audience=AUDIENCE, awsPrincipalTags=True)
        file = Path(answer["file"])
        assert file.parent == tmp_path / "state"
        assert _text(file) == token
        assert _mode(file) == 0o600
        assert (answer["inside_fly"], answer["expires_at"]) == (True, "2026-05-28T20:36Z")
        assert answer["claims"] == {**CLAIMS, "sub": "personal:catvet-web:bold-meadow"}
        assert asked == [{"aud": AUDIENCE, "aws_principal_tags": True}]
        assert "c4n4ry" not in fly.said[-1] + caplog.text

    async def test_one_for_the_same_audience_takes_the_place_of_the_last(
        self, fly: Fly, tmp_path: Path
    ) -> None:
        """Ours: files of tokens do not pile up."""
        asked = _inside(fly, _jwt(CLAIMS))
        files = {(await fly.call("flyGetOidcToken", audience=AUDIENCE))["file"] for _ in range(2)}
        files.add((await fly.call("flyGetOidcToken"))["file"])
        assert len(files) == len(list((tmp_path / "state").iterdir())) == 2
        assert asked[-1] == {}

    async def test_a_file_that_cannot_be_written_is_told(self, fly: Fly, tmp_path: Path) -> None:
        """Ours: and the token is not shown instead."""
        (tmp_path / "state").write_text("no directory")
        _inside(fly, _jwt(CLAIMS))
        error = await fly.refused("flyGetOidcToken")
        assert (error["code"], "c4n4ry" in fly.said[-1]) == ("not_configured", False)
        assert "FLY_MCP_STATE" in error["hint"]

    @pytest.mark.parametrize("body", ["OK", "<html>", "a.b", json.dumps({"token": _jwt(CLAIMS)}), ""])
    async def test_what_is_no_token_is_not_kept(self, fly: Fly, tmp_path: Path, body: str) -> None:
        """Ours: whoever stands in between."""
        _inside(fly, body) if not body else fly.wire.replace_answers(
            "POST", "/tokens/oidc$", lambda _: httpx2.Response(200, text=body)
        )
        error = await fly.refused("flyGetOidcToken")
        assert (error["code"], "c4n4ry" in fly.said[-1]) == ("fly_unavailable", False)
        assert not (tmp_path / "state").exists()

    @pytest.mark.parametrize("claims", [[1], "x", {"exp": True}, {"exp": 1e300}, {"exp": -5}])
    async def test_claims_of_any_shape_break_nothing(self, fly: Fly, claims: object) -> None:
        """Ours: they are text from outside."""
        _inside(fly, _jwt(claims))
        answer = await fly.call("flyGetOidcToken")
        assert "expires_at" not in answer
        assert _text(Path(answer["file"]))


async def test_without_a_directory_it_is_a_fresh_one(fly: Fly) -> None:
    """Ours: readable for this user alone."""
    _inside(fly, _jwt(CLAIMS))
    file = Path((await fly.call("flyGetOidcToken"))["file"])
    try:
        assert _mode(file.parent) == 0o700
        assert _mode(file) == 0o600
        again = await fly.call("flyGetOidcToken", audience=AUDIENCE)
        other = Path(again["file"])
        assert (other.parent, other != file) == (file.parent, True), "directories do not pile up"
    finally:
        _remove(file)


@pytest.mark.parametrize("audience", ["", "a b", "a\n", "x" * 501, "ä", 5])
async def test_what_is_no_audience_is_refused(fly: Fly, audience: object) -> None:
    """The issue, Bad input."""
    error = await fly.refused("flyGetOidcToken", audience=audience)
    assert [problem["path"] for problem in error["problems"]] == ["audience"]
    assert not fly.wire.sent
