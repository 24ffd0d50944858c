"""Organisations: which there are, and what lies in the whole of one."""

from __future__ import annotations

import json

import httpx2
import pytest

from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import Snapshot, Volume, World

from .fly import APP, FREE_VOLUME, Answerer, Fly, Json
from .worlds import IMAGE, MADE, crowd

MACHINES, VOLUMES = "/v1/orgs/personal/machines", "/v1/orgs/personal/volumes"


def answered(data: Json) -> Answerer:
    """An answerer that says `data`."""

    def say(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json=data)

    return say


class TestOrgs:
    """flyListOrgs."""

    async def test_the_organisations_of_the_token(self, fly: Fly) -> None:
        """Reference 8.2: the REST API has no such call."""
        answer = await fly.call("flyListOrgs")
        assert answer["orgs"] == [
            {"slug": "personal", "name": "Personal", "type": "personal", "role": "admin"},
            {"slug": "lab-team", "name": "Lab Team", "type": "shared", "role": "admin"},
        ]

    @pytest.mark.parametrize("token", ["fm2_emulator_other_org"])
    async def test_a_token_of_one_organisation_sees_that_one(self, fly: Fly) -> None:
        """Reference 1.3."""
        assert [org["slug"] for org in (await fly.call("flyListOrgs"))["orgs"]] == ["lab-team"]

    @pytest.mark.parametrize("token", ["fm2_emulator_expired"])
    async def test_a_token_that_is_not_accepted_is_told_so(self, fly: Fly) -> None:
        """Reference 8.2: the refusal comes with HTTP 200."""
        error = await fly.refused("flyListOrgs")
        assert (error["code"], error["status"]) == ("unauthenticated", 200)

    @pytest.mark.parametrize(
        ("said", "code", "retryable"),
        [
            ({"message": "Could not find Organization"}, "not_found", False),
            ({"message": "gone", "extensions": {"code": "NOT_FOUND"}}, "not_found", False),
            ({"message": "Not for you", "extensions": {"code": "UNAUTHORIZED"}}, "forbidden", False),
            ({"message": "You must be authenticated to view this."}, "unauthenticated", False),
            ({"message": "Field 'x' doesn't exist on type 'Y'"}, "fly_unavailable", False),
            ({"message": "boom", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}, "fly_unavailable", True),
            ({}, "fly_unavailable", False),
            ("odd", "fly_unavailable", False),
        ],
    )
    async def test_what_graphql_refuses_is_an_error_of_the_tree(
        self, fly: Fly, said: object, code: str, retryable: bool
    ) -> None:
        """The issue, 1; data beside the errors are not taken for all there is."""
        data: Json = {"data": {"organizations": {"nodes": []}}, "errors": [said]}
        fly.wire.replace_answers("POST", "/graphql$", answered(data))
        error = await fly.refused("flyListOrgs")
        assert (error["code"], error["retryable"], error["changed"]) == (code, retryable, "nothing")

    async def test_what_is_no_answer_is_said_to_be_none(self, fly: Fly) -> None:
        """Ours: no crash, and no empty list for a shape that nobody knows."""
        fly.wire.replace_answers("POST", "/graphql$", answered({"data": None}))
        error = await fly.refused("flyListOrgs")
        assert error["code"] == "fly_unavailable"
        assert "FLY_API_BASE_URL" in error["hint"]

    async def test_asking_is_repeated_like_a_read(self, fly: Fly) -> None:
        """Ours: a POST that only asks doubles nothing."""
        fly.emulator.faults.add(FaultRule(path="/graphql$", status=503, times=2))
        assert (await fly.call("flyListOrgs"))["orgs"]


