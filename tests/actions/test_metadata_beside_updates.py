"""Metadata that is changed while an update of the same machine is at work (reference 9.31: it makes no version)."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from fly_mcp_emulator.faults import FaultRule

from .fly import APP, MACHINE, Fly

ONE = {"appName": APP, "machineId": MACHINE}
#: The lease comes after an update's first look, and its POST after the last.
MOMENTS = pytest.mark.parametrize("path", ["/lease$", f"/machines/{MACHINE}$"], ids=["lease", "update"])


async def _beside_an_update(fly: Fly, path: str, name: str, **more: Any) -> list[dict[str, Any]]:
    """An update one of whose requests takes two seconds, and a call that comes in the middle of that."""
    fly.emulator.faults.add(FaultRule(method="POST", path=path, latency=2.0, times=1))
    answers: list[dict[str, Any]] = []

    async def update() -> None:
        answers.append(await fly.call("flyUpdateMachineConfig", **ONE, env={"A": "1"}))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(update)
        await fly.clock.sleep(1.0)
        answers.append(await fly.call(name, **ONE, **more))
    return answers


@MOMENTS
async def test_a_key_that_is_set_meanwhile_stays(fly: Fly, path: str) -> None:
    """Found by the chaos run: the update wrote back what it had read before."""
    answers = await _beside_an_update(fly, path, "flySetMetadata", metadata={"team": "shop"})
    config = fly.machine().config
    assert [answer["outcome"] for answer in answers] == ["done", "done"]
    assert ((config.metadata or {}).get("team"), (config.env or {})["A"]) == ("shop", "1")


@MOMENTS
async def test_a_key_that_is_deleted_meanwhile_does_not_come_back(fly: Fly, path: str) -> None:
    """Ours: the same the other way round."""
    answers = await _beside_an_update(fly, path, "flyDeleteMetadata", keys=["fly_release_id"])
    config = fly.machine().config
    assert [answer["outcome"] for answer in answers] == ["done", "done"]
    assert ("fly_release_id" in (config.metadata or {}), (config.env or {})["A"]) == (False, "1")


async def test_a_machine_that_takes_long_to_come_up_keeps_nobody_waiting(fly: Fly) -> None:
    """Ours: once the update is sent, metadata has no more to wait for."""
    fly.emulator.faults.add(FaultRule(method="GET", path="/wait$", latency=30.0))
    began, ends = fly.clock.monotonic(), list[float]()

    async def update() -> None:
        await fly.call("flyUpdateMachineConfig", **ONE, env={"A": "1"})
        ends.append(fly.clock.monotonic() - began)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(update)
        await fly.clock.sleep(5.0)
        await fly.call("flySetMetadata", **ONE, metadata={"team": "shop"})
        assert fly.clock.monotonic() - began < 10
    assert ends[0] > 15
    assert (fly.machine().config.metadata or {})["team"] == "shop"
