"""Regions, placements, and lists over an organisation (reference 2.3, 4.9)."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from fly_mcp_emulator import Emulator
from tests.emulator.caller import MACHINES, Caller

TODAY = "ams arn bom cdg dfw ewr fra gru iad jnb lax lhr nrt ord sin sjc syd yyz"
DEPRECATED = "atl den gdl mia qro bog eze gig scl bos hkg mad otp phx sea waw yul"


async def test_regions_have_capital_keys(fly: Caller) -> None:
    """Reference 4.9 [L, C], trap 4: eighteen of today, and the deprecated ones marked."""
    answer = await fly.get("/platform/regions")
    assert answer.keys() == {"Regions", "Nearest"}
    assert answer["Nearest"] == "fra"
    current = [region["code"] for region in answer["Regions"] if not region["deprecated"]]
    assert current == TODAY.split()
    deprecated = {region["code"] for region in answer["Regions"] if region["deprecated"]}
    assert deprecated == set(DEPRECATED.split())
    without_gateway = {region["code"] for region in answer["Regions"] if not region["gateway_available"]}
    assert without_gateway - deprecated == {"gru", "jnb"}


async def test_placements_answer_with_capital_keys(emu: Emulator, fly: Caller) -> None:
    """Reference 4.9: live `Regions[{Region, Count, Concurrency}]`."""
    answer = await fly.post(
        "/platform/placements", json={"org_slug": "personal", "region": "ams", "count": 3}
    )
    assert answer == {"Regions": [{"Region": "ams", "Count": 3, "Concurrency": 5}]}
    await fly.post("/platform/placements", 404, json={"region": "ams"})
    await fly.post("/platform/placements", 400, json={"org_slug": "personal", "region": "atlantis"})
    bad = {"org_slug": "personal", "compute": {"cpu_kind": "shared", "cpus": 2, "memory_mb": 256}}
    await fly.post("/platform/placements", 400, json=bad)


async def test_an_organisations_machines_come_in_pages(fly: Caller) -> None:
    """Reference 4.9: follow next_cursor; an overview of the config."""
    await fly.delete("/apps/catvet-web", 202)
    for _ in range(4):
        await fly.create()
    seen: list[str] = []
    cursor = ""
    while True:
        page = await fly.get("/orgs/personal/machines", params={"limit": 2, "cursor": cursor})
        assert page["error_regions"] == []
        seen += [machine["id"] for machine in page["machines"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 5
    assert page["machines"][0]["app_name"] == "my-sandbox"
    assert page["machines"][0]["config"].keys() <= {"image", "guest", "metadata"}


async def test_an_organisations_lists_are_filtered(fly: Caller) -> None:
    """Reference 4.9."""
    await fly.delete("/apps/catvet-web", 202)
    await fly.stopped(region="ams")
    states = await fly.get("/orgs/personal/machines", params={"state": "stopped"})
    assert [machine["region"] for machine in states["machines"]] == ["ams"]
    regions = await fly.get("/orgs/personal/machines", params={"region": "fra"})
    assert [machine["app_name"] for machine in regions["machines"]] == ["catvet-records"]
    recent = await fly.get("/orgs/personal/machines", params={"updated_after": "2025-01-01T00:00:00Z"})
    assert [machine["app_name"] for machine in recent["machines"]] == ["my-sandbox"]
    volumes = await fly.get("/orgs/personal/volumes")
    assert [(row["app_name"], row["id"]) for row in volumes["volumes"]] == [
        ("catvet-records", "vol_r77m35j7kj10613r"),
        ("catvet-records", "vol_abc123"),
        ("my-sandbox", "vol_xxx"),
    ]


async def test_a_cursor_outlives_the_machine_it_was_made_of(fly: Caller) -> None:
    """Reference 4.9: pages are followed while machines come and go; found by `make test-clients`."""
    made: list[dict[str, Any]] = []
    for _ in range(3):
        made.append(await fly.create())
        await anyio.sleep(1)
    query: dict[str, Any] = {"limit": 1, "include_deleted": "true"}
    page = await fly.get("/orgs/personal/machines", params=query)
    while page["machines"][0]["id"] != made[0]["id"]:
        page = await fly.get("/orgs/personal/machines", params=query | {"cursor": page["next_cursor"]})
    await fly.delete(f"{MACHINES}/{made[0]['id']}", params={"force": "true"})
    await fly.wait(made[0], "destroyed")
    await anyio.sleep(60)
    await fly.get(f"{MACHINES}/{made[0]['id']}", 404)
    page = await fly.get("/orgs/personal/machines", params=query | {"cursor": page["next_cursor"]})
    assert page["machines"][0]["id"] == made[1]["id"]


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "cursor=nope", "updated_after=monday"])
async def test_bad_parameters_of_the_lists_are_a_400(fly: Caller, query: str) -> None:
    """Reference 4.9."""
    await fly.get(f"/orgs/personal/machines?{query}", 400)


async def test_an_unknown_organisation_is_a_404(fly: Caller) -> None:
    """Reference 4.9 [I]."""
    await fly.get("/orgs/nobody/machines", 404)
