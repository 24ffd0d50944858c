"""What was begun and cut short: the same `requestId`, sent to another process, finishes it (issue 4, section 7).

The pretend Fly is in this process; its machines, volumes and log are what is judged by.
"""

from __future__ import annotations

import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import App

from .child import Child, serving
from .pretend import APP, ONE, Pretend, pretend_fly

Serve = Callable[[], AbstractAsyncContextManager[Child]]
WEB = "catvet-web"
SANDBOX = "my-sandbox"
#: Longer than anything here waits.
_NEVER = 60.0


@pytest.fixture
async def fly() -> AsyncGenerator[Pretend]:
    async with pretend_fly() as fly:
        yield fly


@pytest.fixture
def serve(fly: Pretend, tmp_path: Path) -> Serve:
    """Each call starts a process; all of them share a state directory."""
    settings = {"FLY_API_TOKEN": "fm2_word", "FLY_API_HOSTNAME": fly.address, "FLY_MCP_STATE": str(tmp_path)}
    return lambda: serving(**settings)


def carried_out(fly: Pretend, method: str, path: str) -> None:
    """Let the first such request be carried out, and not answered for as long as this takes."""
    rule = FaultRule(kind="slow", method=method, path=path, seconds=_NEVER, times=1)
    fly.emulator.faults.add(rule)


def app(fly: Pretend, name: str) -> App:
    """An app as it is."""
    return fly.emulator.dump().apps[name]


async def finished(serve: Serve, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The answer that another process gives to the same call: it is done."""
    async with serve() as client:
        result = await client.call(tool, **arguments)
    answer: dict[str, Any] = result["structuredContent"]
    assert result["isError"] is False, answer
    assert answer["outcome"] == "done", answer
    return answer


async def test_a_cancelled_scaling_is_finished_by_the_same_id(fly: Pretend, serve: Serve) -> None:
    """Cancelled by the client: what was sent is seen through, and no machine is made twice."""
    call = {"appName": WEB, "count": 3, "requestId": "cancelled"}
    fly.slow("POST", f"/{WEB}/machines$", 0.5)
    async with serve() as client:
        number = await client.start("flyScaleMachines", **call)
        await fly.asked("POST machines")
        await client.cancel(number)
        # An answer that comes all the same is not heard of: the next call is answered after the cancellation.
        await client.call("flyGetApp", appName=SANDBOX)
        assert client.reply(number) is None
    fly.emulator.faults.clear()
    answer = await finished(serve, "flyScaleMachines", call)
    assert answer["count"] == 3
    assert len(app(fly, WEB).machines) == 3


async def test_an_update_whose_client_left_is_finished_by_the_same_id(fly: Pretend, serve: Serve) -> None:
    """A closed stdin: the lease is released at once, and the update is neither lost nor made twice."""
    call = {**ONE, "env": {"A": "b"}, "requestId": "left"}
    versions = len(fly.machine.versions)
    fly.slow("GET", "/wait$", _NEVER)
    async with serve() as client:
        await client.start("flyUpdateMachineConfig", **call)
        await fly.asked("GET wait")
        await client.hang_up()
        assert await client.end() == 0
    assert fly.machine.lease is None
    fly.emulator.faults.clear()
    await finished(serve, "flyUpdateMachineConfig", call)
    assert (fly.machine.config.env or {})["A"] == "b"
    assert len(fly.machine.versions) == versions + 1


async def test_a_creation_cut_by_sigterm_is_finished_by_the_same_id(fly: Pretend, serve: Serve) -> None:
    """SIGTERM while a create is unanswered: the machine is found by its mark, and has its volume."""
    call = {"appName": SANDBOX, "image": "nginx:1.27", "volumeId": "vol_xxx", "requestId": "terminated"}
    carried_out(fly, "POST", f"/{SANDBOX}/machines$")
    async with serve() as client:
        await client.start("flyCreateMachine", **call)
        await fly.asked("POST machines")
        client.signal(signal.SIGTERM)
        assert await client.end() == 128 + signal.SIGTERM
    answer = await finished(serve, "flyCreateMachine", call)
    assert [answer["id"]] == list(app(fly, SANDBOX).machines)
    assert answer["volume_id"] == "vol_xxx"


@pytest.mark.parametrize("method", ["POST volumes", "POST machines"])
async def test_a_scaling_killed_in_the_middle_is_finished_by_the_same_id(
    fly: Pretend, serve: Serve, method: str
) -> None:
    """By kill -9 at a request that was carried out: no volume and no machine too many."""
    call = {"appName": APP, "count": 3, "requestId": "killed"}
    volumes = len(app(fly, APP).volumes)
    carried_out(fly, "POST", f"/{APP}/{method.split()[1]}$")
    async with serve() as client:
        await client.start("flyScaleWithVolumes", **call)
        await fly.asked(method)
        client.signal(signal.SIGKILL)
        await client.end()
    answer = await finished(serve, "flyScaleWithVolumes", call)
    assert answer["count"] == 3
    after = app(fly, APP)
    assert len(after.machines) == 3
    # One was there unattached, and is used.
    assert len(after.volumes) == volumes + 1
    assert {one.attached_machine_id for one in after.volumes.values()} == set(after.machines)


async def test_a_machine_left_locked_by_a_kill_is_unlocked_by_the_same_id(fly: Pretend, serve: Serve) -> None:
    """By kill -9 under a lease: the same call knows it for its own, and does not wait for its end."""
    call = {**ONE, "env": {"A": "b"}, "requestId": "locked"}
    fly.slow("GET", "/wait$", _NEVER)
    async with serve() as client:
        await client.start("flyUpdateMachineConfig", **call)
        await fly.asked("GET wait")
        client.signal(signal.SIGKILL)
        await client.end()
    assert fly.machine.lease is not None
    held = fly.machine.lease.nonce
    fly.emulator.faults.clear()
    await finished(serve, "flyUpdateMachineConfig", call)
    assert fly.machine.lease is None
    assert held not in [one.lease.nonce for one in app(fly, APP).machines.values() if one.lease]
    assert (fly.machine.config.env or {})["A"] == "b"


async def test_what_is_finished_is_not_done_again_by_another_process(fly: Pretend, serve: Serve) -> None:
    """The first answer, `already_done`, and not one request."""
    call = {"appName": SANDBOX, "name": "data", "region": "fra", "requestId": "finished"}
    first = await finished(serve, "flyCreateVolume", call)
    sent = len(fly.log)
    again = await finished(serve, "flyCreateVolume", call)
    assert again == {**first, "already_done": True}
    assert len(fly.log) == sent


async def test_the_same_id_with_other_arguments_is_a_conflict_in_another_process(
    fly: Pretend, serve: Serve
) -> None:
    """Nothing is sent, and what the id stands for stays as it is."""
    call = {"appName": SANDBOX, "name": "data", "region": "fra", "requestId": "finished"}
    await finished(serve, "flyCreateVolume", call)
    sent = len(fly.log)
    async with serve() as client:
        result = await client.call("flyCreateVolume", **{**call, "name": "other"})
    error = result["structuredContent"]["error"]
    assert (error["code"], error["outcome"]) == ("conflict", "refused")
    assert len(fly.log) == sent
