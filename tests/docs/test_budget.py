"""What the tools cost a model, in o200k tokens: in every conversation, and in every answer (issue 5, 3)."""

from __future__ import annotations

import json
import statistics

import pytest

from fly_mcp_emulator import Emulator
from fly_mcp_server import costs
from fly_mcp_tools.action import Access, Group
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.selection import Choice, select
from tests.actions.fly import opened, text_of
from tests.actions.worlds import FLEET, fleet, machine
from tests.virtual_time import LoopClock

#: Tools that take a machine's config.
LARGE = {"flyCreateMachine", "flyUpdateMachineConfig"}

tokens = costs.counter()
LISTED = {name: tokens(costs.listed(action)) for name, action in ACTIONS.items()}


def test_all_tools_stay_within_8000_tokens() -> None:
    """Issue 5: name, description and input schema; the first-party server spends 8,002 on 60."""
    assert sum(LISTED.values()) <= 8000


@pytest.mark.parametrize("name", ACTIONS)
def test_a_tool_stays_within_300_tokens(name: str) -> None:
    """Issue 5: but the two that take a config, and these are no licence either."""
    assert LISTED[name] <= (450 if name in LARGE else 300)


def test_the_table_of_costs_is_what_the_tools_cost() -> None:
    """Ours: `fly-mcp tools` shows it without the tokenizer."""
    table = costs.table()
    assert {name: cost.listed for name, cost in table.items()} == LISTED
    assert {name: cost.output for name, cost in table.items()} == {
        name: tokens(costs.told(action)) for name, action in ACTIONS.items()
    }


@pytest.mark.parametrize("group", Group)
def test_a_toolset_costs_a_part(group: Group) -> None:
    """Ours: that is what choosing is for."""
    chosen = select(Choice(toolsets=f"apps,{group}"), ACTIONS).actions
    assert sum(LISTED[name] for name in chosen) < sum(LISTED.values()) / 2


async def test_typical_answers_are_short() -> None:
    """Issue 5: over all examples of all reads in the default world, median 250 at most, 95th percentile 1,200."""
    answers: dict[str, int] = {}
    for name, action in ACTIONS.items():
        if action.access is not Access.READ:
            continue
        for number, example in enumerate(action.examples):
            clock = LoopClock()
            async with opened(Emulator(clock=clock), clock) as fly:
                answers[f"{name} {number}"] = tokens(text_of(await fly.result(name, example.arguments)))
    assert len(answers) >= 20
    percentiles = statistics.quantiles(answers.values(), n=20, method="inclusive")
    dear = sorted(answers.items(), key=lambda one: -one[1])[:5]
    assert statistics.median(answers.values()) <= 250, dear
    assert percentiles[-1] <= 1200, dear
    assert max(answers.values()) <= 6000, dear


@pytest.mark.parametrize("few", [10, 30])
async def test_a_listed_machine_costs_65_tokens_at_most(few: int) -> None:
    """Issue 5: the first-party server spends about 1,500; one more machine in a list."""
    lengths: list[int] = []
    for count in (few, few + 20):
        clock = LoopClock()
        world = fleet(*(machine(number) for number in range(count)))
        async with opened(Emulator(world, clock=clock), clock) as fly:
            answer = await fly.call("flyListMachines", appName=FLEET)
            lengths.append(tokens(json.dumps(answer, ensure_ascii=False, separators=(",", ":"))))
    assert (lengths[1] - lengths[0]) / 20 <= 65
