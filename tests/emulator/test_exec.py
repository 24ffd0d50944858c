"""Running commands on machines (reference 6.2)."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from fly_mcp_emulator import Emulator
from fly_mcp_emulator.world import Image
from tests.emulator.caller import MACHINES, Caller

SEEDS = "/apps/catvet-records/machines/7846e45f27e218"


async def test_a_command_is_an_argv_and_no_shell(fly: Caller) -> None:
    """Reference 6.2."""
    machine = await fly.started()
    assert await fly.run(machine, "echo", "$HOME;", "a  b") == {
        "exit_code": 0,
        "exit_signal": 0,
        "stdout": "$HOME; a  b\n",
        "stderr": "",
    }


async def test_cmd_is_split_like_a_command_line(fly: Caller) -> None:
    """Reference 6.2, trap 10: the only key that flyctl sends."""
    machine = await fly.started()
    answer = await fly.post(f"{MACHINES}/{machine['id']}/exec", json={"cmd": "echo 'a  b' c"})
    assert answer["stdout"] == "a  b c\n"


async def test_a_failing_command_is_a_200(fly: Caller) -> None:
    """Reference 6.2: a non-zero exit code is still HTTP 200; a missing program is code 127."""
    machine = await fly.started()
    assert (await fly.run(machine, "sh", "-c", "exit 3"))["exit_code"] == 3
    assert (await fly.run(machine, "frobnicate"))["exit_code"] == 127


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"command": []},
        {"cmd": "  "},
        {"cmd": "echo 'open"},
        {"command": "ls -la"},
        {"command": ["ls", 1]},
        {"command": ["ls"], "timeout": "30"},
        {"command": ["ls"], "timeout": -1},
        {"command": ["ls"], "container": "web", "machine": True},
    ],
)
async def test_a_bad_request_is_a_400(fly: Caller, body: dict[str, Any]) -> None:
    """Reference 6.2."""
    machine = await fly.started()
    await fly.post(f"{MACHINES}/{machine['id']}/exec", 400, json=body)


async def test_the_machine_has_to_be_started(fly: Caller) -> None:
    """Reference 6.2: 412, and exec does not wake it; suspended counts as not running (trap 26)."""
    machine = await fly.started()
    await fly.post(f"{MACHINES}/{machine['id']}/suspend")
    await fly.wait(machine, "suspended")
    text = await fly.error("POST", f"{MACHINES}/{machine['id']}/exec", 412, json={"cmd": "true"})
    assert text == "failed_precondition: machine not running"
    assert await fly.state(machine) == "suspended"


async def test_a_timeout_is_flys_408(fly: Caller) -> None:
    """Reference 6.2 [F: flyctl issue 4194]."""
    machine = await fly.started()
    before = anyio.current_time()
    body = {"command": ["sleep", "20"], "timeout": 5}
    text = await fly.error("POST", f"{MACHINES}/{machine['id']}/exec", 408, json=body)
    assert text == (
        'deadline_exceeded: Post "http://unix/v1/exec": net/http: request canceled '
        "(Client.Timeout exceeded while awaiting headers)"
    )
    assert anyio.current_time() - before == pytest.approx(5)


async def test_a_machine_that_goes_away_ends_the_command(fly: Caller) -> None:
    """Reference 5.3 [L]."""
    machine = await fly.started()
    text = ""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_stop_later, fly, machine)
        body = {"command": ["sleep", "20"]}
        text = await fly.error("POST", f"{MACHINES}/{machine['id']}/exec", 412, json=body)
    assert text == "failed_precondition: exec request failed: EOF"


async def _stop_later(fly: Caller, machine: dict[str, Any]) -> None:
    await anyio.sleep(2)
    await fly.post(f"{MACHINES}/{machine['id']}/stop")


async def test_stdin_does_not_reach_the_process_unless_the_world_says_so(emu: Emulator, fly: Caller) -> None:
    """Reference 6.2 [L]; not settled (12), so a setting."""
    machine = await fly.started()
    assert (await fly.run(machine, "cat", stdin="hello"))["stdout"] == ""
    world = emu.dump()
    world.settings.exec_reads_stdin = True
    emu.load(world)
    assert (await fly.run(machine, "cat", stdin="hello"))["stdout"] == "hello"


async def test_files_on_a_volume_outlive_the_machine(fly: Caller) -> None:
    """Reference 6.4: the root file system is reset, the volume is not."""
    mounts = {"mounts": [{"volume": "vol_xxx", "path": "/data"}]}
    machine = await fly.started(mounts)
    assert (await fly.run(machine, "ls", "/data"))["exit_code"] == 0
    await fly.run(machine, "sh", "-c", "mkdir /data/sub; echo a > /data/sub/kept; echo b > /root/lost")
    await fly.delete(f"{MACHINES}/{machine['id']}?force=true")
    await fly.wait(machine, "destroyed")
    await anyio.sleep(5)
    other = await fly.started(mounts)
    assert (await fly.run(other, "cat", "/data/sub/kept"))["stdout"] == "a\n"
    assert (await fly.run(other, "cat", "/root/lost"))["exit_code"] == 1


async def test_files_of_the_config_are_written_at_boot(fly: Caller) -> None:
    """Reference 3.3, 6.5: raw_value and secret_name are base64."""
    await fly.post("/apps/my-sandbox/secrets", json={"values": {"CERT": "c2VjcmV0"}})
    files = [
        {"guest_path": "/etc/hello", "raw_value": "aGVsbG8="},
        {"guest_path": "/etc/cert", "secret_name": "CERT"},
    ]
    machine = await fly.started({"files": files})
    assert (await fly.run(machine, "cat", "/etc/hello", "/etc/cert"))["stdout"] == "hellosecret"


async def test_the_environment_holds_flys_own_variables(fly: Caller) -> None:
    """Reference 6.2: commands run with the machine's environment."""
    machine = await fly.started({"env": {"NODE_ENV": "production"}})
    env = await fly.env(machine)
    assert env["FLY_APP_NAME"] == "my-sandbox"
    assert env["FLY_MACHINE_ID"] == machine["id"]
    assert env["FLY_REGION"] == machine["region"]
    assert env["FLY_MACHINE_VERSION"] == machine["instance_id"]
    assert env["NODE_ENV"] == "production"


