"""The same request id, over processes and time (issue 4, sections 2 and 7)."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import anyio
import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.errors import FlyError
from fly_mcp_tools.state.intents import Intent, Intents
from fly_mcp_tools.state.journal import Journal
from fly_mcp_tools.state.store import Store
from fly_mcp_tools.state.undo import Undo
from tests.actions.fly import APP, MACHINE, SANDBOX
from tests.tools.place import VOLUME, WRITES, Answer, Place, done, example, opened, refused, said
from tests.tools.test_state_store import process, ready

DAY = 24 * 3600.0
#: When the tests' clock begins, for a process that has another.
NOW = 1_780_000_000.0


@pytest.fixture
async def fly(tmp_path: Path) -> AsyncGenerator[Place]:
    async with opened(tmp_path / "state") as fly:
        yield fly


class TestKey:
    """What makes two calls the same."""

    @pytest.mark.parametrize("name", WRITES)
    async def test_an_argument_left_out_is_its_default_given(self, fly: Place, name: str) -> None:
        """The issue: the same arguments; null and a default are what is left out."""
        arguments = example(name)
        full = ACTIONS[name].params.model_validate({k: v for k, v in arguments.items() if k != "confirm"})
        spelled = {**full.model_dump(mode="json", by_alias=True), "confirm": True}
        if "confirm" not in arguments:
            del spelled["confirm"]
        assert len(spelled) >= len(arguments)
        tools = fly.server()
        await done(tools, name, **arguments, requestId="one")
        sent = len(fly.wire.sent)
        again = await tools.call(name, {**spelled, "requestId": "one"})
        assert again["already_done"] is True
        # The nonce of a lease is written down nowhere: Fly is asked for it.
        looked = [
            f"GET {line.partition(' ')[2]}" for line in fly.wire.sent[:sent] if name == "flyAcquireLease"
        ]
        assert fly.wire.sent[sent:] == looked

    @pytest.mark.parametrize("name", [name for name in WRITES if "confirm" in example(name)])
    async def test_confirm_is_no_part_of_it(self, fly: Place, name: str) -> None:
        """The issue: confirm aside. A refusal for want of it leaves the id free for the same call with it."""
        arguments = example(name)
        tools = fly.server()
        first = await refused(tools, name, **{**arguments, "confirm": False}, requestId="one")
        assert (first.code, fly.rows("intents")) == ("confirmation_required", [])
        await done(tools, name, **arguments, requestId="one")
        for confirm in (True, False):
            again = await tools.call(name, {**arguments, "confirm": confirm, "requestId": "one"})
            assert again["already_done"] is True
        del arguments["confirm"]
        assert (await tools.call(name, {**arguments, "requestId": "one"}))["already_done"] is True

    async def test_one_callers_id_is_not_anothers(self, fly: Place) -> None:
        """The issue: by the same caller."""
        tools = fly.server()
        arguments = {**VOLUME, "requestId": "one"}
        made = [await tools.call("flyCreateVolume", arguments, caller=caller) for caller in ("ada", "bob")]
        assert made[0]["id"] != made[1]["id"]
        again = await tools.call("flyCreateVolume", arguments, caller="ada")
        assert (again["id"], again["already_done"]) == (made[0]["id"], True)
        await tools.call("flyCreateVolume", {**arguments, "name": "other"}, caller="eve")

    async def test_one_flys_id_is_not_anothers(self, fly: Place) -> None:
        """Ours: whoever turns to another Fly with the same directory."""
        arguments = {**VOLUME, "requestId": "one"}
        made = [
            (await fly.server(place=place).call("flyCreateVolume", arguments))["id"]
            for place in ("https://api.machines.dev", "http://127.0.0.1:4280")
        ]
        assert made[0] != made[1]

    async def test_two_stores_give_two_marks(self, fly: Place, tmp_path: Path) -> None:
        """Ours: two users who both say "1" do not get each other's machine."""
        other = Store(tmp_path / "other")
        arguments = {"appName": SANDBOX, "requestId": "1"}
        made = [
            (await fly.server(store=store).call("flyCreateMachine", arguments))["id"]
            for store in (fly.store, other)
        ]
        assert made[0] != made[1]
        other.close()


