"""Creating machines (reference 2.3, 2.4, 3.3, 4.2)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.world import Image
from tests.emulator.caller import MACHINES, Caller


async def test_a_machine_answers_created_and_starts_by_itself(fly: Caller) -> None:
    """Reference 4.2: state `created` and one event in the answer; 1-2 s later it is started."""
    machine = await fly.create()
    assert machine["state"] == "created"
    assert [(event["type"], event["status"], event["source"]) for event in machine["events"]] == [
        ("launch", "created", "user")
    ]
    await fly.wait(machine)
    machine = await fly.machine(machine)
    assert machine["state"] == "started"
    assert (machine["events"][0]["type"], machine["events"][0]["source"]) == ("start", "flyd")


async def test_identifiers_have_flys_shapes(fly: Caller) -> None:
    """Reference 2.1, 3.2."""
    machine = await fly.create()
    assert re.fullmatch(r"[0-9a-f]{14}", machine["id"])
    assert re.fullmatch(r"[a-z]+-[a-z]+-\d{4}", machine["name"])
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{26}", machine["instance_id"])
    assert machine["version"] == machine["instance_id"]
    assert machine["private_ip"].startswith("fdaa:")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", machine["created_at"])
    assert isinstance(machine["events"][0]["timestamp"], int)


async def test_a_short_image_name_is_resolved(fly: Caller) -> None:
    """Reference 3.2: `ubuntu` is library/ubuntu:latest of Docker's registry."""
    ref = (await fly.create({"image": "ubuntu"}))["image_ref"]
    assert (ref["registry"], ref["repository"], ref["tag"]) == (
        "registry-1.docker.io",
        "library/ubuntu",
        "latest",
    )
    assert ref["digest"].startswith("sha256:")


async def test_the_default_guest_is_filled_in_and_unknown_keys_are_dropped(fly: Caller) -> None:
    """Reference 2.4 [D], 3.3 [F]: misspelt keys are ignored without a word; `init` is always there."""
    machine = await fly.create({"memory": 512, "metadata": {}})
    assert machine["config"] == {
        "init": {},
        "image": "nginx",
        "guest": {"cpu_kind": "shared", "cpus": 1, "memory_mb": 256},
    }


async def test_skip_launch_rests_in_stopped_after_a_while(fly: Caller) -> None:
    """Reference 5.1 [L]: pending, created, then stopped about 9 s after the create."""
    machine = await fly.create(skip_launch=True)
    assert machine["state"] == "pending"
    text = await fly.error("POST", f"{MACHINES}/{machine['id']}/start", 412)
    assert text == "failed_precondition: unable to start machine from current state: 'pending'"
    await fly.http.get("/platform/regions")
    await fly.wait(machine, "stopped")
    await fly.post(f"{MACHINES}/{machine['id']}/start")
    await fly.wait(machine)


async def test_starting_too_early_names_the_state_created(emu: Emulator, fly: Caller) -> None:
    """Reference 5.3 [L]: the image is still prepared."""
    machine = await fly.create(skip_launch=True)
    await emu.clock.sleep(2)
    text = await fly.error("POST", f"{MACHINES}/{machine['id']}/start", 412)
    assert text == "failed_precondition: unable to start machine from current state: 'created'"


async def test_an_unlaunched_machine_may_stay_created(emu: Emulator, fly: Caller) -> None:
    """Reference 5.1 [D]: docs say so; a setting of the world."""
    world = emu.dump()
    world.settings.skip_launch_rests_in_created = True
    emu.load(world)
    machine = await fly.create(skip_launch=True)
    await emu.clock.sleep(30)
    assert await fly.state(machine) == "created"
    await fly.post(f"{MACHINES}/{machine['id']}/start")
    await fly.wait(machine)


