"""What a hostile review found in scaling: resumed, twice at once, and on its way (issue 4, 1, 2 and 7)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from fly_mcp_emulator.world import World
from fly_mcp_tools.dispatch import FlyTools
from fly_mcp_tools.errors import FlyError
from tests.tools.place import Answer, Place, done, opened, refused, said

from .fly import APP, WEB, Json


@pytest.fixture
async def fly(tmp_path: Path) -> AsyncGenerator[Place]:
    async with opened(tmp_path / "state") as fly:
        yield fly


def scaled(count: int, request_id: str = "one") -> Json:
    return {"appName": WEB, "count": count, "confirm": True, "requestId": request_id}


def alive(fly: Place, app: str = WEB) -> set[str]:
    return {one.id for one in fly.world.apps[app].machines.values() if one.alive}


def references(fly: Place) -> set[str]:
    return {str(row["reference"]) for row in fly.rows("undo")}


def undo_of(machines: Any) -> set[str]:
    return {step["undo"] for step in machines if step.get("undo")}


def internal_error(_: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(500, json={"error": "internal: the test says so"})


async def at_once(*calls: tuple[FlyTools, str, Json]) -> list[Answer | FlyError]:
    """The answers of calls made at the same time, in their order."""
    answers: dict[int, Answer | FlyError] = {}

    async def go(number: int, tools: FlyTools, name: str, arguments: Json) -> None:
        answers[number] = await said(tools, name, **arguments)

    async with anyio.create_task_group() as group:
        for number, call in enumerate(calls):
            group.start_soon(go, number, *call)
    return [answers[number] for number in sorted(answers)]


class TestResumed:
    """A scaling that goes on tells what the whole of it did."""

    async def test_to_zero_it_is_finished_where_no_machine_is_left(self, fly: Place) -> None:
        """There is nothing to copy, and nothing that has to be."""
        (before,) = alive(fly)
        scope = anyio.CancelScope()
        fly.wire.tap("DELETE", f"/machines/{before}$", lambda _: scope.cancel())
        with scope:
            await said(fly.server(), "flyScaleMachines", **scaled(0))
        await fly.clock.sleep(60)
        assert alive(fly) == set()
        answer = await done(fly.server(), "flyScaleMachines", **scaled(0))
        assert (answer["before"], answer["count"]) == (1, 0)
        assert [step["id"] for step in answer["machines"]] == [before]
        assert undo_of(answer["machines"]) == references(fly)
        error = await refused(fly.server(), "flyScaleMachines", **scaled(0, "another"))
        assert error.code == "wrong_state"

    async def test_after_an_unclear_one_its_steps_and_undo_are_told(self, fly: Place) -> None:
        """The unclear error has the references, too: the machines may be gone by then."""
        tools = fly.server()
        await done(tools, "flyScaleMachines", **scaled(3, "up"))
        all_three = alive(fly)
        looks = fly.wire.replace_answers("GET", "/machines/[0-9a-f]+(/wait)?$", internal_error, times=0)

        def lost(_: httpx2.Request) -> httpx2.Response:
            looks.times = 99
            raise httpx2.ReadError("the test cut the connection")

        fly.wire.replace_answers("DELETE", "/machines/[0-9a-f]+$", lost, arrives=True)
        error = await refused(tools, "flyScaleMachines", **scaled(1))
        assert (error.outcome, error.changed) == ("unclear", "unknown")
        assert undo_of(error.facts["machines"]) == references(fly)
        fly.wire.mend()
        await fly.clock.sleep(60)
        answer = await done(fly.server(), "flyScaleMachines", **scaled(1))
        assert (answer["before"], answer["count"]) == (3, 1)
        assert {step["id"] for step in answer["machines"]} == all_three - alive(fly)
        assert undo_of(answer["machines"]) == references(fly)
        assert len(references(fly)) == 2

    async def test_pending_becomes_done_only_by_looking(self, fly: Place) -> None:
        """A machine that was on its way failed since: the repeat says so."""
        fly.wire.replace_answers("GET", "/machines/[0-9a-f]+(/wait)?$", internal_error)
        answer = await said(fly.server(), "flyScaleMachines", **scaled(2))
        assert isinstance(answer, dict)
        assert answer["outcome"] == "pending"
        fly.wire.mend()
        (new,) = [step["id"] for step in answer["machines"]]
        world: World = fly.world
        world.apps[WEB].machines[new].state = "failed"
        fly.emulator.load(world)
        error = await refused(fly.server(), "flyScaleMachines", **scaled(2))
        assert (error.code, error.outcome, error.changed) == ("wrong_state", "unclear", "something")
        assert len(alive(fly)) == 2


class TestAtOnce:
    """Two scalings of one app."""

    async def test_in_one_process_the_second_plans_after_the_first(self, fly: Place) -> None:
        """Neither counts on what the other is about to change."""
        tools = fly.server()
        first, second = await at_once(
            (tools, "flyScaleMachines", scaled(3, "a")), (tools, "flyScaleMachines", scaled(3, "b"))
        )
        told = [
            (one["outcome"], one["before"], one["count"]) for one in (first, second) if isinstance(one, dict)
        ]
        assert sorted(told) == [("done", 1, 3), ("done", 3, 3)]
        assert len(alive(fly)) == 3

    async def test_up_and_down_the_last_one_has_its_way(self, fly: Place) -> None:
        """Also where the first is still at its volumes."""
        tools = fly.server()
        calls = [
            {"appName": APP, "count": count, "confirm": True, "requestId": f"{count}"} for count in (4, 2)
        ]
        first, second = await at_once(*((tools, "flyScaleWithVolumes", call) for call in calls))
        assert isinstance(first, dict)
        assert isinstance(second, dict)
        assert (first["count"], second["before"], second["count"]) == (4, 4, 2)
        assert len(alive(fly, APP)) == 2
        assert {one.snapshot_retention for one in fly.world.apps[APP].volumes.values()} == {5}

    async def test_in_two_processes_it_is_unclear_with_the_true_count(self, fly: Place) -> None:
        """Nothing at Fly says that another is at it: never a false done. The same ids put it right."""
        one, other = fly.server(seed=1), fly.server(seed=2)
        answers = await at_once(
            (one, "flyScaleMachines", scaled(3, "a")), (other, "flyScaleMachines", scaled(3, "b"))
        )
        there = len(alive(fly))
        assert there == 5
        for answer in answers:
            assert isinstance(answer, dict)
            assert (answer["outcome"], answer["count"]) == ("unclear", there)
        answer = await done(one, "flyScaleMachines", **scaled(3, "a"))
        assert (answer["count"], len(alive(fly))) == (3, 3)
        assert (await done(other, "flyScaleMachines", **scaled(3, "b")))["count"] == 3
