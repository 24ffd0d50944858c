"""flyListApps, flyGetApp, flyCreateApp (the issue, 3; reference 4.1)."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from fly_mcp_emulator.default_world import default_world
from fly_mcp_emulator.faults import FaultRule
from fly_mcp_emulator.world import App, World
from fly_mcp_tools.call import Defaults

from .fly import APP, SANDBOX, WEB, Fly


async def _asked(fly: Fly) -> list[str]:
    return [one.query for one in fly.emulator.requests if one.path == "/v1/apps"]


class TestList:
    """flyListApps."""

    async def test_every_app_has_the_documented_fields(self, fly: Fly) -> None:
        """The seeds; reference 9.33: the URL is a convention, not data."""
        answer = await fly.call("flyListApps")
        rows = {app["name"]: app for app in answer["apps"]}
        assert list(rows) == [APP, WEB, SANDBOX]
        assert answer["total"] == 3
        assert rows[APP] == {
            "id": rows[APP]["id"],
            "name": APP,
            "status": "deployed",
            "machine_count": 1,
            "url": "https://catvet-records.fly.dev",
        }
        assert (rows[SANDBOX]["status"], rows[SANDBOX]["machine_count"]) == ("pending", 0)

    @pytest.mark.parametrize("token", ["fm2_emulator_other_org"])
    async def test_without_a_word_it_is_the_tokens_only_organisation(self, fly: Fly) -> None:
        """The issue, 3: argument, FLY_ORG_SLUG, the token's only organisation, personal."""
        answer = await fly.call("flyListApps")
        assert answer["organization"] == "lab-team"
        assert [app["name"] for app in answer["apps"]] == ["lab-batch"]

    async def test_a_token_of_several_organisations_gets_personal(self, fly: Fly) -> None:
        """The issue, 3."""
        tokens = {"tokens": [{"org_slug": "lab-team", "apps": ["*"]}, {"org_slug": "third", "apps": ["*"]}]}
        fly.emulator.faults.add(FaultRule(path="/tokens/current$", status=200, body=json.dumps(tokens)))
        assert (await fly.call("flyListApps"))["organization"] == "personal"
        assert await _asked(fly) == ["org_slug=personal"]

    @pytest.mark.parametrize("defaults", [Defaults(org_slug="lab-team")])
    async def test_the_operators_organisation_comes_before_the_tokens(self, fly: Fly) -> None:
        """FLY_ORG_SLUG; the token is not even asked."""
        assert (await fly.call("flyListApps"))["organization"] == "lab-team"
        assert len(fly.emulator.requests) == 1

    @pytest.mark.parametrize("defaults", [Defaults(org_slug="lab-team")])
    async def test_the_argument_comes_before_the_operators(self, fly: Fly) -> None:
        """The issue, 2: orgSlug."""
        assert (await fly.call("flyListApps", orgSlug="personal"))["organization"] == "personal"

    async def test_a_fly_that_does_not_tell_of_tokens_gets_personal(self, fly: Fly) -> None:
        """Ours: the default is worth a try where the question is not answered."""
        fly.emulator.faults.add(FaultRule(path="/tokens/current$", status=500))
        assert (await fly.call("flyListApps"))["organization"] == "personal"

    async def test_what_the_list_lacks_is_derived_and_counted(self, fly: Fly) -> None:
        """The issue, 3: `status` and `machine_count` where Fly's list lacks them."""
        names = [APP, SANDBOX, WEB]
        body = json.dumps({"total_apps": 3, "apps": [{"id": name, "name": name} for name in names]})
        fly.emulator.faults.add(FaultRule(path="/v1/apps$", status=200, body=body))
        answer = await fly.call("flyListApps")
        assert [(app["machine_count"], app["status"]) for app in answer["apps"]] == [
            (1, "deployed"),
            (1, "deployed"),
            (0, "pending"),
        ]

    async def test_what_cannot_be_counted_is_unknown(self, fly: Fly) -> None:
        """Ours: one app that does not answer must not hide the others."""
        body = json.dumps({"apps": [{"name": APP}, {"name": WEB}]})
        fly.emulator.faults.add(FaultRule(path="/v1/apps$", status=200, body=body))
        fly.emulator.faults.add(FaultRule(path=f"{WEB}/machines$", status=403, error="permission_denied"))
        answer = await fly.call("flyListApps")
        assert [(app["machine_count"], app["status"]) for app in answer["apps"]] == [
            (1, "deployed"),
            (None, "unknown"),
        ]

    async def test_an_organisation_that_is_none_is_not_found(self, fly: Fly) -> None:
        """Reference 4.1."""
        error = await fly.refused("flyListApps", orgSlug="no-such-org")
        assert error["code"] == "not_found"

    async def test_null_apps_are_no_apps(self, fly: Fly) -> None:
        """Ours: Go writes an empty list as null."""
        fly.emulator.faults.add(FaultRule(path="/v1/apps$", status=200, body='{"total_apps":0,"apps":null}'))
        assert (await fly.call("flyListApps"))["apps"] == []


