"""The way down: stop, suspend, signals, exits, destruction (reference 5.2, 6.4)."""

from __future__ import annotations

from typing import Literal

from fly_mcp_emulator import durations
from fly_mcp_emulator.config import seconds_of
from fly_mcp_emulator.errors import FlyError, precondition
from fly_mcp_emulator.state import State
from fly_mcp_emulator.world import App, Exit, Machine
from fly_mcp_emulator.world.task import Then

from .boot import begin, launched, start
from .history import enter, image_of, note, turn

SIGNALS = {
    "SIGABRT": 6, "SIGALRM": 14, "SIGFPE": 8, "SIGHUP": 1, "SIGILL": 4, "SIGINT": 2, "SIGKILL": 9,
    "SIGPIPE": 13, "SIGQUIT": 3, "SIGSEGV": 11, "SIGTERM": 15, "SIGTRAP": 5, "SIGUSR1": 10, "SIGUSR2": 12,
}  # fmt: skip
STOP_SIGNALS = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGKILL", "SIGUSR1", "SIGUSR2", "SIGTERM")
# What an ordinary server survives: it reloads on SIGHUP and knows nothing of the others.
_USUALLY_HANDLED = ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGPIPE", "SIGALRM")
_RETRIES = 10
_RETRY_WINDOW = 300.0


def stop(state: State, app: App, machine: Machine, signal_: str | None, timeout: float | None) -> None:
    """Stop a machine; does nothing to one that is down. Raises: `FlyError` 412."""
    launching = machine.state == "created" and not machine.prepared
    if machine.state in ("started", "starting", "suspending", "restarting") or launching:
        # A launch that is stopped is called off [I].
        machine.prepared = True
        note(state, machine, "stop", "stopping", "user")
        enter(state, machine, "stopping")
        _end(state, app, machine, signal_, timeout, "rest")
    elif machine.state == "suspended":
        # The snapshot is thrown away (reference 5.2 [D]).
        note(state, machine, "stop", "stopped", "user")
        turn(machine)
        enter(state, machine, "stopped")
    elif machine.state in ("replacing", "destroying"):
        raise precondition(f"unable to stop machine from current state: '{machine.state}'")


def restart(
    state: State, app: App, machine: Machine, signal_: str | None, timeout: float | None, *, force: bool
) -> None:
    """Stop and start the same version, with the secrets it has (6.4, 6.5). Starts one that is down."""
    match machine.state:
        case "started" | "restarting":
            note(state, machine, "restart", "restarting", "user")
            enter(state, machine, "restarting")
            _end(state, app, machine, "SIGKILL" if force else signal_, timeout, "restart")
        case "starting":
            pass
        case "replacing" | "destroying" | "stopping" | "suspending" | "pending":
            raise precondition(f"unable to restart machine from current state: '{machine.state}'")
        case _:
            kept = machine.secrets
            start(state, app, machine)
            machine.secrets = kept


def suspend(state: State, app: App, machine: Machine) -> None:
    """Write a machine's memory away. Raises: `FlyError` 412 when it is not started (reference 5.3 [I])."""
    if machine.state != "started":
        raise precondition(f"unable to suspend machine from current state: '{machine.state}'")
    note(state, machine, "suspend", "suspending", "user")
    enter(state, machine, "suspending")
    state.schedule(durations.SUSPEND, "suspend_done", app.name, machine.id, turn=turn(machine))


def suspend_done(state: State, machine: Machine) -> None:
    """The machine's memory is written away."""
    note(state, machine, "suspend", "suspended", "flyd")
    enter(state, machine, "suspended")


def signal(state: State, app: App, machine: Machine, name: str) -> None:
    """Deliver a signal; when the process dies of it, the restart policy decides. Raises: `FlyError` 412."""
    if machine.state != "started":
        raise precondition("machine not running")
    image = image_of(state, machine)
    if name != "SIGKILL" and name in (*_USUALLY_HANDLED, *image.ignores):
        return
    number = SIGNALS[name]
    exited(state, app, machine, Exit(exit_code=128 + number, signal=number))


