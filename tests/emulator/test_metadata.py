"""Metadata of machines (reference 4.5)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.caller import MACHINES, Caller


async def test_keys_are_set_read_and_deleted_without_a_new_version(fly: Caller) -> None:
    """Reference 4.5 [L]: no new version, no restart."""
    machine = await fly.started()
    path = f"{MACHINES}/{machine['id']}/metadata"
    assert await fly.get(path) == {}
    await fly.post(f"{path}/team", 204, json={"value": "red"})
    assert await fly.get(f"{path}/team") == {"value": "red"}
    after = await fly.machine(machine)
    assert after["config"]["metadata"] == {"team": "red"}
    assert (after["instance_id"], after["state"]) == (machine["instance_id"], "started")
    await fly.delete(f"{path}/team", 204)
    await fly.get(f"{path}/team", 404)
    assert "metadata" not in (await fly.machine(machine))["config"]


async def test_put_replaces_and_patch_merges(fly: Caller) -> None:
    """Reference 4.5: null or an empty string removes a key."""
    machine = await fly.started({"metadata": {"a": "1", "b": "2"}})
    path = f"{MACHINES}/{machine['id']}/metadata"
    await fly.patch(path, 204, json={"metadata": {"b": None, "c": "3"}})
    assert await fly.get(path) == {"a": "1", "c": "3"}
    await fly.put(path, 204, json={"metadata": {"d": "4", "e": ""}})
    assert await fly.get(path) == {"d": "4"}


async def test_a_key_may_hold_a_slash(fly: Caller) -> None:
    """Reference 2.1: the key goes in the path, so it is URL-escaped."""
    machine = await fly.started()
    path = f"{MACHINES}/{machine['id']}/metadata"
    await fly.post(f"{path}/a%2Fb%20c", 204, json={"value": "x"})
    assert await fly.get(path) == {"a/b c": "x"}


async def test_an_outdated_write_is_a_412(fly: Caller) -> None:
    """Reference 4.5: machine_version, updated_at."""
    machine = await fly.started()
    path = f"{MACHINES}/{machine['id']}/metadata"
    stale = {"metadata": {"a": "1"}, "machine_version": "01HM69JX60000007C8X6NG4M02"}
    await fly.put(path, 412, json=stale)
    await fly.put(path, 412, json={"metadata": {"a": "1"}, "updated_at": "2020-01-01T00:00:00Z"})
    fresh = {
        "metadata": {"a": "1"},
        "machine_version": machine["instance_id"],
        "updated_at": machine["updated_at"],
    }
    await fly.put(path, 204, json=fresh)


@pytest.mark.parametrize("body", [{}, {"metadata": {"a": 1}}, {"metadata": "a"}, []])
async def test_a_bad_body_is_a_400(fly: Caller, body: Any) -> None:
    """Reference 4.5."""
    machine = await fly.started()
    await fly.put(f"{MACHINES}/{machine['id']}/metadata", 400, json=body)
    await fly.post(f"{MACHINES}/{machine['id']}/metadata/a", 400, json={"value": 1})
    await fly.post(f"{MACHINES}/{machine['id']}/metadata/a", 400, json={})


async def test_an_update_without_it_loses_it(fly: Caller) -> None:
    """Reference 9, trap 31."""
    machine = await fly.started()
    await fly.post(f"{MACHINES}/{machine['id']}/metadata/team", 204, json={"value": "red"})
    await fly.post(f"{MACHINES}/{machine['id']}", json={"config": {"image": "nginx"}})
    assert await fly.get(f"{MACHINES}/{machine['id']}/metadata") == {}
