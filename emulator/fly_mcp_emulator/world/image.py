"""What the emulator knows of images: how a machine behaves is a property of what runs on it."""

from __future__ import annotations

from pydantic import Field

from .base import Record


class ListenSocket(Record):
    """An address that a process listens on."""

    proto: str
    address: str


class ImageProcess(Record):
    """A process that the image starts. `cpu` in percent, `rss_kb` in KiB."""

    pid: int
    command: str
    ppid: int = 1
    user: str = "root"
    cpu: float = 0.0
    rss_kb: int = 4096
    directory: str = "/"
    listen_sockets: list[ListenSocket] = Field(default_factory=list[ListenSocket])


class Image(Record):
    """How machines of one image behave. An image that a world does not name runs for ever, well-behaved.

    Times are real seconds of the emulator's clock and are multiplied by its `pace`.
    """

    missing: bool = False
    """The registry does not have it: `MANIFEST_UNKNOWN` on create and update."""
    cannot_run: bool = False
    """It has no command that could be run: the machine goes to `failed`."""
    crash_after: float | None = None
    """The main process exits by itself so long after the start, 0 = at once."""
    exit_code: int = 1
    """With which code it then exits."""
    out_of_memory: bool = False
    """The kernel kills it instead, for want of memory."""
    ignores: list[str] = Field(default_factory=list[str])
    """Signals that the main process does not die of, SIGKILL excepted."""
    stop_seconds: float = 0.2
    """How long it takes from the stop signal to the exit."""
    failing_checks: list[str] = Field(default_factory=list[str])
    """Names of health checks that fail; `*` is all of them."""
    files: dict[str, str] = Field(default_factory=dict[str, str])
    """The root file system at boot, by absolute path; empty: a small standard one."""
    processes: list[ImageProcess] = Field(default_factory=list[ImageProcess])
    """What runs; empty: one process, the main one."""
    prints: list[str] = Field(default_factory=list[str])
    """What the main process writes to the app's log when it starts, line by line."""
