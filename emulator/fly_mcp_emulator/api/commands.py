"""Running commands on machines, and what runs there (reference 6.2, 3.5)."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Any

import anyio

from fly_mcp_emulator import durations, inside
from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.call import Body, Call
from fly_mcp_emulator.errors import FlyError, bad_request, deadline, forbidden, precondition
from fly_mcp_emulator.routing import Endpoint
from fly_mcp_emulator.shell import ExecResult, Process, Shell
from fly_mcp_emulator.world import Machine

_TIMED_OUT = (
    'Post "http://unix/v1/exec": net/http: request canceled (Client.Timeout exceeded while awaiting headers)'
)


class Exec(Body):
    """`command` is argv; `cmd`, the only one that flyctl sends, is split like a command line."""

    command: list[str] | None = None
    cmd: str | None = None
    timeout: int | None = None
    stdin: str = ""
    container: str = ""
    machine: bool = False


@dataclass
class _Run:
    result: ExecResult | None = None
    refusal: FlyError | None = None
    over: anyio.Event = field(default_factory=anyio.Event)


async def exec_command(call: Call) -> Answer:
    """Run a command to its end. A non-zero exit code is a 200; the machine has to be started."""
    body, machine = call.read(Exec), call.machine
    argv = _argv(body)
    if not call.principal.may_run(argv, call.app.org, call.app.name):
        raise forbidden("token is not authorized to run this command")
    _check_container(body, machine)
    if body.timeout is not None and body.timeout < 0:
        raise bad_request("invalid timeout")
    if machine.state != "started":
        raise precondition("machine not running")
    result = await _run(call, machine, argv, body)
    return Answer(
        {
            "exit_code": result.exit_code,
            "exit_signal": result.exit_signal,
            "stdout": result.stdout,
            "stderr": result.stderr,
        }
    )


async def _run(call: Call, machine: Machine, argv: list[str], body: Exec) -> ExecResult:
    """Run against the clock, and against the machine's going away."""
    state, boot, run = call.state, machine.booted, _Run()
    shell = Shell(
        env=inside.environment(call.app, machine),
        files=inside.files(call.app, machine),
        processes=inside.processes(state, machine),
        clock=state.clock,
        hostname=machine.id,
    )
    stdin = body.stdin if state.world.settings.exec_reads_stdin else ""
    until = state.now() + (body.timeout or durations.EXEC_TIMEOUT)

    def look() -> bool | None:
        here = call.app.machines.get(machine.id)
        if run.over.is_set():
            return True
        if here is None or here.state != "started" or here.booted != boot:
            run.refusal = precondition("exec request failed: EOF")
            return True
        return None

    async with anyio.create_task_group() as tasks:

        async def command() -> None:
            run.result = await shell.run(argv, stdin)
            run.over.set()
            state.changed()

        tasks.start_soon(command)
        if await state.until(look, until) is None:
            run.refusal = deadline(_TIMED_OUT)
        # In a real machine it may still be running after a 408 (reference 6.2); here it ends.
        tasks.cancel_scope.cancel()
    if run.result is None:
        raise run.refusal or precondition("exec request failed: EOF")
    return run.result


def list_processes(call: Call) -> Answer:
    """The processes of a started machine."""
    machine = call.machine
    order, key = call.first("order") or "asc", call.first("sort_by") or "pid"
    if order not in ("asc", "desc"):
        raise bad_request("invalid order")
    views = [_process_view(process) for process in _processes(call, machine)]
    if views and key not in views[0]:
        raise bad_request("invalid sort_by")
    views.sort(key=lambda view: _rank(view[key]), reverse=order == "desc")
    return Answer(views)


def _rank(value: object) -> tuple[int, str]:
    return (value, "") if isinstance(value, int) else (0, str(value))


def _processes(call: Call, machine: Machine) -> list[Process]:
    if machine.state != "started":
        raise precondition("machine not running")
    return inside.processes(call.state, machine)


def _process_view(process: Process) -> dict[str, Any]:
    return {
        "pid": process.pid,
        "stime": int(process.stime),
        "rtime": 0,
        "command": process.command,
        "directory": process.directory,
        "cpu": int(process.cpu),
        "rss": process.rss_kb * 1024,
        "listen_sockets": [{"proto": one.proto, "address": one.address} for one in process.listen_sockets],
    }


def _argv(body: Exec) -> list[str]:
    if body.command:
        return body.command
    if not body.cmd or not body.cmd.strip():
        raise bad_request("missing command")
    try:
        # Split like a shell's command line, but not run by a shell (reference 6.2).
        return shlex.split(body.cmd)
    except ValueError as error:
        raise bad_request(f"invalid cmd: {error}") from None


def _check_container(body: Exec, machine: Machine) -> None:
    if not body.container:
        return
    if body.machine:
        raise bad_request("container and machine are mutually exclusive")
    if all(one.name != body.container for one in machine.config.containers or []):
        raise FlyError(404, f"not_found: container {body.container} not found")


_MACHINE = "/v1/apps/{app}/machines/{id}"
ENDPOINTS = (
    Endpoint(
        "POST",
        f"{_MACHINE}/exec",
        exec_command,
        "exec",
        sure=("client", "document", "report", "inferred"),
        lacks=(
            "Commands are those of a small interpreter over the machine's files and environment; none "
            "runs on the host. `machine` and the octet-stream answer are not there."
        ),
    ),
    Endpoint(
        "GET",
        f"{_MACHINE}/ps",
        list_processes,
        "r",
        sure=("client", "document", "inferred"),
        lacks="What commands start and leave behind.",
    ),
)
