"""Every documented example runs as it stands (the issue, Shows 2)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fly_mcp_tools.action import Example
from fly_mcp_tools.catalogue import ACTIONS

from .fly import Fly

_DATA = Path(__file__).parent.parent / "data"
SEEDS: list[dict[str, Any]] = json.loads((_DATA / "seeds_examples.json").read_text())
DOCUMENTED: dict[str, dict[str, Any]] = json.loads((_DATA / "seeds_actions.json").read_text())
ROWS = [(name, example) for name, action in ACTIONS.items() for example in action.examples]
#: A call of each action whose answer the documentation shows, where no example does.
SHOWN: dict[str, dict[str, Any]] = {
    "flyListApps": {},
    "flyListMachines": {"appName": "catvet-records"},
    "flyListSecrets": {"appName": "catvet-records"},
    "flyListVolumes": {"appName": "catvet-records"},
    "flyExecCommand": {
        "appName": "catvet-records",
        "machineId": "7846e45f27e218",
        "command": ["supervisorctl", "restart", "app"],
    },
}

both_eras = pytest.mark.parametrize("mode", ["auto", "legacy"])


@both_eras
@pytest.mark.parametrize("example", SEEDS, ids=lambda example: str(example["action"]))
async def test_a_documented_example_runs_as_it_stands(fly: Fly, example: dict[str, Any]) -> None:
    """The seeds: each example against a fresh world."""
    answer = await fly.call(example["action"], **example["arguments"])

    assert answer.get("outcome", "done") == "done"
    assert _missing(example["action"], answer) == []


async def test_the_documented_examples_run_in_order(fly: Fly) -> None:
    """The seeds: all of them, one after another, against one world."""
    for example in SEEDS:
        answer = await fly.call(example["action"], **example["arguments"])
        assert answer.get("outcome", "done") == "done", (example, answer)

    assert {"API_KEY", "DATABASE_URL"} <= fly.app().secrets.keys()
    assert "OLD_API_KEY" not in fly.app().secrets
    assert len(fly.alive()) == 2
    assert [machine.volume_id for machine in fly.alive("my-sandbox")] == ["vol_xxx"]


@pytest.mark.parametrize(("name", "example"), ROWS, ids=lambda value: value if isinstance(value, str) else "")
async def test_an_example_of_a_row_runs(fly: Fly, name: str, example: Example) -> None:
    """Ours: an example nobody runs is fiction."""
    answer = await fly.call(name, **example.arguments)
    assert answer.get("outcome", "done") == "done"


@both_eras
@pytest.mark.parametrize("name", [name for name, row in DOCUMENTED.items() if row["response_keys"]])
async def test_documented_response_keys_are_there_nested_ones_too(fly: Fly, name: str) -> None:
    """The seeds' response examples."""
    answer = await fly.call(name, **SHOWN[name])
    assert _missing(name, answer) == []


async def test_the_documented_answers_are_the_documented_values(fly: Fly) -> None:
    """The seeds' response examples, as far as the default world has their things."""
    (machine,) = (await fly.call("flyListMachines", appName="catvet-records"))["machines"]
    assert machine == {
        "id": "7846e45f27e218",
        "name": "young-sound-9626",
        "state": "started",
        "region": "fra",
        "private_ip": "fdaa:0:1234::1",
    }
    volumes = (await fly.call("flyListVolumes", appName="catvet-records"))["volumes"]
    free, used = volumes  # sorted by id, as pages need it
    assert used == {
        "id": "vol_r77m35j7kj10613r",
        "name": "catvet_data",
        "size_gb": 1,
        "region": "fra",
        "state": "created",
        "attached_machine_id": "7846e45f27e218",
    }
    assert free["attached_machine_id"] is None
    secrets = (await fly.call("flyListSecrets", appName="catvet-records"))["secrets"]
    assert {"ANTHROPIC_API_KEY", "OPENCODE_SERVER_PASSWORD"} <= {secret["name"] for secret in secrets}
    assert all(secret["createdAt"].startswith("2024-01-15T") and secret["digest"] for secret in secrets)
    ran = await fly.call("flyExecCommand", **SHOWN["flyExecCommand"])
    assert ran == {"outcome": "done", "stdout": "app: stopped\napp: started\n", "stderr": "", "exit_code": 0}


async def test_the_full_machine_lifecycle_of_the_use_cases_runs(fly: Fly) -> None:
    """The seeds: list, volume, machine, secrets, restart, exec."""
    app = (await fly.call("flyListApps"))["apps"][0]["name"]
    volume = await fly.call("flyCreateVolume", appName=app, name="data", region="fra")
    machine = await fly.call("flyCreateMachine", appName=app, volumeId=volume["id"])
    await fly.call("flySetSecrets", appName=app, secrets={"API_KEY": "new"})
    restarted = await fly.call("flyRestartMachine", appName=app, machineId=machine["id"])
    ran = await fly.call("flyExecCommand", appName=app, machineId=machine["id"], command=["ls", "/data"])

    assert "API_KEY" in restarted["applied_secrets"]
    assert (await fly.env(machine["id"]))["API_KEY"] == "new"
    assert ran["exit_code"] == 0


def _missing(name: str, answer: dict[str, Any]) -> list[str]:
    return [path for path in DOCUMENTED[name]["response_keys"] if not list(_at(answer, path))]


def _at(value: Any, path: str) -> Iterator[Any]:
    """Every value at a path such as `apps[].name`; each item of a list must have it."""
    head, _, rest = path.partition(".")
    many = head.endswith("[]")
    found = value[head.removesuffix("[]")]
    for item in found if many else [found]:
        yield from _at(item, rest) if rest else [item]
