"""What Fly offers: regions, sizes with prices, and where machines would find room."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import World

from .fly import Fly, Json


class TestRegions:
    """flyListRegions."""

    async def test_the_nearest_is_the_first(self, fly: Fly) -> None:
        """The issue, 1."""
        answer = await fly.call("flyListRegions")
        assert answer["nearest"] == "fra"
        assert answer["regions"][0] == {"code": "fra", "name": "Frankfurt, Germany", "km": 0}
        distances = [row["km"] for row in answer["regions"]]
        assert distances == sorted(distances)
        assert len(distances) == 18
        assert [row["code"] for row in answer["regions"][-2:]] == ["sin", "syd"]
        assert 16_000 < distances[-1] < 17_000

    async def test_where_one_is_decides(self, fly: Fly) -> None:
        """Reference 4.9: Fly says which is nearest."""
        fly.edit(lambda world: setattr(world.settings, "nearest_region", "syd"))
        assert (await fly.call("flyListRegions"))["regions"][0]["code"] == "syd"

    async def test_deprecated_ones_name_their_replacement(self, fly: Fly) -> None:
        """Reference 2.3: where flyctl sends people."""
        answer = await fly.call("flyListRegions")
        assert answer["deprecated"]["waw"] == "ams"
        assert len(answer["deprecated"]) == 17
        assert not answer["deprecated"].keys() & {row["code"] for row in answer["regions"]}

    async def test_paid_only_and_full_ones_are_marked(self, fly: Fly) -> None:
        """The issue, 1."""
        fly.edit(lambda world: setattr(world.settings, "full_regions", ["ams"]))
        rows = {row["code"]: row for row in (await fly.call("flyListRegions"))["regions"]}
        assert [code for code, row in rows.items() if row.get("paid_only")] == ["bom"]
        assert [code for code, row in rows.items() if row.get("full")] == ["ams"]

    async def test_the_documents_spelling_is_read_too(self, fly: Fly) -> None:
        """Reference 9.4: lower case in the document; nothing is insisted on but the list."""
        data = {
            "regions": [{"code": "xyz", "name": "New\x1b[31m\u202e"}, {"code": "abc", "deprecated": True}]
        }
        fly.wire.replace_answers("GET", "/regions$", lambda _: httpx2.Response(200, json=data))
        assert await fly.call("flyListRegions") == {
            "regions": [{"code": "xyz", "name": "New"}],
            "deprecated": {"abc": "unknown"},
        }

    async def test_what_is_no_list_is_said_to_be_none(self, fly: Fly) -> None:
        """Ours: an empty list would say that Fly has no regions."""
        fly.wire.replace_answers("GET", "/regions$", lambda _: httpx2.Response(200, json={}))
        assert (await fly.refused("flyListRegions"))["code"] == "fly_unavailable"


class TestSizes:
    """flyListMachineSizes."""

    async def test_each_size_has_its_bounds_and_price(self, fly: Fly) -> None:
        """The issue, 1: prices with their dates."""
        answer = await fly.call("flyListMachineSizes", region="iad")
        rows = {row["size"]: row for row in answer["sizes"]}
        assert len(rows) == 14
        assert rows["shared-cpu-1x"] == {
            "size": "shared-cpu-1x",
            "cpus": 1,
            "memory_mb": "256-2048",
            "usd_per_month": pytest.approx(1.94, abs=0.01),
        }
        assert rows["performance-16x"]["memory_mb"] == "32768-131072"
        assert "2024-10-03 and 2026-08-07" in answer["prices"]
        assert answer["prices"].startswith("estimate")

    async def test_the_nearest_region_is_the_one_where_none_is_named(self, fly: Fly) -> None:
        """The issue, 1: prices differ by region."""
        here = await fly.call("flyListMachineSizes", cpuKind="shared")
        there = await fly.call("flyListMachineSizes", cpuKind="shared", region="gru")
        assert (here["region"], len(here["sizes"])) == ("fra", 5)
        assert there["sizes"][0]["usd_per_month"] > here["sizes"][0]["usd_per_month"]

    async def test_a_region_without_a_known_price_has_none(self, fly: Fly) -> None:
        """The issue, 1: `unknown` where there is none, never guessed."""
        data = {"Regions": [{"code": "xyz", "name": "New"}], "Nearest": "xyz"}
        fly.wire.replace_answers("GET", "/regions$", lambda _: httpx2.Response(200, json=data))
        answer = await fly.call("flyListMachineSizes")
        assert answer["prices"] == "unknown for this region"
        assert {row.get("usd_per_month") for row in answer["sizes"]} == {None}

    async def test_a_region_that_does_not_exist_is_refused(self, fly: Fly) -> None:
        """Ours: with those that are near."""
        error = await fly.refused("flyListMachineSizes", region="xxx")
        assert [problem["path"] for problem in error["problems"]] == ["region"]


class TestPlacement:
    """flyPlanPlacement."""

    async def test_where_machines_would_go(self, fly: Fly) -> None:
        """Reference 4.9; nothing is written."""
        bodies: list[Json] = []
        fly.wire.tap("POST", "/placements$", lambda request: bodies.append(json.loads(request.content)))
        answer = await fly.call(
            "flyPlanPlacement",
            region="ams,eu",
            count=3,
            cpus=2,
            memoryMb=1024,
            volumeName="data",
            volumeSizeGb=10,
        )
        assert answer == {"placements": [{"region": "ams", "count": 3}], "organization": "personal"}
        assert bodies == [
            {
                "org_slug": "personal",
                "count": 3,
                "compute": {"cpu_kind": "shared", "cpus": 2, "memory_mb": 1024},
                "region": "ams,eu",
                "volume_name": "data",
                "volume_size_bytes": 10 * 1024**3,
            }
        ]

    async def test_a_full_region_gives_way_to_the_next(self, fly: Fly) -> None:
        """Reference 2.3: an expression is tried in order."""

        def fill(world: World) -> None:
            world.settings.full_regions = ["fra"]

        fly.edit(fill)
        answer = await fly.call("flyPlanPlacement", region="fra,ams")
        assert [row["region"] for row in answer["placements"]] == ["ams"]
        answer = await fly.call("flyPlanPlacement", region="fra", count=2)
        assert answer["placements"] == []
        assert answer["note"].startswith("There is room for 0 of 2.")

    async def test_zero_asks_how_many_would_fit(self, fly: Fly) -> None:
        """Reference 4.9."""
        answer = await fly.call("flyPlanPlacement", region="eu", count=0)
        assert {row["region"] for row in answer["placements"]} >= {"ams", "fra"}
        assert all(row["count"] > 0 for row in answer["placements"])

    @pytest.mark.parametrize(
        ("arguments", "path"),
        [
            ({"region": "Frankfurt"}, "region"),
            ({"region": "fra, eu"}, "region"),
            ({"count": -1}, "count"),
            ({"cpus": 3}, "cpus"),
            ({"cpus": 4, "memoryMb": 256}, "memoryMb"),
            ({"cpuKind": "gpu"}, "cpuKind"),
            ({"volumeName": "no-dash"}, "volumeName"),
        ],
    )
    async def test_what_can_be_no_plan_is_refused(
        self, fly: Fly, arguments: dict[str, Any], path: str
    ) -> None:
        """Ours: nothing is sent for it."""
        error = await fly.refused("flyPlanPlacement", **arguments)
        assert [problem["path"] for problem in error["problems"]] == [path]
        assert not fly.wire.sent

    async def test_an_unknown_region_is_flys_to_refuse(self, fly: Fly) -> None:
        """Reference 2.3: Fly names it."""
        error = await fly.refused("flyPlanPlacement", region="zzz")
        assert error["code"] == "invalid_arguments"
        assert "target region zzz not found" in error["message"]

    async def test_asking_is_repeated_like_a_read(self, fly: Fly) -> None:
        """Ours: a POST that only asks reserves nothing."""
        fly.emulator.faults.add(FaultRule(path="/placements$", status=503, times=2))
        assert (await fly.call("flyPlanPlacement"))["placements"]
