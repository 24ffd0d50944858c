"""Consent over the network: which client can be asked how, and whose answer it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import pytest
from mcp_types import ElicitResult

from fly_mcp_emulator import Emulator
from fly_mcp_tools.state.store import Store
from tests.actions.fly import APP, MACHINE
from tests.virtual_time import LoopClock

from .ground import content_of, error_of, machine_gone
from .network import listening

DELETE: dict[str, Any] = {"appName": APP, "machineId": MACHINE, "confirm": True}
Transport = Literal["http", "sse"]
#: What can be asked: the older protocol has no way over stateless HTTP.
CAN_ASK: tuple[tuple[Transport, str], ...] = (("http", "auto"), ("sse", "auto"), ("sse", "legacy"))
can_ask = pytest.mark.parametrize(("transport", "mode"), CAN_ASK)


@can_ask
async def test_an_accepted_call_is_run(
    emulator: Emulator, clock: LoopClock, transport: Transport, mode: str
) -> None:
    """The question names the agent that the token is of."""
    async with listening(emulator, clock) as server, server.client(transport, mode=mode) as ground:
        assert (await ground.call("flyDeleteMachine", **DELETE))["outcome"] == "done"
        assert machine_gone(ground)
        (text,) = ground.human.asked
        assert 'Agent: "alice"' in text


@can_ask
async def test_a_declined_call_is_not_run(
    emulator: Emulator, clock: LoopClock, transport: Transport, mode: str
) -> None:
    """The emulator is the judge."""
    async with listening(emulator, clock) as server, server.client(transport, mode=mode) as ground:
        ground.human.answer = ElicitResult(action="decline")
        error = await ground.refused("flyDeleteMachine", **DELETE)
        assert error["details"]["consent"] == "declined"
        assert ground.writes() == []


async def test_an_older_client_over_stateless_http_cannot_be_asked(
    emulator: Emulator, clock: LoopClock
) -> None:
    """So, no; and it is said why, and who can help."""
    async with listening(emulator, clock) as server, server.client("http", mode="legacy") as ground:
        error = await ground.refused("flyDeleteMachine", **DELETE)
        assert (error["code"], error["details"]["consent"]) == ("not_allowed", "cannot_ask")
        assert "older protocol" in error["message"]
        assert ground.human.asked == []
        assert ground.writes() == []


async def test_an_answer_of_one_agents_human_is_none_of_anothers(
    emulator: Emulator, clock: LoopClock
) -> None:
    """The same server, the same call, another token."""
    async with (
        listening(emulator, clock) as server,
        server.client("http", mode="auto", agent="alice") as alice,
        server.client("http", mode="auto", agent="bob") as bob,
    ):
        state = (await alice.first("flyDeleteMachine", DELETE)).request_state
        error = error_of(await bob.then("flyDeleteMachine", DELETE, state))
        assert error["details"]["consent"] == "other"
        assert alice.writes() == []
        assert content_of(await alice.then("flyDeleteMachine", DELETE, state))["outcome"] == "done"


async def test_any_replica_takes_an_answer_and_one_alone(
    emulator: Emulator, clock: LoopClock, tmp_path: Path
) -> None:
    """Two servers with one state directory: asked by the one, answered at the other, not answered again."""
    async with (
        listening(emulator, clock, store=Store(tmp_path / "state")) as one,
        listening(emulator, clock, store=Store(tmp_path / "state"), seed=8) as two,
        one.client("http", mode="auto") as here,
        two.client("http", mode="auto") as there,
    ):
        before = emulator.dump()
        state = (await here.first("flyDeleteMachine", DELETE)).request_state
        assert content_of(await there.then("flyDeleteMachine", DELETE, state))["outcome"] == "done"
        emulator.load(before)
        assert error_of(await here.then("flyDeleteMachine", DELETE, state))["details"]["consent"] == "used"
