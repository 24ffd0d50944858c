"""Metadata of machines: no new version, no restart, no lease needed (reference 4.5)."""

from __future__ import annotations

from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.call import Body, Call
from fly_mcp_emulator.errors import FlyError, bad_request, precondition
from fly_mcp_emulator.routing import Endpoint
from fly_mcp_emulator.views import moment
from fly_mcp_emulator.world import Machine


class Metadata(Body):
    """Null or an empty string removes a key."""

    metadata: dict[str, str | None] | None = None
    machine_version: str | None = None
    updated_at: str | None = None


class Value(Body):
    """One value."""

    value: str | None = None
    updated_at: str | None = None


def show_metadata(call: Call) -> Answer:
    """All of it."""
    return Answer(dict(call.machine.config.metadata or {}))


def replace_metadata(call: Call) -> Answer:
    """PUT: what is not sent is gone."""
    return _write(call, {})


def merge_metadata(call: Call) -> Answer:
    """PATCH: what is not sent stays."""
    return _write(call, call.machine.config.metadata or {})


def get_key(call: Call) -> Answer:
    """One value."""
    value = (call.machine.config.metadata or {}).get(call.params["key"])
    if value is None:
        raise FlyError(404, "not_found: metadata key not found")
    return Answer({"value": value})


def set_key(call: Call) -> Answer:
    """Set one value."""
    body, machine = call.read(Value), call.machine
    if body.value is None:
        raise bad_request("missing value")
    _check_fresh(machine, None, body.updated_at)
    _store(call, machine, (machine.config.metadata or {}) | {call.params["key"]: body.value})
    return Answer(status=204)


def delete_key(call: Call) -> Answer:
    """Remove one value; one that is not there is fine."""
    machine = call.machine
    kept = {key: value for key, value in (machine.config.metadata or {}).items() if key != call.params["key"]}
    _store(call, machine, kept)
    return Answer(status=204)


def _write(call: Call, base: dict[str, str]) -> Answer:
    body, machine = call.read(Metadata), call.machine
    if body.metadata is None:
        raise bad_request("missing metadata")
    _check_fresh(machine, body.machine_version, body.updated_at)
    merged = base | {key: value or "" for key, value in body.metadata.items()}
    _store(call, machine, {key: value for key, value in merged.items() if value})
    return Answer(status=204)


def _check_fresh(machine: Machine, version: str | None, updated_at: str | None) -> None:
    if version and version != machine.instance_id:
        raise precondition("machine_version does not match the current version")
    if updated_at and updated_at != moment(machine.updated_at):
        raise precondition("updated_at does not match")


def _store(call: Call, machine: Machine, metadata: dict[str, str]) -> None:
    machine.config = machine.config.model_copy(update={"metadata": metadata or None})
    machine.updated_at = call.state.now()


_PATH = "/v1/apps/{app}/machines/{id}/metadata"
ENDPOINTS = (
    Endpoint("GET", _PATH, show_metadata, "r", sure=("client", "document")),
    Endpoint("PUT", _PATH, replace_metadata, "w", sure=("document",)),
    Endpoint("PATCH", _PATH, merge_metadata, "w", sure=("document",)),
    Endpoint("GET", f"{_PATH}/{{key}}", get_key, "r", sure=("document",)),
    Endpoint("POST", f"{_PATH}/{{key}}", set_key, "w", sure=("client", "document", "report")),
    Endpoint("DELETE", f"{_PATH}/{{key}}", delete_key, "w", sure=("client", "document")),
)
