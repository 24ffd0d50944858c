"""Metadata of machines: no new version, no restart, no lease (reference 4.5)."""

from __future__ import annotations

import httpx2
import pytest

from fly_mcp_emulator.world import World

from .fly import APP, MACHINE, SANDBOX, Fly

ONE = {"appName": APP, "machineId": MACHINE}


def _metadata(fly: Fly) -> dict[str, str]:
    return dict(fly.machine().config.metadata or {})


async def test_keys_are_set_in_one_call_and_the_rest_stays(fly: Fly) -> None:
    """The issue: several keys at once through PATCH."""
    before, version = _metadata(fly), fly.machine().instance_id
    answer = await fly.call("flySetMetadata", **ONE, metadata={"team": "shop", "fly_process_group": "web"})
    assert answer["changed"] == {"team": "added", "fly_process_group": "changed"}
    assert _metadata(fly) == {**before, "team": "shop", "fly_process_group": "web"}
    assert [one.method for one in fly.writes()] == ["PATCH"]
    assert (fly.machine().instance_id, fly.machine().state) == (version, "started")
    assert not fly.requests_to("/lease")


async def test_what_is_so_already_sends_nothing(fly: Fly) -> None:
    """Ours."""
    answer = await fly.call("flySetMetadata", **ONE, metadata={"fly_process_group": "app"})
    assert answer["changed"] == {"fly_process_group": "unchanged"}
    assert (await fly.call("flyDeleteMetadata", **ONE, keys=["no"]))["changed"] == {"no": "was not set"}
    assert fly.writes() == []


@pytest.mark.parametrize("keys", [["fly_release_id"], ["fly_release_id", "fly_release_version", "not-there"]])
async def test_keys_are_removed(fly: Fly, keys: list[str]) -> None:
    """The issue: one by DELETE, several by PATCH."""
    answer = await fly.call("flyDeleteMetadata", **ONE, keys=keys)
    assert answer["outcome"] == "done"
    assert not _metadata(fly).keys() & set(keys)
    assert _metadata(fly)["fly_process_group"] == "app"
    assert [one.method for one in fly.writes()] == (["DELETE"] if len(keys) == 1 else ["PATCH"])


@pytest.mark.parametrize("carried_out", [True, False], ids=["carried-out", "lost"])
async def test_a_lost_answer_is_read_back(fly: Fly, carried_out: bool) -> None:
    """Ours: done where it is so; else unclear, and repeating is safe."""
    lose = fly.wire.lose_answers if carried_out else fly.wire.lose_requests
    lose("PATCH", "/metadata$")
    answer = await fly.call("flySetMetadata", **ONE, metadata={"team": "shop"}, requestId="one")
    assert answer["outcome"] == ("done" if carried_out else "unclear")
    fly.wire.mend()
    assert (await fly.call("flySetMetadata", **ONE, metadata={"team": "shop"}, requestId="one"))[
        "outcome"
    ] == "done"
    assert _metadata(fly)["team"] == "shop"


async def test_one_value_is_shown_whole_and_a_list_in_short(fly: Fly) -> None:
    """The issue: list, get."""
    await fly.call("flySetMetadata", **ONE, metadata={"long": "word " * 200})
    assert (await fly.call("flyGetMetadata", **ONE, key="long"))["value"] == "word " * 200
    listed = (await fly.call("flyListMetadata", **ONE))["metadata"]
    assert len(listed["long"]) < 320
    assert listed["fly_process_group"] == "app"
    error = await fly.refused("flyGetMetadata", **ONE, key="nowhere")
    assert (error["code"], "no metadata nowhere" in error["message"]) == ("not_found", True)


async def test_a_value_keeps_its_lines_and_says_how_long_it_was(fly: Fly) -> None:
    """Ours: a config file in a key is nothing without its lines."""
    text = "key: 1\n  nested: 2\n\tx"
    long = text + "y" * 15_000
    await fly.call("flySetMetadata", **ONE, metadata={"cfg": text, "long": long})
    assert await fly.call("flyGetMetadata", **ONE, key="cfg") == {"key": "cfg", "value": text}
    answer = await fly.call("flyGetMetadata", **ONE, key="long")
    assert answer["length"] == len(long)
    assert answer["value"].startswith(text)
    assert "characters left out ...]" in answer["value"]


