"""`supervisorctl`, worded and numbered as version 4's `supervisorctl.py` does it.

A name that is not known is exit code 1, but 4 in `status`, where a stopped program is 3; starting what runs
and stopping what does not are complaints with code 0.
"""

from __future__ import annotations

from fly_mcp_emulator.shell.call import Call
from fly_mcp_emulator.shell.errors import CommandError, NotModelledError
from fly_mcp_emulator.shell.machine import when
from fly_mcp_emulator.shell.supervision import DEFAULT_CONFIG, RUNNING, STOPPED, Program, programs, set_state

_LSB_UNKNOWN = 4
_LSB_STOPPED = 3
_TAIL_CHARACTERS = 1600
_NOT_MODELLED = frozenset(
    {"reread", "update", "reload", "shutdown", "fg", "signal", "clear", "maintail", "add", "remove", "help"}
)


def supervisorctl(call: Call) -> int:
    """`supervisorctl [-c FILE] status|start|stop|restart|tail|pid|version [NAME...]`."""
    config, words = _options(call)
    path = call.path(config)
    if not call.machine.files.is_file(path):
        call.err(f"Error: could not find config file {config}\nFor help, use {call.name} -h\n")
        return 2
    if not words:
        raise NotModelledError("supervisorctl's own prompt")
    known = {program.name: program for program in programs(call.machine, path)}
    action, names = words[0], words[1:]
    if action == "restart":
        stopped = _each(call, known, names, "stop")
        known = {program.name: program for program in programs(call.machine, path)}
        return stopped if not names else _each(call, known, names, "start") or stopped
    if action in _ACTIONS:
        return _ACTIONS[action](call, known, names)
    if action in _NOT_MODELLED:
        raise NotModelledError(f"supervisorctl {action}")
    call.out(f"*** Unknown syntax: {' '.join(words)}\n")
    return 2


def _options(call: Call) -> tuple[str, list[str]]:
    """Return the configuration's name and what follows the options."""
    words = list(call.args)
    config = DEFAULT_CONFIG
    while words and words[0].startswith("-"):
        option = words.pop(0)
        if option in ("-c", "--configuration") and words:
            config = words.pop(0)
        elif option.startswith("--configuration="):
            config = option.partition("=")[2]
        else:
            raise NotModelledError(f"supervisorctl {option[:40]}")
    return config, words


def _plain(name: str) -> str:
    """Return the program of `group:name`: every program is a group of its own here."""
    group, _, process = name.partition(":")
    return process if process not in ("", "*") else group


def _status(call: Call, known: dict[str, Program], names: list[str]) -> int:
    code = 0
    every = not names or "all" in names
    for name in list(known) if every else names:
        program = known.get(_plain(name))
        if program is None:
            call.out(f"{name}: ERROR (no such process)\n")
            code = _LSB_UNKNOWN
            continue
        if program.running:
            seconds = int(max(0.0, call.machine.clock.now() - program.since))
            clock = f"{seconds // 3600 % 24}:{seconds // 60 % 60:02}:{seconds % 60:02}"
            days = seconds // 86400
            length = f"{days} day{'s' if days != 1 else ''}, {clock}" if days else clock
            detail = f"pid {program.pid}, uptime {length}"
        else:
            detail = _stopped_at(call, program)
            code = code or _LSB_STOPPED
        call.out(f"{program.name:<32} {program.state:<9} {detail}\n")
    return code


def _stopped_at(call: Call, program: Program) -> str:
    if program.since <= call.machine.booted_at():
        return "Not started"
    return f"{when(program.since):%b %d %I:%M %p}"


def _each(call: Call, known: dict[str, Program], names: list[str], action: str) -> int:
    if not names:
        call.out(
            f"Error: {action} requires a process name\n{action} <name>\t\t\t{action.capitalize()} a process\n"
        )
        return 2
    code = 0
    for name in list(known) if "all" in names else names:
        program = known.get(_plain(name))
        call.machine.budget.charge(1)
        if program is None:
            call.out(f"{name}: ERROR (no such process)\n")
            code = 1
        elif program.running == (action == "start"):
            call.out(f"{name}: ERROR ({'already started' if program.running else 'not running'})\n")
        else:
            set_state(call.machine, program, RUNNING if action == "start" else STOPPED)
            call.out(f"{name}: {'started' if action == 'start' else 'stopped'}\n")
    return code


def _tail(call: Call, known: dict[str, Program], words: list[str]) -> int:
    amount = _TAIL_CHARACTERS
    if words and words[0].startswith("-"):
        option = words.pop(0)
        if not option[1:].isdecimal() or len(option) > 9:
            raise NotModelledError(f"supervisorctl tail {option[:20]}")
        amount = int(option[1:])
    if not words:
        raise CommandError("Error: too few arguments", 2)
    program = known.get(_plain(words[0]))
    if program is None:
        call.out(f"{words[0]}: ERROR (no such process name)\n")
        return 1
    channel = words[1] if len(words) > 1 else "stdout"
    log = {"stdout": program.stdout_log, "stderr": program.stderr_log}.get(channel)
    if log is None:
        call.out(f"Error: bad channel {channel!r}\n")
        return 2
    if not call.machine.files.is_file(log):
        call.out(f"{words[0]}: ERROR (no log file)\n")
        return 1
    text = call.machine.files.read(log)
    call.out(text[-amount:] if amount else "")
    return 0


def _pid(call: Call, known: dict[str, Program], names: list[str]) -> int:
    code = 0
    if not names:
        call.out("1\n")
    for name in list(known) if "all" in names else names:
        program = known.get(_plain(name))
        if program is None:
            call.out(f"No such process {name}\n")
            code = 1
        else:
            call.out(f"{program.pid if program.running else 0}\n")
    return code


def _start(call: Call, known: dict[str, Program], names: list[str]) -> int:
    return _each(call, known, names, "start")


def _stop(call: Call, known: dict[str, Program], names: list[str]) -> int:
    return _each(call, known, names, "stop")


def _version(call: Call, _known: dict[str, Program], _names: list[str]) -> int:
    call.out("4.2.5\n")
    return 0


_ACTIONS = {
    "status": _status,
    "start": _start,
    "stop": _stop,
    "tail": _tail,
    "pid": _pid,
    "version": _version,
}
