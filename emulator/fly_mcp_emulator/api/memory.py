"""The memory balloon of a running machine (reference 4.3)."""

from __future__ import annotations

from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.call import Body, Call
from fly_mcp_emulator.errors import bad_request, precondition
from fly_mcp_emulator.routing import Endpoint
from fly_mcp_emulator.world import Machine


class SetLimit(Body):
    """MiB."""

    limit_mb: int | None = None


class Reclaim(Body):
    """MiB."""

    amount_mb: int | None = None


def get_memory(call: Call) -> Answer:
    """Limit and what of it is free, in MiB."""
    return Answer(_view(_started(call)))


def set_memory_limit(call: Call) -> Answer:
    """Move the limit, at most to what the guest has."""
    limit, machine = call.read(SetLimit).limit_mb, _started(call)
    if limit is None or not 1 <= limit <= _size(machine):
        raise bad_request("invalid limit_mb")
    machine.memory_limit_mb = limit
    return Answer(_view(machine))


def reclaim_memory(call: Call) -> Answer:
    """Take back what can be had."""
    amount, machine = call.read(Reclaim).amount_mb, _started(call)
    if amount is None or amount < 0:
        raise bad_request("invalid amount_mb")
    return Answer({"actual_mb": min(amount, _view(machine)["available_mb"])})


def _started(call: Call) -> Machine:
    if call.machine.state != "started":
        raise precondition("machine not running")
    return call.machine


def _size(machine: Machine) -> int:
    return (machine.config.guest.memory_mb if machine.config.guest else None) or 256


def _view(machine: Machine) -> dict[str, int]:
    limit = min(machine.memory_limit_mb or _size(machine), _size(machine))
    return {"limit_mb": limit, "available_mb": limit - limit // 4}


_PATH = "/v1/apps/{app}/machines/{id}/memory"
ENDPOINTS = (
    Endpoint(
        "GET",
        _PATH,
        get_memory,
        "r",
        sure=("document", "inferred"),
        lacks="What processes take of it is made up.",
    ),
    Endpoint("PUT", _PATH, set_memory_limit, "w", sure=("document", "inferred")),
    Endpoint(
        "POST",
        f"{_PATH}/reclaim",
        reclaim_memory,
        "w",
        sure=("document", "inferred"),
        lacks="The amount is made up.",
    ),
)
