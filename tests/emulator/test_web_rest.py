"""The web REST: releases, organisations and logs (reference 8.1, 8.3)."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from fly_mcp_emulator import Emulator, World
from fly_mcp_emulator.world import Image
from tests.emulator.caller import MACHINES, Caller, client
from tests.virtual_time import LoopClock

WEB = "http://fly.test/api/v1"
RELEASES = f"{WEB}/apps/catvet-web/releases"
LOGS = f"{WEB}/apps/my-sandbox/logs"


async def release(fly: Caller, **more: Any) -> dict[str, Any]:
    body = {"app_name": "catvet-web", "build_id": 0, "image": "nginx", "strategy": "ROLLING"} | more
    made: dict[str, Any] = (await fly.post(f"{WEB}/releases", 201, json=body))["release"]
    return made


async def messages(fly: Caller, **query: Any) -> list[str]:
    return [row["attributes"]["message"] for row in (await fly.get(LOGS, params=query))["data"]]


async def test_a_release_is_written_down_and_goes_on(fly: Caller) -> None:
    """What `fly secrets set` does around its updates (reference 7.6)."""
    made = await release(fly, definition={"app": "catvet-web"})
    assert (made["version"], made["status"], made["in_progress"], made["stable"]) == (
        2,
        "pending",
        True,
        False,
    )
    assert (made["user"], made["image_ref"], made["strategy"]) == ("ada@example.com", "nginx", "ROLLING")
    running = await fly.patch(f"{WEB}/releases/{made['id']}", json={"status": "running", "metadata": None})
    assert (running["id"], running["status"]) == (made["id"], "running")
    metadata = {"post_deployment_info": {"flyctl_version": "0.1", "error": ""}}
    done = await fly.patch(f"{WEB}/releases/{made['id']}", json={"status": "complete", "metadata": metadata})
    assert (done["stable"], done["in_progress"]) == (True, False)
    assert await fly.get(f"{RELEASES}/current") == done


async def test_the_newest_release_is_listed_first(fly: Caller) -> None:
    """`limit` as flyctl's `secrets list` sends it."""
    for _ in range(3):
        await release(fly)
    rows = (await fly.get(RELEASES))["releases"]
    assert [row["version"] for row in rows] == [4, 3, 2, 1]
    assert [row["version"] for row in (await fly.get(RELEASES, params={"limit": 2}))["releases"]] == [4, 3]
    await fly.get(RELEASES, 422, params={"limit": 0})


async def test_when_each_app_was_last_released(fly: Caller) -> None:
    """As flyctl's GetAllAppsCurrentReleaseTimestamps; apps without a release are left out."""
    found = await fly.get(f"{WEB}/releases/all_current")
    assert found == {"catvet-records": "2024-01-15T07:59:50.000Z", "catvet-web": "2024-01-17T07:49:50.000Z"}


async def test_an_app_without_releases(fly: Caller) -> None:
    """404 means "none" (reference 8.3)."""
    assert await fly.get(f"{WEB}/apps/my-sandbox/releases") == {"releases": []}
    assert await fly.get(f"{WEB}/apps/my-sandbox/releases/current", 404) == {
        "errors": {"detail": "Not Found"}
    }
    assert (await release(fly, app_name="my-sandbox"))["version"] == 1


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"app_name": ""}, 404),
        ({"app_name": "nowhere"}, 404),
        ({"strategy": "SLOW"}, 422),
        ({"image": 7}, 400),
    ],
)
async def test_a_bad_release_is_refused(fly: Caller, change: dict[str, Any], status: int) -> None:
    """In the shape of the web service [C: internal/uiex/error.go]."""
    body = await fly.post(f"{WEB}/releases", status, json={"app_name": "catvet-web", "image": "n"} | change)
    assert body["errors"]["detail"]
    await fly.patch(f"{WEB}/releases/unknown", 404, json={"status": "complete"})


async def test_a_release_is_finished_with_a_known_word(fly: Caller) -> None:
    """running, complete, failed, interrupted are all that flyctl sends."""
    made = await release(fly)
    await fly.patch(f"{WEB}/releases/{made['id']}", 422, json={"status": "done"})
    for word in ("running", "failed", "interrupted"):
        assert (await fly.patch(f"{WEB}/releases/{made['id']}", json={"status": word}))["status"] == word


async def test_rights_hold_here_too(emu: Emulator) -> None:
    """Reference 1.3."""
    async with client(emu, None) as http:
        answer = await http.get(RELEASES)
        assert (answer.status_code, answer.json()) == (401, {"errors": {"detail": "Unauthorized"}})
    async with client(emu, "fm2_emulator_readonly") as http:
        assert (await http.get(RELEASES)).status_code == 200
        answer = await http.post(f"{WEB}/releases", json={"app_name": "catvet-web", "image": "n"})
        assert answer.status_code == 403
        answer = await http.patch(f"{WEB}/releases/y8TnVc3GxPq6MfK1wSzBd", json={"status": "failed"})
        assert answer.status_code == 403
    async with client(emu, "fm2_emulator_other_org") as http:
        assert (await http.get(RELEASES)).status_code == 403
        answer = await http.patch(f"{WEB}/releases/y8TnVc3GxPq6MfK1wSzBd", json={"status": "failed"})
        assert answer.status_code == 404
        assert (await http.get(f"{WEB}/releases/all_current")).json() == {}


