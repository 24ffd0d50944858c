"""flyListMachines: pages, filters, and more of each on request (the issue, 1 and 3)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fly_mcp_emulator.world import World

from .fly import Fly
from .worlds import FLEET, fleet, id_of, machine, mount, volume_of, web

LIST = "flyListMachines"


async def _ids(fly: Fly, **more: Any) -> list[str]:
    return [one["id"] for one in (await fly.call(LIST, appName=FLEET, **more))["machines"]]


async def _walk(fly: Fly, **more: Any) -> list[str]:
    """The ids of all pages."""
    page = await fly.call(LIST, appName=FLEET, **more)
    seen = [one["id"] for one in page["machines"]]
    while cursor := page.get("next_cursor"):
        page = await fly.call(LIST, appName=FLEET, cursor=cursor, **more)
        seen += [one["id"] for one in page["machines"]]
    return seen


class TestPages:
    """A stable cursor, and how many of how many."""

    @pytest.fixture
    def world(self) -> World:
        return fleet(*(machine(number) for number in range(1, 144)))

    async def test_fifty_of_143(self, fly: Fly) -> None:
        """The issue, 3."""
        page = await fly.call(LIST, appName=FLEET)
        assert (len(page["machines"]), page["showing"], page["total"]) == (50, "50 of 143", 143)
        assert await _walk(fly) == [id_of(number) for number in range(1, 144)]
        assert await _walk(fly, limit=7) == [id_of(number) for number in range(1, 144)]

    async def test_full_rows_come_in_smaller_pages(self, fly: Fly) -> None:
        """The issue, 3: a hard cap on any answer."""
        page = await fly.call(LIST, appName=FLEET, detail="full", limit=100)
        assert (len(page["machines"]), page["showing"]) == (25, "25 of 143")
        assert await _walk(fly, detail="full") == [id_of(number) for number in range(1, 144)]

    async def test_each_is_shown_once_while_others_come_and_go(self, fly: Fly) -> None:
        """The issue, shows 4."""
        page = await fly.call(LIST, appName=FLEET)
        seen = [one["id"] for one in page["machines"]]

        def change(world: World) -> None:
            machines = world.apps[FLEET].machines
            for number in (3, 50, 51, 100):
                del machines[id_of(number)]
            machines[id_of(0)] = machine(0)
            machines[id_of(200)] = machine(200)

        fly.edit(change)
        while cursor := page.get("next_cursor"):
            page = await fly.call(LIST, appName=FLEET, cursor=cursor)
            seen += [one["id"] for one in page["machines"]]
        assert len(seen) == len(set(seen))
        there = {id_of(number) for number in range(1, 144)} - {id_of(number) for number in (3, 50, 51, 100)}
        assert there <= set(seen)

    async def test_a_short_list_needs_no_configs(self, fly: Fly) -> None:
        """Ours: most of a machine is its config."""
        await fly.call(LIST, appName=FLEET)
        assert [one.query for one in fly.requests_to("/machines")] == ["summary=true"]


class TestFilters:
    """By state, region, process group and metadata."""

    @pytest.fixture
    def world(self) -> World:
        return fleet(
            machine(1, group="web"),
            machine(2, group="web", state="stopped", region="lhr"),
            machine(
                3, group="worker", state="suspended", metadata={"process_group": "worker", "team": "shop=1"}
            ),
            machine(4, group=None),
        )

    @pytest.mark.parametrize(
        ("more", "numbers"),
        [
            ({}, [1, 2, 3, 4]),
            ({"state": "stopped"}, [2]),
            ({"region": "fra"}, [1, 3, 4]),
            ({"processGroup": "web"}, [1, 2]),
            ({"processGroup": "worker"}, [3]),
            ({"metadata": "team=shop=1"}, [3]),
            ({"metadata": "team="}, []),
            ({"state": "started", "region": "fra", "processGroup": "web"}, [1]),
        ],
        ids=str,
    )
    async def test_they_choose(self, fly: Fly, more: dict[str, Any], numbers: list[int]) -> None:
        """The issue."""
        assert await _ids(fly, **more) == [id_of(number) for number in numbers]

    async def test_destroyed_ones_are_shown_on_request(self, fly: Fly) -> None:
        """Reference 4.2: include_deleted."""
        await fly.call("flyDeleteMachine", appName=FLEET, machineId=id_of(1), confirm=True)
        assert await _ids(fly) == [id_of(2), id_of(3), id_of(4)]
        assert await _ids(fly, state="destroyed") == [id_of(1)]

    @pytest.mark.parametrize(
        ("more", "path", "words"),
        [
            ({"state": "running"}, "state", "started"),
            ({"metadata": "team"}, "metadata", "key=value"),
            ({"metadata": "=x"}, "metadata", "key=value"),
            ({"region": "Frankfurt"}, "region", "three lower-case letters"),
        ],
    )
    async def test_a_filter_that_is_none_is_told(
        self, fly: Fly, more: dict[str, Any], path: str, words: str
    ) -> None:
        """Ours: or an empty list would look like an answer."""
        error = await fly.refused(LIST, appName=FLEET, **more)
        told = {one["path"]: one["message"] for one in error["problems"]}
        assert words in told[path]
        assert not fly.wire.sent

    async def test_a_cursor_is_for_one_list(self, fly: Fly) -> None:
        """Ours: with other filters it would skip."""
        cursor = (await fly.call(LIST, appName=FLEET, limit=1))["next_cursor"]
        error = await fly.refused(LIST, appName=FLEET, state="started", cursor=cursor)
        assert [one["path"] for one in error["problems"]] == ["cursor"]


class TestFull:
    """`detail: full`."""

    @pytest.fixture
    def world(self) -> World:
        world = fleet(
            machine(1, checks={"up": {"type": "tcp", "port": 80}}, **mount(1), **web("stop")), machine(2)
        )
        one = world.apps[FLEET].machines[id_of(1)]
        one.failing_checks, one.cordoned = ["up"], True
        one.config.metadata = {"fly_process_group": "web\u202e\x1b[2J"}
        return world

    async def test_it_adds_what_a_look_needs(self, fly: Fly) -> None:
        """The issue, 3: on request."""
        first, second = (await fly.call(LIST, appName=FLEET, detail="full"))["machines"]
        assert (first["process_group"], first["volume_id"], first["failing_checks"]) == (
            "web",
            volume_of(1),
            ["up"],
        )
        assert (first["cordoned"], "cordoned" in second) == (True, False)
        assert second["image"] == fly.machine(id_of(2), FLEET).config.image


@pytest.mark.filterwarnings("ignore:open_binary is deprecated:DeprecationWarning")  # its own, when imported
class TestTokens:
    """What a machine costs a model."""

    @pytest.fixture
    def world(self) -> World:
        return fleet(*(machine(number, **mount(number), **web("stop")) for number in range(1, 31)))

    @pytest.mark.parametrize(("detail", "most"), [("summary", 65), ("full", 150)])
    async def test_a_listed_machine(self, fly: Fly, detail: str, most: int) -> None:
        """The issue, 3: at most 65 o200k tokens."""
        import bpe_openai  # type: ignore[import-untyped]  # it carries no types

        encoding = bpe_openai.get_encoding("o200k_base")
        answer = await fly.call(LIST, appName=FLEET, detail=detail)
        for one in answer["machines"]:
            assert len(encoding.encode(json.dumps(one, separators=(",", ":")))) <= most
