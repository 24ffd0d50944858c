"""The pretend supervisord: its programs come from its configuration, their states are kept in files.

A program's state lies in `/var/run/supervisor/NAME.state` as `STATE first-pid pid since`, so that it lives as
long as the machine's files do. Without such a file the program runs as the process that has its command.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .machine import Machine
from .model import Process

DEFAULT_CONFIG = "/etc/supervisor/conf.d/supervisord.conf"
"""Where the real one never looks unasked; but `supervisorctl restart app`, with no `-c`, has to work too."""
_STATE_DIR = "/var/run/supervisor"
RUNNING = "RUNNING"
STOPPED = "STOPPED"


@dataclass(frozen=True, slots=True)
class Program:
    """A supervised program. `first_pid` is its process in the machine's list, 0 when it has none there."""

    name: str
    command: str
    state: str
    first_pid: int
    pid: int
    since: float
    stdout_log: str = ""
    stderr_log: str = ""

    @property
    def running(self) -> bool:
        """Tell whether it runs."""
        return self.state == RUNNING


def programs(machine: Machine, config: str = DEFAULT_CONFIG) -> list[Program]:
    """Return the programs of a configuration, sorted by name as supervisorctl prints them."""
    if not machine.files.is_file(config):
        return []
    sections: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in machine.files.read(config).split("\n"):
        text = line.partition(" ;")[0].strip()
        if text.startswith("[program:") and text.endswith("]"):
            current = sections.setdefault(text[len("[program:") : -1].strip(), {})
        elif text.startswith("["):
            current = {}
        elif "=" in text and not text.startswith((";", "#")):
            key, _, value = text.partition("=")
            current[key.strip()] = value.strip()
    found: list[Program] = []
    for name, keys in sections.items():
        if name and "/" not in name:
            machine.budget.charge(1)
            found.append(_program(machine, name, keys))
    return sorted(found, key=lambda program: program.name)


def _program(machine: Machine, name: str, keys: dict[str, str]) -> Program:
    command = keys.get("command", "")
    own = next((each for each in machine.base_processes if command and each.command == command), None)
    program = Program(
        name,
        command,
        RUNNING if own or keys.get("autostart", "true") != "false" else STOPPED,
        own.pid if own else 0,
        own.pid if own else _made_up_pid(machine, name),
        own.stime if own else machine.booted_at(),
        keys.get("stdout_logfile", ""),
        keys.get("stderr_logfile", ""),
    )
    path = f"{_STATE_DIR}/{name}.state"
    words = machine.files.read(path).split() if machine.files.is_file(path) else []
    if len(words) != 4 or not all(
        word.isascii() and word.isdecimal() and len(word) <= 12 for word in words[1:]
    ):
        return program
    since = float(words[3])
    if int(words[1]) != program.first_pid or since < machine.booted_at():
        # The machine has booted anew since: supervisord starts everything then.
        return program
    state = words[0] if words[0] in (RUNNING, STOPPED) else program.state
    return replace(program, state=state, pid=int(words[2]), since=since)


def _made_up_pid(machine: Machine, name: str) -> int:
    highest = max((each.pid for each in machine.base_processes), default=1)
    return highest + 1 + sum(map(ord, name)) % 15


def set_state(machine: Machine, program: Program, state: str) -> None:
    """Start or stop a program: write its state file. A started one has a new process id."""
    pid = machine.free_pid() if state == RUNNING else 0
    for above in ("/var", "/var/run", _STATE_DIR):
        if not machine.files.is_dir(above):
            machine.files.make_dir(above)
    line = f"{state} {program.first_pid} {pid} {int(machine.clock.now())}\n"
    machine.files.write(f"{_STATE_DIR}/{program.name}.state", line)


def processes(machine: Machine) -> list[Process]:
    """Return what runs now: the machine's list, with what supervisord has stopped and started since."""
    changed = {program.first_pid: program for program in programs(machine) if program.first_pid}
    found: list[Process] = []
    for process in machine.base_processes:
        program = changed.get(process.pid)
        if program is None:
            found.append(process)
        elif program.running:
            found.append(replace(process, pid=program.pid, stime=program.since))
    return sorted(found, key=lambda process: process.pid)