class TestTime:
    """24 hours, and no growth."""

    async def test_it_is_remembered_for_a_day_and_dropped_then(self, fly: Place) -> None:
        """The issue; and the file does not grow for ever."""
        tools = fly.server()
        one: dict[str, Any] = {"appName": APP, "secrets": {"A": "b"}}
        for number in range(20):
            await tools.call("flySetSecrets", {**one, "requestId": f"id-{number}"})
        await fly.clock.sleep(DAY - 120)
        again = await tools.call("flySetSecrets", {**one, "requestId": "id-19"})
        assert again["already_done"] is True
        assert len(fly.rows("intents")) == 20
        await fly.clock.sleep(240)
        await tools.call("flySetSecrets", {**one, "requestId": "another"})
        assert [row["request_id"] for row in fly.rows("intents")] == ["another"]

    async def test_one_at_work_when_its_day_ends_is_not_forgotten_in_the_middle(self, fly: Place) -> None:
        """Ours: whoever joined it within the day gets its answer, and its notes stay where they are read."""
        rule = fly.wire.lose_requests("POST", "/volumes$")
        tools = fly.server()
        error = await refused(tools, "flyCreateVolume", **VOLUME, requestId="late")
        assert error.outcome == "unclear"
        rule.struck = rule.times
        await fly.clock.sleep(DAY - fly.clock.now() + NOW - 5)
        answers: list[Answer] = []

        async def call() -> None:
            answers.append(await tools.call("flyCreateVolume", {**VOLUME, "requestId": "late"}))

        fly.emulator.faults.add(FaultRule(method="POST", path="/volumes$", latency=20.0))
        async with anyio.create_task_group() as group:
            group.start_soon(call)
            await anyio.sleep(1)
            group.start_soon(call)
            await anyio.sleep(10)
            await tools.call("flyStopMachine", {"appName": APP, "machineId": MACHINE, "requestId": "x"})
        assert [answer.get("already_done") for answer in answers] == [None, True]
        assert len(fly.world.apps[SANDBOX].volumes) == 2

    async def test_old_configs_are_dropped_by_any_use(self, fly: Place) -> None:
        """The issue: 30 days; they hold secrets, and nobody need delete another machine for that."""
        tools = fly.server()
        await tools.call("flyDeleteMachine", {"appName": APP, "machineId": MACHINE, "confirm": True})
        assert len(fly.rows("undo")) == 1
        await fly.clock.sleep(30 * DAY + 1)
        await tools.call("flyCreateVolume", {**VOLUME, "requestId": "x"})
        assert fly.rows("undo") == []


class TestTogether:
    """Two calls of one intent at once."""

    async def test_whoever_waits_goes_on_when_the_first_is_cancelled(self, fly: Place) -> None:
        """The issue, 7: cancelled by the client; the second does not start over."""
        tools = fly.server()
        fly.emulator.faults.add(FaultRule(method="POST", path="/volumes$", latency=5.0))
        answers: list[Answer] = []

        async def call(scope: anyio.CancelScope) -> None:
            with scope:
                answers.append(await tools.call("flyCreateVolume", {**VOLUME, "requestId": "two"}))

        first = anyio.CancelScope()
        async with anyio.create_task_group() as group:
            group.start_soon(call, first)
            await anyio.sleep(1)
            group.start_soon(call, anyio.CancelScope())
            await anyio.sleep(1)
            first.cancel()
        assert [answer["outcome"] for answer in answers] == ["done"]
        assert "already_done" not in answers[0]
        assert fly.changes().count(f"POST /v1/apps/{SANDBOX}/volumes") == 1

    async def test_one_who_waits_can_be_cancelled_alone(self, fly: Place) -> None:
        """Ours: the first is not disturbed, and a third gets the answer."""
        tools = fly.server()
        fly.emulator.faults.add(FaultRule(method="POST", path="/volumes$", latency=5.0))
        answers: list[Answer] = []

        async def call(within: float) -> None:
            with anyio.move_on_after(within):
                answers.append(await tools.call("flyCreateVolume", {**VOLUME, "requestId": "two"}))

        async with anyio.create_task_group() as group:
            for within in (60.0, 2.0, 60.0):
                group.start_soon(call, within)
                await anyio.sleep(0.1)
        assert [answer.get("already_done") for answer in answers] == [None, True]
        assert len({answer["id"] for answer in answers}) == 1
        assert anyio.current_time() < 10

    async def test_one_who_waits_for_a_refusal_runs_by_itself(self, fly: Place) -> None:
        """Ours: the first was not confirmed; the second is."""
        tools = fly.server()
        fly.emulator.faults.add(FaultRule(method="GET", path=f"/machines/{MACHINE}$", latency=2.0, times=1))
        one = {"appName": APP, "machineId": MACHINE, "requestId": "two"}
        found: list[Answer | FlyError] = []

        async def call(**more: Any) -> None:
            found.append(await said(tools, "flyDeleteMachine", **one, **more))

        async with anyio.create_task_group() as group:
            group.start_soon(call)
            await anyio.sleep(0.1)
            group.start_soon(lambda: call(confirm=True))
        assert isinstance(found[0], FlyError)
        assert isinstance(found[1], dict)
        assert found[1]["outcome"] == "done"

    async def test_a_mistake_of_ours_does_not_leave_others_waiting(self, fly: Place) -> None:
        """Ours: whatever ends a call, whoever waits for it goes on."""
        intents = Intents(fly.store, fly.clock, Random(1))
        first = await intents.begin("me", "id", "flyX", {})
        assert isinstance(first, Intent)
        second: list[Intent | Answer] = []

        async def wait() -> None:
            second.append(await intents.begin("me", "id", "flyX", {}))

        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            await anyio.sleep(1)
            assert not second
            intents.leave(first, nothing_done=False)
        assert isinstance(second[0], Intent)
        assert second[0].resumed


