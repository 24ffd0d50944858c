"""flyGetSecret, flyListSecrets in pages, and secret keys: no value and no key is ever shown (reference 4.7)."""

from __future__ import annotations

from typing import Any

import pytest

from fly_mcp_emulator.world import Secret, World

from .fly import APP, WEB, Fly

KEY = {"appName": APP, "name": "cookies-v1", "type": "hs256"}
OLD = {"appName": WEB, "name": "sessions-v1"}
PATH = "/secretkeys/cookies-v1/generate$"


async def test_a_secret_is_its_name_digest_and_dates(fly: Fly) -> None:
    """The issue: without ever showing values; and Fly isn't asked for any."""
    answer = await fly.call("flyGetSecret", appName=APP, name="ANTHROPIC_API_KEY")
    assert answer.keys() == {"name", "digest", "createdAt", "updatedAt"}
    assert fly.app().secrets["ANTHROPIC_API_KEY"].value not in fly.said[-1]
    assert [record.query for record in fly.requests_to("/secrets")] == [""]


async def test_a_secret_that_is_not_there_is_named(fly: Fly) -> None:
    """Ours: the secret is missing, not the app."""
    error = await fly.refused("flyGetSecret", appName=APP, name="NO_SUCH")
    assert error["code"] == "not_found"
    assert f"no secret NO_SUCH in {APP}" in error["message"]
    error = await fly.refused("flyGetSecret", appName="no-such-app", name="NO_SUCH")
    assert "no app no-such-app" in error["message"]


async def test_secrets_come_in_pages_by_name(fly: Fly) -> None:
    """The issue, 3: limit, cursor, "50 of 143"."""

    def many(world: World) -> None:
        secrets = {f"S_{number:03d}": Secret(name=f"S_{number:03d}", value="x") for number in range(60)}
        world.apps[APP].secrets = secrets

    fly.edit(many)
    first = await fly.call("flyListSecrets", appName=APP)
    second = await fly.call("flyListSecrets", appName=APP, cursor=first["next_cursor"])
    assert (first["total"], first["showing"], second["showing"]) == (60, "50 of 60", "10 of 60")
    assert [one["name"] for one in first["secrets"] + second["secrets"]] == [f"S_{n:03d}" for n in range(60)]
    assert "next_cursor" not in second


@pytest.mark.parametrize(
    "type_",
    [
        "es256",
        "hs256",
        "hs384",
        "hs512",
        "xaes256gcm",
        "nacl_auth",
        "nacl_box",
        "nacl_secretbox",
        "nacl_sign",
    ],
)
async def test_a_key_is_made_listed_and_deleted_and_never_shown(fly: Fly, type_: str) -> None:
    """The issue, 1: names, types and dates."""
    new = {"appName": APP, "name": "k-v1"}
    made = await fly.call("flyGenerateSecretKey", **new, type=type_)
    assert (made["outcome"], made["name"], made["type"]) == ("done", "k-v1", type_)
    (listed,) = (await fly.call("flyListSecretKeys", appName=APP, type=type_))["secret_keys"]
    assert listed.keys() == {"name", "type", "created_at"}
    key = fly.app().secret_keys["k-v1"]
    deleted = await fly.call("flyDeleteSecretKey", **new, confirm=True)
    assert (deleted["outcome"], deleted["name"]) == ("done", "k-v1")
    assert fly.app().secret_keys == {}
    said = "\n".join(fly.said)
    assert key.value not in said
    assert not key.public_key or key.public_key not in said


async def test_a_name_that_is_taken_is_refused_and_not_replaced(fly: Fly) -> None:
    """Reference 4.7: generating again replaces, and what was sealed is lost."""
    before = fly.app(WEB).secret_keys
    error = await fly.refused("flyGenerateSecretKey", **OLD, type="hs256")
    assert (error["code"], error["changed"]) == ("conflict", "nothing")
    assert fly.writes() == []
    assert fly.app(WEB).secret_keys == before


