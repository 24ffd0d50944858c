"""What a client carries from the question to the answer: altered, late, twice, for something else (issue 6, Shows 3).

Only the newest protocol has it; in the older one the question never leaves the server.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp_types import ElicitResult

from fly_mcp_emulator import Emulator
from fly_mcp_server.policy.decision import Effect
from fly_mcp_tools.state.store import Store
from tests.actions.fly import APP, MACHINE
from tests.virtual_time import LoopClock

from .ground import YES, Ground, content_of, error_of, machine_gone, standing

DELETE: dict[str, Any] = {"appName": APP, "machineId": MACHINE, "confirm": True}
KEY, OTHER_KEY = "k" * 32, "o" * 32


@pytest.fixture
def mode() -> str:
    return "auto"


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """The SDK logs each state that it refuses; a thousand of them are a thousand lines."""
    caplog.set_level(logging.CRITICAL)


async def _state(ground: Ground, name: str = "flyDeleteMachine", arguments: dict[str, Any] = DELETE) -> str:
    state = (await ground.first(name, arguments)).request_state
    assert state
    return state


def _altered(state: str) -> Iterator[str]:
    """The state with each of its characters changed, and cut and grown."""
    for at, one in enumerate(state):
        yield state[:at] + ("A" if one != "A" else "B") + state[at + 1 :]
    yield from (state[:-1], state[1:], state + "A", state + "=", f" {state}", state.upper(), "", "v1.", "{}")


async def test_any_altered_character_makes_it_something_else(ground: Ground) -> None:
    """Byte by byte: refused each time, in words, and the machine stays."""
    state = await _state(ground)
    altered = [one for one in _altered(state) if one != state]
    assert len(altered) > 400
    for one in altered:
        error = error_of(await ground.then("flyDeleteMachine", DELETE, one))
        assert error["details"]["consent"] == "other", one
        assert error["code"] == "not_allowed"
    assert ground.writes() == []
    # None of that has used it up.
    assert content_of(await ground.then("flyDeleteMachine", DELETE, state))["outcome"] == "done"


async def test_an_altered_question_is_refused_where_no_human_is_needed_too(ground: Ground) -> None:
    """Whoever alters it is up to something."""
    ground.rights.effect = Effect.ALLOW
    error = error_of(await ground.then("flyDeleteMachine", DELETE, "v1.AAAA"))
    assert error["details"]["consent"] == "other"
    assert ground.writes() == []


async def test_nothing_of_it_can_be_read_by_the_client(ground: Ground) -> None:
    """Encrypted, and not only signed."""
    token = (await _state(ground)).removeprefix("v1.")
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for word in (b"flyDelete", MACHINE.encode(), APP.encode(), b"builder", b"until", b"facts"):
        assert word not in raw


async def test_an_answer_counts_once(ground: Ground) -> None:
    """Replayed, also with the world put back as it was: used, and nothing is destroyed a second time."""
    before = ground.emulator.dump()
    state = await _state(ground)
    assert content_of(await ground.then("flyDeleteMachine", DELETE, state))["outcome"] == "done"
    ground.emulator.load(before)
    sent = len(ground.writes())
    error = error_of(await ground.then("flyDeleteMachine", DELETE, state))
    assert error["details"]["consent"] == "used"
    assert len(ground.writes()) == sent
    assert not machine_gone(ground)


@pytest.mark.parametrize("no", [ElicitResult(action="decline"), ElicitResult(action="cancel"), None])
async def test_a_no_uses_the_question_up(ground: Ground, no: ElicitResult | None) -> None:
    """Else a client could send a yes after it."""
    state = await _state(ground)
    assert error_of(await ground.then("flyDeleteMachine", DELETE, state, no))
    error = error_of(await ground.then("flyDeleteMachine", DELETE, state, YES))
    assert error["details"]["consent"] == "used"
    assert ground.writes() == []


async def test_a_yes_without_a_question_is_none(ground: Ground) -> None:
    """The human is asked, whatever the client says that they said."""
    result = await ground.client.session.call_tool(
        "flyDeleteMachine", DELETE, input_responses={"consent": YES}, allow_input_required=True
    )
    assert result.result_type == "input_required"
    assert ground.writes() == []


async def test_a_spent_answer_is_known_to_other_processes(
    emulator: Emulator, clock: LoopClock, tmp_path: Path
) -> None:
    """Replicas with one state directory: one opens what the other sealed, and once is once among them."""
    async with (
        standing(emulator, clock, store=Store(tmp_path / "state")) as one,
        standing(emulator, clock, store=Store(tmp_path / "state"), seed=8) as two,
    ):
        state = await _state(one)
        before = emulator.dump()
        assert content_of(await two.then("flyDeleteMachine", DELETE, state))["outcome"] == "done"
        emulator.load(before)
        error = error_of(await one.then("flyDeleteMachine", DELETE, state))
        assert error["details"]["consent"] == "used"


async def test_servers_without_a_common_key_do_not_know_each_others_questions(
    emulator: Emulator, clock: LoopClock, tmp_path: Path
) -> None:
    """Two state directories, and no FLY_MCP_CONSENT_KEY."""
    async with (
        standing(emulator, clock, store=Store(tmp_path / "one")) as one,
        standing(emulator, clock, store=Store(tmp_path / "two"), seed=8) as two,
    ):
        error = error_of(await two.then("flyDeleteMachine", DELETE, await _state(one)))
        assert error["details"]["consent"] == "other"


async def test_keys_can_be_changed_without_losing_a_question(emulator: Emulator, clock: LoopClock) -> None:
    """The first seals, all open: [old] to [new, old] to [new]."""
    async with (
        standing(emulator, clock, keys=(KEY,)) as old,
        standing(emulator, clock, keys=(OTHER_KEY, KEY), seed=8) as both,
        standing(emulator, clock, keys=(OTHER_KEY,), seed=9) as new,
    ):
        state = await _state(old)
        assert error_of(await new.then("flyDeleteMachine", DELETE, state))["details"]["consent"] == "other"
        assert content_of(await both.then("flyDeleteMachine", DELETE, state))["outcome"] == "done"


@pytest.mark.parametrize(
    "other",
    [
        {"machineId": "0123456789abcd"},
        {"appName": "my-sandbox"},
        {"confirm": False},
        {"requestId": "new"},
        {"nonce": "0123456789ab"},
    ],
    ids=lambda one: next(iter(one)),
)
async def test_an_answer_is_for_the_exact_arguments(ground: Ground, other: dict[str, Any]) -> None:
    """One that differs is another call."""
    state = await _state(ground)
    result = await ground.then("flyDeleteMachine", DELETE | other, state)
    assert error_of(result)["details"]["consent"] == "other"
    assert ground.writes() == []


async def test_an_answer_is_for_the_exact_secrets(ground: Ground) -> None:
    """Another value under the same name is another call, though neither is ever shown."""
    one = {"appName": APP, "secrets": {"KEY": "one"}}
    state = await _state(ground, "flySetSecrets", one)
    other = {"appName": APP, "secrets": {"KEY": "two"}}
    error = error_of(await ground.then("flySetSecrets", other, state))
    assert error["details"]["consent"] == "other"
    assert ground.writes() == []


async def test_an_answer_is_for_one_action(ground: Ground) -> None:
    """A yes to a stop is none to a delete, though both are about the same machine."""
    state = await _state(ground, "flyStopMachine", {"appName": APP, "machineId": MACHINE})
    error = error_of(await ground.then("flyDeleteMachine", DELETE, state))
    assert error["details"]["consent"] == "other"
    assert ground.writes() == []


async def test_an_answer_is_for_one_agent(emulator: Emulator, clock: LoopClock) -> None:
    """The same key and the same call, from another agent: the state itself knows whose it is."""
    async with (
        standing(emulator, clock, keys=(KEY,), agent="builder") as builder,
        standing(emulator, clock, keys=(KEY,), agent="janitor", seed=8) as janitor,
    ):
        error = error_of(await janitor.then("flyDeleteMachine", DELETE, await _state(builder)))
        assert error["details"]["consent"] == "other"
        assert emulator.dump().apps[APP].machines[MACHINE].alive


async def test_an_answer_that_comes_too_late_is_told_from_one_for_something_else(ground: Ground) -> None:
    """By our clock; the seal itself lives longer."""
    state = await _state(ground)
    await ground.clock.sleep(300)
    error = error_of(await ground.then("flyDeleteMachine", DELETE, state))
    assert error["details"]["consent"] == "expired"
    # Being late does not use it up; it stays late.
    error = error_of(await ground.then("flyDeleteMachine", DELETE, state))
    assert error["details"]["consent"] == "expired"
    assert ground.writes() == []


async def test_an_answer_that_cannot_be_noted_does_not_count(
    emulator: Emulator, clock: LoopClock, tmp_path: Path
) -> None:
    """The state directory breaks between question and answer: spent before anything is sent, or not at all."""
    store = Store(tmp_path / "state")
    async with standing(emulator, clock, store=store) as ground:
        state = await _state(ground)
        with store.transaction() as db:
            db.execute("CREATE VIEW consents AS SELECT 1")
        read = len(emulator.requests)
        error = content_of(await ground.then("flyDeleteMachine", DELETE, state))["error"]
        assert (error["code"], error["changed"]) == ("not_configured", "nothing")
        assert len(emulator.requests) == read


async def test_what_is_over_is_forgotten(emulator: Emulator, clock: LoopClock) -> None:
    """The table of spent questions does not grow for ever."""
    store = Store(None)
    async with standing(emulator, clock, store=store) as ground:
        ground.human.answer = ElicitResult(action="decline")
        for _ in range(3):
            await ground.refused("flyDeleteMachine", **DELETE)
            await clock.sleep(301)
        with store.transaction() as db:
            (kept,) = db.execute("SELECT count(*) FROM consents").fetchone()
        assert kept == 1
