"""Types inside a machine's config: Fly decodes it into Go structs, so a wrong type anywhere is a 400."""

from __future__ import annotations

from typing import Any

import pytest

from tests.emulator.caller import IMAGE, MACHINES, Caller


def container(**more: Any) -> dict[str, Any]:
    return {"containers": [{"name": "web", "image": IMAGE, **more}]}


def check(**more: Any) -> dict[str, Any]:
    return container(healthchecks=[{"name": "up", **more}])


GOOD = [
    check(http={"port": 80, "path": "/", "headers": [{"name": "X", "values": ["1"]}], "scheme": "https"}),
    check(tcp={"port": 5432}, kind="readiness", interval=5),
    check(exec={"command": ["true"]}, unhealthy="stop"),
    container(stop={"signal": "SIGTERM", "timeout": "5s"}),
    container(depends_on=[{"name": "db", "condition": "healthy"}]),
    container(env_from=[{"env_var": "HERE", "field_ref": "region"}]),
]
BAD = [
    check(http={"port": "80"}),
    check(http={"port": 80, "headers": {"X": "1"}}),
    check(http={"port": 80, "headers": [{"name": "X", "values": "1"}]}),
    check(http={"port": 80, "scheme": "gopher"}),
    check(tcp={"port": 1.5}),
    check(exec={"command": "true"}),
    check(exec={"command": [1]}),
    check(kind="startup"),
    check(unhealthy="shrug"),
    container(stop={"signal": "SIGWINCH"}),
    container(depends_on=[{"name": "db", "condition": "lucky"}]),
    container(env_from=[{"env_var": "HERE", "field_ref": "planet"}]),
    {"services": [{"ports": [{"http_options": {"replay_cache": [{"type": "letter"}]}}]}]},
]


@pytest.mark.parametrize("config", GOOD, ids=str)
async def test_what_is_typed_well_comes_back(fly: Caller, config: dict[str, Any]) -> None:
    """Reference 3.3: containers."""
    made = await fly.create(config)
    (sent,), (kept,) = config["containers"], made["config"]["containers"]
    assert {key: kept[key] for key in sent} == sent


@pytest.mark.parametrize("config", BAD, ids=str)
async def test_what_is_typed_badly_is_a_400(fly: Caller, config: dict[str, Any]) -> None:
    """Reference 3.3; found by `make test-clients`."""
    await fly.post(MACHINES, 400, json={"config": {"image": IMAGE} | config})
