"""What the trail says of a policy's decision, and of what a human did."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from mcp import Client
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult

from fly_mcp_emulator import Emulator
from fly_mcp_server import runtime, sdk
from fly_mcp_server.access.callers import OneCaller
from fly_mcp_server.access.desk import Desk
from fly_mcp_server.activity import Activity
from fly_mcp_server.consent.approval import Consent
from fly_mcp_server.settings import Settings
from fly_mcp_tools.action import AnyAction
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.state.store import Store
from tests.actions.fly import APP, MACHINE
from tests.policy.ground import agent, allow, world
from tests.virtual_time import LoopClock

from .kept import Kept

ASK = 'effect = "ask"\naccess = ["destructive"]'
READ = allow('access = ["read"]')


#: What somebody who is asked answers, or does first.
Human = ElicitResult | Callable[[Emulator], Awaitable[ElicitResult]]


class Among(OneCaller):
    """One agent of several, who together have every tool."""

    @property
    def actions(self) -> Mapping[str, AnyAction]:
        return ACTIONS


@dataclass
class Ruled:
    """An agent under a policy, with a human behind its client."""

    client: Client
    emulator: Emulator

    async def delete(self, *, confirm: bool = True) -> CallToolResult:
        return await self.client.call_tool(
            "flyDeleteMachine", {"appName": APP, "machineId": MACHINE, "confirm": confirm}
        )


@asynccontextmanager
async def ruled(
    folder: Path, kept: Kept, clock: LoopClock, *rules: str, human: Human | None, mode: str = "auto"
) -> AsyncGenerator[Ruled]:
    """`human`: what they answer, or do before they answer; None: the client has nobody to ask.

    Others have every tool, as over a network.
    """
    emulator = Emulator(clock=clock, world=world())
    policy = folder / "policy.toml"
    policy.write_text(agent(*rules))
    settings = Settings(policy=str(policy), agent="night", emulator=True)
    built = runtime.build(settings, emulator=emulator, clock=clock)
    consent = Consent(Store(None), clock, Random(7), lasts=300.0, keys=())

    async def answers(context: Any, params: ElicitRequestParams) -> ElicitResult:
        assert human is not None
        return human if isinstance(human, ElicitResult) else await human(emulator)

    callers = Among(built.callers.current())
    server = sdk.server(Desk(callers, trail=kept.trail), Activity(), asking=consent)
    try:
        async with Client(server, mode=mode, elicitation_callback=answers if human else None) as client:
            yield Ruled(client, emulator)
    finally:
        for one in built.clients:
            await one.aclose()


async def test_an_allowed_call_names_the_rule(tmp_path: Path, kept: Kept, clock: LoopClock) -> None:
    """Issue 6: decision and rule; and the organisation that the agent is bound to."""
    async with ruled(tmp_path, kept, clock, READ, human=None) as one:
        await one.client.call_tool("flyGetMachine", {"appName": APP, "machineId": MACHINE})
    event = kept.one()
    assert (event["caller"], event["decision"], event["rule"]) == ("night", "allow", "agents.night.rules[0]")
    assert event["org"] == "personal"
    assert event["says"].startswith(f"night asked to read machine {MACHINE} of {APP}: done in ")
    assert event["says"].endswith("; allowed by rule agents.night.rules[0].")
    assert event["requests"] == len(one.emulator.requests), "reads of the policy itself count too"


async def test_a_denied_call_names_the_rule_or_that_there_is_none(
    tmp_path: Path, kept: Kept, clock: LoopClock
) -> None:
    """Nothing was sent for it; and the trail tells the operator more than the agent is told."""
    rules = (
        allow('access = ["read"]', 'apps = ["catvet-web", "my-*"]'),
        'effect = "deny"\napps = ["*-web"]\naccess = ["read"]',
    )
    async with ruled(tmp_path, kept, clock, *rules, human=None) as one:
        for app in (APP, "catvet-web"):
            result = await one.client.call_tool("flyGetApp", {"appName": app})
            assert result.is_error
    nowhere, denied = kept.events()
    assert (nowhere["decision"], nowhere.get("rule"), nowhere["code"]) == ("deny", None, "not_allowed")
    assert nowhere["says"].endswith("; no rule of night allows it.")
    assert denied["rule"] == "agents.night.rules[1]"
    assert denied["says"].endswith("; denied by rule agents.night.rules[1].")


async def test_a_tool_of_others_is_named(tmp_path: Path, kept: Kept, clock: LoopClock) -> None:
    """There is one, though this agent has it not: the operator sees who tries what."""
    async with ruled(tmp_path, kept, clock, READ, human=None) as one:
        with pytest.raises(Exception, match="Unknown tool"):
            await one.delete()
    event = kept.one()
    assert (event["action"], event["code"], event["requests"]) == ("flyDeleteMachine", "unknown_tool", 0)
    assert event["says"].endswith("nothing was changed; it has no such tool.")


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize(
    ("human", "says"),
    [
        (ElicitResult(action="accept", content={"approve": True}), "accepted"),
        (ElicitResult(action="decline"), "declined"),
        (ElicitResult(action="cancel"), "closed the question"),
        (ElicitResult(action="accept", content={"approve": False}), "declined"),
        (None, "cannot be asked here"),
    ],
    ids=["accepted", "declined", "cancelled", "accepted with no", "nobody"],
)
async def test_what_a_human_did_is_kept(
    tmp_path: Path, kept: Kept, clock: LoopClock, human: ElicitResult | None, says: str, mode: str
) -> None:
    """By which rule they were asked, too."""
    async with ruled(tmp_path, kept, clock, READ, ASK, human=human, mode=mode) as one:
        await one.delete()
    event = kept.events()[-1]
    assert (event["decision"], event["rule"]) == ("ask", "agents.night.rules[1]")
    assert event["says"].endswith(f"; a human was to be asked by rule agents.night.rules[1], and {says}.")
    assert bool(kept.events("begun")) == (says == "accepted")


async def test_a_question_is_asked_and_answered_in_two_events(
    tmp_path: Path, kept: Kept, clock: LoopClock
) -> None:
    """In the newest protocol the client carries the question and calls again."""
    yes = ElicitResult(action="accept", content={"approve": True})
    async with ruled(tmp_path, kept, clock, READ, ASK, human=yes) as one:
        await one.delete()
    asked, done = kept.events()
    assert (asked["outcome"], asked["changed"]) == ("asking", "nothing")
    assert "and is being asked." in asked["says"]
    assert done["outcome"] == "done"


async def test_consent_does_not_help_where_the_trail_cannot_be_written(
    tmp_path: Path, kept: Kept, clock: LoopClock
) -> None:
    """A human's yes is no reason to destroy unseen; and it was given."""
    kept.disk.full = "durable"
    yes = ElicitResult(action="accept", content={"approve": True})
    async with ruled(tmp_path, kept, clock, READ, ASK, human=yes) as one:
        result = await one.delete()
        assert result.is_error
        assert one.emulator.dump().apps[APP].machines[MACHINE].alive
    assert kept.events()[-1]["says"].endswith("and accepted.")


async def test_a_confirmation_that_is_missing_bothers_nobody(
    tmp_path: Path, kept: Kept, clock: LoopClock
) -> None:
    """The gate stands before the human."""
    yes = ElicitResult(action="accept", content={"approve": True})
    async with ruled(tmp_path, kept, clock, READ, ASK, human=yes) as one:
        await one.delete(confirm=False)
    event = kept.one()
    assert event["code"] == "confirmation_required"
    assert event["says"].endswith("and was not.")
