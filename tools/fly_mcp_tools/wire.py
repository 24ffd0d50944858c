"""Fly's objects as they come over the wire: only what we read, all of it optional but the ids.

Fly leaves out what is empty and adds fields at will (reference 3), so nothing here insists. A machine's
config stays plain JSON: an update has to send it back whole, keys we have never heard of included.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

JsonObject = dict[str, JsonValue]

#: Volume states on the way out; Fly lists such volumes for another 24 hours (reference 4.6).
DYING_VOLUME = frozenset(
    {"scheduling_destroy", "fork_cleanup", "waiting_for_detach", "pending_destroy", "destroying", "destroyed"}
)
GONE_MACHINE = frozenset({"destroyed", "destroying"})
#: Up, or on the way up: such a machine is to be up again after an update (reference 6.3).
RUNNING = frozenset({"started", "starting", "restarting", "replacing", "updating"})
#: Groups that flyctl's deploys use for themselves (reference 7.1).
RESERVED_GROUPS = frozenset(
    {"fly_app_release_command", "fly_app_test_machine_command", "fly_app_console", "release_command"}
)


class _Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, value: object) -> object:
        # Go writes an empty list as null and a missing moment as "": both say that nothing is there.
        if not isinstance(value, dict):
            return value
        return {key: item for key, item in cast("JsonObject", value).items() if item is not None and item != ""}


class Organization(_Wire):
    """An organisation, as an app names it."""

    slug: str = ""
    name: str = ""


class App(_Wire):
    """An app. Fly has no URL here; status and counts are not always there (reference 3.1)."""

    id: str = ""
    name: str
    status: str = ""
    machine_count: int | None = None
    network: str = ""
    organization: Organization | None = None


class Event(_Wire):
    """Something that happened to a machine; newest first in lists. `timestamp` is in milliseconds."""

    id: str = ""
    type: str = ""
    status: str = ""
    source: str = ""
    timestamp: int = 0
    request: JsonObject | None = None

    @property
    def exit(self) -> Mapping[str, JsonValue]:
        """How the process ended: exit_code, oom_killed, requested_stop, ... Empty where this is no exit."""
        request = self.request or {}
        monitor = request.get("MonitorEvent")  # older events nest it
        nested = monitor if isinstance(monitor, dict) else request
        found = nested.get("exit_event")
        return found if isinstance(found, dict) else {}


class Machine(_Wire):
    """A machine. `config` is absent when its host does not answer."""

    id: str
    name: str = ""
    state: str = ""
    region: str = ""
    instance_id: str = ""
    private_ip: str = ""
    config: JsonObject | None = None
    host_status: str = "ok"
    cordoned: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None
    events: list[Event] = Field(default_factory=list[Event])
    checks: list[JsonObject] = Field(default_factory=list[JsonObject])
    image_ref: JsonObject | None = None

    @property
    def running(self) -> bool:
        """Up, or on the way up."""
        return self.state in RUNNING

    @property
    def gone(self) -> bool:
        """Destroyed or being destroyed."""
        return self.state in GONE_MACHINE

    @property
    def metadata(self) -> Mapping[str, JsonValue]:
        """The config's metadata; empty where there is none."""
        return obj((self.config or {}).get("metadata"))

    @property
    def group(self) -> str:
        """The process group; "" where the machine was not made by `fly deploy` (reference 7.1)."""
        value = self.metadata.get("fly_process_group") or self.metadata.get("process_group") or ""
        return str(value)

    @property
    def standby(self) -> bool:
        """Waits, stopped, for another machine to fail."""
        return bool((self.config or {}).get("standbys"))

    @property
    def mounts(self) -> list[JsonObject]:
        """The config's mounts; Fly allows one."""
        return objects((self.config or {}).get("mounts"))

    @property
    def services(self) -> list[JsonObject]:
        """The config's services: what the proxy sends traffic to."""
        return objects((self.config or {}).get("services"))

    @property
    def volume_id(self) -> str | None:
        """The volume mounted, if any."""
        for mount in self.mounts:
            if isinstance(volume := mount.get("volume"), str):
                return volume
        return None

    @property
    def image(self) -> str:
        """The image as the config names it."""
        return str((self.config or {}).get("image") or "")

    def last_exit(self) -> Mapping[str, JsonValue]:
        """How the main process last ended; empty where no event tells."""
        nothing: Mapping[str, JsonValue] = {}
        return next((event.exit for event in self.events if event.exit), nothing)


class Volume(_Wire):
    """A volume. There is no "attached" state: attachment is `attached_machine_id`."""

    id: str
    name: str = ""
    state: str = ""
    size_gb: int | None = None
    region: str = ""
    attached_machine_id: str | None = None
    encrypted: bool | None = None
    host_status: str = "ok"
    created_at: datetime | None = None

    @property
    def dying(self) -> bool:
        """On its way out."""
        return self.state in DYING_VOLUME

    @property
    def free(self) -> bool:
        """Whether a new machine could take it."""
        return not self.dying and not self.attached_machine_id and self.host_status in ("", "ok")


class Secret(_Wire):
    """A secret's name and dates; never its value."""

    name: str
    digest: str = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Lease(_Wire):
    """A lease on a machine. `expires_at` is in seconds since the epoch; `version` the machine's then."""

    nonce: str = ""
    expires_at: float = 0
    owner: str = ""
    description: str = ""
    version: str = ""


def obj(value: object) -> JsonObject:
    """`value` if it is a JSON object, else an empty one."""
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def objects(value: object) -> list[JsonObject]:
    """The JSON objects in `value`, if it is a list."""
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("JsonObject", item) for item in items if isinstance(item, dict)]
