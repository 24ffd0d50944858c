"""Why a call was let pass or was not: said as it was, and not as it is most of the time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from mcp import MCPError
from mcp_types import CallToolResult, ElicitResult, InputRequiredResult

from fly_mcp_emulator import Emulator
from fly_mcp_server.consent import facts
from fly_mcp_tools.errors import FlyError
from tests.actions.fly import APP, MACHINE
from tests.policy.ground import FOREIGN, OTHERS, allow
from tests.virtual_time import LoopClock

from .kept import Kept
from .test_policy import ASK, READ, Ruled, ruled

YES = ElicitResult(action="accept", content={"approve": True})
ASKED = "; a human was to be asked by rule agents.night.rules[1], and "
DELETE: dict[str, Any] = {"appName": APP, "machineId": MACHINE, "confirm": True}


async def carried(one: Ruled, state: str, arguments: Mapping[str, Any] = DELETE) -> CallToolResult:
    """Call again, with what was carried."""
    result = await one.client.session.call_tool(
        "flyDeleteMachine",
        dict(arguments),
        input_responses={"consent": YES},
        request_state=state,
        allow_input_required=True,
    )
    assert isinstance(result, CallToolResult)
    return result


async def first(one: Ruled) -> str:
    """What is to be carried."""
    result = await one.client.session.call_tool("flyDeleteMachine", dict(DELETE), allow_input_required=True)
    assert isinstance(result, InputRequiredResult)
    assert result.request_state
    return result.request_state


async def test_who_was_asked_and_did_not_answer_has_not_accepted(
    tmp_path: Path, kept: Kept, clock: LoopClock
) -> None:
    """Review of issue 6: the call is withdrawn while the question stands open."""
    asked = anyio.Event()

    async def thinks(_: Emulator) -> ElicitResult:
        asked.set()
        await anyio.sleep_forever()
        raise AssertionError

    async with ruled(tmp_path, kept, clock, READ, ASK, human=thinks, mode="legacy") as one:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(one.delete)
            await asked.wait()
            tasks.cancel_scope.cancel()
        while not kept.path.exists():
            await anyio.lowlevel.checkpoint()
    event = kept.one()
    assert event["outcome"] == "cancelled"
    assert event["says"].endswith(f"{ASKED}gave no answer that was read.")


async def test_who_was_not_asked_has_not_accepted(tmp_path: Path, kept: Kept, clock: LoopClock) -> None:
    """Review of issue 6: no such machine, a request id of another call, one that was done before."""
    async with ruled(tmp_path, kept, clock, READ, ASK, human=YES) as one:
        tool = one.client.call_tool
        await tool("flyDeleteMachine", {**DELETE, "machineId": "d8d9999999999a"})
        await tool("flyDeleteMachine", {**DELETE, "requestId": "the-first"})
        await tool("flyDeleteMachine", {**DELETE, "requestId": "the-first"})
        await tool("flyDeleteMachine", {**DELETE, "requestId": "the-first", "machineId": "d8d9999999999a"})
    nowhere, asking, done, again, other = kept.events()
    assert (nowhere["code"], nowhere["says"].partition(ASKED)[2]) == ("not_found", "was not.")
    assert asking["says"].endswith("is being asked.")
    assert done["says"].endswith("and accepted.")
    assert again["says"].endswith(f"{ASKED}was not, since it was done before.")
    assert (other["code"], other["says"].partition(ASKED)[2]) == ("conflict", "was not.")


@pytest.mark.parametrize("error", [RuntimeError("a bug"), FlyError("Fly is away.")], ids=["bug", "fly"])
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_failure_counts_as_no_acceptance_before_it_and_undoes_none_after_it(
    tmp_path: Path, kept: Kept, clock: LoopClock, monkeypatch: pytest.MonkeyPatch, error: Exception, mode: str
) -> None:
    """Review of issue 6. The facts are read twice: before the human is asked, and once they have answered."""
    read, good = facts.read, 0

    async def failing(*arguments: Any) -> facts.Facts:
        nonlocal good
        if good == 0:
            raise error
        good -= 1
        return await read(*arguments)

    monkeypatch.setattr(facts, "read", failing)
    async with ruled(tmp_path, kept, clock, READ, ASK, human=YES, mode=mode) as one:
        await one.delete()
        assert kept.events()[-1]["says"].endswith(f"{ASKED}was not.")
        good = 1
        await one.delete()
        assert kept.events()[-1]["says"].endswith(f"{ASKED}accepted.")
    assert kept.events("begun") == []


async def test_what_a_client_carries_back_wrongly_is_told_apart(
    tmp_path: Path, kept: Kept, clock: LoopClock
) -> None:
    """Review of issue 6: altered, used before; and a yes to a world that is another one by then."""
    async with ruled(tmp_path, kept, clock, READ, ASK, human=YES) as one:
        await carried(one, "v1.AAAA")
        state = await first(one)
        other = await first(one)
        await carried(one, state)
        await carried(one, state)
        await carried(one, other)
    altered, _, _, done, used, gone = kept.events()
    assert altered["says"].endswith(
        f"{ASKED}was not, since what came as an answer is to no question about this call."
    )
    assert done["outcome"] == "done"
    assert used["says"].endswith(f"{ASKED}had answered that question before.")
    assert gone["says"].endswith(f"{ASKED}accepted, and meanwhile what they were shown had changed.")


async def test_a_form_without_a_yes_and_an_answer_that_is_late_are_told_apart(
    tmp_path: Path, kept: Kept, clock: LoopClock
) -> None:
    """Review of issue 6."""

    async def late(_: Emulator) -> ElicitResult:
        await clock.sleep(301)
        return YES

    for human, says in (
        (ElicitResult(action="accept", content={}), "answered without a yes."),
        (late, "did not answer in time."),
    ):
        async with ruled(tmp_path, kept, clock, READ, ASK, human=human, mode="legacy") as one:
            await one.delete()
        assert kept.events()[-1]["says"].endswith(f"{ASKED}{says}")


async def test_an_altered_question_is_named_where_the_policy_asks_nobody(
    tmp_path: Path, kept: Kept, clock: LoopClock
) -> None:
    """The rule allows it, and it was not run: the reason is the other one."""
    async with ruled(tmp_path, kept, clock, READ, allow('access = ["destructive"]'), human=YES) as one:
        await carried(one, "v1.AAAA")
    assert kept.one()["says"].endswith(
        "; allowed by rule agents.night.rules[1], but what came as an answer is to no question about this call."
    )


async def test_what_is_refused_before_the_policy_is_asked_says_so(
    tmp_path: Path, kept: Kept, clock: LoopClock
) -> None:
    """Review of issue 6: there is a policy, and "no policy is in force" was untrue."""
    async with ruled(tmp_path, kept, clock, READ, human=None) as one:
        await one.client.call_tool("flyGetMachine", {"appName": APP, "machineId": 7})
        await one.client.call_tool("flyListApps", {"orgSlug": "lab-team"})
    wrong, beyond = kept.events()
    assert wrong["code"] == "invalid_arguments"
    assert wrong["says"].endswith("; the policy was not asked, since it did not come to that.")
    assert "decision" not in wrong
    assert (beyond["decision"], beyond.get("rule"), beyond["code"]) == ("deny", None, "not_allowed")
    assert "; this server is for the organisation personal alone, by " in beyond["says"]
    assert beyond["says"].endswith(", and another was named.")


async def test_what_a_rule_allows_and_a_look_at_fly_forbids_says_why(
    tmp_path: Path, kept: Kept, clock: LoopClock
) -> None:
    """Review of issue 6: "no rule allows it" was untrue; the reason is what the operator has to know."""
    write = allow('access = ["read", "write"]')
    async with ruled(tmp_path, kept, clock, write, human=None) as one:
        await one.client.call_tool("flyGetApp", {"appName": FOREIGN})
        snapshot = {"appName": APP, "name": "data", "region": "fra", "snapshotId": OTHERS["snapshot"][1]}
        await one.client.call_tool("flyCreateVolume", snapshot)
    app, snapshot_of = kept.events()
    let = "; denied whatever rule agents.night.rules[0] says: "
    assert (app["decision"], app.get("rule")) == ("deny", None)
    assert app["says"].endswith(
        f"{let}the app {FOREIGN} is not of the organisation personal, to which night is bound."
    )
    assert snapshot_of["says"].endswith(f"{let}the snapshot is not known to be of {APP}.")


async def test_a_bogus_answer_tells_nothing_of_what_others_may_use(
    tmp_path: Path, kept: Kept, clock: LoopClock
) -> None:
    """Review of issue 6: one that somebody has and one that nobody has are unknown in the same words; both are kept."""
    async with ruled(tmp_path, kept, clock, READ, human=YES) as one:
        for name in ("flyDeleteMachine", "flyXyzzy"):
            words = set[str]()
            for state in (None, "bogus"):
                with pytest.raises(MCPError) as caught:
                    await one.client.session.call_tool(
                        name, {}, request_state=state, allow_input_required=True
                    )
                words.add(f"{caught.value.code} {caught.value.message}")
            (said,) = words
            assert said.startswith("-32602 Unknown tool: no such action"), said
    assert [event.get("action") for event in kept.events()] == ["flyDeleteMachine"] * 2 + [None] * 2
    assert {event["code"] for event in kept.events()} == {"unknown_tool"}
