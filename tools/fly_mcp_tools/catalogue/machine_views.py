"""What an agent sees of one machine: its config in short, its last events, and no value of env or of a header."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field, JsonValue, model_validator

from fly_mcp_tools import config as configs
from fly_mcp_tools import headers
from fly_mcp_tools.composites.history import EventRow, event_row
from fly_mcp_tools.composites.list_machines import MachineRow
from fly_mcp_tools.composites.listing import some
from fly_mcp_tools.foreign import clean, harmless
from fly_mcp_tools.wire import Machine, obj

#: Events of a machine that are shown.
_EVENTS = 5
#: Services and checks that are shown, and what each may hold; keys of metadata, and the characters of a value.
#: Enough for what people run, and little enough for an answer.
_PARTS, _KEYS, _TEXT = 10, 30, 100


class MachineDetail(MachineRow):
    """A machine with its config. Values of env are left out: they may be secrets."""

    instance_id: str = Field(description="version")
    image: str
    cpu_kind: str | None = None
    cpus: int | None = None
    memory_mb: int | None = None
    auto_stop: str | None = Field(
        default=None, description="off, stop, suspend or mixed; absent without a service"
    )
    volume_id: str | None = None
    volume_path: str | None = None
    env_names: list[str]
    metadata: dict[str, JsonValue] | None = None
    services: list[JsonValue] | None = None
    checks: list[JsonValue] | None = None
    restart: JsonValue = None
    host_status: str | None = Field(default=None, description="only where it is not ok")
    cordoned: bool | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    events: list[EventRow] = Field(description="newest first")

    @model_validator(mode="before")
    @classmethod
    def _from_fly(cls, data: object) -> object:
        """From Fly's machine JSON, by way of its own model."""
        if not isinstance(data, dict):
            return data
        return detail(Machine.model_validate(data))


def detail(machine: Machine) -> dict[str, Any]:
    """The record of one machine."""
    config = machine.config or {}
    guest = obj(config.get("guest"))
    mount = machine.mounts[0] if machine.mounts else {}
    metadata = {key: value for key, value in machine.metadata.items() if key != configs.MARK}
    return {
        "id": machine.id,
        "name": machine.name,
        "state": machine.state,
        "region": machine.region,
        "private_ip": machine.private_ip,
        "instance_id": machine.instance_id,
        "image": clean(machine.image),
        "cpu_kind": harmless(guest.get("cpu_kind"), text=60),
        "cpus": guest.get("cpus"),
        "memory_mb": guest.get("memory_mb"),
        "auto_stop": configs.autostop_of(config),
        "volume_id": machine.volume_id,
        "volume_path": harmless(mount.get("path")),
        "env_names": some(clean(name, 100) for name in sorted(obj(config.get("env")))),
        "metadata": harmless(metadata, text=_TEXT, items=_KEYS) or None,
        "services": harmless(headers.hidden([*machine.services]), items=_PARTS) or None,
        "checks": harmless([*machine.checks], text=2 * _TEXT, items=_PARTS) or None,
        "restart": harmless(config.get("restart")),
        "host_status": machine.host_status if machine.host_status not in ("", "ok") else None,
        "cordoned": machine.cordoned or None,
        "created_at": machine.created_at,
        "updated_at": machine.updated_at,
        "events": [event_row(event) for event in machine.events[:_EVENTS]],
    }
