"""What machines write into the app's log (reference 8.1).

The wording is that of logs people have shown in public; which lines there are, and when, is inferred [I].
"""

from __future__ import annotations

from typing import Literal

from fly_mcp_emulator.config import MachineConfig
from fly_mcp_emulator.state import State
from fly_mcp_emulator.views import checks_view
from fly_mcp_emulator.world import App, Event, Exit, Image, LogLine, Machine

Provider = Literal["app", "runner", "health"]
Level = Literal["debug", "info", "warn", "error"]
_NS = 1_000_000_000
_MOST_LINES = 1000
_MAIN_PID = 314
_SIGNAL_NAMES = {2: "SIGINT", 3: "SIGQUIT", 6: "SIGABRT", 9: "SIGKILL", 11: "SIGSEGV", 15: "SIGTERM"}


def record(state: State, machine: Machine, event: Event, image: Image) -> None:
    """Write down what is heard of an event."""
    app = next((app for app in state.world.apps.values() if app.machines.get(machine.id) is machine), None)
    if app is not None:
        tell(app, machine, event, image)


def tell(app: App, machine: Machine, event: Event, image: Image) -> None:
    """Write down what is heard of an event of the app's machine."""
    pen = _Pen(app, machine, event.at)
    match event.type, event.status:
        case "launch", "created":
            pen.write("runner", f"Pulling container image {machine.config.image}")
        case "start", "started" if _resumed(machine, event):
            pen.write("runner", "Virtual machine has been resumed")
        case "start", "started":
            pen.write("runner", "Configuring firecracker")
            pen.write("app", " INFO Starting init (commit: 0000000)...")
            pen.write("app", f" INFO Preparing to run: `{_command(machine.config)}` as root")
            for line in image.prints:
                pen.write("app", line)
        case "suspend", "suspended":
            pen.write("runner", "Virtual machine has been suspended")
        case "exit", "failed":
            pen.write("app", " ERROR Error: failed to spawn command: No such file or directory", "error")
        case "exit", _:
            _tell_exit(pen, machine, event, event.exit or Exit(requested_stop=True))
        case _:
            pass


def tell_checks(app: App, machine: Machine, at: float) -> None:
    """Write down how the health checks of a machine that has just started stand."""
    pen = _Pen(app, machine, at)
    for check in checks_view(machine):
        if check["status"] == "passing":
            pen.write("health", f"Health check '{check['name']}' is now passing.")
        else:
            text = f"Health check '{check['name']}' has failed. Your app is not responding properly."
            pen.write("health", text, "error")


def tell_past(app: App, machines: list[Machine], images: dict[str, Image]) -> None:
    """Write the log that belongs to the events of machines whose past was made up."""
    # Events of a machine are newest first; those of one moment keep their order, since sorting is stable.
    past = [(event, machine) for machine in machines for event in machine.events[::-1]]
    for event, machine in sorted(past, key=lambda one: one[0].at):
        tell(app, machine, event, images.get(machine.config.image) or Image())
        if event.status == "started" and machine.state == "started":
            tell_checks(app, machine, event.at)


def _resumed(machine: Machine, event: Event) -> bool:
    older = machine.events[machine.events.index(event) + 1 :]
    return next((one.type == "suspend" for one in older if one.type != "start"), False)


def _tell_exit(pen: _Pen, machine: Machine, event: Event, how: Exit) -> None:
    if how.oom_killed:
        pen.write("app", f"Out of memory: Killed process {_MAIN_PID} ({_program(machine.config)})", "error")
    elif how.signal:
        name = _SIGNAL_NAMES.get(how.signal, str(how.signal))
        pen.write("app", f" INFO Main child exited with signal (with signal '{name}', core dumped? false)")
    else:
        pen.write("app", f" INFO Main child exited normally with code: {how.exit_code}")
    pen.write("app", " INFO Starting clean up.")
    for mount in machine.config.mounts or []:
        pen.write("app", f" INFO Umounting /dev/vdb from {mount.path}")
    up = max(0.0, event.at - (machine.started_at or event.at))
    pen.write("app", f"[{up:12.6f}] reboot: Restarting system")
    if how.oom_killed:
        pen.write("runner", "Process appears to have been OOM killed!", "error")
    if not how.requested_stop and not how.restarting and machine.state != "replacing":
        pen.write("runner", f"machine exited with exit code {how.exit_code}, not restarting")


class _Pen:
    """Writes lines of one machine at one moment, each a nanosecond after the last of the app's log."""

    def __init__(self, app: App, machine: Machine, at: float) -> None:
        self._app = app
        self._machine = machine
        self._at_ns = int(at * 1000) * (_NS // 1000)

    def write(self, provider: Provider, message: str, level: Level = "info") -> None:
        lines = self._app.logs
        at_ns = max(self._at_ns, lines[-1].at_ns + 1) if lines else self._at_ns
        machine = self._machine
        lines.append(
            LogLine(
                at_ns=at_ns,
                message=message,
                machine=machine.id,
                region=machine.region,
                provider=provider,
                level=level,
            )
        )
        del lines[:-_MOST_LINES]


def _command(config: MachineConfig) -> str:
    init = config.init
    return " ".join(init.exec or [*(init.entrypoint or []), *(init.cmd or [])]) or "/app/server"


def _program(config: MachineConfig) -> str:
    return _command(config).split()[0].rpartition("/")[2] or "server"
