"""The calls about tokens: authenticate, authorize, and those for machines alone (reference 4.9)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.caller import Caller

APP = "catvet-records"
ALL = 31


async def authorize(fly: Caller, header: str, expect: int, **access: object) -> dict[str, Any]:
    answer: dict[str, Any] = await fly.post(
        "/tokens/authorize", expect, json={"header": header, "access": access}
    )
    return answer


async def test_authenticate_tells_the_good_tokens_of_a_header(fly: Caller) -> None:
    """Reference 4.9: verified tokens. Those that are not good are left out, as in any header."""
    header = "FlyV1 fm2_emulator_deploy,fm2_emulator_expired,fm2_emulator_other_org"
    deploy, other = await fly.post("/tokens/authenticate", json={"header": header})
    assert deploy["header"] == "FlyV1 fm2_emulator_deploy"
    assert [caveat["type"] for caveat in deploy["caveats"]["caveats"]] == ["Organization", "Apps"]
    assert [caveat["type"] for caveat in other["caveats"]["caveats"]] == ["Organization"]


@pytest.mark.parametrize("header", ["", "FlyV1", "Bearer fm2_emulator_expired"])
async def test_a_header_without_a_good_token_is_a_400(fly: Caller, header: str) -> None:
    """Reference 4.9."""
    await fly.post("/tokens/authenticate", 400, json={"header": header})
    await authorize(fly, header, 400, action=1, app_name=APP)


async def test_authorize_answers_what_was_asked_with_its_token(fly: Caller) -> None:
    """Reference 4.9, 1.3."""
    answer = await authorize(
        fly, "FlyV1 fm2_emulator_deploy", 200, action=ALL, app_name=APP, volume_id="vol_1"
    )
    access = answer["access"]
    assert (access["action"], access["volume"]) == (ALL, "vol_1")
    assert {"orgid", "appid"} <= set(access)
    assert "machine" not in access


@pytest.mark.parametrize(
    ("token", "access", "expect"),
    [
        ("readonly", {"action": 1, "app_name": APP}, 200),
        ("readonly", {"action": 2, "app_name": APP}, 403),
        ("readonly", {"action": 1 | 16, "app_name": APP}, 403),
        ("readonly", {"action": 1, "org_slug": "personal"}, 200),
        ("readonly", {"action": 1, "org_slug": "lab-team"}, 403),
        ("deploy", {"action": ALL, "app_name": APP}, 200),
        ("deploy", {"action": 1, "app_name": "my-sandbox"}, 403),
        ("other_org", {"action": 1, "app_name": APP}, 403),
        ("machine_exec", {"action": 0, "app_name": APP, "command": ["ls"]}, 200),
        ("machine_exec", {"action": 16, "app_name": APP}, 403),
        ("readonly", {"action": 0, "app_name": APP, "command": ["ls"]}, 403),
        ("org", {"action": 32, "app_name": APP}, 400),
        ("org", {"action": 1, "app_name": "nope"}, 400),
        ("org", {"action": 1, "org_slug": "nope"}, 404),
        ("org", {"action": 1}, 404),
    ],
)
async def test_authorize_goes_by_the_action_letters(
    fly: Caller, token: str, access: dict[str, object], expect: int
) -> None:
    """Reference 1.3: r 1, w 2, c 4, d 8, C 16."""
    await authorize(fly, f"FlyV1 fm2_emulator_{token}", expect, **access)


@pytest.mark.parametrize("call", ["oidc", "kms"])
async def test_tokens_for_machines_are_refused_outside(fly: Caller, call: str) -> None:
    """Reference 4.9: only from inside a machine, and the emulator's callers are outside."""
    assert (await fly.error("POST", f"/tokens/{call}", 403)).startswith("permission_denied: ")


async def test_a_bad_body_is_a_400(fly: Caller) -> None:
    """Reference 4.9."""
    for call in ("authenticate", "authorize", "oidc"):
        await fly.post(f"/tokens/{call}", 400, json=[])
    await fly.post("/tokens/authorize", 400, json={"header": "word", "access": {"action": "r"}})