class TestMachines:
    """flyListOrgMachines."""

    async def test_machines_of_all_apps_each_with_its_own(self, fly: Fly) -> None:
        """The issue, 1."""
        answer = await fly.call("flyListOrgMachines")
        assert answer == {
            "machines": [
                {
                    "id": "7846e45f27e218",
                    "app": APP,
                    "name": "young-sound-9626",
                    "state": "started",
                    "region": "fra",
                },
                {
                    "id": "2874d1ea0f5e38",
                    "app": "catvet-web",
                    "name": "bold-meadow-4471",
                    "state": "started",
                    "region": "fra",
                },
            ],
            "organization": "personal",
        }
        (sent,) = fly.requests_to(MACHINES)
        assert "summary=true" in sent.query

    async def test_full_rows_tell_image_size_and_times(self, fly: Fly) -> None:
        """The issue, 3: detail on request."""
        row = (await fly.call("flyListOrgMachines", detail="full"))["machines"][0]
        assert (row["cpu_kind"], row["cpus"], row["memory_mb"]) == ("shared", 1, 1024)
        assert row["image"].startswith("registry.fly.io/catvet-records")
        assert row["created_at"].startswith("2024-01-15T")

    @pytest.mark.parametrize(
        ("filters", "query"),
        [
            ({"region": "fra"}, "region=fra"),
            ({"state": "started, stopped"}, "state=started%2Cstopped"),
            (
                {"updatedAfter": "2024-01-15T10:00:00+01:00"},
                "updated_after=2024-01-15T10%3A00%3A00%2B01%3A00",
            ),
        ],
    )
    async def test_filters_are_flys(self, fly: Fly, filters: Json, query: str) -> None:
        """Reference 4.9."""
        await fly.call("flyListOrgMachines", **filters)
        assert query in fly.requests_to(MACHINES)[0].query

    @pytest.mark.parametrize(
        "filters",
        [
            {"region": "Frankfurt"},
            {"state": "started&x=1"},
            {"state": "runing"},
            {"state": "started,stoped"},
            {"state": "hydrating"},
            {"state": ""},
            {"updatedAfter": "yesterday"},
            {"updatedAfter": "2024-01-15T10:00:00"},
        ],
    )
    async def test_a_filter_that_is_none_is_refused(self, fly: Fly, filters: Json) -> None:
        """Ours: a time without a zone would mean another moment to Fly; a mistyped state would find nothing."""
        error = await fly.refused("flyListOrgMachines", **filters)
        assert [problem["path"] for problem in error["problems"]] == list(filters)
        assert not fly.wire.sent

    async def test_an_organisation_that_is_none_is_not_found(self, fly: Fly) -> None:
        """Reference 4.9."""
        assert (await fly.refused("flyListOrgMachines", orgSlug="no-such-org"))["code"] == "not_found"

    async def test_regions_that_did_not_answer_are_said_out_loud(self, fly: Fly) -> None:
        """Reference 9.28: the status is 200, and machines are missing."""
        data = {"machines": [], "next_cursor": "", "error_regions": ["ams", "syd", "\u202eevil region"]}
        fly.wire.replace_answers("GET", MACHINES, answered(data))
        answer = await fly.call("flyListOrgMachines")
        assert answer["incomplete"].startswith("ams, syd, ? did not answer: machines there are missing here")

    async def test_short_and_empty_pages_are_followed(self, fly: Fly) -> None:
        """Reference 4.9: a page may be short or empty with more to come."""
        row = {"id": "7846e45f27e218", "app_name": APP, "state": "started", "region": "fra"}
        pages = [
            {"machines": [], "next_cursor": "one", "error_regions": ["ams"]},
            {"machines": [row], "next_cursor": "two"},
            {"machines": None, "next_cursor": "three"},
            {"machines": [row, {**row, "id": "7846e45f27e219"}], "next_cursor": ""},
        ]
        asked: list[str] = []

        def turn(request: httpx2.Request) -> httpx2.Response:
            asked.append(request.url.query.decode())
            return httpx2.Response(200, json=pages[len(asked) - 1])

        fly.wire.replace_answers("GET", MACHINES, turn)
        answer = await fly.call("flyListOrgMachines", limit=3)
        assert [one["id"] for one in answer["machines"]] == ["7846e45f27e218", "7846e45f27e219"]
        assert "ams" in answer["incomplete"]
        assert "next_cursor" not in answer
        assert [query.split("&")[0] for query in asked] == ["limit=3", "limit=3", "limit=2", "limit=2"]

    async def test_a_fly_that_gives_nothing_but_cursors_is_not_asked_for_ever(self, fly: Fly) -> None:
        """Ours: ten requests, and a cursor to go on with."""
        fly.wire.replace_answers("GET", MACHINES, answered({"machines": [], "next_cursor": "again"}))
        answer = await fly.call("flyListOrgMachines")
        assert answer["machines"] == []
        assert answer["next_cursor"]
        assert len(fly.wire.sent) == 11  # the first asks whose the token is

    async def test_a_cursor_belongs_to_its_list(self, fly: Fly) -> None:
        """Ours: with other filters it would leave machines out without a word."""
        cursor = (await fly.call("flyListOrgMachines", limit=1))["next_cursor"]
        fly.wire.mend()
        error = await fly.refused("flyListOrgMachines", cursor=cursor, region="fra")
        assert [problem["path"] for problem in error["problems"]] == ["cursor"]
        assert not fly.wire.sent
        answer = await fly.call("flyListOrgMachines", cursor=cursor)
        assert [one["app"] for one in answer["machines"]] == ["catvet-web"]


