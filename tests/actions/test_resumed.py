"""What a hostile review found in work that goes on under its id (issue 4, 2 and 7).

What an interruption at a single request shows, `test_interrupted_anywhere.py` holds; here is what takes more:
a second fault, a second caller, another day.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Callable
from contextlib import closing
from pathlib import Path

import anyio
import httpx2
import pytest

from fly_mcp_emulator.world import Machine
from fly_mcp_tools.errors import FlyError
from tests.tools.place import Answer, Place, done, opened, refused, said

from .fly import APP, MACHINE, SANDBOX, Json

DAY = 24 * 3600.0
DELETE: Json = {"appName": APP, "machineId": MACHINE, "confirm": True, "requestId": "one"}
CREATE: Json = {"appName": SANDBOX, "requestId": "one"}


@pytest.fixture
async def fly(tmp_path: Path) -> AsyncGenerator[Place]:
    async with opened(tmp_path / "state") as fly:
        yield fly


def answers(status: int, code: str) -> Callable[[httpx2.Request], httpx2.Response]:
    """Fly's error object."""
    return lambda _: httpx2.Response(status, json={"error": f"{code}: the test says so"})


def alive(fly: Place, app: str = SANDBOX) -> list[Machine]:
    return [one for one in fly.world.apps[app].machines.values() if one.alive]


def references(fly: Place) -> set[str]:
    return {str(row["reference"]) for row in fly.rows("undo")}


def answered(answer: Answer | FlyError) -> Answer:
    assert isinstance(answer, dict), answer
    return answer


async def cut_after_a_lost_answer(fly: Place, method: str, path: str, name: str, arguments: Json) -> None:
    """The client cancels between an attempt whose answer was lost and the next one."""
    scope = anyio.CancelScope()

    def lost(_: httpx2.Request) -> httpx2.Response:
        scope.cancel()
        raise httpx2.ReadError("the test cut the connection")

    fly.wire.replace_answers(method, path, lost, times=1, arrives=True)
    with scope:
        await said(fly.server(), name, **arguments)
    assert scope.cancelled_caught


async def cut_once_sent(fly: Place, method: str, path: str, name: str, arguments: Json) -> None:
    """The client cancels while a write is on its way."""
    scope = anyio.CancelScope()
    fly.wire.tap(method, path, lambda _: scope.cancel())
    with scope:
        await said(fly.server(), name, **arguments)
    assert scope.cancelled_caught


class TestCancelled:
    """A cancel between a lost answer and its retry is not taken for one of nothing."""

    async def test_a_delete_is_remembered_and_its_undo_told(self, fly: Place) -> None:
        await cut_after_a_lost_answer(fly, "DELETE", f"/machines/{MACHINE}$", "flyDeleteMachine", DELETE)
        await fly.clock.sleep(40)
        answer = await done(fly.server(), "flyDeleteMachine", **DELETE)
        assert {answer["undo"]["reference"]} == references(fly)

    async def test_set_secrets_with_other_values_are_a_conflict(self, fly: Place) -> None:
        call: Json = {"appName": APP, "requestId": "one"}
        first: Json = {**call, "secrets": {"A": "b"}}
        await cut_after_a_lost_answer(fly, "POST", "/secrets$", "flySetSecrets", first)
        sent = len(fly.wire.sent)
        error = await refused(fly.server(), "flySetSecrets", **call, secrets={"A": "c"})
        assert (error.code, error.outcome, len(fly.wire.sent)) == ("conflict", "refused", sent)
        await done(fly.server(), "flySetSecrets", **first)


