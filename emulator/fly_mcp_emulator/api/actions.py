"""Start, stop, suspend, restart, signal, cordon (reference 4.3, 5.3)."""

from __future__ import annotations

from fly_mcp_emulator import lifecycle
from fly_mcp_emulator.answer import OK, Answer
from fly_mcp_emulator.call import Body, Call
from fly_mcp_emulator.config import Duration, seconds_of
from fly_mcp_emulator.errors import FlyError, bad_request, not_found
from fly_mcp_emulator.lifecycle.halt import SIGNALS, STOP_SIGNALS, check_signal
from fly_mcp_emulator.routing import Endpoint
from fly_mcp_emulator.world import Machine

from .leases import wait_for_lease, yield_to_lease


class Stop(Body):
    """All optional, the body itself too. A bare number is nanoseconds (reference 9, trap 7)."""

    signal: str | None = None
    timeout: Duration | None = None


class Signal(Body):
    """A name; fly-go's kill sends the number 9 (reference 4.3)."""

    signal: str | int | None = None


def start_machine(call: Call) -> Answer:
    """Start a machine."""
    machine = _alive(call)
    yield_to_lease(call, machine)
    was = lifecycle.start(call.state, call.app, machine)
    return Answer({"previous_state": was, "migrated": False, "new_host": ""})


async def stop_machine(call: Call) -> Answer:
    """Stop a machine; the answer comes at once, `stopped` later."""
    body = call.read(Stop, optional=True)
    signal = check_signal(body.signal, STOP_SIGNALS) if body.signal else None
    _alive(call)
    await wait_for_lease(call)
    # fly-go always sends timeout; "0s" is "not given" (reference 4.3 [C]).
    timeout = seconds_of(body.timeout) if body.timeout else 0.0
    if timeout < 0:
        raise bad_request("invalid timeout")
    lifecycle.stop(call.state, call.app, _alive(call), signal, timeout or None)
    return OK


def suspend_machine(call: Call) -> Answer:
    """Write a machine's memory away."""
    machine = _alive(call)
    yield_to_lease(call, machine)
    lifecycle.suspend(call.state, call.app, machine)
    return OK


def restart_machine(call: Call) -> Answer:
    """Stop and start the same version: no new config, no new secrets (reference 6.4, 6.5)."""
    machine = _alive(call)
    signal = call.first("signal")
    if signal is not None:
        check_signal(signal, STOP_SIGNALS)
    timeout = _seconds(call.first("timeout"))
    yield_to_lease(call, machine)
    lifecycle.restart(call.state, call.app, machine, signal, timeout, force=call.flag("force_stop"))
    return OK


def signal_machine(call: Call) -> Answer:
    """Deliver a signal to the main process."""
    given = call.read(Signal).signal
    if given is None:
        raise bad_request("missing signal")
    machine = _alive(call)
    name = (
        next((name for name, number in SIGNALS.items() if number == given), None)
        if isinstance(given, int)
        else given
    )
    if name is None:
        raise bad_request(f"invalid signal: {given}")
    lifecycle.signal(call.state, call.app, machine, check_signal(name, tuple(SIGNALS)))
    return OK


def cordon_machine(call: Call) -> Answer:
    """Take a machine out of the proxy's reach."""
    return _set_cordon(call, cordoned=True)


def uncordon_machine(call: Call) -> Answer:
    """Let the proxy reach it again."""
    return _set_cordon(call, cordoned=False)


def _set_cordon(call: Call, *, cordoned: bool) -> Answer:
    machine = _alive(call)
    yield_to_lease(call, machine)
    machine.cordoned = cordoned
    return OK


def _alive(call: Call) -> Machine:
    machine = call.machine
    if machine.state == "destroyed":
        raise not_found("machine")
    return machine


def _seconds(text: str | None) -> float | None:
    """Read the query's timeout: a Go duration, or a number of seconds (reference 9, trap 43)."""
    if text is None:
        return None
    try:
        seconds = float(text) if text.isascii() and text.isdigit() else seconds_of(text)
    except ValueError:
        raise bad_request(f"invalid timeout: {text[:64]}") from None
    if seconds < 0:
        raise FlyError(400, "invalid_argument: invalid timeout")
    return seconds or None


_MACHINE = "/v1/apps/{app}/machines/{id}"
ENDPOINTS = (
    Endpoint(
        "POST",
        f"{_MACHINE}/start",
        start_machine,
        "C",
        sure=("document", "report", "inferred"),
        lacks="Moving to another host: `migrated` is always false.",
    ),
    Endpoint("POST", f"{_MACHINE}/stop", stop_machine, "C", sure=("client", "document", "report")),
    Endpoint(
        "POST",
        f"{_MACHINE}/suspend",
        suspend_machine,
        "C",
        sure=("document", "inferred"),
        lacks="Falling back to a stop; limits of memory, swap and schedule.",
    ),
    Endpoint(
        "POST", f"{_MACHINE}/restart", restart_machine, "C", sure=("client", "document", "report", "inferred")
    ),
    Endpoint(
        "POST",
        f"{_MACHINE}/signal",
        signal_machine,
        "C",
        sure=("client", "document", "inferred"),
        lacks="What a process makes of a signal, beyond dying of it or not.",
    ),
    Endpoint(
        "POST",
        f"{_MACHINE}/cordon",
        cordon_machine,
        "w",
        sure=("client", "document"),
        lacks="There is no proxy that would heed it.",
    ),
    Endpoint(
        "POST",
        f"{_MACHINE}/uncordon",
        uncordon_machine,
        "w",
        sure=("client", "document"),
        lacks="There is no proxy that would heed it.",
    ),
)
