"""What a call is kept as, where it does not go its usual way."""

from __future__ import annotations

import hashlib
import io
import json

import anyio
import mcp.shared.exceptions
import pytest

from fly_mcp_server.audit.target import ChainStream
from fly_mcp_server.audit.trail import AuditTrail, genesis
from fly_mcp_server.audit.verify import verify
from fly_mcp_server.auth.refusals import EVERY, Refusals
from tests.actions.fly import APP, MACHINE, Fly
from tests.virtual_time import LoopClock

from .kept import Kept


async def test_a_refused_call_is_an_event_too(fly: Fly, kept: Kept) -> None:
    """Refused by the gate: what it would have been, and that nothing was changed."""
    await fly.refused("flyDeleteMachine", {"appName": APP, "machineId": MACHINE})
    event = kept.one()
    assert (event["outcome"], event["code"], event["changed"]) == (
        "refused",
        "confirmation_required",
        "nothing",
    )
    assert event["says"].startswith(
        f"local asked to delete machine {MACHINE} of {APP}: refused (confirmation_required) in "
    )
    assert kept.events("begun") == []


async def test_a_call_with_wrong_arguments_names_what_is_right_of_it(fly: Fly, kept: Kept) -> None:
    """The app can be one; the machine cannot, and is not repeated."""
    await fly.refused("flyStopMachine", {"appName": APP, "machineId": "../../x"})
    event = kept.one()
    assert (event["code"], event["app"], event["requests"]) == ("invalid_arguments", APP, 0)
    assert "machines" not in event
    assert "x" not in json.dumps(event.get("machines", ""))


async def test_a_tool_that_there_is_not_is_an_event_without_its_name(fly: Fly, kept: Kept) -> None:
    """The name is the caller's own text, and may hold anything."""
    with pytest.raises(mcp.shared.exceptions.MCPError):
        await fly.client.call_tool("flyC4n4ry", {"appName": "c4n4ry"})
    event = kept.one()
    assert (event["outcome"], event["code"]) == ("refused", "unknown_tool")
    assert "c4n4ry" not in kept.path.read_text().lower()


async def test_calls_of_one_intent_are_found_by_a_digest(fly: Fly, kept: Kept) -> None:
    """The request id is the caller's own text: enough is kept to tell that two are the same."""
    for _ in range(2):
        await fly.call("flyStopMachine", appName=APP, machineId=MACHINE, requestId="night:42")
    first, second = kept.events()
    digest = hashlib.sha256(b"night:42").hexdigest()[:16]
    assert first["request_id"] == second["request_id"] == digest
    assert (first["changed"], second["changed"]) == ("something", "nothing")
    assert second["requests"] == 0
    assert "nothing was changed" in second["says"]


async def test_an_unclear_end_is_kept_as_one(fly: Fly, kept: Kept) -> None:
    """Sent, and never answered."""
    fly.wire.lose_requests("POST", "/signal")
    await fly.either("flySignalMachine", appName=APP, machineId=MACHINE, signal="SIGHUP")
    event = kept.one()
    assert (event["outcome"], event["changed"]) == ("unclear", "unknown")
    assert "what was changed is unknown" in event["says"]


async def test_a_word_of_a_fixed_list_is_kept(fly: Fly, kept: Kept) -> None:
    """And no other value: not the number of machines, not the description."""
    await fly.call("flyListVolumes", appName=APP, attached=False, detail="full", limit=7)
    assert kept.one()["with"] == {"detail": "full"}


async def test_a_cancelled_call_is_kept(fly: Fly, kept: Kept) -> None:
    """It ends while it waits for a machine."""
    with anyio.move_on_after(1.0):
        await fly.client.call_tool(
            "flyWaitForMachine", {"appName": APP, "machineId": MACHINE, "state": "stopped", "timeout": 30}
        )
    await fly.clock.sleep(60)  # the server hears of it a little later; time costs nothing here
    assert kept.one()["outcome"] == "cancelled"


