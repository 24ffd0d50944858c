"""`ps`, `kill` and `sleep`."""

from __future__ import annotations

import re
from collections.abc import Callable

from fly_mcp_emulator.shell.call import Call, parse_options, whole_number
from fly_mcp_emulator.shell.errors import CommandError, NotModelledError
from fly_mcp_emulator.shell.machine import Machine, when
from fly_mcp_emulator.shell.model import Process
from fly_mcp_emulator.shell.session import SHELL_PID
from fly_mcp_emulator.shell.supervision import RUNNING, processes, programs, set_state

_DURATION = re.compile(r"([0-9]{0,9}(?:\.[0-9]{0,9})?)([smhd]?)\Z")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_SIGNALS = {"0", "1", "2", "3", "9", "10", "12", "15", "HUP", "INT", "QUIT", "KILL", "USR1", "USR2", "TERM"}
_HARMLESS = {"0", "10", "12", "USR1", "USR2", "1", "HUP"}


def _running(call: Call) -> list[Process]:
    """Return everything that runs, `ps` itself included."""
    others = processes(call.machine)
    pid = max([call.machine.free_pid(), *(process.pid for process in others)]) + 2
    command = " ".join([call.name, *call.args])
    return [*others, Process(pid, 1, "root", command, 0.0, 3_612, call.machine.clock.now())]


def _cpu_time(process: Process, machine: Machine) -> int:
    return int(max(0.0, machine.clock.now() - process.stime) * process.cpu / 100)


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _start(process: Process, machine: Machine) -> str:
    begun = when(process.stime)
    return f"{begun:%H:%M}" if machine.clock.now() - process.stime < 86400 else f"{begun:%b%d}"


def _elapsed(process: Process, machine: Machine) -> str:
    seconds = int(max(0.0, machine.clock.now() - process.stime))
    days = f"{seconds // 86400}-" if seconds >= 86400 else ""
    hours = f"{seconds // 3600 % 24:02}:" if seconds >= 3600 else ""
    return f"{days}{hours}{seconds // 60 % 60:02}:{seconds % 60:02}"


def _memory(process: Process, machine: Machine) -> str:
    return f"{100 * process.rss_kb / machine.memory_kib()[0]:.1f}"


def _state(process: Process, machine: Machine) -> str:
    running = process.stime == machine.clock.now() and process.command.startswith("ps")
    return "R" if running else "Ss" if process.pid == 1 else "Sl" if process.rss_kb > 50_000 else "S"


_Show = Callable[[Process, Machine], str]
_FIELDS: dict[str, tuple[str, _Show]] = {
    "user": ("USER", lambda process, _: process.user),
    "uid": ("UID", lambda process, _: process.user),
    "pid": ("PID", lambda process, _: str(process.pid)),
    "ppid": ("PPID", lambda process, _: str(process.ppid)),
    "pcpu": ("%CPU", lambda process, _: f"{process.cpu:.1f}"),
    "%cpu": ("%CPU", lambda process, _: f"{process.cpu:.1f}"),
    "c": ("C", lambda process, _: str(int(process.cpu))),
    "pmem": ("%MEM", _memory),
    "%mem": ("%MEM", _memory),
    "vsz": ("VSZ", lambda process, _: str(process.rss_kb * 4)),
    "rss": ("RSS", lambda process, _: str(process.rss_kb)),
    "tty": ("TTY", lambda _process, _machine: "?"),
    "stat": ("STAT", _state),
    "start": ("START", _start),
    "stime": ("STIME", _start),
    "etime": ("ELAPSED", _elapsed),
    "time": ("TIME", lambda process, machine: _clock(_cpu_time(process, machine))),
    "bsdtime": (
        "TIME",
        lambda process, machine: (
            f"{(_cpu_time(process, machine)) // 60}:{_cpu_time(process, machine) % 60:02}"
        ),
    ),
    "comm": ("CMD", lambda process, _: process.command.split(" ")[0].rpartition("/")[2]),
    "args": ("COMMAND", lambda process, _: process.command),
    "cmd": ("CMD", lambda process, _: process.command),
}
_FIELDS["command"] = _FIELDS["args"]
_LEFT = {"USER", "UID", "TTY", "STAT", "COMMAND", "CMD", "START"}
_WIDTHS = {
    "USER": 8,
    "UID": 8,
    "PID": 7,
    "PPID": 7,
    "%CPU": 4,
    "%MEM": 4,
    "C": 2,
    "VSZ": 6,
    "TTY": 8,
    "STAT": 4,
}
_AUX = ["user", "pid", "%cpu", "%mem", "vsz", "rss", "tty", "stat", "start", "bsdtime", "command"]
_FULL = ["uid", "pid", "ppid", "c", "stime", "tty", "time", "cmd"]
_PLAIN = ["pid", "tty", "time", "comm"]