async def test_a_name_is_unique_until_its_machine_is_destroyed(fly: Caller) -> None:
    """Reference 2.1, 6.4: 409 already_exists; delete frees the name."""
    machine = await fly.started(name="web-1")
    text = await fly.error("POST", MACHINES, 409, json={"name": "web-1", "config": {"image": "nginx"}})
    assert text.startswith("already_exists: unique machine name violation, ")
    await fly.delete(f"{MACHINES}/{machine['id']}?force=true")
    assert (await fly.create(name="web-1"))["name"] == "web-1"


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({"image": ""}, "config.image"),
        ({"guest": {"cpu_kind": "huge"}}, "invalid config.guest.cpu_kind"),
        (
            {"guest": {"cpus": 3, "memory_mb": 1024}},
            "invalid config.guest.cpus, must be one of: 1, 2, 4, 6, 8",
        ),
        ({"guest": {"cpus": 2}}, "invalid config.guest.memory_mb, minimum required 512 MiB"),
        ({"guest": {"memory_mb": 4096}}, "invalid config.guest.memory_mb, cannot exceed 2048 MiB"),
        ({"guest": {"cpu_kind": "performance", "cpus": 1, "memory_mb": 1024}}, "minimum required 2048 MiB"),
        ({"guest": {"memory_mb": 300}}, "invalid config.guest.memory_mb"),
        ({"guest": {"cpus": 1}, "size": "shared-cpu-1x"}, "cannot be set together"),
        ({"size": "mainframe"}, "unknown machine size"),
        ({"stop_config": {"timeout": "6m"}}, "invalid stop_config.timeout, cannot exceed 5 minutes"),
        ({"mounts": [{"path": "/data"}]}, "config.mounts.volume"),
        ({"mounts": [{"volume": "a", "path": "/a"}, {"volume": "b", "path": "/b"}]}, "only one volume"),
        ({"env": {"A": 1}}, "config.env.A"),
        ({"services": [{"autostop": "sometimes"}]}, "config.services.0.autostop"),
        ({"checks": {"up": {"interval": "soon"}}}, "invalid duration"),
        ({"files": [{"guest_path": "etc/x", "raw_value": ""}]}, "absolute path"),
        ({"files": [{"guest_path": "/x"}]}, "exactly one source"),
        ({"image": "no image"}, "could not parse reference"),
    ],
)
async def test_a_bad_config_is_a_400_and_makes_nothing(
    fly: Caller, config: dict[str, Any], text: str
) -> None:
    """Reference 2.4 [L], 2.2 [F]; the texts Fly is not known for are ours."""
    body = {"config": {"image": "nginx"} | config}
    assert text in await fly.error("POST", MACHINES, 400, json=body)
    assert await fly.get(MACHINES) == []


async def test_a_config_is_required(fly: Caller) -> None:
    """Reference 4.2."""
    await fly.error("POST", MACHINES, 400, json={})
    await fly.error("POST", MACHINES, 400, json={"config": "nginx"})


async def test_a_preset_size_becomes_a_guest(fly: Caller) -> None:
    """Reference 2.4 [C]."""
    machine = await fly.create({"size": "performance-2x"})
    assert machine["config"]["guest"] == {"cpu_kind": "performance", "cpus": 2, "memory_mb": 4096}
    assert "size" not in machine["config"]


@pytest.mark.parametrize(
    ("region", "lands"),
    [
        (None, "fra"),
        ("lax", "lax"),
        ("eu", "fra"),
        ("us", "dfw"),
        ("sa", "gru"),
        ("any", "fra"),
        ("syd,fra", "syd"),
    ],
)
async def test_a_region_expression_becomes_one_region(fly: Caller, region: str | None, lands: str) -> None:
    """Reference 2.3 [D, L]: codes, comma lists, aliases; without one near the caller."""
    assert (await fly.create(region=region))["region"] == lands


@pytest.mark.parametrize("region", ["atlantis", "mad", "fra,nowhere"])
async def test_an_unknown_or_deprecated_region_is_named(fly: Caller, region: str) -> None:
    """Reference 2.3 [L]: `target region ... not found`."""
    text = await fly.error("POST", MACHINES, 400, json={"config": {"image": "nginx"}, "region": region})
    assert re.search(r"target region (atlantis|mad|nowhere) not found", text)


async def test_a_full_region_is_skipped_or_refused(emu: Emulator, fly: Caller) -> None:
    """Reference 11 [C test]: 422 `could not find a candidate host`, status insufficient_capacity."""
    world = emu.dump()
    world.settings.full_regions = ["ams"]
    emu.load(world)
    assert (await fly.create(region="ams,lhr"))["region"] == "lhr"
    body = await fly.post(MACHINES, 422, json={"config": {"image": "nginx"}, "region": "ams"})
    assert body == {"error": "could not find a candidate host", "status": "insufficient_capacity"}


async def test_a_missing_image_is_refused_and_makes_nothing(emu: Emulator, fly: Caller) -> None:
    """Reference 6.3 [L]: MANIFEST_UNKNOWN."""
    world = emu.dump()
    world.images["registry.fly.io/typo:1"] = Image(missing=True)
    emu.load(world)
    text = await fly.error("POST", MACHINES, 400, json={"config": {"image": "registry.fly.io/typo:1"}})
    assert "MANIFEST_UNKNOWN" in text
    assert await fly.get(MACHINES) == []


async def test_a_mount_takes_the_volume_and_is_filled_in(fly: Caller) -> None:
    """Reference 3.3 [L], 4.6: name, size and encryption come from the volume."""
    machine = await fly.create({"mounts": [{"volume": "vol_xxx", "path": "/data"}]}, region="fra")
    assert machine["config"]["mounts"] == [
        {"volume": "vol_xxx", "path": "/data", "name": "data", "size_gb": 1, "encrypted": True}
    ]
    assert (await fly.get("/apps/my-sandbox/volumes/vol_xxx"))["attached_machine_id"] == machine["id"]


async def test_a_claimed_volume_is_a_412(fly: Caller) -> None:
    """Reference 4.2, 11 [L]."""
    config = {"image": "nginx", "mounts": [{"volume": "vol_xxx", "path": "/data"}]}
    machine = await fly.started(config)
    text = await fly.error("POST", MACHINES, 412, json={"config": config})
    assert text == f"failed_precondition: volume already claimed by machine {machine['id']}"