class TestCreatedMachine:
    """A machine that an earlier call made."""

    async def test_a_day_later_the_same_id_makes_another(self, fly: Place) -> None:
        """An id is remembered for a day; its marks and names are those of that day."""
        ids: set[str] = set()
        for _ in range(3):
            answer = await done(fly.server(), "flyCreateMachine", **CREATE)
            ids.add(answer["id"])
            await fly.clock.sleep(DAY + 5)
        assert {one.id for one in alive(fly)} == ids
        assert len(ids) == 3

    async def test_unknown_to_fly_for_a_moment_it_is_not_gone(self, fly: Place) -> None:
        """Reference 9.20."""
        await cut_once_sent(fly, "GET", "/wait$", "flyCreateMachine", CREATE)
        fly.wire.replace_answers("GET", "/machines/[0-9a-f]+$", answers(404, "not_found"), times=2)
        answer = answered(await said(fly.server(), "flyCreateMachine", **CREATE))
        assert (answer["outcome"], [one.id for one in alive(fly)]) == ("done", [answer["id"]])

    async def test_made_and_told_unavailable_and_not_listed_yet_it_is_found(self, fly: Place) -> None:
        """Its name is taken by itself: that is no refusal."""
        fly.wire.replace_answers("POST", "/machines$", answers(503, "unavailable"), times=1, arrives=True)
        fly.wire.replace_answers("GET", "/machines$", lambda _: httpx2.Response(200, json=[]), times=6)
        answer = answered(await said(fly.server(), "flyCreateMachine", **CREATE, image="nginx:1"))
        assert (answer["outcome"], [one.id for one in alive(fly)]) == ("done", [answer["id"]])

    async def test_a_note_that_cannot_be_kept_does_not_hide_it(self, fly: Place) -> None:
        """Its mark finds it again."""
        tools = fly.server()
        fly.store.open()
        with closing(sqlite3.connect(fly.directory / "state.sqlite3", isolation_level=None)) as other:
            with fly.store.transaction() as db:
                pass
            db.execute("PRAGMA busy_timeout = 0")
            fly.wire.tap("POST", "/machines$", lambda _: other.execute("BEGIN IMMEDIATE"))
            answer = answered(await said(tools, "flyCreateMachine", **CREATE))
            other.execute("ROLLBACK")
        assert (answer["outcome"], [one.id for one in alive(fly)]) == ("done", [answer["id"]])
        again = await done(tools, "flyCreateMachine", **CREATE)
        assert (again["id"], len(alive(fly))) == (answer["id"], 1)

    async def test_undo_finds_another_name_where_its_own_is_taken_meanwhile(self, fly: Place) -> None:
        """Fly takes a name once."""
        tools = fly.server()
        made = await done(tools, "flyCreateMachine", appName=SANDBOX, name="mine")
        gone = await done(tools, "flyDeleteMachine", appName=SANDBOX, machineId=made["id"], confirm=True)
        await done(tools, "flyCreateMachine", appName=SANDBOX, name="mine")
        undo = gone["undo"]["reference"]
        answer = await done(tools, "flyCreateMachine", **CREATE, undo=undo)
        assert answer["name"] != "mine"
        assert len(alive(fly)) == 2


class TestDeletedMachine:
    """A machine that an earlier call told to go, or could not find."""

    async def test_a_reference_that_was_told_is_not_dropped(self, fly: Place) -> None:
        """The first delete is slow; the second is refused; then the first arrives."""
        fly.wire.lose_requests("DELETE", f"/machines/{MACHINE}$")
        first = answered(await said(fly.server(), "flyDeleteMachine", **DELETE))
        assert first["outcome"] == "unclear"
        fly.wire.mend()
        fly.wire.replace_answers("DELETE", f"/machines/{MACHINE}$", answers(403, "permission_denied"))
        await refused(fly.server(), "flyDeleteMachine", **DELETE)
        assert references(fly) == {first["undo"]["reference"]}

    async def test_not_found_and_listed_it_is_there(self, fly: Place) -> None:
        """Reference 9.20: a machine that is new can be 404 for a moment."""
        made = await done(fly.server(), "flyCreateMachine", appName=SANDBOX)
        call: Json = {"appName": SANDBOX, "machineId": made["id"], "confirm": True}
        gone = answers(404, "not_found")
        fly.wire.replace_answers("DELETE", f"/machines/{made['id']}$", gone, times=1)
        fly.wire.replace_answers("GET", "/wait$", gone, times=1)
        answer = answered(await said(fly.server(), "flyDeleteMachine", **call))
        assert (answer["outcome"], alive(fly)) == ("done", [])

    async def test_not_found_for_long_and_listed_it_is_unclear(self, fly: Place) -> None:
        """Never a false done."""
        fly.wire.replace_answers("DELETE", f"/machines/{MACHINE}$", answers(404, "not_found"))
        error = await refused(fly.server(), "flyDeleteMachine", **DELETE)
        assert (error.code, error.changed, len(alive(fly, APP))) == ("unclear", "unknown", 1)
        fly.wire.mend()
        await done(fly.server(), "flyDeleteMachine", **DELETE)


class TestBusyStore:
    """Another process that does not stop writing to the state."""

    async def test_it_is_said_and_can_be_repeated(self, fly: Place) -> None:
        """Ours: it is no broken disk."""
        with fly.store.transaction() as db:
            pass
        db.execute("PRAGMA busy_timeout = 0")
        with closing(sqlite3.connect(fly.directory / "state.sqlite3", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            error = await refused(fly.server(), "flyCreateMachine", **CREATE)
            other.execute("ROLLBACK")
        assert "Another process is writing" in error.message
        assert (error.code, error.retryable, error.outcome) == ("conflict", True, "refused")
        assert not fly.wire.sent
        await done(fly.server(), "flyCreateMachine", **CREATE)