def ps(call: Call) -> int:
    """List processes: plain, `aux`, `-ef`, `-o FIELDS`, `-p PIDS`, `--sort FIELD`."""
    chosen = _running(call)
    bsd = bool(call.args) and not call.args[0].startswith("-")
    if bsd:
        if set(call.args[0]) - set("auxwef"):
            raise NotModelledError(f"ps {call.args[0][:20]}")
        call.args[0] = f"-{call.args[0]}"
    options = parse_options(call, "auxewfAF", "opSC", {"sort": "S", "no-headers": "N", "noheaders": "N"}, "N")
    columns = _AUX if bsd or options.flags & {"u"} else _FULL if options.flags & {"f", "F"} else _PLAIN
    if "o" in options.values:
        columns = [name for name in options.values["o"].replace(",", " ").split() if name]
    unknown = [name for name in columns if name not in _FIELDS]
    if unknown or options.operands:
        raise NotModelledError(f"ps {' '.join(unknown + options.operands)[:40]}")
    if "p" in options.values:
        wanted = set(options.values["p"].replace(",", " ").split())
        chosen = [process for process in chosen if str(process.pid) in wanted]
    if "C" in options.values:
        chosen = [
            process for process in chosen if _FIELDS["comm"][1](process, call.machine) == options.values["C"]
        ]
    if "S" in options.values:
        chosen = _sorted(chosen, options.values["S"])
    _print(call, columns, chosen, header="N" not in options.flags)
    return 0 if chosen else 1


def _sorted(chosen: list[Process], key: str) -> list[Process]:
    keys: dict[str, Callable[[Process], float]] = {
        "cpu": lambda process: process.cpu,
        "mem": lambda process: process.rss_kb,
        "rss": lambda process: process.rss_kb,
        "pid": lambda process: process.pid,
    }
    name = (
        key.lstrip("+-").lstrip("%p")
        if key.lstrip("+-") in ("%cpu", "%mem", "pcpu", "pmem")
        else key.lstrip("+-")
    )
    if name not in keys:
        raise NotModelledError(f"ps --sort={key[:20]}")
    return sorted(chosen, key=keys[name], reverse=key.startswith("-"))


def _print(call: Call, columns: list[str], chosen: list[Process], *, header: bool) -> None:
    titles = [_FIELDS[name][0] for name in columns]
    rows = [[_FIELDS[name][1](process, call.machine) for name in columns] for process in chosen]
    call.machine.budget.charge(len(rows) * len(columns))
    widths = [
        max(_WIDTHS.get(titles[at], 5), *(len(row[at]) for row in [titles, *rows]))
        for at in range(len(columns))
    ]
    for row in [titles, *rows] if header else rows:
        cells = [
            cell.ljust(width) if title in _LEFT else cell.rjust(width)
            for cell, width, title in zip(row, widths, titles, strict=True)
        ]
        call.out(" ".join(cells).rstrip() + "\n")


def kill(call: Call) -> int:
    """Signal processes. What supervisord runs is started again; ending anything else is not modelled."""
    words = list(call.args)
    signal = "TERM"
    if words and words[0] == "-s" and len(words) > 1:
        signal = words[1]
        words = words[2:]
    elif words and words[0].startswith("-") and words[0] != "--":
        signal = words.pop(0)[1:]
    signal = signal.upper().removeprefix("SIG")
    if signal == "L":
        raise NotModelledError("kill -l")
    if signal not in _SIGNALS:
        raise CommandError(f"invalid signal specification: {signal[:40]}")
    words = [word for word in words if word != "--"]
    if not words:
        raise CommandError("usage: kill [-s sigspec | -signum] pid", 2)
    code = 0
    supervised = {program.pid: program for program in programs(call.machine) if program.running}
    alive = {process.pid for process in processes(call.machine)} | {SHELL_PID}
    for word in words:
        pid = whole_number(word, "process id")
        if pid in supervised:
            if signal not in _HARMLESS:
                set_state(call.machine, supervised[pid], RUNNING)
        elif pid not in alive:
            call.complain(f"({pid}) - No such process")
            code = 1
        elif signal not in _HARMLESS:
            raise NotModelledError(f"kill -{signal} of a process that no supervisor starts again ({pid})")
    return code


async def sleep(call: Call) -> int:
    """Wait on the machine's clock: `5`, `0.5`, `2m`, `infinity`."""
    if not call.args:
        raise CommandError("missing operand")
    total = 0.0
    for argument in call.args:
        found = _DURATION.match(argument)
        if argument in ("infinity", "inf"):
            total = 1e9
        elif found and found[1].strip("."):
            total += float(found[1]) * _SECONDS[found[2]]
        else:
            raise CommandError(f"invalid time interval '{argument[:80]}'")
    await call.machine.clock.sleep(call.machine.budget.sleep(total))
    return 0