async def test_a_type_that_is_none_is_refused(fly: Fly) -> None:
    """Ours: an empty list would be taken for an answer."""
    error = await fly.refused("flyListSecretKeys", appName=APP, type="bogus")
    assert "xaes256gcm" in error["problems"][0]["message"]
    assert not fly.wire.sent


async def test_keys_are_listed_by_type(fly: Fly) -> None:
    """The document: `types`."""
    await fly.call("flyGenerateSecretKey", **KEY)
    assert len((await fly.call("flyListSecretKeys", appName=APP))["secret_keys"]) == 1
    assert (await fly.call("flyListSecretKeys", appName=APP, type="es256"))["secret_keys"] == []


async def test_a_key_whose_answer_was_lost_is_found_by_its_name(fly: Fly) -> None:
    """Issue 4: looked up, and not made twice."""
    rule = fly.wire.lose_answers("POST", PATH)
    answer = await fly.call("flyGenerateSecretKey", **KEY)
    assert (answer["outcome"], rule.struck) == ("done", 1)
    assert "was not before" in answer["note"]


@pytest.mark.parametrize("carried_out", [True, False])
async def test_one_request_id_makes_one_key(fly: Fly, carried_out: bool) -> None:
    """Issue 4: whatever the first call could say."""
    (fly.wire.lose_answers if carried_out else fly.wire.lose_requests)("POST", PATH)
    looks = fly.wire.lose_requests("GET", "/secretkeys$", times=0)

    def silent(_: object) -> None:
        looks.times = 999

    fly.wire.tap("GET", "/secretkeys$", silent)
    error = await fly.refused("flyGenerateSecretKey", **KEY, requestId="k")
    assert (error["code"], error["outcome"]) == ("unclear", "unclear")
    fly.wire.mend()
    value = fly.app().secret_keys["cookies-v1"].value if carried_out else None
    answer = await fly.call("flyGenerateSecretKey", **KEY, requestId="k")
    assert answer["outcome"] == "done"
    assert value in (None, fly.app().secret_keys["cookies-v1"].value)


@pytest.mark.parametrize("times", [1, 99])
async def test_a_deletion_whose_answer_was_lost_is_done(fly: Fly, times: int) -> None:
    """Issue 4: gone is gone."""
    fly.wire.lose_answers("DELETE", "/secretkeys/", times)
    assert (await fly.call("flyDeleteSecretKey", **OLD, confirm=True))["outcome"] == "done"


async def test_a_deletion_that_never_arrived_is_unclear_and_can_be_repeated(fly: Fly) -> None:
    """Issue 4."""
    fly.wire.lose_requests("DELETE", "/secretkeys/")
    answer = await fly.call("flyDeleteSecretKey", **OLD, confirm=True, requestId="d")
    assert answer["outcome"] == "unclear"
    fly.wire.mend()
    assert (await fly.call("flyDeleteSecretKey", **OLD, confirm=True, requestId="d"))["outcome"] == "done"
    assert "sessions-v1" not in fly.app(WEB).secret_keys


async def test_the_preview_says_that_what_was_encrypted_is_lost(fly: Fly) -> None:
    """The issue, 1."""
    error = await fly.refused("flyDeleteSecretKey", **OLD)
    assert "could never be read again" in error["message"]
    would: dict[str, Any] = error["details"]["would_destroy"]
    assert would == {"secret_key": "sessions-v1", "type": "hs256", "created_at": "2024-01-17T07:46Z"}


@pytest.mark.parametrize("name", ["a b", "", "../x", "a.b", "x" * 101, "ä"])
async def test_names_that_fly_forbids_are_refused(fly: Fly, name: str) -> None:
    """Reference 2.1: letters, digits, dash and underscore."""
    error = await fly.refused("flyGenerateSecretKey", {**KEY, "name": name})
    assert [problem["path"] for problem in error["problems"]] == ["name"]
    assert not fly.wire.sent
