"""What is wrong with an app's machines, and why, as far as Fly tells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import JsonValue

from fly_mcp_tools import guest
from fly_mcp_tools.foreign import clean
from fly_mcp_tools.wire import Event, Machine

from .app_status_rows import NAMED, CheckRow, ExitRow, Problem, Step

#: So many ends that nobody asked for, within so many seconds, are a loop.
_LOOP, _WITHIN = 3, 600.0
#: An end is of concern for so many seconds, if the machine has run since.
_RECENT = 86_400.0
#: What a shell, or Fly's init, exits with when there is no such command.
_NO_COMMAND = 127
_DOWN = frozenset({"failed", "launch_failed"})
#: flyctl's deploys make checks of this name; Fly's own client does not show them (reference 3.2).
_NOISE = "bg_deployments_compat"
_CHECKS, _EXITS, _OUTPUT = 10, 5, 200
_CHECKS_SAY = (
    "Health checks fail: what runs there does not answer as they want, and a service gets no traffic. Their output "
    "is in failing_checks."
)


@dataclass(frozen=True)
class Exits:
    """The ends of a machine's main process in its present version, newest first."""

    every: tuple[Event, ...]

    @property
    def alone(self) -> list[Event]:
        """Those that nobody asked for."""
        return [one for one in self.every if one.exit.get("requested_stop") is not True]

    @property
    def loop(self) -> bool:
        """Whether several of those came within a short time."""
        at = [one.timestamp / 1000 for one in self.alone]
        return any(new - old <= _WITHIN for new, old in zip(at, at[_LOOP - 1 :], strict=False))


def exits_of(machine: Machine) -> Exits:
    """Its exits since it was launched as what it is: before that, a former version was ended by the update."""
    found: list[Event] = []
    for event in machine.events:
        if event.type in ("launch", "update"):
            break
        if event.exit:
            found.append(event)
    return Exits(tuple(found))


def problems(app_name: str, machines: Sequence[Machine], now: float) -> list[Problem]:
    """What is wrong with them, the causes first, those with the same put together."""
    found: dict[tuple[str, str], list[tuple[Machine, Step]]] = {}
    for machine in machines:
        for slug, says, step in _of(app_name, machine, now):
            found.setdefault((slug, says), []).append((machine, step))
    rows = [
        Problem(
            problem=slug,
            says=says,
            machines=[machine.id for machine, _ in those[:NAMED]],
            count=len(those) if len(those) > NAMED else None,
            next=those[0][1],
        )
        for (slug, says), those in found.items()
    ]
    return [*rows, *_of_all(app_name, machines)]


def _of(app_name: str, machine: Machine, now: float) -> Iterable[tuple[str, str, Step]]:
    one: dict[str, JsonValue] = {"appName": app_name, "machineId": machine.id}
    if machine.host_status not in ("", "ok"):
        yield (
            "host_unreachable",
            "Their host does not answer: Fly has trouble there, and what is shown of them may be old.",
            Step(tool="flyGetMachine", arguments=one),
        )
    if (why := _died(machine, now)) is not None:
        slug, says = why
        step = Step(tool="flyGetLogs", arguments={**one, "lines": 50})
        if slug == "out_of_memory" and (more := _more_memory(machine)) is not None:
            step = Step(tool="flyUpdateMachineConfig", arguments={**one, "memoryMb": more})
        yield slug, says, step
    if failing(machine):
        yield "failing_check", _CHECKS_SAY, Step(tool="flyGetLogs", arguments={**one, "lines": 50})
    if machine.cordoned:
        yield (
            "cordoned",
            "Cordoned: Fly sends them no traffic.",
            Step(tool="flyUncordonMachine", arguments=one),
        )