async def test_a_volume_in_another_region_is_a_placement_error(fly: Caller) -> None:
    """Reference 4.2: the machine must be in the volume's region; trap 23: it shows as a placement error."""
    config = {"image": "nginx", "mounts": [{"volume": "vol_xxx", "path": "/data"}]}
    body = await fly.post(MACHINES, 412, json={"config": config, "region": "ams"})
    assert body["status"] == "volume_placement_capacity"
    assert "vol_xxx" in body["error"]
    assert (await fly.create(config, region="ams,fra"))["region"] == "fra"


async def test_a_volume_of_nobody_or_of_another_app_is_not_found(fly: Caller) -> None:
    """Reference 4.2."""
    for volume in ("vol_nope", "vol_abc123"):
        config = {"image": "nginx", "mounts": [{"volume": volume, "path": "/data"}]}
        assert (
            await fly.error("POST", MACHINES, 404, json={"config": config}) == "not_found: volume not found"
        )


async def test_creating_with_a_lease_answers_its_nonce(fly: Caller) -> None:
    """Reference 3.2, 4.2: `lease_ttl`."""
    machine = await fly.create(lease_ttl=60)
    lease = await fly.get(f"{MACHINES}/{machine['id']}/lease")
    assert lease["data"]["nonce"] == machine["nonce"]
    assert "nonce" not in await fly.machine(machine)


async def test_creating_cordoned_and_setting_the_affinity_cookie(fly: Caller) -> None:
    """Reference 1.4 [C], 4.2."""
    answer = await fly.http.post(
        MACHINES, json={"config": {"image": "nginx"}, "skip_service_registration": True}
    )
    assert answer.json()["cordoned"] is True
    assert answer.headers["set-cookie"].startswith("fly_flaps_affinity=")
    assert "Path=/v1/apps/my-sandbox" in answer.headers["set-cookie"]


async def test_autostop_goes_in_as_a_word_and_comes_out_by_value(fly: Caller) -> None:
    """Reference 3.3 [C, S], trap 16: false, true, "suspend"."""
    given = ["off", "stop", "suspend", True, False]
    machine = await fly.create({"services": [{"internal_port": 80, "autostop": value} for value in given]})
    services = machine["config"]["services"]
    assert [service["autostop"] for service in services] == [False, True, "suspend", True, False]
    assert services[0]["force_instance_key"] is None


async def test_durations_go_in_as_text_or_nanoseconds_and_come_out_as_go_text(fly: Caller) -> None:
    """Reference 3.3 [C, D], trap 7."""
    checks = {
        "up": {"type": "tcp", "port": 80, "interval": 15_000_000_000, "timeout": "90s", "grace_period": "1m"}
    }
    machine = await fly.create({"checks": checks})
    up = machine["config"]["checks"]["up"]
    assert (up["interval"], up["timeout"], up["grace_period"]) == ("15s", "1m30s", "1m0s")


async def test_health_checks_turn_green_when_the_machine_is_up(fly: Caller) -> None:
    """Reference 3.2: service checks are named `servicecheck-...`."""
    config = {
        "checks": {"alive": {"type": "tcp", "port": 80}},
        "services": [{"internal_port": 8080, "checks": [{"type": "http"}]}],
    }
    machine = await fly.create(config)
    assert {check["name"]: check["status"] for check in machine["checks"]} == {
        "alive": "critical",
        "servicecheck-00-http-8080": "critical",
    }
    await fly.wait(machine)
    assert all(check["status"] == "passing" for check in (await fly.machine(machine))["checks"])


async def test_listing_filters_by_state_region_and_metadata(fly: Caller) -> None:
    """Reference 4.2."""
    one = await fly.started({"metadata": {"team": "red"}}, region="fra")
    two = await fly.stopped({"metadata": {"team": "blue"}}, region="ams")

    async def listed(**params: str) -> list[str]:
        return [machine["id"] for machine in await fly.get(MACHINES, params=params)]

    assert await listed() == [one["id"], two["id"]]
    assert await listed(region="ams") == [two["id"]]
    assert await listed(state="started,stopped") == [one["id"], two["id"]]
    assert await listed(state="stopped") == [two["id"]]
    assert await listed(**{"metadata.team": "red"}) == [one["id"]]
    await fly.delete(f"{MACHINES}/{two['id']}")
    await fly.wait(two, "destroyed")
    assert await listed() == [one["id"]]
    assert await listed(include_deleted="true") == [one["id"], two["id"]]


async def test_a_summary_leaves_out_the_heavy_fields(fly: Caller) -> None:
    """Reference 3.2 [S]."""
    await fly.started()
    (summary,) = await fly.get(MACHINES, params={"summary": "true"})
    assert not {"config", "checks", "events", "host_status", "nonce"} & summary.keys()
    assert summary["state"] == "started"