class TestGet:
    """flyGetApp."""

    async def test_an_app_and_what_its_machines_do(self, fly: Fly) -> None:
        """The seeds: details of an app including its URL and machine count."""
        answer = await fly.call("flyGetApp", appName=APP)
        assert (
            answer.items()
            >= {
                "name": APP,
                "status": "deployed",
                "machine_count": 1,
                "url": "https://catvet-records.fly.dev",
                "organization": "personal",
                "machine_states": {"started": 1},
            }.items()
        )

    async def test_one_that_is_nowhere_and_one_of_somebody_else(self, fly: Fly) -> None:
        """Reference 1.3: 404 only when no such app exists anywhere."""
        assert (await fly.refused("flyGetApp", appName="nowhere"))["code"] == "not_found"

    @pytest.mark.parametrize("token", ["fm2_emulator_other_org"])
    async def test_one_of_another_organisation_is_forbidden(self, fly: Fly) -> None:
        """Reference 1.3."""
        error = await fly.refused("flyGetApp", appName=APP)
        assert error["code"] == "forbidden"
        assert f"fly tokens create deploy -a {APP}" in error["hint"]


class TestCreate:
    """flyCreateApp."""

    async def test_a_new_app_is_there_and_empty(self, fly: Fly) -> None:
        """The issue, 2."""
        answer = await fly.call("flyCreateApp", appName="shop-staging")
        assert answer == {
            "outcome": "done",
            "id": fly.app("shop-staging").id,
            "name": "shop-staging",
            "status": "pending",
            "organization": "personal",
            "url": "https://shop-staging.fly.dev",
        }

    async def test_both_spellings_of_the_name_are_sent(self, fly: Fly) -> None:
        """Reference 9.1: docs app_name, spec and fly-go name."""
        bodies: list[dict[str, Any]] = []
        fly.wire.tap("POST", "/v1/apps$", lambda request: bodies.append(json.loads(request.content)))
        await fly.call("flyCreateApp", appName="shop", orgSlug="lab-team")
        assert bodies == [{"app_name": "shop", "name": "shop", "org_slug": "lab-team"}]

    async def test_a_network_and_subdomains_are_sent_where_they_are_asked_for(self, fly: Fly) -> None:
        """The issue, 1; reference 4.1."""
        bodies: list[dict[str, Any]] = []
        fly.wire.tap("POST", "/v1/apps$", lambda request: bodies.append(json.loads(request.content)))
        answer = await fly.call(
            "flyCreateApp", appName="tenant-7", network="tenant-7-net", enableSubdomains=True
        )
        assert (bodies[0]["network"], bodies[0]["enable_subdomains"]) == ("tenant-7-net", True)
        assert answer["network"] == fly.app("tenant-7").network == "tenant-7-net"

    @pytest.mark.parametrize("network", ["", "Tenant", "a b", "a/b", "-a", "x" * 64])
    async def test_a_network_name_that_can_be_none_is_refused(self, fly: Fly, network: str) -> None:
        """Ours: nothing is sent for it."""
        error = await fly.refused("flyCreateApp", appName="tenant-7", network=network)
        assert [problem["path"] for problem in error["problems"]] == ["network"]
        assert not fly.wire.sent

    async def test_a_name_taken_anywhere_is_a_conflict(self, fly: Fly) -> None:
        """Reference 2.1: unique over all of Fly, not per organisation."""
        error = await fly.refused("flyCreateApp", appName="lab-batch")
        assert (error["code"], error["changed"]) == ("conflict", "nothing")
        assert "Choose another name" in error["hint"]

    @pytest.mark.parametrize(
        "name",
        ["Shop", "shop_1", "-shop", "shop-", "sh op", "a" * 64, "", "shop.x", "schöp", "a/b", ".."],
    )
    async def test_a_name_that_fly_forbids_is_refused(self, fly: Fly, name: str) -> None:
        """Reference 2.1; ours: starts and ends with a letter or digit (the issue, 3)."""
        error = await fly.refused("flyCreateApp", appName=name)
        assert [problem["path"] for problem in error["problems"]] == ["appName"]
        assert not fly.wire.sent

    @pytest.mark.parametrize("name", ["a", "7", "a-1", "1-a", "a" * 63, "a--b"])
    async def test_a_name_that_fly_allows_is_taken(self, fly: Fly, name: str) -> None:
        """Reference 2.1."""
        assert (await fly.call("flyCreateApp", appName=name))["outcome"] == "done"

    async def test_an_app_that_is_hidden_for_a_moment_is_waited_for(self, fly: Fly) -> None:
        """Reference 9.20: 404 right after creating."""
        fly.edit(lambda world: setattr(world.settings, "new_app_hidden_seconds", 20.0))
        answer = await fly.call("flyCreateApp", appName="slow")
        assert (answer["outcome"], answer["name"]) == ("done", "slow")

    async def test_an_app_that_stays_hidden_is_pending(self, fly: Fly) -> None:
        """Reference 4.1: flyctl polls up to a minute."""
        fly.edit(lambda world: setattr(world.settings, "new_app_hidden_seconds", 600.0))
        began = fly.clock.monotonic()
        answer = await fly.call("flyCreateApp", appName="slow")
        assert answer["outcome"] == "pending"
        assert 55 < fly.clock.monotonic() - began < 75

    async def test_401_for_a_new_app_is_waited_out(self, fly: Fly) -> None:
        """Reference 9.20: 401 for a new app."""
        fly.emulator.faults.add(FaultRule(path="/apps/shop$", status=401, times=3))
        assert (await fly.call("flyCreateApp", appName="shop"))["outcome"] == "done"