async def test_organisations(emu: Emulator, fly: Caller) -> None:
    """The only REST call that lists them (reference 8.3)."""
    found = (await fly.get(f"{WEB}/organizations", params={"admin": "false"}))["organizations"]
    assert [(org["slug"], org["personal"]) for org in found] == [("personal", True), ("lab-team", False)]
    one = (await fly.get(f"{WEB}/organizations/lab-team"))["organization"]
    assert one == found[1]
    assert (one["billing_status"], one["paid_plan"]) == ("CURRENT", True)
    await fly.get(f"{WEB}/organizations/nobody", 404)
    async with client(emu, "fm2_emulator_other_org") as http:
        found = (await http.get(f"{WEB}/organizations")).json()["organizations"]
        assert [org["slug"] for org in found] == ["lab-team"]
        assert (await http.get(f"{WEB}/organizations/personal")).status_code == 403


async def test_logs_tell_of_a_boot(fly: Caller) -> None:
    """Reference 8.1: oldest first; who wrote a line is in its meta."""
    machine = await fly.started({"init": {"cmd": ["/bin/serve", "-v"]}})
    page = await fly.get(LOGS)
    first, last = page["data"][0]["attributes"], page["data"][-1]["attributes"]
    assert first["message"] == "Pulling container image nginx"
    assert (first["level"], first["instance"], first["region"]) == ("info", machine["id"], "fra")
    assert first["meta"] == {"instance": machine["id"], "region": "fra", "event": {"provider": "runner"}}
    assert last["message"] == " INFO Preparing to run: `/bin/serve -v` as root"
    assert first["timestamp"] < last["timestamp"]
    assert page["meta"]["next_token"] == page["data"][-1]["id"]


async def test_the_token_leads_on(fly: Caller) -> None:
    """Reference 8.1: the last entry's time in ns, to be passed back."""
    machine = await fly.started()
    token = (await fly.get(LOGS, params={"next_token": ""}))["meta"]["next_token"]
    nothing = await fly.get(LOGS, params={"next_token": token})
    assert nothing == {"data": [], "meta": {"next_token": token}}
    await fly.post(f"{MACHINES}/{machine['id']}/stop")
    await fly.wait(machine, "stopped")
    assert (await messages(fly, next_token=token))[0] == " INFO Main child exited normally with code: 0"
    await fly.get(LOGS, 400, params={"next_token": "yesterday"})


async def test_a_page_holds_a_hundred_lines_the_newest_without_a_token(fly: Caller) -> None:
    """[I]; the whole log keeps the last thousand."""
    machine = await fly.started()
    for _ in range(180):
        await fly.post(f"{MACHINES}/{machine['id']}/restart", params={"force_stop": "true"})
        await anyio.sleep(2)
    newest = await fly.get(LOGS)
    assert len(newest["data"]) == 100
    ids = [int(row["id"]) for row in newest["data"]]
    assert ids == sorted(set(ids))
    read, token = list[str](), "0"
    while page := (await fly.get(LOGS, params={"next_token": token}))["data"]:
        assert len(page) <= 100
        read += [row["id"] for row in page]
        token = page[-1]["id"]
    assert read[-100:] == [row["id"] for row in newest["data"]]
    assert 4 + 6 * 180 > len(read) == 1000


async def test_logs_are_filtered_by_machine_and_region(fly: Caller) -> None:
    """`instance` and `region` (reference 8.1)."""
    first = await fly.started()
    second = await fly.started(region="ams")
    rows = (await fly.get(LOGS, params={"instance": second["id"]}))["data"]
    assert {row["attributes"]["instance"] for row in rows} == {second["id"]}
    rows = (await fly.get(LOGS, params={"region": "fra"}))["data"]
    assert {row["attributes"]["instance"] for row in rows} == {first["id"]}
    assert await messages(fly, instance="unknown") == []


async def test_an_app_that_is_not_there_is_401(emu: Emulator, fly: Caller) -> None:
    """Reference 8.1 [L]; so is one out of sight [I], and a request without a token."""
    await fly.get(f"{WEB}/apps/nowhere/logs", 401)
    async with client(emu, "fm2_emulator_other_org") as http:
        assert (await http.get(LOGS)).status_code == 401
    async with client(emu, None) as http:
        assert (await http.get(LOGS)).status_code == 401


@pytest.mark.parametrize("header", ["word", "Bearer word", "FlyV1 fm2_word"])
async def test_the_token_may_come_without_a_scheme(emu: Emulator, header: str) -> None:
    """As flaude and fly-ftui send it bare (real-clients 2)."""
    async with client(emu, header) as http:
        assert (await http.get(f"{WEB}/apps/catvet-records/logs")).status_code == 200