def destroy(state: State, app: App, machine: Machine, *, force: bool) -> None:
    """Destroy a machine. Raises: `FlyError` 412 when it runs and no force is used."""
    if machine.state in ("destroying", "destroyed"):
        return
    if not force and machine.state not in ("stopped", "suspended", "created", "failed"):
        raise precondition("unable to destroy machine, not currently stopped")
    _destroying(state, app, machine, "user")


def destroy_done(state: State, app: App, machine: Machine) -> None:
    """The machine is gone; its volume is free some time later (reference 6.4)."""
    note(state, machine, "destroy", "destroyed", "flyd")
    enter(state, machine, "destroyed")
    machine.destroyed_at = state.now()
    machine.lease = None
    settings = state.world.settings
    for volume in app.volumes.values():
        if volume.attached_machine_id == machine.id:
            volume.releasing = True
            state.schedule(settings.volume_release_seconds, "volume_released", app.name, volume.id)
    state.schedule(settings.gone_seconds, "machine_forgotten", app.name, machine.id)


def stop_done(state: State, app: App, machine: Machine, how: Exit, then: Then) -> None:
    """The process has ended as asked."""
    note(state, machine, "exit", "stopped", "flyd", how)
    match then:
        case "restart":
            begin(state, app, machine)
        case "boot" | "replace":
            launched(state, app, machine, boot=then == "boot")
        case _:
            lingers = state.now() + state.world.settings.still_active_seconds
            machine.busy_until = max(machine.busy_until, lingers)
            enter(state, machine, "stopped")


def exited(state: State, app: App, machine: Machine, how: Exit) -> None:
    """The process has ended by itself: the restart policy decides (reference 3.3, 5.2)."""
    policy = machine.config.restart
    name = (policy.policy if policy else None) or "on-failure"
    retries = (policy.max_retries if policy else None) or _RETRIES
    if machine.started_at is not None and state.now() - machine.started_at > _RETRY_WINDOW:
        machine.restarts = 0
    again = name == "always" or (name == "on-failure" and how.exit_code != 0 and machine.restarts < retries)
    if machine.config.auto_destroy and not again:
        note(state, machine, "exit", "stopped", "flyd", how)
        _destroying(state, app, machine, "flyd")
        return
    if not again:
        note(state, machine, "exit", "stopped", "flyd", how)
        turn(machine)
        enter(state, machine, "stopped")
        return
    machine.restarts += 1
    note(state, machine, "exit", "stopped", "flyd", how.model_copy(update={"restarting": True}))
    note(state, machine, "restart", "restarting", "flyd")
    begin(state, app, machine, after=durations.RESTART_BACKOFF)


def _destroying(state: State, app: App, machine: Machine, source: Literal["user", "flyd"]) -> None:
    note(state, machine, "destroy", "destroying", source)
    enter(state, machine, "destroying")
    state.schedule(durations.DESTROY, "destroy_done", app.name, machine.id, turn=turn(machine))


def _end(
    state: State, app: App, machine: Machine, signal_: str | None, timeout: float | None, then: Then
) -> None:
    """Send the stop signal, and SIGKILL when the time is over."""
    config, image = machine.config.stop_config, image_of(state, machine)
    name = signal_ or (config.signal if config else None) or "SIGINT"
    if timeout is None:
        timeout = seconds_of(config.timeout) if config and config.timeout else durations.KILL_TIMEOUT
    killed = name == "SIGKILL" or name in image.ignores or image.stop_seconds > timeout
    after = 0.0 if name == "SIGKILL" else min(image.stop_seconds, timeout)
    if name in image.ignores:
        after = timeout
    how = Exit(requested_stop=True, restarting=then == "restart")
    if killed:
        how.exit_code, how.signal = 137, 9
    state.schedule(after, "stop_done", app.name, machine.id, turn=turn(machine), then=then, exit_=how)


def check_signal(name: str, allowed: tuple[str, ...]) -> str:
    """Return the name of a signal. Raises: `FlyError` 400."""
    if name not in allowed:
        raise FlyError(400, f"invalid_argument: invalid signal: {name}")
    return name
