"""A machine and what hangs on it (reference 3.2, 5)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fly_mcp_emulator.config import MachineConfig

from .base import Record
from .image import Image
from .secret import BootSecrets

State = Literal[
    "pending",
    "created",
    "starting",
    "started",
    "stopping",
    "stopped",
    "suspending",
    "suspended",
    "restarting",
    "replacing",
    "failed",
    "destroying",
    "destroyed",
]
"""Reference 5.1. The documented `creating`, `updating`, `launch_failed` and `migrated` do not occur here."""

HostStatus = Literal["ok", "unknown", "unreachable"]


class ImageRef(Record):
    """A resolved image."""

    registry: str = ""
    repository: str = ""
    tag: str = ""
    digest: str = ""
    labels: dict[str, str] = Field(default_factory=dict[str, str])


class Exit(Record):
    """How a main process ended."""

    exit_code: int = 0
    signal: int = 0
    oom_killed: bool = False
    requested_stop: bool = False
    restarting: bool = False


class Event(Record):
    """One line of a machine's history."""

    id: str
    type: str
    status: str
    source: Literal["user", "flyd"]
    at: float
    exit: Exit | None = None
    restart_count: int = 0


class Lease(Record):
    """The right of one caller to change a machine, for a while."""

    nonce: str
    owner: str
    expires_at: float
    description: str = ""


class Version(Record):
    """One version of a machine; the last of the list is the current one."""

    id: str
    config: MachineConfig


class Machine(Record):
    """A machine. Only `id`, `name`, `region` and `config` have to be in a world file."""

    id: str
    name: str
    region: str
    config: MachineConfig
    state: State = "started"
    instance_id: str = ""
    """The current version; made up when empty."""
    private_ip: str = ""
    image_ref: ImageRef = ImageRef()
    host_status: HostStatus = "ok"
    cordoned: bool = False
    created_at: float = 0.0
    updated_at: float = 0.0
    destroyed_at: float | None = None
    events: list[Event] = Field(default_factory=list[Event])
    """Newest first."""
    versions: list[Version] = Field(default_factory=list[Version])
    """Oldest first."""
    lease: Lease | None = None
    secrets: BootSecrets = BootSecrets()
    """The app's secrets as they were when the running version booted."""
    skip_secrets: bool = False
    prepared: bool = True
    """Whether the image is on the host: before that a machine in `created` cannot be started."""
    busy_until: float = 0.0
    """Until then the old runtime is still being torn down, and a start is refused (reference 5.3)."""
    started_at: float | None = None
    restarts: int = 0
    """Restarts by policy since the last start."""
    booted: int = 0
    """Counts boots: what runs inside belongs to one of them."""
    turn: int = 0
    """Counts calls that change the machine's course: tasks of an older turn are void."""
    files: dict[str, str] = Field(default_factory=dict[str, str])
    """The ephemeral root file system."""
    failing_checks: list[str] = Field(default_factory=list[str])
    """Names of health checks that fail now; `*` is all of them. Each boot sets it anew, from the image."""
    behaves: Image | None = None
    """How it behaves, instead of as its image does; an update ends it."""
    hidden_until: float = 0.0
    """Until then it answers 404 and is not in its app's list: other nodes have not heard of it yet."""
    memory_limit_mb: int | None = None
    needs_restart_to_extend: bool = False
    """An older machine, which sees an extended volume only after a restart (reference 6.7)."""
    readable: bool = True
    """False once a destroyed machine answers 404."""

    @property
    def alive(self) -> bool:
        """Whether it is neither destroyed nor on the way there."""
        return self.state not in ("destroying", "destroyed")

    @property
    def volume_id(self) -> str | None:
        """The volume of its only mount, if it has one."""
        mounts = self.config.mounts or []
        return mounts[0].volume if mounts else None
