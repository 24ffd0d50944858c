"""Apps (reference 4.1)."""

from __future__ import annotations

import pytest

from fly_mcp_emulator import Emulator
from tests.emulator.caller import Caller, client


async def test_listing_wraps_the_apps_of_one_organisation(fly: Caller) -> None:
    """Reference 4.1: `{"total_apps", "apps"}`, no paging; the seeds' app comes first."""
    listed = await fly.get("/apps", params={"org_slug": "personal"})
    assert listed["total_apps"] == len(listed["apps"])
    assert [app["name"] for app in listed["apps"]][:2] == ["catvet-records", "my-sandbox"]
    assert "lab-batch" not in [app["name"] for app in listed["apps"]]
    assert listed["apps"][0]["machine_count"] == 1
    assert listed["apps"][0]["volume_count"] == 2
    assert listed["apps"][0]["organization"]["slug"] == "personal"


async def test_listing_without_an_organisation_is_a_404(fly: Caller) -> None:
    """Reference 4.1 [L]: org_slug is required."""
    await fly.get("/apps", 404)
    await fly.get("/apps", 404, params={"org_slug": "nobodys"})


async def test_personal_is_an_alias_of_the_personal_organisation(emu: Emulator, fly: Caller) -> None:
    """Reference 4.1: `personal` is valid whatever the real slug is."""
    world = emu.dump()
    world.orgs["ada-42"] = world.orgs.pop("personal").model_copy(update={"slug": "ada-42"})
    for app in world.apps.values():
        app.org = "ada-42" if app.org == "personal" else app.org
    emu.load(world)
    listed = await fly.get("/apps", params={"org_slug": "personal"})
    assert listed["apps"][0]["organization"]["slug"] == "ada-42"


@pytest.mark.parametrize("key", ["app_name", "name"])
async def test_creating_takes_either_name_key_and_answers_with_the_app(fly: Caller, key: str) -> None:
    """Reference 4.1, trap 1: docs say app_name, fly-go sends name; flyctl reads `name` from the answer."""
    made = await fly.post("/apps?wait=true", 201, json={key: "brand-new", "org_slug": "personal"})
    assert made["name"] == "brand-new"
    assert made["id"]
    assert isinstance(made["created_at"], int)
    got = await fly.get("/apps/brand-new")
    assert got["status"] == "pending"
    assert got["machine_count"] == 0


async def test_a_taken_name_is_a_422_with_a_status(fly: Caller) -> None:
    """Reference 2.1 [C]: names are unique over all of Fly."""
    body = await fly.post("/apps", 422, json={"name": "lab-batch", "org_slug": "personal"})
    assert body == {"error": "Validation failed: Name has already been taken", "status": "name_taken"}


@pytest.mark.parametrize("name", ["Upper", "under_score", "a" * 64, "dot.dot", "sp ace"])
async def test_a_bad_name_is_a_422(fly: Caller, name: str) -> None:
    """Reference 2.1 [C]."""
    text = await fly.error("POST", "/apps", 422, json={"name": name, "org_slug": "personal"})
    assert text == "Validation failed: Name under 63 chars using numbers, lowercase letters and dashes"


async def test_creating_without_a_name_or_an_organisation_is_refused(fly: Caller) -> None:
    """Reference 4.1: neither name key is a 400."""
    await fly.post("/apps", 400, json={"org_slug": "personal"})
    await fly.post("/apps", 404, json={"name": "brand-new"})


async def test_a_missing_app_is_named_in_the_404(fly: Caller) -> None:
    """Reference 4.1 [D, L]."""
    for path in ("/apps/nope", "/apps/nope/machines", "/apps/nope/secrets", "/apps/nope/volumes/vol_1"):
        assert await fly.error("GET", path, 404) == 'Could not find App "nope"'


async def test_deleting_an_app_takes_running_machines_and_volumes_along(fly: Caller) -> None:
    """Reference 4.1 [C]: flyctl never sends force; 202 without a body."""
    answer = await fly.http.delete("/apps/catvet-records")
    assert (answer.status_code, answer.content) == (202, b"")
    await fly.get("/apps/catvet-records", 404)
    await fly.get("/apps/catvet-records/machines/7846e45f27e218", 404)
    await fly.post("/apps", 201, json={"name": "catvet-records", "org_slug": "personal"})
    assert await fly.get("/apps/catvet-records/machines") == []


async def test_an_apps_status_follows_its_machines(fly: Caller) -> None:
    """Reference 3.1: pending before the first machine, suspended when none runs."""
    assert (await fly.get("/apps/my-sandbox"))["status"] == "pending"
    machine = await fly.started()
    assert (await fly.get("/apps/my-sandbox"))["status"] == "deployed"
    await fly.post(f"/apps/my-sandbox/machines/{machine['id']}/stop")
    await fly.wait(machine, "stopped")
    assert (await fly.get("/apps/my-sandbox"))["status"] == "suspended"


async def test_a_new_app_can_be_hidden_for_a_moment(emu: Emulator, fly: Caller) -> None:
    """Reference 4.1 [C]: after its creation an app may be 404; flyctl polls."""
    world = emu.dump()
    world.settings.new_app_hidden_seconds = 3
    emu.load(world)
    await fly.post("/apps", 201, json={"name": "brand-new", "org_slug": "personal"})
    await fly.get("/apps/brand-new", 404)
    await emu.clock.sleep(3)
    await fly.get("/apps/brand-new")


async def test_a_deploy_token_is_good_for_its_app_alone(emu: Emulator, fly: Caller) -> None:
    """Reference 1.3: made through REST, with its scheme in front."""
    made = await fly.post("/apps/my-sandbox/deploy_token", json={"expiry": "24h"})
    assert made["token"].startswith("FlyV1 fm2_")
    async with client(emu, made["token"]) as http:
        deploy = Caller(http)
        await deploy.get("/apps/my-sandbox")
        await deploy.get("/apps/catvet-records", 403)
        emu.clock.advance(24 * 3600)
        await deploy.get("/apps/my-sandbox", 401)