class TestALargeOrganisation:
    """A thousand apps, ten thousand machines."""

    @pytest.fixture
    def world(self) -> World:
        return crowd(1000, 10)

    async def test_walking_gives_each_machine_once_though_they_come_and_go(self, fly: Fly) -> None:
        """The issue, Shows 4: what is there throughout is shown exactly once."""
        seen: list[str] = []
        gone: set[str] = set()
        cursor: Json = {}
        for turn in range(120):
            answer = await fly.call("flyListOrgMachines", limit=100, **cursor)
            seen += [one["id"] for one in answer["machines"]]
            if "next_cursor" not in answer:
                break
            cursor = {"cursor": answer["next_cursor"]}
            if turn % 10 == 5:
                # The app that was shown last goes, and so does one that is still to come; a machine is new.
                for number in (int(seen[-1][1:], 16) // 10, 990 - turn):
                    gone |= {f"d{number * 10 + k:013x}" for k in range(10)}
                    await fly.call("flyDeleteApp", appName=f"app-{number:04d}", confirm=True)
                await fly.call("flyCreateMachine", appName="app-0000", image=IMAGE)
        assert len(seen) == len(set(seen))
        assert len(gone) == 200
        assert {f"d{number:013x}" for number in range(10_000)} - gone <= set(seen)
        assert len(fly.requests_to(MACHINES)) <= 101

    async def test_a_list_of_the_apps_and_of_one_page_stay_small(self, fly: Fly) -> None:
        """The issue, Shows 4: each list answers within the caps."""
        machines = await fly.call("flyListOrgMachines")
        assert len(machines["machines"]) == 50
        assert len(json.dumps(machines["machines"])) / 50 < 130
        apps = await fly.call("flyListApps")
        assert (apps["showing"], len(apps["apps"])) == ("50 of 1000", 50)


class TestVolumes:
    """flyListOrgVolumes and flyListUnattachedVolumes."""

    async def test_volumes_of_all_apps_each_with_its_own(self, fly: Fly) -> None:
        """The issue, 1."""
        answer = await fly.call("flyListOrgVolumes")
        assert [(one["id"], one["app"]) for one in answer["volumes"]] == [
            ("vol_r77m35j7kj10613r", APP),
            (FREE_VOLUME, APP),
            ("vol_xxx", "my-sandbox"),
        ]

    async def test_dying_volumes_are_shown_only_where_their_state_is_asked_for(self, fly: Fly) -> None:
        """Reference 6.7: they stay listed for a day."""
        fly.edit(lambda world: setattr(world.apps[APP].volumes[FREE_VOLUME], "state", "pending_destroy"))
        assert len((await fly.call("flyListOrgVolumes"))["volumes"]) == 2
        (one,) = (await fly.call("flyListOrgVolumes", state="pending_destroy"))["volumes"]
        assert one["id"] == FREE_VOLUME

    async def test_what_is_paid_for_and_not_used(self, fly: Fly) -> None:
        """The issue, 1: size, age, last snapshot and cost."""

        def change(world: World) -> None:
            volume = world.apps[APP].volumes[FREE_VOLUME]
            volume.size_gb = 10
            volume.created_at = fly.clock.now() - 3 * 86_400
            volume.snapshots = [Snapshot(id="vs_a", created_at=MADE, status="created")]

        fly.edit(change)
        answer = await fly.call("flyListUnattachedVolumes")
        assert answer["volumes"][0] == {
            "id": FREE_VOLUME,
            "app": APP,
            "name": "catvet_data",
            "size_gb": 10,
            "region": "fra",
            "age_days": 3,
            "last_snapshot": "2024-01-15",
            "usd_per_month": 1.5,
        }
        assert answer["volumes"][1]["last_snapshot"] == "none"
        assert (answer["total"], answer["total_gb"]) == (2, 11)
        assert answer["cost"].startswith("1.65 USD a month (estimate")

    async def test_many_of_them_are_shown_in_time_though_fly_is_slow_to_tell(self, fly: Fly) -> None:
        """Fly allows one read of snapshots a second an app: what was not read is unknown, not none."""

        def change(world: World) -> None:
            for number in range(60):
                one = Volume(id=f"vol_free{number:04d}", name="data", region="fra", created_at=MADE)
                world.apps["my-sandbox"].volumes[one.id] = one

        fly.edit(change)
        began = fly.clock.monotonic()
        answer = await fly.call("flyListUnattachedVolumes", limit=50)
        assert fly.clock.monotonic() - began < 30
        assert answer["showing"] == "50 of 62"
        known = {one["last_snapshot"] for one in answer["volumes"]}
        assert known == {"none", "unknown"}

    async def test_snapshots_that_cannot_be_read_are_unknown(self, fly: Fly) -> None:
        """Ours: one app that does not answer must not hide the others."""
        fly.emulator.faults.add(FaultRule(path=f"/{APP}/volumes/.*/snapshots$", status=403, error="no"))
        rows = (await fly.call("flyListUnattachedVolumes"))["volumes"]
        assert [one["last_snapshot"] for one in rows] == ["unknown", "none"]

    async def test_regions_that_did_not_answer_are_said_out_loud(self, fly: Fly) -> None:
        """Reference 9.28."""
        data = {"volumes": [], "next_cursor": "", "error_regions": ["ams"]}
        fly.wire.replace_answers("GET", VOLUMES, answered(data))
        assert "ams did not answer" in (await fly.call("flyListUnattachedVolumes"))["incomplete"]
        assert "ams did not answer" in (await fly.call("flyListOrgVolumes"))["incomplete"]
