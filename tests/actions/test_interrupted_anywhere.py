"""Interrupted at any of its requests, a call is finished by its id, and nothing is lost or doubled (issue 4, 7)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fly_mcp_tools.action import Gate
from fly_mcp_tools.catalogue import ACTIONS
from tests.virtual_time import LoopClock

from .fly import Json
from .interrupted_cases import CASES, ONCE, ONE, Case
from .interruptions import KINDS, Kind, Stage
from .remains import references_in

#: A call sends fewer requests than this.
_MANY = 60

#: What an answer tells of the intent, and not of the call that finished it.
TOLD = (
    "state", "previous_state", "before", "count", "names", "not_set", "applied_secrets", "how", "cordoned", "limit_mb",
    "size_gb", "was_gb", "snapshot_retention", "scheduled_snapshots", "type", "hostname", "left", "volume_from",
    "image", "monthly_cost", "changed",
)  # fmt: skip


#: Actions that price the difference to what was there before, which a call that goes on has not seen.
COMPARES = ("flyScaleMachines", "flyScaleWithVolumes")


def _told(action: str, answer: Json) -> Json:
    machines: list[Any] = answer.get("machines") or []
    keys = [key for key in TOLD if action not in COMPARES or key != "monthly_cost"]
    return {**{key: answer.get(key) for key in keys}, "machines": len(machines)}


@pytest.fixture
def stage(request: pytest.FixtureRequest, clock: LoopClock, tmp_path: Path) -> Stage:
    case: Case = request.getfixturevalue("case")
    return Stage(case.world(), clock, tmp_path / "state")


async def _undisturbed(stage: Stage, action: str, arguments: Json) -> tuple[Json, Json, int]:
    """The answer, what is there afterwards and how many requests it took, if nothing happens."""
    process = stage.process()
    answer = await process.call(action, {**arguments, "requestId": "undisturbed"})
    assert answer is not None
    assert answer["outcome"] == "done", answer
    process.store.close()
    sent = len(stage.emulator.requests)
    return answer, await stage.left(), sent


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_interrupted_at_any_request_the_same_id_comes_to_done(
    stage: Stage, case: Case, kind: Kind
) -> None:
    """Three repeats at most; then Fly is as after a call that nothing happened to, and its undo is told in full."""
    asks = ACTIONS[case.action].gate is not Gate.NEVER
    arguments = {**case.arguments, **({"confirm": True} if asks else {})}
    undisturbed, want, sent = await _undisturbed(stage, case.action, arguments)
    keeps = case.action == "flyAcquireLease"
    assert [one for app in want.values() for one in app["leased"]] == ([ONE["machineId"]] if keeps else [])
    earlier = references_in(undisturbed)
    for at in range(1, _MANY):
        stage.emulator.reset()
        call = {**arguments, "requestId": f"interrupted-at-{at}"}
        process = stage.process(kind, at)
        answer = await process.call(case.action, call)
        where = f"at request {at}, {process.wire.struck}"
        if process.wire.struck is None:
            assert at == sent + 1
            return
        if kind.startswith("killed") or at % 2:  # every other time, what the process remembered is gone
            process.store.close()
            process = stage.process(seed=2)
        for _ in range(3):
            if answer is None or answer["outcome"] != "done":
                answer = await process.call(case.action, call)
        assert answer is not None
        assert answer["outcome"] == "done", (where, answer)
        assert _told(case.action, answer) == _told(case.action, undisturbed), where
        assert await stage.left() == want, where
        kept = process.references() - earlier
        assert references_in(answer) == kept, where
        earlier |= kept
        process.store.close()
    raise AssertionError("it never came to its end")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("case", "end"), ONCE.values(), ids=ONCE)
async def test_what_cannot_be_looked_up_is_never_done_twice(
    stage: Stage, case: Case, end: str, kind: Kind
) -> None:
    """It is done, or unclear for as long as the id is known; before it was sent, an interruption costs nothing."""
    first = stage.process()
    assert await first.call(case.action, case.arguments)
    first.store.close()
    (place,) = (
        number for number, one in enumerate(stage.emulator.requests, start=1) if one.path.endswith(end)
    )
    for at in range(1, _MANY):
        stage.emulator.reset()
        call = {**case.arguments, "requestId": f"interrupted-at-{at}"}
        process = stage.process(kind, at)
        answers = [await process.call(case.action, call)]
        struck, where = process.wire.struck, f"at request {at}, {process.wire.struck}"
        process.store.close()
        if struck is None:
            assert at > place
            return
        for seed in (2, 3):
            process = stage.process(seed=seed)
            answers.append(await process.call(case.action, call))
            process.store.close()
        told = [answer["outcome"] for answer in answers if answer is not None]
        done = sum(one.path.endswith(end) and 0 < one.world_status < 400 for one in stage.emulator.requests)
        assert set(told[-2:]) <= {"done", "unclear"}, (where, told)
        assert told[-1] == told[-2], where
        assert done <= 1, where
        assert told[-1] == "unclear" or done == 1, where
        assert told[-1] == "done" or at >= place, where


def test_every_write_has_a_case() -> None:
    """A new one has to be interrupted anywhere, too."""
    cases = [*CASES.values(), *(case for case, _ in ONCE.values())]
    assert {case.action for case in cases} == {name for name, one in ACTIONS.items() if one.writes}
