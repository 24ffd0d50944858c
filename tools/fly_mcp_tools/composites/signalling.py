"""flySignalMachine: a signal for the main process, sent once."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field

from fly_mcp_tools.api import leases, machines
from fly_mcp_tools.call import Call
from fly_mcp_tools.errors import FlyError, MaybeDone, TimedOut, WrongState
from fly_mcp_tools.models import WriteResult

from . import lasting
from .lifecycle import Driven

_SENT = "sent"
#: Fly's list (reference 4.3). A validator knows it and not the schema, where it would cost seventy tokens.
_SIGNALS: Final = (
    "SIGABRT", "SIGALRM", "SIGFPE", "SIGHUP", "SIGILL", "SIGINT", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGSEGV",
    "SIGTERM", "SIGTRAP", "SIGUSR1", "SIGUSR2",
)  # fmt: skip


def _signal(name: str) -> str:
    if name not in _SIGNALS:
        raise ValueError(f"must be one of: {', '.join(_SIGNALS)}")
    return name


class SignalMachine(Driven):
    """Which signal."""

    signal: Annotated[str, AfterValidator(_signal), Field(description='E.g. "SIGHUP"')]


class Signalled(WriteResult):
    """The machine a moment after the signal. What the process does with it, nobody tells."""

    id: str
    signal: str
    state: str = Field(description="state now; what dies of it is started again by the restart policy")


async def signal(call: Call, params: SignalMachine) -> Signalled:
    """Send a signal. It leaves no trace that could be looked up, so it is never sent twice.

    Raises:
        WrongState: the machine is not started, or would destroy itself when its process ends.
        MaybeDone: Fly's answer was lost, in this call or in an earlier one with its request id.
    """
    if _SENT in call.journal.notes:
        raise _lost(params, "by an earlier call with this requestId ")
    machine = await machines.there(call, params.app_name, params.machine_id)
    if machine.state != "started":
        raise WrongState(
            f"Machine {machine.id} is {machine.state}: there is no process to send {params.signal} to.",
            hint="flyStartMachine starts it.",
            facts={"state": machine.state},
        )
    async with leases.held(call, params.app_name, machine.id, nonce=params.nonce) as lease:
        await lasting.read(call, params.app_name, machine.id)
        call.journal.note(_SENT, True)
        try:
            await machines.signal(call, params.app_name, machine.id, params.signal, nonce=lease.nonce)
        except (MaybeDone, TimedOut) as error:
            raise _lost(params, "", error) from None
    try:
        state = (await machines.get(call, params.app_name, machine.id)).state
    except FlyError:
        state = "unknown"  # it was sent, and that is all that was asked for
    return Signalled(outcome="done", id=machine.id, signal=params.signal, state=state)


def _lost(params: SignalMachine, by: str, error: FlyError | None = None) -> MaybeDone:
    return MaybeDone(
        f"{params.signal} was sent {by}to machine {params.machine_id} and Fly's answer was lost: the process may have "
        "got it. It was not sent again.",
        hint="flyListEvents shows whether the process ended; to send it again, use another requestId.",
        status=error.status if error else None,
        request_id=error.request_id if error else None,
    )
