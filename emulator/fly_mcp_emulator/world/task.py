"""Something that is going to happen."""

from __future__ import annotations

from typing import Literal

from .base import Record
from .machine import Exit

TaskKind = Literal[
    "prepare_begins",
    "image_prepared",
    "boot_done",
    "process_exited",
    "stop_done",
    "suspend_done",
    "destroy_done",
    "machine_forgotten",
    "host_back",
    "volume_released",
    "volume_ready",
    "volume_destroyed",
    "snapshot_done",
]
Then = Literal["rest", "boot", "restart", "replace", "destroy"]


class Task(Record):
    """A scheduled transition. Data, not code, so that a dumped world can go on where it was."""

    due: float
    order: int
    """Ties are settled in the order of scheduling."""
    kind: TaskKind
    app: str
    target: str
    """The id of a machine or volume."""
    turn: int = 0
    """For machines: void when the machine has taken another turn since."""
    then: Then = "rest"
    """What follows: on an exit, or on an image that is prepared."""
    exit: Exit | None = None