def _died(machine: Machine, now: float) -> tuple[str, str] | None:
    """Why its main process ended, or never began; None where that is of no concern."""
    exits = exits_of(machine)
    last = exits.alone[0] if exits.alone else None
    newest = exits.every[0] if exits.every else None
    down = machine.state in _DOWN
    if last is None:
        return ("did_not_start", "Never came up: the image may be missing or unfit.") if down else None
    crashed = not machine.running and newest is last
    if not (down or crashed or now - last.timestamp / 1000 <= _RECENT):
        return None
    again = "Started again and again: " if exits.loop else ""
    stays = "; they stay down" if crashed and not again else ""
    code, signal = _code(last), _signal(last)
    if last.exit.get("oom_killed") is True:
        size = guest.of_config(machine.config or {}).get("memory_mb")
        of = f" of {size} MB" if isinstance(size, int) else ""
        return "out_of_memory", _sentence(f"{again}killed for want of memory{of}{stays}.")
    if code == _NO_COMMAND:
        no_command = f"{again}the image has no such command to run (exit code {code}){stays}."
        return "image_cannot_run", _sentence(no_command)
    how = f"by signal {signal}" if signal else f"with exit code {code}"
    if code == 0 and not signal and not exits.loop and not (crashed and machine.services):
        return None  # a task that is done is no trouble; a service that is gone is
    slug = "restart_loop" if exits.loop else "crashed" if code or signal else "exited"
    return slug, _sentence(f"{again}their main process ends by itself {how}{stays}.")


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _of_all(app_name: str, machines: Sequence[Machine]) -> list[Problem]:
    """What is wrong with all of them together."""
    app: dict[str, JsonValue] = {"appName": app_name}
    if not machines:
        step = Step(tool="flyCreateMachine", arguments=app)
        return [Problem(problem="no_machine", says="There is no machine: nothing runs.", next=step)]
    wakes = any(service.get("autostart") for machine in machines for service in machine.services)
    if wakes or any(machine.running for machine in machines):
        return []
    step = Step(tool="flyStartMachine", arguments={**app, "machineId": machines[0].id})
    return [Problem(problem="nothing_runs", says="No machine runs, and no request wakes one.", next=step)]


def failing(machine: Machine) -> list[dict[str, str]]:
    """Checks that do not pass, of a machine that is up: one that is down fails all of them."""
    if machine.state != "started":
        return []
    found: list[dict[str, str]] = []
    for check in machine.checks:
        name, status = str(check.get("name") or ""), str(check.get("status") or "")
        if status in ("critical", "warning") and not name.startswith(_NOISE):
            found.append({"name": name, "status": status, "output": str(check.get("output") or "")})
    return found


def failing_checks(machines: Sequence[Machine]) -> list[CheckRow]:
    """Some of the checks that fail, with what they say."""
    rows = [
        CheckRow(
            machine=machine.id,
            check=clean(check["name"], 80),
            status=check["status"],
            output=clean(check["output"], _OUTPUT),
        )
        for machine in machines
        for check in failing(machine)
    ]
    return rows[:_CHECKS]


def last_exits(machines: Sequence[Machine]) -> list[ExitRow]:
    """How some machines last ended: first those that nobody had asked to."""
    found: list[tuple[bool, int, ExitRow]] = []
    for machine in machines:
        exits = exits_of(machine)
        if not exits.every:
            continue
        alone = exits.alone
        last = (alone or list(exits.every))[0]
        row = ExitRow(
            machine=machine.id,
            at=datetime.fromtimestamp(last.timestamp / 1000, UTC),
            exit_code=_code(last),
            signal=_signal(last),
            oom_killed=True if last.exit.get("oom_killed") is True else None,
            requested=None if alone else True,
            times=len(alone) if len(alone) > 1 else None,
        )
        found.append((not alone, -last.timestamp, row))
    return [row for _, _, row in sorted(found, key=lambda one: one[:2])[:_EXITS]]


def _more_memory(machine: Machine) -> int | None:
    """Twice the memory, if Fly sells it with as many cpus."""
    size = guest.of_config(machine.config or {})
    kind, cpus, memory = guest.KINDS.get(str(size.get("cpu_kind"))), size.get("cpus"), size.get("memory_mb")
    if kind is None or not isinstance(cpus, int) or not isinstance(memory, int):
        return None
    return memory * 2 if memory * 2 <= kind.most_mb * cpus else None


def _code(event: Event) -> int | None:
    for key in ("exit_code", "guest_exit_code"):
        value = event.exit.get(key)
        if isinstance(value, int) and value > 0:
            return value
    return 0


def _signal(event: Event) -> int | None:
    for key in ("guest_signal", "signal"):
        value = event.exit.get(key)
        if isinstance(value, int) and value > 0:
            return value
    return None
