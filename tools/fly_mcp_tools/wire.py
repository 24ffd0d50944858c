"""Fly's objects as they come over the wire: only what we read, all of it optional but the ids.

Fly leaves out what is empty and adds fields at will (reference 3), so nothing here insists. A machine's
config stays plain JSON: an update has to send it back whole, keys we have never heard of included.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from fly_mcp_tools.foreign import clean

JsonObject = dict[str, JsonValue]

#: Characters of a name, a state or the like.
_LONGEST = 200


def _word(text: str) -> str:
    plain = len(text) <= _LONGEST and text.isascii() and text.isprintable()
    return text if plain else clean(text, _LONGEST)


#: One line of text from Fly, cleaned where it comes in: whoever made the app may have written it.
Word = Annotated[str, AfterValidator(_word)]

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
    # Built when first used: all of them at once cost a twentieth of the start-up time.
    model_config = ConfigDict(extra="ignore", defer_build=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_absent(cls, value: object) -> object:
        # Go writes an empty list as null and a missing moment as "": both say that nothing is there.
        if not isinstance(value, dict):
            return value
        return {
            key: item for key, item in cast("JsonObject", value).items() if item is not None and item != ""
        }


class Organization(_Wire):
    """An organisation, as an app names it."""

    slug: Word = ""
    name: Word = ""


class App(_Wire):
    """An app. Fly has no URL here; status and counts are not always there (reference 3.1)."""

    id: Word = ""
    name: Word
    status: Word = ""
    machine_count: int | None = None
    network: Word = ""
    organization: Organization | None = None


class Event(_Wire):
    """Something that happened to a machine; newest first in lists. `timestamp` is in milliseconds."""

    id: Word = ""
    type: Word = ""
    status: Word = ""
    source: Word = ""
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
    """A machine. `config` is absent when its host does not answer; part of it may stand in `incomplete_config`."""

    id: Word
    name: Word = ""
    state: Word = ""
    region: Word = ""
    instance_id: Word = ""
    private_ip: Word = ""
    config: JsonObject | None = None
    incomplete_config: JsonObject | None = None
    host_status: Word = "ok"
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
        """The config's metadata, as far as it can be read; empty where there is none."""
        return obj((self.config or self.incomplete_config or {}).get("metadata"))

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
                return _word(volume)
        return None

    @property
    def image(self) -> str:
        """The image as the config names it."""
        return str((self.config or {}).get("image") or "")


class Volume(_Wire):
    """A volume. There is no "attached" state: attachment is `attached_machine_id`."""

    id: Word
    name: Word = ""
    state: Word = ""
    size_gb: int | None = None
    region: Word = ""
    attached_machine_id: Word | None = None
    encrypted: bool | None = None
    host_status: Word = "ok"
    created_at: datetime | None = None
    snapshot_retention: int | None = None
    auto_backup_enabled: bool | None = None
    zone: Word = ""
    fstype: Word = ""
    bytes_used: int | None = None
    bytes_total: int | None = None

    @property
    def dying(self) -> bool:
        """On its way out."""
        return self.state in DYING_VOLUME

    @property
    def free(self) -> bool:
        """Whether a new machine could take it."""
        return not self.dying and not self.attached_machine_id and self.host_status in ("", "ok")


class Snapshot(_Wire):
    """A snapshot of a volume. `size` and `volume_size` are in bytes."""

    id: Word
    status: Word = ""
    created_at: datetime | None = None
    retention_days: int | None = None
    size: int | None = None
    volume_size: int | None = None

    @property
    def complete(self) -> bool:
        """Whether a volume can be made from it."""
        return self.status == "created"


class Secret(_Wire):
    """A secret's name and dates; never its value."""

    name: Word
    digest: Word = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None


class SecretKey(_Wire):
    """A secret key's name and dates; no part of the key, the public one neither."""

    name: Word
    type: Word = ""
    created_at: datetime | None = None
    updated_at: datetime | None = None


class Address(_Wire):
    """An IP address of an app. That one is for outgoing traffic is not told."""

    ip: Word
    region: Word = ""
    service_name: Word = ""
    shared: bool = False
    created_at: datetime | None = None

    @property
    def kind(self) -> str:
        """The type it would be allocated with, as far as it shows."""
        if ":" not in self.ip:
            return "shared_v4" if self.shared else "v4"
        return "private_v6" if self.ip.startswith("fdaa:") else "v6"


class CertificateEntry(_Wire):
    """A certificate for a host name: Fly's own or one that was brought."""

    source: Word = ""
    status: Word = ""
    issuer: Word = ""
    expires_at: datetime | None = None


class DnsRequirements(_Wire):
    """What has to stand in the DNS."""

    a: list[Word] = Field(default_factory=list[Word])
    aaaa: list[Word] = Field(default_factory=list[Word])
    cname: Word = ""
    acme_challenge: JsonObject = Field(default_factory=dict[str, JsonValue])
    ownership: JsonObject = Field(default_factory=dict[str, JsonValue])


class DnsRecords(_Wire):
    """What stands there, as Fly sees it."""

    a: list[Word] = Field(default_factory=list[Word])
    aaaa: list[Word] = Field(default_factory=list[Word])
    cname: list[Word] = Field(default_factory=list[Word])
    resolved_addresses: list[Word] = Field(default_factory=list[Word])
    acme_challenge_cname: Word = ""
    ownership_txt: Word = ""


class Certificate(_Wire):
    """A host name of an app and its certificates; a summary has less of it than the rest."""

    hostname: Word
    status: Word = ""
    configured: bool = False
    acme_requested: bool = False
    has_custom_certificate: bool = False
    has_fly_certificate: bool = False
    created_at: datetime | None = None
    updated_at: datetime | None = None
    certificates: list[CertificateEntry] = Field(default_factory=list[CertificateEntry])
    dns_requirements: DnsRequirements = Field(default_factory=DnsRequirements)
    dns_records: DnsRecords | None = None
    validation_errors: list[JsonObject] = Field(default_factory=list[JsonObject])
    rate_limited_until: Word = ""

    @property
    def custom(self) -> bool:
        """Whether somebody brought a certificate for it."""
        return self.has_custom_certificate or any(one.source == "custom" for one in self.certificates)


class TokenInfo(_Wire):
    """What Fly tells of a token: neither when it ends nor which calls it is good for."""

    token_id: Word = ""
    org_slug: Word = ""
    apps: list[Word] = Field(default_factory=list[Word])
    user: Word = ""
    restricted_to_machine: Word = ""


class Ran(_Wire):
    """What a command printed, and how it ended; Fly leaves zeros out."""

    stdout: str = ""
    stderr: str = ""
    exit_code: int = 0
    exit_signal: int = 0


class Lease(_Wire):
    """A lease on a machine. `expires_at` is in seconds since the epoch; `version` the machine's then."""

    nonce: str = ""
    expires_at: float = 0
    owner: Word = ""
    description: Word = ""
    version: Word = ""


def obj(value: object) -> JsonObject:
    """`value` if it is a JSON object, else an empty one."""
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def objects(value: object) -> list[JsonObject]:
    """The JSON objects in `value`, if it is a list."""
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("JsonObject", item) for item in items if isinstance(item, dict)]
