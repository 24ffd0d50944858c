"""The choice of tools as a person makes it: flags, variables, and what the process says of them."""

from __future__ import annotations

import json

import pytest

from fly_mcp_tools.action import Access, Group
from fly_mcp_tools.catalogue import ACTIONS
from fly_mcp_tools.selection import Choice, select
from tests.stdio.child import serving
from tests.stdio.test_commands import run


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """A process has its own time."""
    return "asyncio"


@pytest.mark.parametrize(
    ("flags", "settings", "choice"),
    [
        ((), {}, Choice()),
        ((), {"FLY_MCP_TOOLSETS": " ", "FLY_MCP_APP": "", "FLY_MCP_READ_ONLY": ""}, Choice()),
        (("--toolsets", "apps,volumes"), {}, Choice(toolsets="apps,volumes")),
        ((), {"FLY_MCP_TOOLSETS": "apps,volumes"}, Choice(toolsets="apps,volumes")),
        (("--toolsets", "apps"), {"FLY_MCP_TOOLSETS": "volumes"}, Choice(toolsets="apps")),
        (("--toolsets", "apps", "serve"), {"FLY_MCP_TOOLSETS": "volumes"}, Choice(toolsets="apps")),
        (
            ("serve", "--read-only"),
            {"FLY_MCP_APP": "catvet-records"},
            Choice(read_only=True, app="catvet-records"),
        ),
        (
            ("--exclude-tools", "flyDeleteApp"),
            {"FLY_MCP_READ_ONLY": "0"},
            Choice(exclude_tools="flyDeleteApp"),
        ),
        (
            ("--org", "personal"),
            {"FLY_MCP_TOOLS": "flyListApps"},
            Choice(org="personal", tools="flyListApps"),
        ),
    ],
)
async def test_flags_and_variables_choose_and_flags_win(
    flags: tuple[str, ...], settings: dict[str, str], choice: Choice
) -> None:
    """Issue 5, 2: each has both."""
    async with serving("--emulator", *flags, **settings) as client:
        listed = [tool["name"] for tool in (await client.result("tools/list"))["tools"]]
        assert listed == list(select(choice, ACTIONS).actions)
        assert client.errors == ""


@pytest.mark.parametrize(
    ("flags", "settings", "says"),
    [
        (("--toolsets", "machine"), {}, "the nearest is machines"),
        ((), {"FLY_MCP_TOOLS": "flyListApp"}, "the nearest is flyListApps"),
        (("--exclude-tools", "flyDelete"), {}, "the nearest is flyDeleteApp"),
        ((), {"FLY_MCP_APP": "Shop"}, "FLY_MCP_APP"),
        ((), {"FLY_MCP_READ_ONLY": "perhaps"}, "--read-only"),
        ((), {"FLY_MCP_TOOLSETS": ","}, "names nothing"),
        (("--app", ""), {"FLY_MCP_APP": "catvet-records"}, "--app: is empty"),
        (("serve", "--app", " "), {"FLY_MCP_APP": "catvet-records"}, "--app: is empty"),
        (("--toolsets", ""), {"FLY_MCP_TOOLSETS": "apps"}, "--toolsets: is empty"),
    ],
)
async def test_what_cannot_be_chosen_does_not_start(
    flags: tuple[str, ...], settings: dict[str, str], says: str
) -> None:
    """Issue 5, 2: it refuses to start and names the nearest; a typing error must not switch everything on."""
    ran = await run("--emulator", *flags, settings=settings)
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err


async def test_schemas_of_results_can_be_left_out() -> None:
    """Issue 5, 3."""
    for flags, settings in ((("--no-output-schemas",), {}), ((), {"FLY_MCP_OUTPUT_SCHEMAS": "0"})):
        async with serving("--emulator", *flags, **settings) as client:
            tools = (await client.result("tools/list"))["tools"]
            assert not any("outputSchema" in tool for tool in tools)


async def test_the_table_says_all_of_every_action_and_what_it_costs() -> None:
    """Issue 5, Shows 1."""
    ran = await run("tools", "--json")
    printed = json.loads(ran.out)
    for row in printed["tools"]:
        action = ACTIONS[row["name"]]
        assert row["group"] in set(Group)
        assert row["access"] in set(Access)
        assert row["acts_on"]
        assert row["endpoints"] == [f"{one.method} {one.path}" for one in action.calls]
        assert row["token"] == action.scope
        assert set(row["rate_limits"]) == set(row["endpoints"])
        assert row["source"].startswith("https://")
        assert row["tokens"]["listed"] > 0
        assert row["on"] is (action.group is not Group.TOKENS)
    totals = printed["totals"]
    assert totals["all"]["tools"] == len(ACTIONS)
    assert totals["all"]["tokens"] == sum(row["tokens"]["listed"] for row in printed["tools"])
    assert totals["on"]["tools"] == sum(row["on"] for row in printed["tools"])


async def test_the_table_shows_what_a_choice_costs() -> None:
    """Ours: before one decides."""
    ran = await run("tools", "--read-only", "--app", "catvet-records", "--json")
    printed = json.loads(ran.out)
    assert printed["totals"]["on"]["tokens"] < printed["totals"]["all"]["tokens"] / 2
    (one,) = (row for row in printed["tools"] if row["name"] == "flyDeleteApp")
    assert (one["on"], one["off_by"]) == (False, "--read-only (FLY_MCP_READ_ONLY)")