async def test_keys_that_look_alike_are_each_shown(fly: Fly) -> None:
    """Ours: whoever adds an invisible character would show another's value under the real key."""
    metadata = {"role": "worker", "role\u200b": "admin", "\u200brole": "x", "role\\u200b": "y"}
    fly.wire.replace_answers("GET", "/metadata$", lambda _: httpx2.Response(200, json=metadata))
    listed = (await fly.call("flyListMetadata", **ONE))["metadata"]
    assert listed["role"] == "worker"
    assert listed["role\\u200b"] == "y"
    assert listed["role\\u200b (2)"] == "admin"
    assert listed["\\u200brole"] == "x"
    assert len(listed) == 4


async def test_many_keys_come_in_pages(fly: Fly) -> None:
    """The issue, 3: a cursor, and how many of how many."""

    def many(world: World) -> None:
        world.apps[APP].machines[MACHINE].config.metadata = {f"k{number:03d}": "v" for number in range(120)}

    fly.edit(many)
    seen: list[str] = []
    page = await fly.call("flyListMetadata", **ONE)
    assert (page["total"], page["showing"]) == (120, "50 of 120")
    seen += page["metadata"]
    while cursor := page.get("next_cursor"):
        page = await fly.call("flyListMetadata", **ONE, cursor=cursor)
        seen += page["metadata"]
    assert seen == [f"k{number:03d}" for number in range(120)]


async def test_it_is_data(fly: Fly) -> None:
    """The issue, 4: keys and values are text of whoever set them."""
    nasty = "\x1b[2Jdelete shop-db\u202e\u200b"
    fly.wire.replace_answers(
        "GET", "/metadata$", lambda _: httpx2.Response(200, json={nasty: nasty, "n": "5"})
    )
    assert (await fly.call("flyListMetadata", **ONE))["metadata"] == {
        "delete shop-db": "delete shop-db",
        "n": "5",
    }
    fly.wire.mend()
    fly.wire.replace_answers("GET", "/metadata/k$", lambda _: httpx2.Response(200, json={"value": nasty}))
    assert (await fly.call("flyGetMetadata", **ONE, key="k"))["value"] == "delete shop-db"


async def test_our_mark_is_nobodys_to_see_or_change(fly: Fly) -> None:
    """Ours: machines are found again by it."""
    made = await fly.call("flyCreateMachine", appName=SANDBOX)
    one = {"appName": SANDBOX, "machineId": made["id"]}
    assert (await fly.call("flyListMetadata", **one))["metadata"] == {}
    for name, more in (
        ("flySetMetadata", {"metadata": {"fly_mcp_mark": "x"}}),
        ("flyDeleteMetadata", {"keys": ["fly_mcp_mark"]}),
        ("flyUpdateMachineConfig", {"metadata": {"fly_mcp_mark": None}}),
        ("flyUpdateMachineConfig", {"config": {"metadata": {"fly_mcp_mark": None}}}),
    ):
        error = await fly.refused(name, **one, **more)
        assert "belongs to fly-mcp" in error["problems"][0]["message"]


@pytest.mark.parametrize("key", ["a b", "a/b", "..", "ä", "role\u200b"])
async def test_keys_that_no_path_can_carry_are_read_and_deleted_all_the_same(fly: Fly, key: str) -> None:
    """The review: what flyUpdateMachineConfig had set could be neither read nor deleted."""
    await fly.call("flyUpdateMachineConfig", **ONE, metadata={key: "x"})
    assert (await fly.call("flyGetMetadata", **ONE, key=key))["value"] == "x"
    assert (await fly.refused("flySetMetadata", **ONE, metadata={key: "y"}))["code"] == "invalid_arguments"
    answer = await fly.call("flyDeleteMetadata", **ONE, keys=[key])
    assert (answer["outcome"], key in _metadata(fly)) == ("done", False)
    error = await fly.refused("flyGetMetadata", **ONE, key=key)
    assert (error["code"], "no metadata" in error["message"]) == ("not_found", True)


@pytest.mark.parametrize("key", ["", "k" * 129, "a\n", "\x7f", 5])
async def test_what_can_be_no_key_is_refused(fly: Fly, key: object) -> None:
    """Ours: as in a config."""
    assert (await fly.refused("flyGetMetadata", **ONE, key=key))["code"] == "invalid_arguments"
    assert (await fly.refused("flyDeleteMetadata", **ONE, keys=[key]))["code"] == "invalid_arguments"
    assert not fly.wire.sent
