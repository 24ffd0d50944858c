"""The way up: create, update, start, and what they set in motion (reference 5.2, 6.3)."""

from __future__ import annotations

from fly_mcp_emulator import durations
from fly_mcp_emulator.errors import aborted, precondition
from fly_mcp_emulator.state import State
from fly_mcp_emulator.world import App, BootSecrets, Exit, Machine, Version
from fly_mcp_emulator.world.machine import State as MachineState

from .history import enter, image_of, mounted, note, turn
from .journal import tell_checks
from .rootfs import fresh_files


def create(state: State, app: App, machine: Machine, *, launch: bool) -> None:
    """Set a new machine on its way. Its `config`, `instance_id` and place are already filled in."""
    machine.prepared = False
    machine.versions = [Version(id=machine.instance_id, config=machine.config)]
    take_secrets(app, machine)
    note(state, machine, "launch", "created", "user")
    turn(machine)
    if launch:
        enter(state, machine, "created")
        _later(state, app, machine, durations.PREPARE, boot=True)
    else:
        enter(state, machine, "pending")
        state.schedule(durations.PENDING, "prepare_begins", app.name, machine.id, turn=machine.turn)


def update(state: State, app: App, machine: Machine, *, launch: bool) -> None:
    """Make the machine's new `config` its running version. `instance_id` is already the new one."""
    was: MachineState = machine.state
    machine.versions.append(Version(id=machine.instance_id, config=machine.config))
    # "After an update the list begins afresh for the new version" (reference 5.4 [L]).
    machine.events.clear()
    machine.restarts = 0
    machine.behaves = None
    take_secrets(app, machine)
    note(state, machine, "update", "replacing", "user")
    turn(machine)
    enter(state, machine, "replacing")
    if was in ("started", "stopping", "suspending", "restarting"):
        pause = image_of(state, machine).stop_seconds
        # The exit of a replaced version is not marked as requested (reference 5.4 [L]).
        state.schedule(
            pause, "stop_done", app.name, machine.id, turn=machine.turn, then="boot" if launch else "replace",
            exit_=Exit(),
        )  # fmt: skip
    else:
        launched(state, app, machine, boot=launch)


def launched(state: State, app: App, machine: Machine, *, boot: bool) -> None:
    """The new version is on its host; with `boot` it starts, without it ends stopped."""
    note(state, machine, "launch", "created", "user")
    enter(state, machine, "created")
    machine.prepared = False
    _later(state, app, machine, durations.REPLACE if boot else durations.PREPARE_UPDATE, boot=boot)


def start(state: State, app: App, machine: Machine) -> MachineState:
    """Start a machine. Returns the state it was in. Raises: `FlyError` 412 and 409 of reference 5.3."""
    was = machine.state
    if was in ("started", "starting", "restarting"):
        return was
    if was == "replacing":
        raise precondition("machine getting replaced, refusing to start")
    if was in ("pending", "stopping", "suspending", "destroying") or not machine.prepared:
        raise precondition(f"unable to start machine from current state: '{was}'")
    if state.now() < machine.busy_until:
        raise precondition("machine still active, refusing to start")
    if machine.region in state.world.settings.full_regions:
        raise aborted(
            "could not reserve resource for machine: insufficient memory available to fulfill request "
            "on the current host"
        )
    machine.restarts = 0
    note(state, machine, "start", "starting", "user")
    if was != "suspended":
        # Stop and start picks up new values, a resume does not (reference 6.5 [L]).
        take_secrets(app, machine)
    begin(state, app, machine, resume=was == "suspended")
    return was


def begin(state: State, app: App, machine: Machine, *, resume: bool = False, after: float = 0.0) -> None:
    """Boot, or resume from memory; `after` is a pause before it, not scaled."""
    turn(machine)
    machine.prepared = True
    enter(state, machine, "starting")
    if not resume:
        machine.files = fresh_files(state, app, machine)
    pause = after + (durations.RESUME if resume else durations.BOOT) * state.pace
    state.schedule(pause, "boot_done", app.name, machine.id, turn=machine.turn, scaled=False)


def boot_done(state: State, app: App, machine: Machine) -> None:
    """The machine is up, or will never be."""
    image = image_of(state, machine)
    if image.cannot_run:
        note(state, machine, "exit", "failed", "flyd", Exit(exit_code=127))
        enter(state, machine, "failed")
        return
    mounted(app, machine)
    machine.failing_checks = list(image.failing_checks)
    machine.booted += 1
    machine.started_at = state.now()
    note(state, machine, "start", "started", "flyd")
    enter(state, machine, "started")
    tell_checks(app, machine, state.now())
    if image.crash_after is not None:
        how = (
            Exit(exit_code=137, signal=9, oom_killed=True)
            if image.out_of_memory
            else Exit(exit_code=image.exit_code)
        )
        state.schedule(
            image.crash_after, "process_exited", app.name, machine.id, turn=machine.turn, exit_=how
        )


def prepared(state: State, app: App, machine: Machine, *, boot: bool) -> None:
    """The image is on the host."""
    machine.prepared = True
    if boot:
        begin(state, app, machine)
    elif state.world.settings.skip_launch_rests_in_created:
        enter(state, machine, "created")
    else:
        enter(state, machine, "stopped")


def prepare_begins(state: State, app: App, machine: Machine) -> None:
    """A machine that is not to be launched leaves `pending`."""
    enter(state, machine, "created")
    _later(state, app, machine, durations.PREPARE_UNLAUNCHED, boot=False)


def take_secrets(app: App, machine: Machine) -> None:
    """Give the machine the app's secrets as they are now (reference 6.5)."""
    values = {} if machine.skip_secrets else {name: secret.value for name, secret in app.secrets.items()}
    machine.secrets = BootSecrets(version=app.secrets_version, values=values)


def _later(state: State, app: App, machine: Machine, after: float, *, boot: bool) -> None:
    state.schedule(
        after, "image_prepared", app.name, machine.id, turn=machine.turn, then="boot" if boot else "rest"
    )
