"""Writing down what happens to a machine (reference 5.4)."""

from __future__ import annotations

from typing import Literal

from fly_mcp_emulator.state import State
from fly_mcp_emulator.world import App, Event, Exit, Image, Machine
from fly_mcp_emulator.world.machine import State as MachineState

from . import journal

_MOST_EVENTS = 100


def enter(state: State, machine: Machine, to: MachineState) -> None:
    """Change a machine's state, now."""
    machine.state = to
    machine.updated_at = state.now()


def note(
    state: State,
    machine: Machine,
    type_: str,
    status: str,
    source: Literal["user", "flyd"],
    exit_: Exit | None = None,
) -> None:
    """Add an event; the newest is the first."""
    at = state.now()
    event = Event(
        id=state.ids.ulid(at), type=type_, status=status, source=source, at=at, exit=exit_,
        restart_count=machine.restarts if exit_ else 0,
    )  # fmt: skip
    machine.events.insert(0, event)
    del machine.events[_MOST_EVENTS:]
    machine.updated_at = at
    journal.record(state, machine, event, image_of(state, machine))


def turn(machine: Machine) -> int:
    """Begin another course: what was scheduled for the old one is void."""
    machine.turn += 1
    return machine.turn


def image_of(state: State, machine: Machine) -> Image:
    """Return how the machine's image behaves, or the machine itself where it differs."""
    return machine.behaves or state.world.images.get(machine.config.image) or _PLAIN


def mounted(app: App, machine: Machine) -> None:
    """Format the volume that a machine is about to mount: it has blocks from now on (reference 3.4)."""
    volume = app.volumes.get(machine.volume_id or "")
    if volume is not None:
        volume.formatted = True


_PLAIN = Image()
