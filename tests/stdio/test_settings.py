"""What the environment says, and what it may not."""

from __future__ import annotations

import pytest

from fly_mcp_tools.catalogue import ACTIONS

from .child import serving
from .pretend import ONE, pretend_fly


async def test_without_a_token_each_call_says_how_to_give_one() -> None:
    """Issue 2: it starts, lists its tools and explains; it never switches to the emulator by itself."""
    async with pretend_fly() as fly:
        # The real Fly would be spoken to here: an address that would notice stands in for it.
        async with serving(FLY_API_HOSTNAME=fly.address) as client:
            tools = (await client.result("tools/list"))["tools"]
            for tool in tools:
                arguments = ACTIONS[tool["name"]].examples[0].arguments
                error = (await client.call(tool["name"], **arguments))["structuredContent"]["error"]
                assert error["code"] == "not_configured", tool["name"]
                assert error["changed"] == "nothing"
                assert "FLY_API_TOKEN" in error["hint"]
                assert "--emulator" in error["hint"]
        assert fly.log == []
        assert client.errors == ""


@pytest.mark.parametrize(
    ("settings", "used"),
    [
        ({"FLY_API_TOKEN": "fm2_emulator_readonly", "FLY_ACCESS_TOKEN": "fm2_emulator_org"}, "readonly"),
        ({"FLY_API_TOKEN": "", "FLY_ACCESS_TOKEN": "FlyV1 fm2_emulator_org"}, "org"),
        ({"FLY_API_TOKEN": " ", "FLY_ACCESS_TOKEN": "Bearer word"}, "any"),
    ],
)
async def test_the_token_is_the_first_that_is_set(settings: dict[str, str], used: str) -> None:
    """Issue 2: FLY_API_TOKEN wins; empty and blank variables count as not set."""
    async with (
        pretend_fly() as fly,
        serving(
            FLY_API_HOSTNAME=f"{fly.address}/v1/",
            FLY_ORG_SLUG="",
            FLY_MCP_EMULATOR="",
            FLY_MCP_LOG_LEVEL="",
            FLY_MCP_DEFAULT_IMAGE="",
            **settings,
        ) as client,
    ):
        assert (await client.call("flyGetMachine", **ONE))["isError"] is False
        assert {record.token for record in fly.emulator.requests} == {used}


async def test_with_the_emulator_nothing_leaves_the_process() -> None:
    """Issue 2: the host settings are ignored and any token is good, even one that can be none."""
    async with pretend_fly() as fly:
        async with serving(
            "--emulator",
            FLY_API_HOSTNAME=fly.address,
            FLY_API_TOKEN="no token\nat all",
            FLY_ORG_SLUG="my-company",
            HTTPS_PROXY=fly.address,
            HTTP_PROXY=fly.address,
            ALL_PROXY=fly.address,
        ) as client:
            assert (await client.call("flyListApps"))["isError"] is False
            assert (await client.call("flyStopMachine", **ONE))["isError"] is False
        assert fly.log == []
        assert client.errors == ""


async def test_a_broken_base_url_matters_only_without_the_emulator() -> None:
    """Issue 2: with --emulator the host settings are ignored, wrong ones too."""
    async with serving("--emulator", FLY_API_HOSTNAME="http://fly.example.com/x?y") as client:
        assert (await client.call("flyGetMachine", **ONE))["isError"] is False


async def test_options_may_stand_before_the_command() -> None:
    """Ours: `fly-mcp --emulator serve` must not speak to the real Fly."""
    async with serving("--emulator", "serve", "--stdio") as client:
        assert (await client.call("flyGetMachine", **ONE))["isError"] is False
