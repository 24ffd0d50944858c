"""The default world's machine, and the brief's own exec examples typed as they stand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fly_mcp_emulator.shell import ExecResult
from fly_mcp_emulator.shell.samples import base_files, default_files, default_volume_files
from tests.emulator.shell_machine import PretendMachine


@pytest.fixture
def machine() -> PretendMachine:
    return PretendMachine()


async def test_the_documented_restart_answers_to_the_letter(machine: PretendMachine) -> None:
    """The brief's response of flyExecCommand."""
    command = "supervisorctl -c /etc/supervisor/conf.d/supervisord.conf restart app"
    assert await machine.run("bash", "-c", command) == ExecResult(0, 0, "app: stopped\napp: started\n", "")
    assert (await machine.sh("supervisorctl restart app")).stdout == "app: stopped\napp: started\n"


async def test_the_documented_listing_shows_the_workspace(machine: PretendMachine) -> None:
    result = await machine.run("ls", "-la", "/data/workspace")
    assert (result.exit_code, result.stderr) == (0, "")
    names = [line.split()[-1] for line in result.stdout.splitlines()[1:]]
    assert names == [
        *(
            ".",
            "..",
            ".gitignore",
            "README.md",
            "migrations",
            "package.json",
            "scripts",
            "server.js",
            "uploads",
        ),
    ]
    assert "workspace" in (await machine.run("ls", "/data")).stdout


async def test_the_documented_log_tells_why_it_fails(machine: PretendMachine) -> None:
    result = await machine.run("tail", "-n", "50", "/var/log/opencode-err.log")
    assert result.stdout.count("\n") == 50
    assert "ECONNREFUSED" in result.stdout
    assert "giving up" in result.stdout
    assert int((await machine.run("wc", "-l", "/var/log/opencode-err.log")).stdout.split()[0]) >= 60


async def test_the_documented_ps_shows_supervisord_and_its_programs(machine: PretendMachine) -> None:
    lines = (await machine.run("ps", "aux")).stdout.splitlines()
    assert lines[0] == "USER         PID %CPU %MEM    VSZ   RSS TTY      STAT START  TIME COMMAND"
    text = "\n".join(lines)
    assert all(
        each in text
        for each in ("supervisord -n", "node /data/workspace/server.js", "opencode serve", "ps aux")
    )


@pytest.mark.parametrize("form", [(), ("-e",), ("-ef",), ("aux",), ("-eo", "pid,ppid,%cpu,args")])
async def test_every_form_of_ps_has_one_line_a_process(
    machine: PretendMachine, form: tuple[str, ...]
) -> None:
    result = await machine.run("ps", *form)
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == len(machine.processes) + 2


async def test_a_restarted_program_has_a_new_pid_and_a_new_start(machine: PretendMachine) -> None:
    before = await machine.out("supervisorctl status app")
    assert before == "app                              RUNNING   pid 322, uptime 1:06:38\n"
    await machine.out("supervisorctl restart app; sleep 65")
    after = await machine.out("supervisorctl status app")
    assert after.endswith("uptime 0:01:05\n")
    pid = after.split()[3].rstrip(",")
    assert pid != "322"
    assert (await machine.out("ps -eo pid,args | grep server.js | grep -v grep")).split()[0] == pid


async def test_a_stopped_program_is_gone_from_ps_and_seen_in_status(machine: PretendMachine) -> None:
    """Supervisor 4: `status` ends with 3 when something is not running."""
    assert await machine.out("supervisorctl stop app") == "app: stopped\n"
    status = await machine.run("supervisorctl", "status")
    assert status.exit_code == 3
    assert status.stdout.startswith("app                              STOPPED   Jan 15 09:06 AM\nopencode  ")
    assert "server.js" not in (await machine.run("ps", "-ef")).stdout
    assert await machine.out("supervisorctl stop app; supervisorctl start app; supervisorctl start app") == (
        "app: ERROR (not running)\napp: started\napp: ERROR (already started)\n"
    )


async def test_a_program_stopped_before_a_reboot_runs_after_it(machine: PretendMachine) -> None:
    await machine.out("supervisorctl stop app; sleep 60")
    offset = machine.clock.now() - machine.processes[0].stime
    machine.processes = [replace(each, stime=each.stime + offset) for each in machine.processes]
    assert "RUNNING" in await machine.out("supervisorctl status app")


@pytest.mark.parametrize(
    ("action", "code", "times"),
    [("restart", 1, 2), ("start", 1, 1), ("stop", 1, 1), ("status", 4, 1)],
)
async def test_an_unknown_program_is_no_such_process(
    machine: PretendMachine, action: str, code: int, times: int
) -> None:
    """Supervisor 4: `restart` is stop and then start, so it complains twice."""
    result = await machine.run("supervisorctl", action, "nope")
    assert (result.exit_code, result.stdout) == (code, "nope: ERROR (no such process)\n" * times)


async def test_supervisorctl_tells_a_wrong_config_file(machine: PretendMachine) -> None:
    result = await machine.run("supervisorctl", "-c", "/etc/nope.conf", "status")
    assert (result.exit_code, result.stderr.splitlines()[0]) == (
        2,
        "Error: could not find config file /etc/nope.conf",
    )


async def test_supervisorctl_tail_reads_the_programs_log(machine: PretendMachine) -> None:
    tail = await machine.out("supervisorctl tail -200 opencode stderr")
    assert len(tail) == 200
    assert machine.files["/var/log/opencode-err.log"].endswith(tail)


async def test_a_killed_program_is_started_again_by_its_supervisor(machine: PretendMachine) -> None:
    await machine.out("kill -9 322")
    assert "pid 322," not in await machine.out("supervisorctl status app")


async def test_secrets_in_the_environment_can_be_seen() -> None:
    """Reference 6.2 and 10: exec is how a secret's arrival is observed."""
    machine = PretendMachine(env={"API_KEY": "v2"})
    assert "API_KEY=v2" in (await machine.run("env")).stdout.splitlines()
    assert (await machine.run("printenv", "API_KEY")).stdout == "v2\n"


async def test_any_other_machine_has_a_name_and_an_os() -> None:
    machine = PretendMachine(files=base_files("my-sandbox", "90807060504030"), processes=[])
    assert await machine.out(
        "cat /etc/hostname; grep ^ID= /etc/os-release; ls /data 2>/dev/null || echo none"
    ) == ("90807060504030\nID=debian\nnone\n")


def test_root_and_volume_files_do_not_overlap() -> None:
    """They are mounted apart: what lies under /data lives as long as the volume, the rest as long as the machine."""
    assert [path for path in default_files() if path.startswith("/data/")] == ["/data/"]
    assert all(path.startswith("/data/") for path in default_volume_files())