async def test_a_default_world_has_logs_of_its_past(fly: Caller) -> None:
    """`fly logs --no-tail` waits for ever where there is none."""
    rows = (await fly.get(f"{WEB}/apps/catvet-records/logs"))["data"]
    assert rows[0]["attributes"]["timestamp"] == "2024-01-15T07:59:58.000000000Z"
    assert rows[-1]["attributes"]["meta"]["event"]["provider"] == "health"
    stopped = (await fly.get(f"{WEB}/apps/lab-batch/logs"))["data"]
    assert stopped[-1]["attributes"]["message"].endswith("reboot: Restarting system")


async def test_a_stop_a_suspend_and_a_resume(fly: Caller) -> None:
    """Each is heard of; a volume is unmounted."""
    machine = await fly.started({"mounts": [{"volume": "vol_xxx", "path": "/data"}]})
    path = f"{MACHINES}/{machine['id']}"
    await fly.post(f"{path}/suspend")
    await fly.wait(machine, "suspended")
    await fly.post(f"{path}/start")
    await fly.wait(machine)
    assert (await messages(fly))[-2:] == [
        "Virtual machine has been suspended",
        "Virtual machine has been resumed",
    ]
    await fly.post(f"{path}/stop", json={"signal": "SIGKILL"})
    await fly.wait(machine, "stopped")
    lines = (await messages(fly))[-4:]
    assert lines[:3] == [
        " INFO Main child exited with signal (with signal 'SIGKILL', core dumped? false)",
        " INFO Starting clean up.",
        " INFO Umounting /dev/vdb from /data",
    ]


def world(**image: Any) -> World:
    found = Emulator(clock=LoopClock()).dump()
    found.images["nginx"] = Image(**image)
    return found


async def test_what_the_program_prints_and_how_it_ends(emu: Emulator, fly: Caller) -> None:
    """A world says what an image prints; the exit code is in the log."""
    emu.load(world(prints=["listening on 8080"], crash_after=5, exit_code=3))
    machine = await fly.started({"restart": {"policy": "no"}})
    assert (await messages(fly))[-1] == "listening on 8080"
    await fly.wait(machine, "stopped")
    lines = await messages(fly)
    assert " INFO Main child exited normally with code: 3" in lines
    assert lines[-1] == "machine exited with exit code 3, not restarting"


async def test_a_crash_loop_does_not_say_that_it_ends(emu: Emulator, fly: Caller) -> None:
    """The restart policy brings it back."""
    emu.load(world(crash_after=1))
    await fly.started({"restart": {"policy": "always"}})
    await anyio.sleep(20)
    lines = await messages(fly)
    assert lines.count(" INFO Main child exited normally with code: 1") > 2
    assert not [line for line in lines if "not restarting" in line]


async def test_running_out_of_memory_is_heard_of(emu: Emulator, fly: Caller) -> None:
    """Issue 3: machines log an oom."""
    emu.load(world(crash_after=1, out_of_memory=True))
    machine = await fly.started({"restart": {"policy": "no"}, "init": {"exec": ["/usr/bin/node", "a.js"]}})
    await fly.wait(machine, "stopped")
    rows = [row["attributes"] for row in (await fly.get(LOGS))["data"]]
    errors = [row["message"] for row in rows if row["level"] == "error"]
    assert errors == ["Out of memory: Killed process 314 (node)", "Process appears to have been OOM killed!"]


async def test_a_program_that_cannot_run(emu: Emulator, fly: Caller) -> None:
    """The machine ends `failed`."""
    emu.load(world(cannot_run=True))
    machine = await fly.create()
    await fly.wait(machine, "failed")
    (line,) = [row for row in (await fly.get(LOGS))["data"] if row["attributes"]["level"] == "error"]
    assert "failed to spawn" in line["attributes"]["message"]


async def test_health_checks_are_heard_of(emu: Emulator, fly: Caller) -> None:
    """At the start, passing and failing."""
    emu.load(world(failing_checks=["bad"]))
    await fly.started({"checks": {"good": {"type": "tcp", "port": 80}, "bad": {"type": "tcp", "port": 81}}})
    rows = [row["attributes"] for row in (await fly.get(LOGS))["data"]]
    health = {row["message"]: row["level"] for row in rows if row["meta"]["event"]["provider"] == "health"}
    assert health == {
        "Health check 'good' is now passing.": "info",
        "Health check 'bad' has failed. Your app is not responding properly.": "error",
    }


async def test_releases_logs_and_addresses_are_part_of_the_world(emu: Emulator, fly: Caller) -> None:
    """Issue 3, shows 3: dump, load, dump is identical."""
    await fly.started()
    await release(fly, definition={"app": "catvet-web", "env": {"A": 1}})
    for type_ in ("v6", "shared_v4", "egress_v4"):
        await fly.post("/apps/my-sandbox/ip_assignments", json={"type": type_})
    first = emu.dump().model_dump_json()
    twin = Emulator(World.model_validate_json(first), clock=LoopClock())
    assert twin.dump().model_dump_json() == first
    async with client(twin) as http:
        assert (await Caller(http).get(f"{RELEASES}/current")) == await fly.get(f"{RELEASES}/current")
        assert (await Caller(http).get(LOGS)) == await fly.get(LOGS)
