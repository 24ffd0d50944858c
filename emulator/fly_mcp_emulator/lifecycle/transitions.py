"""Which task does what."""

from __future__ import annotations

from fly_mcp_emulator.state import State
from fly_mcp_emulator.world import App, Exit, Machine, Task

from . import boot, halt, storage


def perform(state: State, task: Task) -> None:
    """Do what is due. What has lost its object, or belongs to an older turn of a machine, is void."""
    app = state.world.apps.get(task.app)
    if app is None:
        return
    if task.kind.startswith(("volume", "snapshot")):
        _perform_storage(state, app, task)
        return
    machine = app.machines.get(task.target)
    if machine is None:
        return
    if task.kind == "machine_forgotten":
        machine.readable = False
    elif task.kind == "host_back":
        machine.host_status = "ok"
    elif task.turn == machine.turn:
        _perform_machine(state, app, machine, task)


def _perform_machine(state: State, app: App, machine: Machine, task: Task) -> None:
    match task.kind:
        case "prepare_begins":
            boot.prepare_begins(state, app, machine)
        case "image_prepared":
            boot.prepared(state, app, machine, boot=task.then == "boot")
        case "boot_done":
            boot.boot_done(state, app, machine)
        case "stop_done":
            halt.stop_done(state, app, machine, task.exit or Exit(), task.then)
        case "process_exited":
            halt.exited(state, app, machine, task.exit or Exit())
        case "suspend_done":
            halt.suspend_done(state, machine)
        case "destroy_done":
            halt.destroy_done(state, app, machine)
        case _:
            pass


def _perform_storage(state: State, app: App, task: Task) -> None:
    volume = app.volumes.get(task.target)
    match task.kind:
        case "volume_released" if volume:
            storage.released(state, volume)
        case "volume_ready" if volume:
            storage.ready(state, volume)
        case "volume_destroyed" if volume:
            storage.destroyed(state, volume)
        case "snapshot_done":
            storage.snapshot_done(app, task.target)
        case _:
            pass
