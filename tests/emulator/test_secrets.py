"""Secrets, and how they reach machines (reference 4.7, 6.5)."""

from __future__ import annotations

import re
from typing import Any

import anyio
import pytest

from fly_mcp_emulator import Emulator
from tests.emulator.caller import MACHINES, SECRETS, Caller, client


async def store(fly: Caller, **values: str | None) -> int:
    return int((await fly.post(SECRETS, json={"values": values}))["version"])


async def test_setting_and_deleting_in_one_call(fly: Caller) -> None:
    """Reference 4.7: a string sets, null deletes, an unknown name is fine; the version grows."""
    assert await fly.get(SECRETS) == {"secrets": []}
    answer = await fly.post(SECRETS, json={"values": {"B": "2", "A": "1", "GONE": None}})
    assert [secret["name"] for secret in answer["secrets"]] == ["A", "B"]
    assert answer["version"] == answer["Version"] == 1
    assert await store(fly, A=None) == 2
    assert [secret["name"] for secret in (await fly.get(SECRETS))["secrets"]] == ["B"]


async def test_digests_tell_equal_values_within_an_app(fly: Caller) -> None:
    """Reference 2.1 [L, D]: salted, so another app's digest of the same value differs."""
    answer = await fly.post(SECRETS, json={"values": {"A": "same", "B": "same", "C": "other"}})
    a, b, c = (secret["digest"] for secret in answer["secrets"])
    assert re.fullmatch(r"[0-9a-f]{16}", a)
    assert a == b != c
    other = await fly.post("/apps/lab-batch/secrets", json={"values": {"A": "same"}})
    assert other["secrets"][0]["digest"] != a


async def test_values_are_never_shown_unasked(fly: Caller) -> None:
    """Reference 3.5: `value` only with show_secrets."""
    await store(fly, A="canary-value")
    for path in (SECRETS, f"{SECRETS}/A"):
        assert "canary-value" not in (await fly.http.get(path)).text
        assert "canary-value" in (await fly.http.get(path, params={"show_secrets": "true"})).text


async def test_ordinary_tokens_cannot_read_values_back(emu: Emulator) -> None:
    """Reference 6.5: show_secrets needs a special right."""
    async with client(emu, "FlyV1 fm2_emulator_deploy") as http:
        answer = await http.get("/apps/catvet-records/secrets?show_secrets=true")
        assert "value" not in answer.json()["secrets"][0]


async def test_single_secrets(fly: Caller) -> None:
    """Reference 4.7: 201 on set, with both spellings of the version."""
    made = await fly.post(f"{SECRETS}/API_KEY", 201, json={"value": "x"})
    assert (made["name"], made["version"], made["Version"]) == ("API_KEY", 1, 1)
    assert "value" not in made
    assert (await fly.get(f"{SECRETS}/API_KEY"))["digest"] == made["digest"]
    await fly.get(f"{SECRETS}/NOPE", 404)
    assert await fly.delete(f"{SECRETS}/API_KEY") == {"version": 2, "Version": 2}
    await fly.delete(f"{SECRETS}/API_KEY", 404)


async def test_updated_at_moves_only_when_set(fly: Caller) -> None:
    """Reference 4.7."""
    await store(fly, A="1", B="1")
    first = (await fly.get(SECRETS))["secrets"]
    await anyio.sleep(60)
    await store(fly, B="2")
    a, b = (await fly.get(SECRETS))["secrets"]
    assert a == first[0]
    assert b["updated_at"] > first[1]["updated_at"]
    assert b["created_at"] == first[1]["created_at"]


@pytest.mark.parametrize(
    "body", [{}, {"values": ["A"]}, {"values": {"A": 1}}, {"values": {"": "x"}}, {"values": {"A=B": "x"}}]
)
async def test_bad_bodies_are_a_400_and_store_nothing(fly: Caller, body: dict[str, Any]) -> None:
    """Reference 4.7."""
    await fly.post(SECRETS, 400, json=body)
    assert await fly.get(SECRETS) == {"secrets": []}


async def test_a_new_secret_reaches_a_machine_by_an_update_and_not_by_a_restart(fly: Caller) -> None:
    """Reference 6.5 [L], trap 17: the heart of the matter."""
    machine = await fly.started({"env": {"KEEP": "1"}})
    await store(fly, API_KEY="new")
    assert "API_KEY" not in await fly.env(machine)
    await fly.post(f"{MACHINES}/{machine['id']}/restart")
    await fly.wait(machine)
    assert "API_KEY" not in await fly.env(machine)
    await fly.post(
        f"{MACHINES}/{machine['id']}", json={"config": machine["config"], "min_secrets_version": 1}
    )
    await fly.wait(machine)
    env = await fly.env(machine)
    assert (env["API_KEY"], env["KEEP"]) == ("new", "1")


async def test_stop_and_start_picks_up_and_a_resume_keeps(fly: Caller) -> None:
    """Reference 6.5: [L, 2026-10] and [I]."""
    machine = await fly.started()
    await store(fly, API_KEY="one")
    await fly.post(f"{MACHINES}/{machine['id']}/suspend")
    await fly.wait(machine, "suspended")
    await fly.post(f"{MACHINES}/{machine['id']}/start")
    await fly.wait(machine)
    assert "API_KEY" not in await fly.env(machine)
    await fly.post(f"{MACHINES}/{machine['id']}/stop")
    await fly.wait(machine, "stopped")
    await fly.post(f"{MACHINES}/{machine['id']}/start")
    await fly.wait(machine)
    assert (await fly.env(machine))["API_KEY"] == "one"


async def test_a_restart_of_a_stopped_machine_applies_none(fly: Caller) -> None:
    """Reference 6.5 [L]: Fly's restart never does."""
    machine = await fly.stopped()
    await store(fly, API_KEY="one")
    await fly.post(f"{MACHINES}/{machine['id']}/restart")
    await fly.wait(machine)
    assert "API_KEY" not in await fly.env(machine)


async def test_deleting_needs_the_same_step(fly: Caller) -> None:
    """Reference 6.5."""
    await store(fly, API_KEY="one")
    machine = await fly.started()
    await store(fly, API_KEY=None)
    assert (await fly.env(machine))["API_KEY"] == "one"
    await fly.post(f"{MACHINES}/{machine['id']}", json={"config": machine["config"]})
    await fly.wait(machine)
    assert "API_KEY" not in await fly.env(machine)


async def test_a_secrets_version_that_is_not_there_yet_is_a_412(fly: Caller) -> None:
    """Reference 6.5: the wording is not sure."""
    body = {"config": {"image": "nginx"}, "min_secrets_version": 7}
    text = await fly.error("POST", MACHINES, 412, json=body)
    assert text == "failed_precondition: min_secrets_version 7 is not yet available"
    await fly.get(SECRETS, 412, params={"min_version": 7})
    await fly.get(SECRETS, 412, params={"version": 7})


async def test_skip_secrets_boots_without_them(fly: Caller) -> None:
    """Reference 4.2."""
    await store(fly, API_KEY="one")
    assert "API_KEY" not in await fly.env(await fly.started(skip_secrets=True))
    assert "API_KEY" in await fly.env(await fly.started(skip_secrets=False))


async def test_a_secret_wins_over_a_variable_of_the_same_name(fly: Caller) -> None:
    """The environment of a version is config.env and the secrets at boot."""
    await store(fly, MODE="secret")
    machine = await fly.started({"env": {"MODE": "config"}})
    assert (await fly.env(machine))["MODE"] == "secret"
