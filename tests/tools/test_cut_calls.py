"""Calls that are cut, and a store that breaks under them: what is said is true, and the id finishes it (issue 4, 7)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import World
from fly_mcp_tools.errors import FlyError, NotConfigured
from fly_mcp_tools.state.store import Store
from tests.actions.fly import APP, FREE_VOLUME, MACHINE, SANDBOX, WEB
from tests.tools.place import VOLUME, WRITES, Place, done, example, opened, refused, said


@pytest.fixture
async def fly(tmp_path: Path) -> AsyncGenerator[Place]:
    async with opened(tmp_path / "state") as fly:
        yield fly


#: Calls that send several requests, and how to count what they must do once.
CUT: list[tuple[str, dict[str, Any], Callable[[World], int], int]] = [
    ("flyCreateVolume", VOLUME, lambda world: len(world.apps[SANDBOX].volumes), 2),
    ("flyCreateMachine", {"appName": SANDBOX}, lambda world: len(world.apps[SANDBOX].machines), 1),
    (
        "flyScaleWithVolumes",
        {"appName": APP, "count": 3},
        lambda world: len(world.apps[APP].machines) * 10 + len(world.apps[APP].volumes),
        33,
    ),
    (
        "flyDeleteVolume",
        {"appName": APP, "volumeId": FREE_VOLUME, "confirm": True},
        lambda world: len(world.apps[APP].volumes[FREE_VOLUME].snapshots),
        1,
    ),
    (
        "flyDeleteMachine",
        {"appName": APP, "machineId": MACHINE, "confirm": True},
        lambda world: sum(one.alive for one in world.apps[APP].machines.values()),
        0,
    ),
    ("flyDeleteApp", {"appName": WEB, "confirm": True}, lambda world: WEB in world.apps, 0),
]


@pytest.mark.parametrize(("name", "arguments", "count", "wanted"), CUT, ids=[one[0] for one in CUT])
@pytest.mark.parametrize("lost", [False, True], ids=["answered", "lost"])
async def test_a_call_cut_at_any_moment_is_finished_by_its_id(
    fly: Place, name: str, arguments: dict[str, Any], count: Callable[[World], int], wanted: int, lost: bool
) -> None:
    """The issue, 7: cancelled by the client; every half second of its way. `lost`: so are its first answers."""
    for step in range(1, 60):
        fly.emulator.reset()
        fly.wire.mend()
        fly.emulator.faults.add(FaultRule(path="/v1/(apps|platform|tokens)", latency=0.4))
        if lost:
            fly.wire.lose_answers("POST", "/(volumes|machines|snapshots)$", times=1)
            fly.wire.lose_answers("DELETE", "(?<!/lease)$", times=1)
        call = {**arguments, "requestId": f"cut-{step}"}
        with anyio.move_on_after(step * 0.5) as scope:
            await said(fly.server(seed=step), name, **call)
        answer = await done(fly.server(seed=1000 + step), name, **call)
        assert count(fly.world) == wanted, f"cut after {step * 0.5} s"
        if "undo" in answer:
            assert answer["undo"].get("reference", "app") is not None
        if not scope.cancelled_caught:
            break
    else:
        raise AssertionError("it never came to its end")
    assert step >= 3


@contextmanager
def broken(store: Store) -> Generator[None]:
    """A store that takes nothing more, as on a full disk."""
    _switch(store, on=True)
    try:
        yield
    finally:
        _switch(store, on=False)


def _switch(store: Store, *, on: bool) -> None:
    store.open()
    db = store._db  # pyright: ignore[reportPrivateUsage] there is no other way in
    assert db is not None
    db.execute(f"PRAGMA query_only = {int(on)}")


class TestBrokenStore:
    """A store that breaks: what is done stays told as done, and nothing is sent that cannot be written down."""

    @pytest.mark.parametrize("name", WRITES)
    async def test_broken_before_nothing_is_sent(self, fly: Place, name: str) -> None:
        """Ours: a promise that could not be kept is not made."""
        tools = fly.server()
        fly.store.open()
        sent = len(fly.wire.sent)
        with broken(fly.store):
            error = await refused(tools, name, **example(name), requestId="one")
        assert isinstance(error, NotConfigured)
        assert (error.outcome, len(fly.wire.sent)) == ("refused", sent)
        await done(tools, name, **example(name), requestId="one")

    @pytest.mark.parametrize(
        "name",
        ["flyCreateVolume", "flyCreateApp", "flyDeleteApp", "flyStopMachine", "flyExecCommand"],
    )
    async def test_broken_after_the_last_write_it_is_done_all_the_same(
        self, fly: Place, name: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Ours: an answer that cannot be kept is given, and the log says so."""
        tools = fly.server()
        arguments = example(name)
        first = await tools.call(name, {**arguments, "requestId": "count"})
        total = len(fly.wire.sent)
        fly.emulator.reset()
        fly.wire.mend()
        looked = 0

        def look(_: object) -> None:
            nonlocal looked
            looked += 1
            if looked == total:
                _switch(fly.store, on=True)

        for method in ("GET", "POST", "PUT", "DELETE"):
            fly.wire.tap(method, ".*", look, times=999)
        tools = fly.server()
        answer = await tools.call(name, {**arguments, "requestId": "again"})
        _switch(fly.store, on=False)
        assert looked == total
        assert answer["outcome"] == first["outcome"] == "done"
        sent = len(fly.wire.sent)
        for server in (tools, fly.server()):  # brought late, for this process and others
            again = await server.call(name, {**arguments, "requestId": "again"})
            assert again["already_done"] is True
        assert len(fly.wire.sent) == sent
        assert any("could not be kept" in record.getMessage() for record in caplog.records)

    @pytest.mark.parametrize(("name", "arguments", "count", "wanted"), CUT, ids=[one[0] for one in CUT])
    async def test_broken_at_any_moment_what_is_said_is_true(
        self, fly: Place, name: str, arguments: dict[str, Any], count: Callable[[World], int], wanted: int
    ) -> None:
        """Ours: `changed` names what was sent; mended, the same id finishes it and doubles nothing."""
        for moment in range(1, 40):
            fly.emulator.reset()
            fly.wire.mend()
            looked = 0

            def look(_: object) -> None:
                nonlocal looked
                looked += 1
                if looked == moment:  # noqa: B023 - called within this turn
                    _switch(fly.store, on=True)

            for method in ("GET", "POST", "PUT", "DELETE"):
                fly.wire.tap(method, "(?<!/lease)$", look, times=999)
            call = {**arguments, "requestId": f"broken-{moment}"}
            tools = fly.server(seed=moment)
            answer = await said(tools, name, **call)
            _switch(fly.store, on=False)
            changed = len(fly.changes())
            if isinstance(answer, FlyError):
                assert answer.code == "not_configured"
                assert (answer.outcome == "refused") == (changed == 0), (
                    moment,
                    fly.changes(),
                    answer.changed,
                )
            else:
                assert answer["outcome"] == "done"
            fly.wire.mend()
            finished = await said(tools, name, **call)
            assert isinstance(finished, dict) or finished.code == "not_found", finished
            if isinstance(finished, FlyError):
                assert isinstance(answer, dict)  # it was done, and told; only its answer could not be kept
            assert count(fly.world) == wanted, moment
            if looked < moment:
                break
        else:
            raise AssertionError("it never came to its end")

    async def test_a_config_that_cannot_be_kept_saves_its_machine(self, fly: Place) -> None:
        """The issue, 6: also without a request id."""
        one = {"appName": APP, "machineId": MACHINE, "confirm": True}
        with broken(fly.store):
            error = await refused(fly.server(), "flyDeleteMachine", **one)
            assert (error.code, error.changed) == ("not_configured", "nothing")
            error = await refused(fly.server(), "flyDeleteApp", appName=APP, confirm=True)
            assert (error.code, error.changed) == ("not_configured", "nothing")
        assert fly.changes() == []