async def test_an_event_that_cannot_be_written_afterwards_is_told(
    fly: Fly, kept: Kept, caplog: pytest.LogCaptureFixture
) -> None:
    """Issue 6: in the answer, where something was changed, and in the log with all that it lacks."""
    kept.disk.full = "all"
    fly.wire.lose_requests("POST", "/signal")
    result = await fly.either("flySignalMachine", appName=APP, machineId=MACHINE, signal="SIGHUP")
    assert "audit trail could not be written afterwards" in json.dumps(result)
    answer = await fly.call("flyStopMachine", appName=APP, machineId=MACHINE)
    assert "audit trail could not be written afterwards (No space left on device)" in answer["note"]
    assert f"stop machine {MACHINE} of {APP}" in caplog.text
    await fly.call("flyListMachines", appName=APP)  # changes nothing, so it is for the operator alone


async def test_a_machine_is_not_deleted_though_the_disk_is_full_from_then_on(fly: Fly, kept: Kept) -> None:
    """Only what must be durable fails: the refusal itself is kept, for there is room for it."""
    kept.disk.full = "durable"
    error = await fly.refused("flyDeleteMachine", {"appName": APP, "machineId": MACHINE, "confirm": True})
    assert error["changed"] == "nothing"
    assert fly.changes() == []
    assert fly.machine().alive
    assert (kept.one()["outcome"], kept.one()["code"]) == ("refused", "internal")
    kept.disk.full = "none"
    await fly.call("flyDeleteMachine", appName=APP, machineId=MACHINE, confirm=True)
    assert [one["endpoint"] for one in kept.events("begun")] == ["delete_machine"]


async def test_calls_at_the_door_are_counted_and_not_repeated(kept: Kept) -> None:
    """A thousand wrong tokens are no thousand lines."""
    kept.transport = "http"
    kept.trail.at_the_door("no such token, or it was revoked", 1)
    kept.trail.at_the_door("it has expired", 999)
    first, second = kept.events("refused")
    assert (first["code"], first["transport"], second["count"]) == ("unauthenticated", "http", 999)
    assert second["says"] == (
        "999 calls over http came without a token that counts, and nothing was done: it has expired."
    )
    kept.disk.full = "all"
    kept.trail.at_the_door("it has expired", 1)  # raises nothing


async def test_what_was_counted_is_told_in_time_and_each_reason_by_itself(clock: LoopClock) -> None:
    """Review of issue 6: without a next stranger nine of ten were never told, and the last reason stood for all."""
    told = list[tuple[str, int, str]]()
    over = "http"
    refusals = Refusals(clock, lambda why, count, how: told.append((why, count, how)), lambda: over)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(refusals.keep_telling)
        await clock.sleep(3.0)
        for _ in range(10):
            refusals.note("it has expired")
        refusals.note("it brought none")
        over = "sse"
        refusals.note("it brought none")
        assert told == [("it has expired", 1, "http")]
        await clock.sleep(EVERY - 0.5)
        assert len(told) == 1
        await clock.sleep(1.0)
        assert told[1:] == [
            ("it has expired", 9, "http"),
            ("it brought none", 1, "http"),
            ("it brought none", 1, "sse"),
        ]
        await clock.sleep(100 * EVERY)
        assert len(told) == 4
        tasks.cancel_scope.cancel()


async def test_a_stream_has_the_same_lines(clock: LoopClock) -> None:
    """To stderr: chained while the process lives, so that what is collected can be verified too."""
    out = io.StringIO()
    trail = AuditTrail(ChainStream(lambda: genesis(clock), out), clock, transport=lambda: "stdio")
    for _ in range(3):
        trail.begin("night-watch", "flyListOrgs", None, {}).end({})
    verdict = verify(io.BytesIO(out.getvalue().encode()))
    assert (verdict.events, verdict.problems) == (4, [])
    out.close()
    trail.begin("night-watch", "flyListOrgs", None, {}).end({})  # raises nothing