#: A process that holds an intent, at the tests' time, and stays.
HOLDS = f"""
import asyncio
from random import Random
from fly_mcp_tools.state.intents import Intents
class Clock:
    now = staticmethod(lambda: {NOW})
intents = Intents(store, Clock(), Random(7))
intent = asyncio.run(intents.begin("me", "id", "flyX", {{"a": 1}}))
intent.note("step", {{"sent": True}})
print(intent.mark("x"), flush=True)
"""


@contextmanager
def holder(fly: Place) -> Generator[tuple[Any, str]]:
    """Such a process, and a mark of its intent."""
    with process(fly.directory, HOLDS) as child:
        assert child.stdout is not None
        mark = child.stdout.readline().strip()
        ready(child)
        yield child, mark


class TestProcesses:
    """Two processes, one id."""

    async def test_another_process_at_work_is_told_and_its_work_taken_up_once_it_is_killed(
        self, fly: Place
    ) -> None:
        """The issue, 7: kill -9; notes and marks are those of the first."""
        intents = Intents(fly.store, fly.clock, Random(7))
        with holder(fly) as (child, mark):
            for _ in range(2):
                with pytest.raises(FlyError) as caught:
                    await intents.begin("me", "id", "flyX", {"a": 1})
                assert (caught.value.code, caught.value.changed) == ("conflict", "nothing")
                assert caught.value.retryable
                assert "Another process is at work" in caught.value.message
            with pytest.raises(FlyError, match="with other arguments"):
                await intents.begin("me", "id", "flyX", {"a": 2})
            child.kill()
            child.wait()
            intent = await intents.begin("me", "id", "flyX", {"a": 1})
        assert isinstance(intent, Intent)
        assert intent.resumed
        assert intent.notes == {"step": {"sent": True}}
        assert intent.mark("x") == mark

    async def test_one_that_is_silent_for_long_is_taken_over_and_sends_nothing_more(self, fly: Place) -> None:
        """Ours: a process that hangs must not hold an id for ever, nor go on beside its heir."""
        slow = Intents(fly.store, fly.clock, Random(1))
        heir = Intents(Store(fly.directory), fly.clock, Random(2))
        first = await slow.begin("me", "id", "flyX", {})
        assert isinstance(first, Intent)
        await fly.clock.sleep(899)
        with pytest.raises(FlyError, match="at work"):
            await heir.begin("me", "id", "flyX", {})
        await fly.clock.sleep(2)
        second = await heir.begin("me", "id", "flyX", {})
        assert isinstance(second, Intent)
        with pytest.raises(FlyError, match="at work"):
            first.note("step", 1)
        slow.leave(first, nothing_done=True)
        second.note("step", 2)
        assert [row["notes"] for row in fly.rows("intents")] == ['{"step": 2}']
        heir.finish(second, {"outcome": "done"})
        assert await slow.begin("me", "id", "flyX", {}) == {"outcome": "done"}
        heir._store.close()  # pyright: ignore[reportPrivateUsage] it is nobody's

    async def test_a_process_with_our_own_number_is_another(self, fly: Place) -> None:
        """Ours: process 1 of a container, killed and started again, or of two containers at once."""
        row = ("me", "id", "flyX", "", NOW, NOW, f"{os.getpid()}:0123456789abcdef")
        intents = Intents(fly.store, fly.clock, Random(7))
        first = await intents.begin("me", "id", "flyX", {})
        assert isinstance(first, Intent)
        intents.leave(first, nothing_done=False)
        with fly.store.transaction() as db:
            db.execute("UPDATE intents SET holder = ?", (row[-1],))
        assert isinstance(await intents.begin("me", "id", "flyX", {}), Intent)


def test_marks_of_a_call_without_an_id_are_its_own() -> None:
    """The issue: else unique to the call."""
    rng = Random(3)
    one, two = Journal(rng.randbytes(16)), Journal(rng.randbytes(16))
    assert one.mark("create") == one.mark("create")
    assert len({one.mark("create"), one.mark("volume"), two.mark("create")}) == 3


async def test_an_undo_store_in_memory_lasts_as_long_as_its_process(fly: Place) -> None:
    """Ours: and says so; a default directory that could not be used is memory too."""
    (fly.directory.parent / "taken").touch()
    for store in (Store(None), Store(fly.directory.parent / "taken", or_memory=True)):
        undo = Undo(store, fly.clock)
        answer = await fly.server(store=store).call(
            "flyDeleteMachine", {"appName": APP, "machineId": MACHINE, "confirm": True}
        )
        assert "while this server runs" in answer["undo"]["how"]
        assert not undo.lasting
        fly.emulator.reset()
        store.close()