class TestBounds:
    """No result grows without bound."""

    @pytest.fixture
    def world(self) -> World:
        world = default_world()
        for number in range(150):
            world.apps[f"app-{number:03d}"] = App(name=f"app-{number:03d}", org="personal")
        return world

    async def test_a_long_list_is_cut_visibly(self, fly: Fly) -> None:
        """The architecture: a visible "showing 50 of 153", and a way to the rest."""
        names: list[str] = []
        cursor: dict[str, str] = {}
        for shown in (50, 50, 50, 3):
            answer = await fly.call("flyListApps", **cursor)
            assert (len(answer["apps"]), answer["total"]) == (shown, 153)
            assert answer["showing"] == f"{shown} of 153"
            names += [app["name"] for app in answer["apps"]]
            cursor = {"cursor": answer.get("next_cursor", "")}
        assert cursor == {"cursor": ""}
        assert names == sorted(fly.emulator.dump().apps.keys() - {"lab-batch"})

    async def test_names_from_outside_are_cleaned(self, fly: Fly) -> None:
        """The architecture: text from outside is data, cleaned and capped."""
        nasty = "x\x1b[31m\u202e\n" + "y" * 1000
        rows = {"apps": [{"id": nasty, "name": nasty, "status": nasty, "machine_count": 0}]}
        fly.wire.replace_answers("GET", "/v1/apps$", lambda _: httpx2.Response(200, json=rows))
        (app,) = (await fly.call("flyListApps"))["apps"]
        for key in ("id", "name", "status"):
            assert app[key].startswith("x y")
            assert len(app[key]) < 300
            assert app[key].isprintable()
