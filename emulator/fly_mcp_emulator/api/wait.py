"""Waiting for a machine's state (reference 6.1)."""

from __future__ import annotations

from fly_mcp_emulator.answer import Answer
from fly_mcp_emulator.call import Call
from fly_mcp_emulator.errors import FlyError, bad_request, deadline
from fly_mcp_emulator.routing import Endpoint
from fly_mcp_emulator.world import Machine

_RESTING = ("created", "started", "stopped", "suspended", "failed")
_WAITABLE = ("started", "stopped", "suspended", "destroyed", "failed", "settled")
_SHORTEST, _LONGEST = 1, 60


async def wait_machine(call: Call) -> Answer:
    """Answer when the machine is in one of the states, 408 when it is not in time or will never be."""
    timeout = call.whole("timeout")
    timeout = _LONGEST if timeout is None else timeout
    if not _SHORTEST <= timeout <= _LONGEST:
        raise bad_request("invalid WaitMachineRequest.Timeout: value must be inside range [1s, 1m0s]")
    states = call.every("state") or ["started"]
    for state in states:
        if state not in _WAITABLE:
            raise bad_request("invalid WaitMachineRequest.State: value must be one of the supported states")
    # `instance_id` is the deprecated name of `version`.
    version = call.first("version") or call.first("instance_id")
    machine = call.machine
    if version is not None and all(known.id != version for known in machine.versions):
        raise FlyError(404, "not_found: machine version not found")
    watch = _Watch(call, states, version, call.first("from_event_id"), machine)
    answer = await call.state.until(watch.look, call.state.now() + timeout)
    if answer is None:
        raise watch.missed(call.machine.state)
    return answer


class _Watch:
    """What one waiting request looks for."""

    def __init__(
        self, call: Call, states: list[str], version: str | None, after: str | None, machine: Machine
    ) -> None:
        self._call = call
        self._states = states
        self._version = version
        self._after = after
        self._moved = machine.state not in _RESTING

    def look(self) -> Answer | None:
        """Return the answer when the state is reached. Raises: 404 when gone, 408 when it never will be."""
        machine = self._call.machine
        if self._version is not None and self._version != machine.instance_id:
            raise self.missed("replaced")
        if self._reached(machine):
            event = machine.events[0].id if machine.events else ""
            body = {"ok": True, "state": machine.state, "event_id": event, "version": machine.instance_id}
            return Answer(body)
        resting = machine.state in ("started", "stopped", "suspended", "failed", "destroyed")
        if self._moved and resting:
            # It came to rest elsewhere: 408 before the time is over (reference 6.1 [L]).
            raise self.missed(machine.state)
        self._moved = self._moved or not resting
        return None

    def missed(self, current: str) -> FlyError:
        """Return the 408."""
        wanted = ", ".join(self._states)
        return deadline(f"machine failed to reach desired state, {wanted}, currently {current}")

    def _reached(self, machine: Machine) -> bool:
        settled = "settled" in self._states and self._is_settled(machine)
        if machine.state not in self._states and not settled:
            return False
        # Only events after this one count: with it still the newest, nothing has happened since.
        return self._after is None or not machine.events or machine.events[0].id != self._after

    @staticmethod
    def _is_settled(machine: Machine) -> bool:
        # `created` is a resting state only where nothing more is coming (reference 5.1).
        return machine.state in _RESTING and (machine.state != "created" or machine.prepared)


ENDPOINTS = (
    Endpoint(
        "GET", "/v1/apps/{app}/machines/{id}/wait", wait_machine, "r", sure=("client", "document", "report")
    ),
)
