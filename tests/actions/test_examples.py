"""Every documented example runs as it stands (the issue, Shows 2)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fly_mcp_tools.catalogue import ACTIONS

from .fly import Fly

_DATA = Path(__file__).parent.parent / "data"
SEEDS: list[dict[str, Any]] = json.loads((_DATA / "seeds_examples.json").read_text())
DOCUMENTED: dict[str, dict[str, Any]] = json.loads((_DATA / "seeds_actions.json").read_text())


@pytest.mark.parametrize("example", SEEDS, ids=lambda example: str(example["action"]))
async def test_a_documented_example_runs_as_it_stands(fly: Fly, example: dict[str, Any]) -> None:
    """The seeds' action table and use cases."""
    answer = await fly.call(example["action"], **example["arguments"])
    print(example["action"], json.dumps(answer)[:600])