async def test_containers_are_named(fly: Caller) -> None:
    """Reference 6.2."""
    machine = await fly.started({"containers": [{"name": "web", "image": "nginx"}]})
    assert machine["containers"] == [{"name": "web", "state": "running"}]
    assert (await fly.run(machine, "echo", "hi", container="web"))["stdout"] == "hi\n"
    await fly.post(f"{MACHINES}/{machine['id']}/exec", 404, json={"cmd": "ls", "container": "db"})


async def test_the_seeds_commands_run_on_the_seeds_machine(fly: Caller) -> None:
    """Seed 000: every documented command can be typed as it stands."""

    async def run(*command: str) -> dict[str, Any]:
        answer: dict[str, Any] = await fly.post(f"{SEEDS}/exec", json={"command": list(command)})
        assert answer["exit_code"] == 0, answer
        return answer

    assert "README.md" in (await run("ls", "-la", "/data/workspace"))["stdout"]
    supervisor = "supervisorctl -c /etc/supervisor/conf.d/supervisord.conf restart app"
    assert (await run("bash", "-c", supervisor))["stdout"] == "app: stopped\napp: started\n"
    assert "opencode" in (await run("ps", "aux"))["stdout"]
    assert (await run("tail", "-n", "50", "/var/log/opencode-err.log"))["stdout"]


async def test_processes_are_listed_and_sorted(emu: Emulator, fly: Caller) -> None:
    """Reference 3.5, 4.3."""
    listed = await fly.get(f"{SEEDS}/ps")
    assert [process["pid"] for process in listed] == sorted(process["pid"] for process in listed)
    assert {"pid", "stime", "rtime", "command", "directory", "cpu", "rss", "listen_sockets"} == listed[
        0
    ].keys()
    by_size = await fly.get(f"{SEEDS}/ps?sort_by=rss&order=desc")
    assert [process["rss"] for process in by_size] == sorted((p["rss"] for p in listed), reverse=True)
    await fly.get(f"{SEEDS}/ps?sort_by=colour", 400)
    await fly.get(f"{SEEDS}/ps?order=sideways", 400)
    machine = await fly.started({"init": {"cmd": ["node", "x.js"]}, "services": [{"internal_port": 8080}]})
    main = (await fly.get(f"{MACHINES}/{machine['id']}/ps"))[1]
    assert main["command"] == "node x.js"
    assert main["listen_sockets"] == [{"proto": "tcp", "address": "0.0.0.0:8080"}]
    await fly.get(f"{MACHINES}/{(await fly.create())['id']}/ps", 412)


async def test_an_image_brings_its_files(emu: Emulator, fly: Caller) -> None:
    """A world's images say what is on the root file system."""
    world = emu.dump()
    world.images["nginx"] = Image(files={"/etc/nginx/nginx.conf": "worker_processes 1;\n"})
    emu.load(world)
    machine = await fly.started()
    assert (await fly.run(machine, "cat", "/etc/nginx/nginx.conf"))["stdout"] == "worker_processes 1;\n"
